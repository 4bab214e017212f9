"""What is held while an ACL is written, so that the application's DDL does not meet it."""

from __future__ import annotations

import pytest

from regent.apply.table_locks import Strength, lock
from regent.changes import ObjectRef
from regent.kinds import KINDS
from shared.privileges import ObjectKind

PREPARED = [
    'PREPARE postgregent_lock AS SELECT FROM "s"."a" AS r0',
    "DEALLOCATE postgregent_lock",
]


def locked(kind: ObjectKind, form: str, strength: Strength = Strength.STRONG) -> list[str]:
    return lock([(KINDS[kind], ObjectRef(1, "s", "a", form))], strength)


@pytest.mark.rule("23")
@pytest.mark.parametrize("form", ["r", "p"])
def test_tables_are_locked_against_what_writes_their_rows(form: str) -> None:
    """ADR 7; where that lock is not to be had, against what rewrites them."""
    strong = ['LOCK TABLE ONLY "s"."a" IN SHARE UPDATE EXCLUSIVE MODE']
    assert locked(ObjectKind.TABLE, form) == strong
    assert locked(ObjectKind.COLUMN, form) == strong
    assert locked(ObjectKind.TABLE, form, Strength.SOFT) == PREPARED


@pytest.mark.rule("23")
@pytest.mark.parametrize(
    ("kind", "form"),
    [*((ObjectKind.TABLE, form) for form in "vmf"), (ObjectKind.SEQUENCE, "S")],
)
def test_other_relations_are_kept_from_being_rewritten(kind: ObjectKind, form: str) -> None:
    assert locked(kind, form) == PREPARED


@pytest.mark.rule("23")
@pytest.mark.parametrize("kind", [ObjectKind.ROUTINE, ObjectKind.SCHEMA, ObjectKind.LANGUAGE])
def test_what_cannot_be_locked_is_not(kind: ObjectKind) -> None:
    """These go one per tiny transaction instead."""
    assert locked(kind, "") == []
