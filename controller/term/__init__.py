"""controller.term."""
