"""One Permission may list thousands of names that are not there: its status has a few of them."""

from __future__ import annotations

import pytest

from regent.observed import ObjectGroup, Observed, ObservedDatabase, ObservedServer
from regent.plan.unmatched import MOST_NOTES, literals, unmatched
from shared.privileges import ObjectKind
from tests.unit.plan.declared import desired, grant, key

TABLE, SCHEMA = ObjectKind.TABLE, ObjectKind.SCHEMA


@pytest.mark.found("E113")
@pytest.mark.rule("14")
def test_thousands_of_wrong_names_are_told_beside_thousands_of_tables() -> None:
    names = tuple(f"table_{n:05}" for n in range(10_000))
    groups = (
        ObjectGroup(SCHEMA, None, "o", (), ("app",), (1,)),
        ObjectGroup(TABLE, "app", "o", (), names, tuple(range(100, 10_100))),
    )
    observed = Observed(
        ObservedServer(180_003, "7", "boss", admin_is_superuser=True),
        {"mydb": ObservedDatabase("mydb", groups)},
    )
    declared = desired(
        *(
            grant(TABLE, "SELECT", "reader", names=wrong, permission=f"p{number}")
            for number in range(5)
            for wrong in (tuple(f"tabel_{number}{n:04}" for n in range(2_000)),)
        )
    )
    assert len(literals(declared, observed)[key("p4", "Permission")]) == 2_000
    said = unmatched(declared, observed)[key("p0", "Permission")]
    assert len(said) == MOST_NOTES + 1
    assert "Did you mean 'table_00000'?" in said[0]
