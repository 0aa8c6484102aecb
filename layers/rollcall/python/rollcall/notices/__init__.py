"""Telling an integration's contacts what they must know, once each."""
