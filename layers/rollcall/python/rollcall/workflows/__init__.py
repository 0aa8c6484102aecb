"""Presets and other blocks in a chain: documents, their state machines, and their life."""
