"""regent.passes."""
