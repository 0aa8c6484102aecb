"""Mappings over HTTP: suggestions, preview, explain, and all of them in one list."""

from rollcall.api.routing import Routes

routes = Routes("Mappings")
