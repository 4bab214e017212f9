"""Outcomes become conditions, and are written when they are news."""
