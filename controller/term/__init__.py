"""One leadership, from its first look to its last write."""
