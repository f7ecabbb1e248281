"""Probabilities and ranking on real data, against the built-in losses and other packages."""
