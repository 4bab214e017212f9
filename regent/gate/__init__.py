"""regent.gate."""
