"""Time of one call, of training and of prediction, against the built-in loss and other packages."""
