"""Every query and installed function as a `.sql` file, and the one way to read them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def load(name: str) -> str:
    """The text of `sql/<name>.sql`: `load("inspect/roles")`."""
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def compose(name: str, **words: str) -> str:
    """The same with `:word:` replaced, where a parameter cannot stand. Only for words of ours."""
    text = load(name)
    for word, value in words.items():
        text = text.replace(f":{word}:", value)
    return text
