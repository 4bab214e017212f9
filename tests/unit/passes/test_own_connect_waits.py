"""Who has CONNECT by PUBLIC alone is not shut out while his own is put off, or fails (rule 11)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from regent.apply.run import _stretches
from regent.changes import Change, Effect, GrantPrivileges, ObjectRef, Plan, RevokePrivileges
from regent.gate.approval import Serving
from regent.observed import AclItem, ObjectGroup
from regent.passes.damped import names_of
from regent.passes.full import Passes
from regent.passes.look import Memory
from regent.plan.connecting import closes
from shared.privileges import ObjectKind
from tests.declared import accepted, state
from tests.unit.gate.test_pauses import CLOSED, MARKS, done, look, there

pytestmark = [pytest.mark.rule("11"), pytest.mark.found("E264")]
MYDB = (ObjectRef(5, None, "mydb", "", "owner"),)
CONNECT = frozenset({"CONNECT"})


@pytest.mark.rule("26")
@pytest.mark.parametrize("is_fought", [True, False])
def test_public_keeps_connect_while_somebodys_own_is_damped(is_fought: bool) -> None:
    """Seen: his GRANT came once a minute, and PUBLIC's was taken at once."""
    acl = (
        AclItem("my-admin", "owner", CONNECT, frozenset()),
        AclItem(None, "owner", CONNECT, frozenset()),
    )
    group = ObjectGroup(ObjectKind.DATABASE, None, "owner", acl, ("mydb",), (5,))
    public = {"publicPrivileges": {"connect": "Declared"}}
    found = look(
        accepted(state(CLOSED, regent=public)),
        replace(there(), databases=(group,)),
        (),
        marks=MARKS[1:],
    )
    gives = [one for one in done(found) if isinstance(one, GrantPrivileges)]
    assert gives
    assert any(map(closes, done(found)))
    passes = Passes(
        looker=cast("Any", None),
        home=cast("Any", None),
        connections=cast("Any", None),
        serving=Serving((), ()),
        memory=Memory(),
        before_write=lambda: None,
    )
    for time in range(5 if is_fought else 1):
        passes._damper.note(names_of(gives), time)
    less = passes._less(found, 5)
    assert any(map(closes, less.plan.changes)) is not is_fought
    assert any(map(closes, less.waiting)) is is_fought


def test_what_closes_a_database_is_asked_about_when_all_before_it_has_been_tried() -> None:
    """Seen: what gives it again for a REVOKE was in one stretch with it, and was refused."""
    take = RevokePrivileges("mydb", ObjectKind.DATABASE, MYDB, CONNECT, ("eve",), "ann")
    give = GrantPrivileges(
        "mydb", ObjectKind.DATABASE, MYDB, CONNECT, ("eve",), effect=Effect.NARROW
    )
    close = RevokePrivileges("mydb", ObjectKind.DATABASE, MYDB, CONNECT, (None,), "owner")
    changes: tuple[Change, ...] = (give, take, close)
    assert [*_stretches(Plan(changes))] == [(give, take), (close,)]
