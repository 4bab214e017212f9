"""controller.local."""
