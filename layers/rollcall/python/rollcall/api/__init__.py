"""The HTTP API: routes of every feature in one resolver, and its document."""
