"""Attacks, each with the legitimate use beside it."""
