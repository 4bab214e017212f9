"""A PostgreSQL of our own, for the newcomer and for the tests: its programs, data and process."""
