"""Effective access: who has what by all that leads there, and what a change makes of it. Pure."""
