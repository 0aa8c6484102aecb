"""What Rollcall costs, measured beside the least that it could cost. `make bench`."""
