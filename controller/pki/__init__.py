"""controller.pki."""
