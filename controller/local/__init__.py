"""Directory mode: reading YAML, Regents as child processes, the board of their states."""
