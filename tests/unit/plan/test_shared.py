"""What the whole server shares: the grants of all databases are about the same objects."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regent.changes import Change, GrantPrivileges, RevokePrivileges
from regent.desired import DeclaredGrant, Desired, DesiredRole
from regent.kinds import KINDS, Scope
from regent.observed import AclItem, ObjectGroup, Observed, ObservedServer
from regent.plan import plan
from shared.keys import ResourceKey
from shared.privileges import ObjectKind
from tests.declared import role, server

READER, WRITER = "reader", "writer"


def grant(name: str, *grantees: str, action: str = "SET") -> DeclaredGrant:
    return DeclaredGrant(
        permission=ResourceKey("Permission", "default", name),
        kind=ObjectKind.PARAMETER,
        grantees=grantees,
        privileges=frozenset({action}),
        names=(name,),
    )


def desired(**grants: tuple[DeclaredGrant, ...]) -> Desired:
    return Desired(
        roles={
            name: DesiredRole(name, ResourceKey("Role", "default", name), ())
            for name in (READER, WRITER)
        },
        grants=grants,
    )


def observed(*shared: ObjectGroup, major: int = 18) -> Observed:
    there = server(role(READER), role(WRITER), major=major)
    return Observed(
        ObservedServer(
            version_num=there.version_num,
            system_identifier="7",
            admin=there.admin,
            admin_is_superuser=True,
            roles=there.roles,
            shared=shared,
        )
    )


def item(grantee: str, *privileges: str) -> AclItem:
    return AclItem(grantee, "postgres", frozenset(privileges))


def on_parameters(changes: tuple[Change, ...]) -> list[tuple[type, str, tuple[str | None, ...]]]:
    return [
        (type(one), one.objects[0].name, one.grantees)
        for one in changes
        if isinstance(one, GrantPrivileges | RevokePrivileges)
    ]


def test_what_one_database_declares_is_not_spurious_for_another() -> None:
    acl = (item(READER, "SET"), item(WRITER, "SET"))
    there = ObjectGroup(ObjectKind.PARAMETER, None, "postgres", acl, ("log_statement",), (9,))
    wanted = desired(one=(grant("log_statement", READER),), other=(grant("log_statement", WRITER),))
    assert plan(wanted, observed(there)).changes == ()
    alone = desired(one=(grant("log_statement", READER),), other=())
    assert on_parameters(plan(alone, observed(there)).changes) == [
        (RevokePrivileges, "log_statement", (WRITER,))
    ]


def test_a_parameter_without_a_row_is_there_all_the_same() -> None:
    """Under a number that is the same in each plan, and is nobody else's."""
    there = ObjectGroup(ObjectKind.PARAMETER, None, "postgres", (), ("log_duration",), (9,))
    wanted = desired(one=(grant("work_mem", READER), grant("jit", READER)), other=())
    found = plan(wanted, observed(there))
    (change,) = found.changes
    assert isinstance(change, GrantPrivileges)
    assert {one.name for one in change.objects} == {"jit", "work_mem"}
    assert len({9, *(one.oid for one in change.objects)}) == 3
    assert found == plan(wanted, observed(there))
    assert set(found.matches.values()) == {1}
    assert all(change.local_to is None for change in found.changes)


def test_a_server_that_has_no_such_privileges_gets_none() -> None:
    row = KINDS[ObjectKind.PARAMETER]
    assert row.scope is Scope.SERVER
    wanted = desired(one=(grant("work_mem", READER),))
    assert plan(wanted, observed(major=row.since - 1)).changes == ()


@pytest.mark.found("E177")
@pytest.mark.rule("13")
def test_patterns_match_no_tablespace_of_the_servers_own_and_exact_names_do() -> None:
    names = ("fast", "pg_default", "pg_global")
    there = ObjectGroup(ObjectKind.TABLESPACE, None, "postgres", (), names, (9, 10, 11))
    for patterns, given in ((("*",), ["fast"]), (("pg_*", "pg_default", "f*"), [*names[:2]])):
        one = replace(grant("t", READER, action="CREATE"), kind=there.kind, names=patterns)
        found = plan(desired(one=(one,)), observed(there)).changes
        granted = [ref.name for c in found if isinstance(c, GrantPrivileges) for ref in c.objects]
        assert granted == given
