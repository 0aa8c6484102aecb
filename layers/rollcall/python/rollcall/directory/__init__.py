"""The roster: people, accounts, groups and grants."""
