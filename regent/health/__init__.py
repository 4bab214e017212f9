"""regent.health."""
