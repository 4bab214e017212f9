"""controller.gateway."""
