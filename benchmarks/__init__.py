"""Benchmarks of quality, speed and scaling; ``python -m benchmarks --help`` lists the commands."""
