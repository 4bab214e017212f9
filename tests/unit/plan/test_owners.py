"""Owners: who loses what by it, what the brake counts, and in which order it is done (ADR 36)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regent.changes import CreateOwned, Effect, GatherObjects, RevokePrivileges, SetOwner
from regent.desired import Desired, DesiredOwner
from regent.gate.losses import At, Atom, losses, without
from regent.gate.refusals import keys_of
from regent.observed import (
    AclItem,
    ObjectGroup,
    Observed,
    ObservedColumn,
    ObservedDatabase,
    ObservedMembership,
    ObservedServer,
)
from regent.plan import plan
from regent.plan.describe import describe
from regent.plan.owners import Stays, has_astray, ownership, staying
from shared.privileges import ObjectKind
from tests.declared import role as there
from tests.declared import server
from tests.unit.plan.declared import grant, key, role
from tests.unit.plan.walked import Walked

SCHEMA, TABLE = ObjectKind.SCHEMA, ObjectKind.TABLE


def owner(name: str, of: str, *, create: bool = False, anybody: bool = True) -> DesiredOwner:
    taken_from = None if anybody else frozenset({"a", "b"})
    return DesiredOwner(
        SCHEMA, "mydb", of, name, (key(name),), create=create, taken_from=taken_from
    )


def observed(present: str, *items: AclItem, on: ObservedServer | None = None) -> Observed:
    acl = (AclItem(present, present, frozenset({"USAGE", "CREATE"})), *items)
    group = ObjectGroup(SCHEMA, None, present, acl, ("s",), (7,))
    base = on or server(there("a"), there("b"), there("app"))
    return Observed(base, {"mydb": ObservedDatabase("mydb", (group,))})


def desired(*owners: DesiredOwner) -> Desired:
    return Desired(
        roles={name: role(name) for name in ("a", "b")}, grants={"mydb": ()}, owners=owners
    )


def test_the_former_owner_is_told_of_where_it_can_alter_the_schema_no_more() -> None:
    """Not where it is, or becomes, a member of the new owner; nor a superuser."""
    [change] = plan(desired(owner("b", "s")), observed("app")).changes
    assert describe(change) == (
        "make b the owner of schema mydb.s, in place of app, which can alter it no more and has on"
        " it only what is granted to it"
    )
    member = replace(
        server(there("a"), there("b"), there("app")),
        memberships=(ObservedMembership("a", "app", "my-admin", admin=False),),
    )
    leaves = plan(desired(owner("a", "s")), observed("app", on=member)).changes
    [given] = (one for one in leaves if isinstance(one, SetOwner))
    assert given.strands  # a managed role loses members that are not declared
    [change] = plan(desired(owner("b", "s")), observed("my-admin")).changes
    assert describe(change) == "make b the owner of schema mydb.s, in place of my-admin"


def test_the_rest_of_the_plan_is_of_the_schema_as_it_will_be() -> None:
    """The new owner's own right is not revoked, the former one keeps what is declared for it."""
    shall = replace(
        desired(owner("b", "s")),
        grants={"mydb": (grant(SCHEMA, "USAGE", "a", schemas=("s",)),)},
    )
    spurious = AclItem("b", "a", frozenset({"CREATE"}))
    [change] = plan(shall, observed("a", spurious)).changes
    assert isinstance(change, SetOwner)
    assert change.keeps == {"USAGE"}
    assert "has on it only USAGE" in describe(change)
    moved = observed("b", AclItem("a", "b", frozenset({"USAGE"})))
    assert plan(shall, moved).is_empty


@pytest.mark.rule("20")
def test_a_declared_owner_that_loses_a_schema_loses_something() -> None:
    """And where that waits, the schema stays."""
    wanted = plan(desired(owner("b", "s")), observed("a"))
    assert losses(wanted) == {Atom("a", "SCHEMA", "OWNER", "mydb.s", at=At("mydb", 7))}
    kept, touched = without(wanted, losses(wanted))
    assert kept.is_empty
    assert touched == wanted.changes


def test_a_schema_is_made_after_its_role_and_before_what_is_granted_on_it() -> None:
    shall = desired(owner("a", "new", create=True))
    empty = Observed(server(), {"mydb": ObservedDatabase("mydb")})
    effects = [type(change).__name__ for change in plan(shall, empty).changes]
    assert effects == ["CreateRole", "CreateRole", "CreateOwned"]
    [made] = (c for c in plan(shall, empty).changes if isinstance(c, CreateOwned))
    assert made.effect is Effect.CREATE
    assert describe(made) == "create schema mydb.new, owned by a"


def test_a_schema_is_taken_from_its_own_namespace_and_from_nobody_else_unlisted() -> None:
    own = desired(owner("b", "s", anybody=False))
    assert [type(one) for one in ownership(own, observed("a")).changes] == [SetOwner]
    found = ownership(own, observed("app"))
    assert not found.changes
    assert found.troubles[key("b")][1] == "NotAllowed"


def test_a_database_that_was_not_read_is_left_alone() -> None:
    found = ownership(desired(owner("a", "s", create=True)), Observed(server()))
    assert not found.changes
    assert not found.troubles


@pytest.mark.found("E188")
def test_a_claim_that_may_not_be_fulfilled_is_in_nobodys_way() -> None:
    """Seen: who wrote the name of another's schema kept it from the one who may have it."""
    blocked, may = owner("a", "s", anybody=False), owner("b", "s")
    found = ownership(desired(blocked, may), observed("app"))
    assert [(type(one), one.owner) for one in found.changes] == [(SetOwner, "b")]
    assert {k: said[1] for k, said in found.troubles.items()} == {key("a"): "NotAllowed"}
    both = ownership(desired(owner("a", "s"), may), observed("app"))
    assert not both.changes
    assert {said[1] for said in both.troubles.values()} == {"OwnerConflict"}
    none = ownership(desired(blocked, owner("b", "s", anybody=False)), observed("app"))
    assert not none.changes
    assert {said[1] for said in none.troubles.values()} == {"NotAllowed"}


