"""regent.report."""
