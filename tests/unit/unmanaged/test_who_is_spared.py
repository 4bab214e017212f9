"""Who may log in undeclared, and whom Disable spares: what nobody can bring about for himself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from regent.observed import ObservedMembership, ObservedServer
from regent.remembered import Census, Noticed
from regent.report.unmanaged import role_body
from regent.resolve import Situation, resolve
from regent.resolve.unmanaged import Found
from regent.unmanaged.families import FAMILIES
from regent.unmanaged.who import Unmanaged
from shared.outcomes import Actor
from shared.state import Trouble
from tests.declared import NOON, REGENT, accepted, mark, role, server, state

pytestmark = pytest.mark.rule("11")


def found(
    on: ObservedServer,
    declared: str = "",
    *,
    census: Census | None = None,
    held: dict[str, Trouble] | None = None,
    marks: tuple[object, ...] = (),
    **regent: object,
) -> Found:
    """What a Regent finds that reports."""
    pushed = state(declared, regent={"unmanagedRoles": "Report", **regent}, held=held)
    situation = Situation(
        accepted=accepted(pushed),
        marks=marks,  # type: ignore[arg-type]
        server=on,
        regent=REGENT,
        served=("mydb",),
        now=NOON,
        census=census or Census(),
    )
    return resolve(situation).unmanaged


def names(one: Found) -> list[str]:
    return [role.name for role in one.roles]


def spared(one: Found) -> dict[str, str]:
    return {role.name: role.spared for role in one.roles}


def test_who_may_log_in_and_is_neither_declared_nor_anybodys_is_found_with_what_he_may() -> None:
    on = server(
        role("eve", login=True, createrole=True),
        role("mallory", login=True),
        role("group"),
        role("declared", login=True),
        role("v-vault", login=True),
        role("theirs", login=True),
    )
    powerful = replace(
        on, memberships=(ObservedMembership("pg_write_all_data", "mallory", "postgres", False),)
    )
    one = found(
        powerful,
        "User/declared: {database: mydb}",
        marks=(mark("theirs", "User/theirs", regent="default/other"),),
        ignoreRoles=["v-*"],
    )
    assert {found.name: found.may for found in one.roles} == {
        "eve": ("CREATEROLE",),
        "mallory": ("member of pg_write_all_data",),
    }


def test_nothing_is_looked_for_where_the_regent_does_not_ask() -> None:
    assert found(server(role("eve", login=True)), unmanagedRoles="Ignore").roles == ()


def test_a_name_that_a_resource_declares_is_declared_though_it_gives_nothing() -> None:
    """Refused as it exists, held in the form of before; what `renamedFrom` names is not."""
    on = server(*(role(name, login=True) for name in ("taken", "kept", "former", "eve")))
    declared = """
User/taken: {database: mydb}
User/other: {database: mydb, userName: kept, renamedFrom: former}
"""
    assert names(found(on, declared)) == ["eve", "former"]


def test_of_what_is_held_for_the_first_time_not_even_the_name_is_known() -> None:
    on = server(role("eve", login=True))
    held = {"User/default/new": Trouble(reason="Invalid", message="x")}
    one = found(on, held=held, unmanagedRoles="Disable")
    assert "User/default/new" in one.waits
    assert one.disabling == frozenset()
    permission = {"Permission/default/new": Trouble(reason="Invalid", message="x")}
    assert found(on, held=permission, unmanagedRoles="Disable").disabling
    assert found(on, held=held).disabling == frozenset()


def test_what_spares_a_role_is_given_by_somebody_with_power() -> None:
    on = server(
        role("boss", login=True, superuser=True),
        role("walsender", login=True, replication=True),
        role("subscriber", login=True),
        role("dba", login=True, createrole=True),
        role("away", login=True, createrole=True),
        role("eve", login=True),
    )
    on = replace(
        on,
        connected=frozenset({"dba", "eve"}),
        subscribers=frozenset({"subscriber"}),
    )
    assert spared(found(on)) == {
        "away": "",
        "boss": "a superuser",
        "dba": "an administrator who is connected",
        "eve": "",
        "subscriber": "it owns an enabled subscription",
        "walsender": "it may replicate",
    }


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.anchor)
def test_a_name_of_a_family_spares_only_on_a_server_of_that_family(family: object) -> None:
    assert isinstance(family, type(FAMILIES[0]))
    squatted = server(role(family.anchor, login=True), role(family.others[0], login=True))
    assert set(spared(found(squatted)).values()) == {""}
    real = server(
        role(family.anchor, login=True, replication=True), role(family.others[0], login=True)
    )
    assert family.whose in spared(found(real))[family.others[0]]


def test_a_role_that_a_regent_left_as_it_was_is_spared_and_another_of_its_name_is_not() -> None:
    left = mark("left", "User/left", released=True, oid=7)
    same = server(role("left", oid=7, login=True))
    assert "left it" in spared(found(same, marks=(left,)))["left"]
    another = server(role("left", oid=8, login=True))
    assert spared(found(another, marks=(left,))) == {"left": ""}


def test_a_mark_that_cannot_be_read_is_a_mark() -> None:
    on = server(role("eve", login=True))
    assert names(found(on, census=Census(doubtful=frozenset({"eve"})))) == []


def test_of_whoever_came_since_it_is_told_who_made_him() -> None:
    actor = Actor(certainty="Probable", session_user="mallory", application="psql")
    eve = Unmanaged("eve", 7, may_log_in=True, noticed=Noticed(7, "eve", NOON, actor))
    body = role_body(eve)
    assert (body.appeared_at, body.by) == (NOON, "probably by mallory (psql)")


def test_who_was_disabled_stays_found_though_he_may_not_log_in() -> None:
    census = Census(NOON, (Noticed(7, "eve", disabled_at=NOON),))
    one = found(server(role("renamed", oid=7), role("group", oid=8)), census=census)
    assert [(r.name, r.is_disabled) for r in one.roles] == [("renamed", True)]


def test_who_was_disabled_is_not_spared_by_a_session_and_a_power_that_a_friend_gave_him() -> None:
    on = server(role("eve", oid=7, login=True), role("dba", createrole=True))
    on = replace(
        on,
        memberships=(ObservedMembership("dba", "eve", "dba", False),),
        connected=frozenset({"eve"}),
    )
    assert spared(found(on)) == {"eve": "an administrator who is connected"}
    census = Census(NOON, (Noticed(7, "eve", disabled_at=NOON),))
    assert spared(found(on, census=census)) == {"eve": ""}


@pytest.mark.found("E180")
def test_who_may_replicate_by_a_membership_of_the_provider_is_spared() -> None:
    """RDS has no REPLICATION to give; elsewhere a role of that name is anybody's."""
    roles = (role("rds_replication"), role("dms", login=True))
    row = ObservedMembership("rds_replication", "dms", "rds_superuser", admin=False)
    elsewhere = replace(server(*roles), memberships=(row,))
    assert spared(found(elsewhere))["dms"] == ""
    rds = replace(server(*roles, role("rdsadmin", superuser=True)), memberships=(row,))
    assert spared(found(rds))["dms"] == "it may replicate"
