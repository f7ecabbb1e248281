"""What the library is measured by: its speed and its quality."""
