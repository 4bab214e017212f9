"""controller.observe."""
