"""Where resources are read from: a directory of YAML, or Kubernetes."""
