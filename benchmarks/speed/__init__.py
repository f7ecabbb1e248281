"""Time of one call, of training and of prediction, relative to the built-in loss and other packages."""
