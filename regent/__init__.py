"""The Regent: one PostgreSQL server's daemon. Desired, inspect, plan, render, apply."""
