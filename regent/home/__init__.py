"""regent.home."""
