"""One pass: look, decide, apply, look again, and say what became of each resource."""
