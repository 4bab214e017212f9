"""controller.workloads."""
