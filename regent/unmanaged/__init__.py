"""Roles that may log in though nobody declares them, and which of them Disable spares. Pure."""
