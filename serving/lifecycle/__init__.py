"""A server's life: start, lock, model swap, reload."""
