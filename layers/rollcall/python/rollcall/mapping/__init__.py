"""From an app's record to a person: paths, templates, constants, conditions. Pure functions."""
