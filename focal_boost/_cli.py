"""The entry point of ``focal-boost``: says what to install where a package is missing, else runs the command."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from focal_boost._compare._command import run_command
    except ImportError as error:
        sys.exit(f"focal-boost needs {error.name}: pip install 'focal-boost[all]'")
    run_command(sys.argv[1:])
