"""What the workflows function does for each kind of block: one module a kind."""
