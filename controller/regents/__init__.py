"""controller.regents."""
