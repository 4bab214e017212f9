"""What is wrong with `--dsn`, in words that quote no part of what may be a password."""

from __future__ import annotations

from shared.errors import PostgRegentError

EXAMPLE = "postgresql://admin@db.example.com:5432/mydb"


class BadDsnError(PostgRegentError):
    """--dsn cannot be read."""

    def __init__(self, message: str, *, way_out: str = "") -> None:
        super().__init__(f"--dsn {message}.", way_out=way_out or f"Write it as {EXAMPLE}.")
