"""The Regent's HTTP API: `/v1` for the controller, and health and metrics for everybody."""
