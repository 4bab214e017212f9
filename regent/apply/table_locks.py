"""Locks that keep our GRANT and the application's DDL out of each other's way (rule 23).

GRANT writes the object's catalog row, and takes no lock on the object up to 17 (ACCESS SHARE on
18). A concurrent ALTER, CREATE TRIGGER or the like writes the same row, and whoever comes second
fails with `tuple concurrently updated`. Measured against a loop of DDL on 15: 131 failures of the
application without a lock, 24 under ACCESS SHARE (ALTER TABLE SET (..) and CREATE TRIGGER do not
conflict with it), none under SHARE UPDATE EXCLUSIVE; 18 by itself: 30. So:

- STRONG: SHARE UPDATE EXCLUSIVE on tables, which no SELECT and no DML waits for. It waits for
  VACUUM and CREATE INDEX CONCURRENTLY, therefore briefly, and then
- SOFT: ACCESS SHARE, which conflicts with nothing that lasts and everything that rewrites.

PREPARE takes ACCESS SHARE on whatever is named in its FROM until the transaction ends, on every
kind of relation (LOCK TABLE refuses sequences, materialized views and foreign tables), and asks
for no privilege but USAGE on the schema, as privileges are checked when a plan is run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import assert_never

from regent.apply.naming import identifier
from regent.changes import ObjectRef
from regent.kinds import Lock, Row

RELATIONS_PER_STATEMENT = 250


class Strength(Enum):
    """How hard a relation is held while its ACL is written, first choice first."""

    STRONG = "tables in SHARE UPDATE EXCLUSIVE mode, the rest in ACCESS SHARE"
    SOFT = "everything in ACCESS SHARE"


def lock(objects: Iterable[tuple[Row, ObjectRef]], strength: Strength) -> list[str]:
    """The statements that take the locks, in order of oid. What cannot be locked needs none."""
    tables: list[ObjectRef] = []
    others: list[ObjectRef] = []
    for row, one in sorted(objects, key=lambda pair: pair[1].oid):
        how = row.lock_of(one.relation_kind)
        match how:
            case Lock.STRONG:
                (tables if strength is Strength.STRONG else others).append(one)
            case Lock.SOFT:
                others.append(one)
            case Lock.NONE:
                pass
            case _:
                assert_never(how)
    return [*_lock_tables(tables), *_prepare(others)]


def _lock_tables(tables: Sequence[ObjectRef]) -> list[str]:
    if not tables:
        return []
    return [f"LOCK TABLE ONLY {', '.join(map(identifier, tables))} IN SHARE UPDATE EXCLUSIVE MODE"]


def _prepare(relations: Sequence[ObjectRef]) -> list[str]:
    lines: list[str] = []
    for start in range(0, len(relations), RELATIONS_PER_STATEMENT):
        part = relations[start : start + RELATIONS_PER_STATEMENT]
        named = ", ".join(f"{identifier(o)} AS r{number}" for number, o in enumerate(part))
        lines += [f"PREPARE postgregent_lock AS SELECT FROM {named}", "DEALLOCATE postgregent_lock"]
    return lines
