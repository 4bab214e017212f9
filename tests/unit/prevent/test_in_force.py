"""What a judge is told of one database: who holds what, and by which declaration."""

from __future__ import annotations

from dataclasses import replace

import pytest

import sql
from regent.changes import GrantPrivileges, ObjectRef, RevokePrivileges
from regent.desired import DeclaredGrant
from regent.kinds import LOCAL
from regent.observed import AclItem, ObjectGroup, ObservedColumn, ObservedDatabase
from regent.plan.matching import CompiledGrants
from regent.prevent.in_force import Edge, InForce, Judged, OnColumn, OnObjects, Unsettled, in_force
from regent.prevent.judge import digest_of, number_of
from shared.keys import ResourceKey
from shared.privileges import ObjectKind

pytestmark = [pytest.mark.rule("25"), pytest.mark.found("E300")]
READ = ResourceKey("Permission", "default", "read")
VIEWER = ResourceKey("Role", "default", "viewer")
SELECT, DELETE = frozenset({"SELECT"}), frozenset({"DELETE"})
JUDGED = Judged({"viewer": 20}, {"viewer": (VIEWER,)})
OWNERS = {"owner": 10, "viewer": 20}
TABLES = ObjectGroup(
    ObjectKind.TABLE,
    "app",
    "owner",
    (
        AclItem("owner", "owner", SELECT | DELETE),
        AclItem("viewer", "owner", SELECT),
        AclItem("viewer", "giver", SELECT, SELECT),
        AclItem("stranger", "owner", DELETE),
        AclItem(None, "owner", SELECT),
    ),
    ("a", "b", "c"),
    (1, 2, 3),
    "r",
)
GRANT = DeclaredGrant(READ, ObjectKind.TABLE, ("viewer",), SELECT, ("app",), ("a", "b"))
REF = ObjectRef(2, "app", "b", "r", "owner")
SPURIOUS = RevokePrivileges("mydb", ObjectKind.TABLE, (REF,), SELECT, ("viewer",), "owner")
MISSING = GrantPrivileges("mydb", ObjectKind.TABLE, (REF,), DELETE, ("viewer",))
SETTLED = Unsettled({}, frozenset())
HELD = Edge(20, "SELECT", True, "Permission default/read")
IMPLIED = HELD._replace(declared_by="one of its Permissions")


def told(
    *groups: ObjectGroup,
    unsettled: Unsettled = SETTLED,
    columns: tuple[ObservedColumn, ...] = (),
    ignored: tuple[str, ...] = (),
) -> InForce:
    compiled = CompiledGrants((GRANT,), frozenset({"viewer"}), ignored)
    reading = ObservedDatabase("mydb", groups, columns)
    return in_force(reading, compiled, JUDGED, OWNERS, unsettled)


def test_only_what_judged_roles_hold_is_told_with_what_gives_it() -> None:
    found = told(TABLES)
    assert found.roles == ((20, "Role default/viewer"),)
    assert found.objects == (
        OnObjects("pg_class", 10, (HELD,), (1, 2)),
        OnObjects("pg_class", 10, (IMPLIED,), (3,)),
    )


def test_an_owner_holds_nothing_and_what_nobody_may_judge_is_not_there() -> None:
    own = replace(TABLES, owner="viewer", names=("a",), oids=(1,))
    assert told(own).objects == (OnObjects("pg_class", 20, (), (1,)),)
    assert told(TABLES, ignored=("app",)).objects == ()
    assert told(replace(TABLES, is_out_of_reach=True)).objects == ()
    assert told(replace(TABLES, owner="gone")).objects == ()


def test_what_the_next_pass_takes_is_not_in_force_and_what_is_open_is_not_judged() -> None:
    next_one = Unsettled.of((SPURIOUS,), (SPURIOUS,), "mydb")
    assert OnObjects("pg_class", 10, (), (2,)) in told(TABLES, unsettled=next_one).objects
    for open_ones in (
        Unsettled.of((), (SPURIOUS,), "mydb"),
        Unsettled.of((MISSING,), (MISSING,), "mydb"),
        Unsettled.of((SPURIOUS, MISSING), (SPURIOUS, MISSING), "mydb"),
        Unsettled.of(
            (replace(SPURIOUS, grant_option_only=True),),
            (replace(SPURIOUS, grant_option_only=True),),
            "mydb",
        ),
    ):
        objects = told(TABLES, unsettled=open_ones).objects
        assert {oid for one in objects for oid in one.oids} == {1, 3}
    assert Unsettled.of((SPURIOUS,), (MISSING,), "another") == SETTLED


def test_columns_are_told_by_their_table() -> None:
    acl = (AclItem("viewer", "owner", SELECT),)
    column = ObservedColumn("app", "a", 1, "r", "owner", "note", acl)
    plain = IMPLIED._replace(is_grantable=False)
    assert told(TABLES, columns=(column,)).columns == (OnColumn(1, "note", (plain,)),)
    assert told(TABLES, columns=(replace(column, acl=()),)).columns == ()


def test_the_digest_and_the_numbers_follow_the_contents() -> None:
    one, same, other = told(TABLES), told(TABLES), told(replace(TABLES, oids=(1, 2, 4)))
    assert digest_of(one) == digest_of(same) != digest_of(other)
    assert number_of((HELD,)) == number_of((HELD,)) != number_of((IMPLIED,))


def test_the_judge_reads_every_catalog_that_holds_privileges_in_a_database() -> None:
    text = sql.load("prevent/refuse_change")
    assert {row.acl_catalog for row in LOCAL} == {
        word.strip("'").removeprefix("pg_catalog.")
        for line in text.splitlines()
        if line.strip().startswith("('pg_catalog.")
        for word in [line.strip().removeprefix("(").split(",")[0]]
    }
