"""How long one call, training and prediction take beside the built-in loss and the peers."""
