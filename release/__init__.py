"""What makes a release: `python -m release`. How one is made: docs/releasing.md."""
