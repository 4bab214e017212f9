"""One base for what we raise on purpose; the docstring of a subclass is its default message."""

from __future__ import annotations


class PostgRegentError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None, *, way_out: str = "") -> None:
        text = message or (type(self).__doc__ or "").strip().splitlines()[0]
        super().__init__(text)
        self.message = text
        self.way_out = way_out

    def __str__(self) -> str:
        return f"{self.message} {self.way_out}".strip()
