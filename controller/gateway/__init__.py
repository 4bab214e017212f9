"""Read-only views of all Regents over HTTP, and who may see them."""
