"""Undocumented behaviour of other packages that focal_boost relies on, one test for each.

If a new version changes such behaviour, the test that fails here names the cause.
"""
