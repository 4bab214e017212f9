"""Each command's arguments, options and help; `cli.main` says in which order they are listed.

What a command needs is imported when it is called, so that `--help` and completion are quick.
"""
