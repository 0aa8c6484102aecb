"""What Rollcall knows about each app, and the engine that runs it."""
