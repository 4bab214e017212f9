"""Passwords that are made here (`credentials` of a User), and the Secrets that keep them."""
