"""The controller's core: resources in, one desired state per Regent out, outcomes back."""
