"""Resources of a whole, put in force some at a time (ADR 64)."""
