"""One run: begin, pull, reconcile, finish."""
