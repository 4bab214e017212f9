"""controller.core."""
