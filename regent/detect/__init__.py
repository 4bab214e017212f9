"""What changed: event triggers, the listener, and the watcher of what fires none."""