@pytest.mark.found("E188")
def test_who_may_not_make_a_schema_keeps_nobody_from_making_it() -> None:
    empty = Observed(server(), {"mydb": ObservedDatabase("mydb")})
    making = owner("b", "new", create=True)
    refused = replace(owner("a", "new", create=True), refusal="Not here.")
    for other, reason in ((refused, "NotAllowed"), (owner("a", "new"), "OwnedNotFound")):
        found = ownership(desired(other, making), empty)
        assert [(type(one), one.owner) for one in found.changes] == [(CreateOwned, "b")]
        assert {k: said[1] for k, said in found.troubles.items()} == {key("a"): reason}
    both = ownership(desired(owner("a", "new", create=True), making), empty)
    assert not both.changes
    assert {said[1] for said in both.troubles.values()} == {"OwnerConflict"}


def objects_of(former: str, *items: AclItem) -> Observed:
    """The schema is b's already, and two tables in it are not; one has a column with an ACL."""
    acl = (AclItem(former, former, frozenset({"SELECT", "TRIGGER"})), *items)
    groups = (
        ObjectGroup(SCHEMA, None, "b", (), ("s",), (7,)),
        ObjectGroup(TABLE, "s", former, acl, ("t", "u"), (8, 9), "r"),
    )
    on_column = tuple(AclItem(one.grantee, former, frozenset({"UPDATE"})) for one in items)
    column = ObservedColumn("s", "u", 9, "r", former, "c", on_column)
    reading = ObservedDatabase("mydb", groups, (column,), columns_present={"c": frozenset({9})})
    return Observed(server(there("a"), there("b"), there("app")), {"mydb": reading})


@pytest.mark.found("E305")
def test_who_loses_objects_keeps_what_is_declared_for_it_and_no_more() -> None:
    """Given as they move, by one change for each edge; nobody else gets anything by it."""
    shall = replace(
        desired(replace(owner("b", "s"), objects=True)),
        grants={
            "mydb": (
                grant(TABLE, "SELECT", "a", schemas=("s",), names=("t",)),
                replace(
                    grant(ObjectKind.COLUMN, "UPDATE", "a", schemas=("s",), names=("u",)),
                    columns=("c",),
                ),
            )
        },
    )
    [gather] = (c for c in plan(shall, objects_of("a")).changes if isinstance(c, GatherObjects))
    kept = {
        (k.kind, k.grantees, k.columns, tuple(k.privileges), tuple(r.oid for r in k.objects))
        for k in gather.keeps
    }
    assert kept == {
        (TABLE, ("a",), (), ("SELECT",), (8,)),
        (ObjectKind.COLUMN, ("a",), ("c",), ("UPDATE",), (9,)),
    }
    [theirs] = (c for c in plan(shall, objects_of("app")).changes if isinstance(c, GatherObjects))
    assert not theirs.keeps
    assert keys_of(gather) == keys_of(replace(gather, keeps=()))


@pytest.mark.found("E305")
def test_what_the_next_owner_has_is_left_to_it_unless_the_object_stays() -> None:
    """Also on columns. What others have goes as ever."""
    shall = desired(replace(owner("b", "s"), objects=True))
    spurious = (
        AclItem("b", "app", frozenset({"SELECT"}), frozenset({"SELECT"})),
        AclItem("a", "app", frozenset({"SELECT"})),
    )
    seen = objects_of("app", *spurious)
    [gather] = (c for c in plan(shall, seen).changes if isinstance(c, GatherObjects))

    def losers(*staying: Stays) -> set[tuple[str | None, ObjectKind, int]]:
        return {
            (grantee, one.kind, ref.oid)
            for one in plan(shall, seen, staying=staying).changes
            if isinstance(one, RevokePrivileges)
            for grantee in one.grantees
            for ref in one.objects
        }

    others = {("a", TABLE, 8), ("a", TABLE, 9), ("a", ObjectKind.COLUMN, 9)}
    assert losers() == others
    stays = replace(gather, objects=gather.objects[1:])
    assert losers(*staying([stays])) == others | {
        ("b", TABLE, 9),
        ("b", ObjectKind.COLUMN, 9),
    }


def walks(schemas: int) -> tuple[int, int, int]:
    """How often the groups are walked for so many schemas, and what is found."""
    names = [f"s{number}" for number in range(schemas)]
    groups = Walked(
        group
        for oid, name in enumerate(names, 100)
        for group in (
            ObjectGroup(SCHEMA, None, "b", (), (name,), (oid,)),
            ObjectGroup(ObjectKind.TABLE, name, "app", (), ("t",), (oid + 50,), "r"),
        )
    )
    reading = ObservedDatabase("mydb", groups)
    owners = [replace(owner("b", name), objects=True) for name in names]
    shall = desired(*owners)
    found = ownership(shall, Observed(server(there("b"), there("app")), {"mydb": reading}))
    in_plan, groups.times = groups.times, 0
    settled = replace(shall, owners=tuple(replace(one, owner="app") for one in owners))
    assert not has_astray(settled, reading)
    return in_plan, groups.times, len(found.changes)


@pytest.mark.found("E189")
def test_a_reading_is_walked_as_often_for_many_owned_schemas_as_for_one() -> None:
    assert walks(1)[:2] == walks(40)[:2]
    assert (walks(1)[2], walks(40)[2]) == (1, 40)
