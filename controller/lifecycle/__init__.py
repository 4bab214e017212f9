"""controller.lifecycle."""
