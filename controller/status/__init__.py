"""controller.status."""
