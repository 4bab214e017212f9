"""What PUBLIC had before counts for the brake: rights, databases, who spoke for it (rule 20)."""

from __future__ import annotations

from typing import Any

import pytest

from regent.gate.baseline import explicit_baseline
from regent.remembered import AcceptedState, BrakeMemory
from shared.privileges import PublicRight
from tests.declared import NOON, accepted, resolved, state

SPEAKER = "Role/everybody: {database: mydb, public: true}\n"
CONNECT = {"connect": "Declared"}


def pushed(text: str = SPEAKER, before: AcceptedState | None = None, **more: Any) -> AcceptedState:
    deleted = more.pop("deleted", ())
    return accepted(state(text, regent=more, deleted=deleted, revision=2 if before else 1), before)


def baseline(before: AcceptedState, new: AcceptedState) -> AcceptedState:
    return explicit_baseline(before, new, BrakeMemory(baseline=before), NOON)


@pytest.mark.rule("11", "20")
def test_a_right_and_a_database_that_are_new_were_left_alone_before() -> None:
    before = pushed(publicPrivileges=CONNECT)
    more: dict[str, Any] = {"publicPrivileges": {**CONNECT, "execute": "Declared"}}
    new = pushed(before=before, additionalDatabases=["other"], **more)
    served = ("mydb", "other")
    is_now = resolved(new, served=served).desired
    assert is_now.public == {PublicRight.CONNECT, PublicRight.EXECUTE}
    assert is_now.public_in == {"mydb", "other"}
    was = resolved(baseline(before, new), served=served).desired
    assert was.public == {PublicRight.CONNECT}
    assert was.public_in == {"mydb"}
    never = resolved(baseline(pushed(), new), served=served).desired
    assert never.public == frozenset()


@pytest.mark.rule("11", "20")
def test_who_spoke_for_public_and_is_deleted_speaks_for_it_in_the_baseline() -> None:
    text = SPEAKER + "Role/reader: {database: mydb}\n"
    before = pushed(text, publicPrivileges=CONNECT)
    keys = ("Role/default/everybody", "Role/default/reader")
    new = pushed("{}", before, publicPrivileges=CONNECT, deleted=keys)
    assert list(baseline(before, new).state.resources) == ["Role/default/everybody"]
