"""A password that is nowhere else, so that finding its bytes anywhere proves that it leaked."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.postgres.server import PostgresServer


@dataclass(frozen=True, slots=True)
class Canary:
    """One random password. Its letters need no quoting in SQL, JSON, YAML or an address."""

    password: str = field(default_factory=lambda: f"canary{secrets.token_hex(12)}", repr=False)

    def forms(self) -> Iterator[bytes]:
        """How it might appear: as it is, in hexadecimal, inside something encoded as base64."""
        plain = self.password.encode()
        yield plain
        yield plain.hex().encode()
        for shift in range(3):
            # Only the letters whose six bits all come from the password.
            whole = base64.b64encode(b"x" * shift + plain)
            yield whole[-(-shift * 8 // 6) : (shift + len(plain)) * 8 // 6]

    def is_in(self, content: bytes) -> bool:
        """Whether any of its forms is."""
        return any(form in content for form in self.forms())

    def assert_nowhere(self, places: dict[str, bytes | str | Path]) -> None:
        """Fail with the names of the places that hold it, never with their content.

        A folder is searched with everything below it. An empty dictionary proves nothing and
        is refused.
        """
        assert places, "nothing was searched"
        leaks = [name for name, place in places.items() if self.is_in(_content(place))]
        assert not leaks, f"the password is to be read in: {', '.join(leaks)}"


async def everything_of(server: PostgresServer) -> dict[str, bytes | str | Path]:
    """What the server has written: its log, all tables and the WAL, and what sessions last ran."""
    connection = await server.connect()
    try:
        activity = await connection.fetch("SELECT a::text FROM pg_catalog.pg_stat_activity a")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    return {
        "the server's log": server.log_path,
        "the server's data folder": server.data_dir,
        "pg_stat_activity": "\n".join(row[0] for row in activity),
    }


def _content(place: bytes | str | Path) -> bytes:
    if isinstance(place, Path):
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        return b"\n".join(_bytes_of(file) for file in files)
    return place.encode() if isinstance(place, str) else place


def _bytes_of(file: Path) -> bytes:
    """A running server removes files while we read."""
    try:
        return file.read_bytes() if file.is_file() else b""
    except FileNotFoundError:
        return b""
