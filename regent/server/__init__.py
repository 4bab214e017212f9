"""regent.server."""
