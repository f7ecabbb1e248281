"""Measurements that are no tests: how fast, and how good on real data."""
