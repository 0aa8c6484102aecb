"""Single calls that change or show a user in an app: presets, and what became of each use."""
