"""The chart, and what writes its README."""
