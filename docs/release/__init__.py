"""What makes a release: `python -m docs.release`. How one is made: docs/releasing.md."""
