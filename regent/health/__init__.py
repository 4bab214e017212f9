"""What `readyz`, the status and the metrics say of the Regent itself."""
