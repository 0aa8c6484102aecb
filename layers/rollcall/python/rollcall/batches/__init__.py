"""One preset used for many users: checked whole, done row by row, stopped and retried."""
