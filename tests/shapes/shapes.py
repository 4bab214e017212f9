"""Makes each shape on a plain PostgreSQL, and prepares it as docs/managed-postgresql.md says.

A shape is who the admin is: attributes, groups, and who owns the database and what stands in it.
Its file says where that is so. What only the real service does (event triggers of somebody who is
no superuser, labels for logins) is not there: plain PostgreSQL has nobody who may do these.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.postgres.clusters import ADMIN, BOOTSTRAP, OWNER
from tests.postgres.database import Database

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent.parent / "docs" / "managed-postgresql.md"
_BLOCK = re.compile(
    r"^<!-- run: (?P<shapes>[\w, ]+?) as (?P<who>[\w-]+)"
    r"(?: on (?P<first>\d+)-(?P<last>\d*))? -->\n```sql\n(?P<sql>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Shape:
    """One platform's admin.

    `made_the_owner`: it created the application's owner, over which it has ADMIN from 16 on.
    """

    name: str
    made_the_owner: bool = False


SHAPES = (
    Shape("createrole"),
    Shape("createrole_only"),
    Shape("rds", made_the_owner=True),
    Shape("cloudsql", made_the_owner=True),
    Shape("azure", made_the_owner=True),
    Shape("supabase", made_the_owner=True),
    Shape("neon", made_the_owner=True),
    Shape("cloudnativepg"),
    Shape("zalando"),
    Shape("crunchy"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """SQL of the page that prepares a server, and who runs it."""

    shapes: frozenset[str]
    who: str
    first: int
    last: int
    sql: str

    def is_for(self, shape: Shape, version: int) -> bool:
        """True where this shape needs it on this version."""
        return shape.name in self.shapes and self.first <= version <= self.last


def blocks() -> Iterator[Block]:
    """Those of the page, in their order."""
    for found in _BLOCK.finditer(PAGE.read_text("utf-8")):
        yield Block(
            frozenset(name.strip() for name in found["shapes"].split(",")),
            found["who"],
            int(found["first"] or 0),
            int(found["last"] or 99),
            found["sql"],
        )


AS_BEFORE = f"""
ALTER ROLE "{ADMIN}" SUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS
"""


def called(name: str) -> Shape:
    """The shape of this name."""
    return next(one for one in SHAPES if one.name == name)


@asynccontextmanager
async def shaped(
    shape: Shape, database: Database, *, is_prepared: bool = True
) -> AsyncIterator[None]:
    """The server is shaped like this; unless told otherwise, prepared as the page says.

    At the end the admin is a superuser again, so that the server can be cleaned.
    """
    await _make(shape, database)
    try:
        if is_prepared:
            await _prepare(shape, database)
        yield
    finally:
        await database.execute(AS_BEFORE, BOOTSTRAP)


async def _make(shape: Shape, database: Database) -> None:
    statements = (FOLDER / f"{shape.name}.sql").read_text("utf-8")
    await database.execute(statements, BOOTSTRAP)
    if shape.made_the_owner and database.server.version >= 16:
        # As PostgreSQL itself does it for whoever creates a role.
        await database.execute(
            f'GRANT {OWNER} TO "{ADMIN}" WITH ADMIN TRUE, INHERIT FALSE, SET FALSE', BOOTSTRAP
        )


async def _prepare(shape: Shape, database: Database) -> None:
    """Each block as the one whom the page names; CREATE DATABASE goes by itself."""
    for block in blocks():
        if block.is_for(shape, database.server.version):
            for statement in filter(str.strip, block.sql.split(";\n")):
                await database.execute(statement, block.who)
