from __future__ import annotations

from dataclasses import replace

import pytest

from regent.desired import Attributes
from regent.observed import AclItem, ObjectGroup, ObservedMembership, ObservedRole, ObservedServer
from regent.reach import Reaches
from shared.privileges import ObjectKind


def server(attributes: dict[str, Attributes], *memberships: tuple[str, str]) -> ObservedServer:
    roles = {
        name: ObservedRole(oid=number, name=name, login=False, attributes=own)
        for number, (name, own) in enumerate(attributes.items(), start=16_384)
    }
    rows = tuple(
        ObservedMembership(group=group, member=member, grantor="admin", admin=False)
        for member, group in memberships
    )
    return ObservedServer(
        version_num=180_000,
        system_identifier="1",
        admin="admin",
        admin_is_superuser=True,
        roles=roles,
        memberships=rows,
    )


def test_a_role_reaches_what_its_groups_are_members_of() -> None:
    found = Reaches.of(
        server({"a": Attributes(), "b": Attributes(), "c": Attributes()}, ("a", "b"), ("b", "c"))
    )
    assert found.roles_of("a") == {"a", "b", "c"}
    assert found.roles_of("c") == {"c"}


def test_its_powers_are_those_of_every_role_that_it_reaches() -> None:
    found = Reaches.of(
        server(
            {"a": Attributes(createdb=True), "b": Attributes(superuser=True)},
            ("a", "b"),
            ("a", "pg_execute_server_program"),
            ("a", "pg_monitor"),
        )
    )
    assert found.powers_of("a") == {"createdb", "superuser", "pg_execute_server_program"}
    assert found.powers_of("b") == {"superuser"}


def test_a_membership_that_leads_back_ends_where_it_began() -> None:
    found = Reaches.of(server({"a": Attributes(), "b": Attributes()}, ("a", "b"), ("b", "a")))
    assert found.roles_of("a") == {"a", "b"}


@pytest.mark.found("E171")
def test_a_privilege_with_which_one_is_soon_a_superuser_is_a_power() -> None:
    acl = (
        AclItem("a", "admin", frozenset({"SET", "ALTER SYSTEM"})),
        AclItem(None, "admin", frozenset({"SET"})),
    )
    one = server({"a": Attributes(), "b": Attributes()}, ("b", "a"))
    shared = (
        ObjectGroup(ObjectKind.PARAMETER, None, "admin", acl, ("work_mem", "wal_level"), (1, 2)),
    )
    one = replace(one, shared=shared, file_routines=(("b", "pg_read_file"),))
    found = Reaches.of(one, ordinary={"work_mem"})
    on_parameters = {
        "ALTER SYSTEM on parameter work_mem",
        "ALTER SYSTEM on parameter wal_level",
        "SET on parameter wal_level",
    }
    assert found.powers_of("a") == on_parameters
    assert found.powerful()["b"] == on_parameters | {"EXECUTE on pg_read_file()"}
