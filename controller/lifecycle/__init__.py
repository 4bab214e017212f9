"""Finalizers, deletions and uninstalling: what may go, when, and what is told of it."""
