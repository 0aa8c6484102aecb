"""One integration is one connection to one tenant of an app."""
