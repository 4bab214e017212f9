"""Kubernetes as the controller sees it: requests, watches, a queue, a lease, events."""
