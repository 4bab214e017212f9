"""Default privileges as values: what is missing, what is spurious, and what is left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regent.changes import GrantDefaults, RevokeDefaults
from regent.desired import DeclaredDefault, Desired, Ending
from regent.gate.losses import losses, without
from regent.observed import (
    AclItem,
    ObjectGroup,
    Observed,
    ObservedDatabase,
    ObservedDefault,
    ObservedServer,
)
from regent.plan import plan
from regent.plan.default_notes import notes_on_defaults
from shared.privileges import ObjectKind
from tests import declared as servers
from tests.unit.plan.declared import desired, key
from tests.unit.plan.walked import Walked

TABLES, ROUTINES = ObjectKind.TABLE, ObjectKind.ROUTINE
SCHEMAS = ObjectGroup(ObjectKind.SCHEMA, None, "owner", (), ("app", "other"), (1, 2))
SELECT = frozenset({"SELECT"})
DECLARED = DeclaredDefault("owner", "app", TABLES, "reader", SELECT, (key("reader"),))


def shall(*defaults: DeclaredDefault, **more: object) -> Desired:
    return replace(desired(**more), defaults={"mydb": defaults})  # type: ignore[arg-type]


def item(grantee: str | None, privileges: str, grantable: str = "") -> AclItem:
    return AclItem(grantee, "owner", frozenset(privileges.split()), frozenset(grantable.split()))


def there(
    *rows: ObservedDefault,
    groups: tuple[ObjectGroup, ...] = (),
    roles: tuple[str, ...] = ("owner",),
) -> Observed:
    server: ObservedServer = servers.server(*map(servers.role, (*roles, "reader", "writer")))
    return Observed(server, {"mydb": ObservedDatabase("mydb", (SCHEMAS, *groups), defaults=rows)})


def row(*acl: AclItem, schema: str | None = "app", creator: str = "owner") -> ObservedDefault:
    return ObservedDefault(creator, schema, TABLES, acl)


def test_what_is_missing_is_given_and_what_is_spurious_is_taken() -> None:
    held = there(row(item("reader", "INSERT UPDATE", "UPDATE")), row(item("writer", "SELECT")))
    given, *taken = plan(shall(DECLARED), held).changes
    assert given == GrantDefaults(
        "mydb", "owner", "app", TABLES, "reader", SELECT, causes=(key("reader"),)
    )
    assert [(one.about, getattr(one, "privileges", None)) for one in taken] == [
        (("reader",), {"INSERT", "UPDATE"}), (("writer",), SELECT),
    ]  # fmt: skip


def test_an_option_alone_is_taken_and_the_privilege_stays() -> None:
    [taken] = plan(shall(DECLARED), there(row(item("reader", "SELECT", "SELECT")))).changes
    assert isinstance(taken, RevokeDefaults)
    assert (taken.grant_option_only, taken.privileges) == (True, SELECT)


@pytest.mark.rule("9")
def test_what_a_creator_has_itself_or_gives_to_others_stays() -> None:
    held = there(
        row(item("reader", "SELECT"), creator="reader", schema=None),
        row(item("stranger", "SELECT"), item(None, "SELECT")),
    )
    assert plan(shall(), held).is_empty


@pytest.mark.parametrize("schema", ["gone", "pg_catalog", "ignored"])
def test_where_nothing_can_be_given_nothing_is_planned(schema: str) -> None:
    one = replace(DECLARED, schema=schema)
    wanted = shall(one, ignore_schemas=("ignored",))
    assert plan(wanted, there()).is_empty
    [said] = notes_on_defaults(wanted, there())[key("reader")]
    assert schema in said


@pytest.mark.rule("18")
def test_of_a_creator_that_is_not_there_nothing_is_given_and_nothing_taken() -> None:
    """It may have another name now, and so may the owner of what it made."""
    gone = replace(DECLARED, perhaps_by=frozenset({"renamed"}))
    taken = plan(shall(gone), made_by("renamed")).changes
    assert {(type(one).__name__, *one.privileges) for one in taken} == {  # type: ignore[union-attr]
        ("RevokeDefaults", "INSERT"), ("RevokePrivileges", "INSERT"),
    }  # fmt: skip


@pytest.mark.found("E227")
@pytest.mark.rule("12")
def test_by_whom_the_creator_cannot_be_nothing_is_kept() -> None:
    """Else whoever names one that never was keeps what a narrowed `allow` takes."""
    gone = replace(DECLARED, perhaps_by=frozenset({"svc_one"}))
    taken = plan(shall(gone), made_by("another")).changes
    assert {(type(one).__name__, *sorted(one.privileges)) for one in taken} == {  # type: ignore[union-attr]
        ("RevokeDefaults", "INSERT", "SELECT"), ("RevokePrivileges", "INSERT", "SELECT"),
    }  # fmt: skip


@pytest.mark.found("E228")
@pytest.mark.rule("22")
@pytest.mark.parametrize("creator", ["owner", "gone"])
def test_each_declaration_is_looked_at_as_often_whoever_owns_what(creator: str) -> None:
    def walks(owners: int) -> int:
        many = Walked(replace(DECLARED, creator=creator, schema=f"s{one}") for one in range(9))
        names = [f"o{one}" for one in range(owners)]
        some = (item("reader", "SELECT"),)
        groups = tuple(
            ObjectGroup(TABLES, "s1", o, some, ("t",), (9 + at,)) for at, o in enumerate(names)
        )
        observed = there(groups=groups, roles=tuple(names))
        assert not plan(replace(shall(), defaults={"mydb": many}), observed).is_empty
        return many.times

    assert walks(1) == walks(40)


def made_by(creator: str) -> Observed:
    """It owns a table and gives by default what the reader has on that."""
    has = item("reader", "SELECT INSERT")
    table = ObjectGroup(TABLES, "app", creator, (has,), ("t",), (9,))
    return there(row(has, creator=creator), groups=(table,), roles=(creator,))


@pytest.mark.rule("8", "13")
@pytest.mark.parametrize(
    ("group", "stays"),
    [
        ({}, True),
        ({"owner": "another"}, False),
        ({"schema": "other"}, False),
        ({"is_extension_member": True}, False),
        ({"kind": ObjectKind.SEQUENCE, "relation_kind": "S"}, False),
    ],
)
def test_what_new_objects_have_of_it_is_not_spurious(group: dict[str, object], stays: bool) -> None:
    """On what its creator owns, there and of that kind; a member of an extension is another's."""
    given = (AclItem("reader", str(group.get("owner", "owner")), SELECT),)
    table = ObjectGroup(TABLES, "app", "owner", given, ("t",), (9,), relation_kind="r")
    table = replace(table, **group)  # type: ignore[arg-type]
    held = there(row(item("reader", "SELECT")), groups=(table,))
    assert plan(shall(DECLARED), held).is_empty is stays


