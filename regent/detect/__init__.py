"""regent.detect."""
