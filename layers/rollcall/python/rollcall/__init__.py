"""Rollcall: who holds which account, group and role in every SaaS app."""
