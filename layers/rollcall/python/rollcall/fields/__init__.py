"""The columns of People: the standard ones, and those that a deployment adds."""
