"""How good the probabilities and the ranking are on real data, against the built-in losses and other packages."""
