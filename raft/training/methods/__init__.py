"""One page a way of training."""
