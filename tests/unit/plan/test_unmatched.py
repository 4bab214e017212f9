"""A literal that names nothing is said on its Permission; a pattern may match nothing yet."""

from __future__ import annotations

import pytest

from regent.observed import ObjectGroup, Observed, ObservedDatabase, ObservedServer
from regent.plan.unmatched import MOST_NOTES, unmatched
from shared.privileges import ObjectKind
from tests.unit.plan.declared import desired, grant, key

TABLE, COLUMN, SCHEMA = ObjectKind.TABLE, ObjectKind.COLUMN, ObjectKind.SCHEMA
READING = ObservedDatabase(
    "mydb",
    (
        ObjectGroup(SCHEMA, None, "o", (), ("app", "audit_1", "legacy"), (1, 2, 3)),
        ObjectGroup(TABLE, "app", "o", (), ("flights", "we*ird"), (10, 11)),
        ObjectGroup(TABLE, "app", "o", (), ("stats",), (12,), is_extension_member=True),
        ObjectGroup(TABLE, "legacy", "o", (), ("old",), (13,)),
    ),
    columns_present={"city": frozenset({10}), "age": frozenset({13})},
)
OBSERVED = Observed(
    ObservedServer(180_003, "7", "boss", admin_is_superuser=True), {"mydb": READING}
)


def notes(*, schemas: tuple[str, ...] = ("*",), kind: ObjectKind = TABLE, **more: object) -> str:
    declared = desired(
        grant(kind, "SELECT", "reader", schemas=schemas, **more),  # type: ignore[arg-type]
        ignore_schemas=("legacy",),
    )
    return " ".join(unmatched(declared, OBSERVED).get(key("p", "Permission"), ()))


@pytest.mark.found("C26")
@pytest.mark.rule("14")
@pytest.mark.parametrize(
    ("said", "note"),
    [
        ({"schemas": ("ap",)}, "spec.schemas: 'mydb' has no schema 'ap'. Did you mean 'app'?"),
        ({"schemas": ("zzz",), "names": ("flights",)}, "no schema 'zzz'. Create it, or correct"),
        ({"schemas": ("zzz",), "kind": SCHEMA}, "no schema 'zzz'"),
        ({"names": ("flihgts",)}, "spec.tables: 'mydb' has no table 'flihgts' in its schemas."),
        ({"names": ("flihgts",)}, "Did you mean 'flights'?"),
        ({"schemas": ("pg_catalog",)}, "'pg_catalog' is never matched"),
        ({"schemas": ("legacy",)}, "'legacy' is in spec.ignoreSchemas of the Regent"),
        ({"names": ("old",)}, "no table 'old'"),
        ({"names": ("stats",)}, "'stats' belongs to an extension. Set extensions: true to match"),
        ({"kind": COLUMN, "columns": ("ctiy",)}, "none of its tables has a column 'ctiy'"),
        ({"kind": COLUMN, "columns": ("age",)}, "none of its tables has a column 'age'"),
        ({"names": (r"we\*irdo",)}, "no table 'we*irdo'"),
    ],
)
def test_a_literal_that_names_nothing_is_said_with_the_way_out(
    said: dict[str, object], note: str
) -> None:
    assert note in notes(**said)  # type: ignore[arg-type]


@pytest.mark.found("C26")
@pytest.mark.parametrize(
    "said",
    [
        {},
        {"schemas": ("app", "audit_*", "tomorrow_*")},
        {"names": ("flights", "next_*", r"we\*ird")},
        {"names": ("stats",), "extensions": True},
        {"kind": COLUMN, "columns": ("city",)},
        {"kind": ObjectKind.DATABASE, "schemas": (), "names": ()},
    ],
)
def test_what_is_there_and_what_may_come_is_not_said(said: dict[str, object]) -> None:
    assert notes(**said) == ""  # type: ignore[arg-type]


@pytest.mark.found("C26")
def test_a_hundred_names_that_are_wrong_are_a_few_notes() -> None:
    declared = desired(grant(TABLE, "SELECT", "reader", names=tuple(f"t{i}" for i in range(100))))
    said = unmatched(declared, OBSERVED)[key("p", "Permission")]
    assert len(said) == MOST_NOTES + 1
    assert said[-1] == "and 92 more of these."
