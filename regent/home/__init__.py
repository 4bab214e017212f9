"""The home database: making it, believing it, reading and writing it, its locks."""
