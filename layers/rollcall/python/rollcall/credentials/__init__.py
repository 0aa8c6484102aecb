"""How requests to an app are signed: names in the config table, values in Secrets Manager."""
