"""Leases: Users that the controller makes of one with `credentials.mode: Dynamic`, for a while."""
