"""Compiling: resources in, one desired state per Regent out; for a cluster and a directory."""
