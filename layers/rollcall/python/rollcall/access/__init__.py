"""Who may call, what they changed, and how refusals are worded."""
