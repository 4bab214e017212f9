"""Compiling: resources in, one desired state per Regent out. Shared by a cluster and a directory."""
