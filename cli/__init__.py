"""The `postgregent` command."""