@pytest.mark.rule("27")
def test_a_leaver_has_none_before_it_is_dropped() -> None:
    wanted = shall(roles=("writer",), endings=(Ending("reader", key("reader"), created=True),))
    words = [
        type(one).__name__ for one in plan(wanted, there(row(item("reader", "SELECT")))).changes
    ]
    assert words.index("RevokeDefaults") < words.index("DropRole")


@pytest.mark.rule("20")
def test_the_brake_withholds_one_privilege_and_lets_the_others_go() -> None:
    wanted = plan(shall(), there(row(item("reader", "SELECT INSERT"))))
    atoms = losses(wanted)
    assert {atom[:3] for atom in atoms} == {
        ("reader", "DEFAULT TABLE", "SELECT"), ("reader", "DEFAULT TABLE", "INSERT"),
    }  # fmt: skip
    less, touched = without(wanted, frozenset(one for one in atoms if one[2] == "SELECT"))
    assert [one.privileges for one in less.changes] == [{"INSERT"}]  # type: ignore[union-attr]
    assert touched == wanted.changes


def test_a_schema_cannot_take_from_everywhere_and_it_is_said() -> None:
    everywhere = replace(DECLARED, schema=None)
    [said] = notes_on_defaults(shall(everywhere, DECLARED), there())[key("reader")]
    assert "nothing that is said of a schema takes from it" in said
    execute = replace(DECLARED, kind=ROUTINES, privileges=frozenset({"EXECUTE"}))
    [said] = notes_on_defaults(shall(execute), there())[key("reader")]
    assert "restricts nobody" in said
    closed = ObservedDefault("owner", None, ROUTINES, (item("owner", "EXECUTE"),))
    assert not notes_on_defaults(shall(execute), there(closed))
    assert not notes_on_defaults(shall(DECLARED), there())


@pytest.mark.found("E189")
def test_for_many_declarations_the_others_are_walked_as_often_as_for_one() -> None:
    """And the groups and rows of the reading too."""

    def walks(number: int) -> tuple[int, ...]:
        many = Walked(replace(DECLARED, schema=f"s{one}") for one in range(number))
        groups, rows = Walked((SCHEMAS,)), Walked((row(item(None, "SELECT"), schema=None),))
        reading = ObservedDatabase("mydb", groups, defaults=rows)
        observed = Observed(there().server, {"mydb": reading})
        assert notes_on_defaults(replace(shall(), defaults={"mydb": many}), observed)
        return many.times, groups.times, rows.times

    assert walks(1) == walks(40)
