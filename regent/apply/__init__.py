"""regent.apply."""
