"""Every query and installed function as a `.sql` file, and the one way to read them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def load(name: str) -> str:
    """The text of `sql/<name>.sql`: `load("inspect/roles")`."""
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
