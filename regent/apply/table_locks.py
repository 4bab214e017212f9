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

from regent.changes import ObjectRef
from shared.names import quote_ident, quote_qualified

TABLES = frozenset({"r", "p"})
RELATIONS = frozenset({"r", "p", "v", "m", "f", "S"})
RELATIONS_PER_STATEMENT = 250


class Strength(Enum):
    """How hard a relation is held while its ACL is written, first choice first."""

    STRONG = "tables in SHARE UPDATE EXCLUSIVE mode, the rest in ACCESS SHARE"
    SOFT = "everything in ACCESS SHARE"


def lock(objects: Iterable[ObjectRef], strength: Strength) -> list[str]:
    """The statements that take the locks, in order of oid. Other than relations need none."""
    relations = sorted((o for o in objects if o.relation_kind in RELATIONS), key=lambda o: o.oid)
    if strength is Strength.STRONG:
        tables = [o for o in relations if o.relation_kind in TABLES]
        others = [o for o in relations if o.relation_kind not in TABLES]
        return [*_lock_tables(tables), *_prepare(others)]
    return _prepare(relations)


def _lock_tables(tables: Sequence[ObjectRef]) -> list[str]:
    if not tables:
        return []
    return [f"LOCK TABLE ONLY {', '.join(map(_name, tables))} IN SHARE UPDATE EXCLUSIVE MODE"]


def _prepare(relations: Sequence[ObjectRef]) -> list[str]:
    lines: list[str] = []
    for start in range(0, len(relations), RELATIONS_PER_STATEMENT):
        part = relations[start : start + RELATIONS_PER_STATEMENT]
        named = ", ".join(f"{_name(o)} AS r{number}" for number, o in enumerate(part))
        lines += [f"PREPARE postgregent_lock AS SELECT FROM {named}", "DEALLOCATE postgregent_lock"]
    return lines


def _name(relation: ObjectRef) -> str:
    if relation.schema is None:
        return quote_ident(relation.name)
    return quote_qualified(relation.schema, relation.name)
