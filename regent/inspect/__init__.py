"""Reads the catalog into the values of regent.observed. Reads only, in one snapshot each."""

from regent.inspect.assemble import Interest
from regent.inspect.database import inspect_changed, inspect_database
from regent.inspect.server import inspect_server

__all__ = ["Interest", "inspect_changed", "inspect_database", "inspect_server"]
