"""Who is named where PUBLIC loses CONNECT: those to whom nothing else gives it (rule 11)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regent.changes import (
    Change,
    Effect,
    GrantMembership,
    GrantPrivileges,
    ObjectRef,
    RevokeMembership,
    RevokePrivileges,
)
from regent.desired import Desired, DesiredRole
from regent.observed import AclItem, ObjectGroup, ObservedMembership
from regent.report.shut_out import shut_out_notes
from shared.keys import ResourceKey
from shared.privileges import ObjectKind
from tests import declared as servers

CONNECT = frozenset({"CONNECT"})
MYDB = (ObjectRef(1, None, "mydb"),)
CLOSED = RevokePrivileges("mydb", ObjectKind.DATABASE, MYDB, CONNECT, (None,), "owner")
ACL = (AclItem(None, "owner", CONNECT), AclItem("direct", "owner", CONNECT))


def given(*grantees: str) -> Change:
    return GrantPrivileges(
        "mydb", ObjectKind.DATABASE, MYDB, CONNECT, grantees, effect=Effect.WIDEN
    )


def notes(*changes: Change, memberships: tuple[ObservedMembership, ...] = ()) -> tuple[str, ...]:
    """On a server with `zoe` (declared), `direct` and `jobs`, all of whom may log in."""
    on = servers.server(*(servers.role(n, login=True) for n in ("direct", "jobs", "zoe")))
    group = ObjectGroup(ObjectKind.DATABASE, None, "owner", ACL, ("mydb",), (1,))
    zoe = ResourceKey("User", "default", "zoe")
    desired = Desired(roles={"zoe": DesiredRole("zoe", zoe, (zoe,), login=True)})
    return shut_out_notes(
        changes, replace(on, databases=(group,), memberships=memberships), desired
    )


@pytest.mark.found("E246")
def test_those_without_another_connect_are_named_and_nobody_else() -> None:
    """Not the admin, a superuser, who has it himself, or by a role whose rights he uses."""
    (note,) = notes(CLOSED)
    assert "'zoe'; 'jobs', declared by nobody." in note
    assert "direct" not in note
    (note,) = notes(CLOSED, given("zoe"))
    assert "zoe" not in note
    joined = GrantMembership("direct", "zoe")
    assert all("zoe" not in one for one in notes(CLOSED, joined))
    assert "zoe" in notes(CLOSED, replace(joined, inherit=False))[0]
    row = ObservedMembership("direct", "jobs", "my-admin", admin=False)
    assert "jobs" not in notes(CLOSED, memberships=(row,))[0]
    left = RevokeMembership("direct", "jobs", "my-admin")
    assert "jobs" in notes(CLOSED, left, memberships=(row,))[0]


@pytest.mark.found("E246")
def test_nothing_is_said_where_public_keeps_it() -> None:
    """Or where all have it otherwise."""
    assert notes() == ()
    assert notes(given("zoe")) == ()
    assert notes(replace(CLOSED, grant_option_only=True)) == ()
    assert notes(CLOSED, given("zoe", "jobs")) == ()
