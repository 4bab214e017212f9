"""Role and User: names, settings, attributes and what does not go together."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from shared.keys import Kind
from shared.resources import Role, User
from shared.resources.base import API_VERSION
from shared.resources.reading import Mistake, Mistaken, read_manifest


def manifest(kind: Kind, name: str = "r", **spec: Any) -> dict[str, Any]:
    """A manifest of this kind."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def mistakes(kind: Kind, name: str = "r", **spec: Any) -> list[Mistake]:
    """Its mistakes."""
    found = read_manifest(kind, manifest(kind, name, **spec))
    return list(found.mistakes) if isinstance(found, Mistaken) else []


def role(**spec: Any) -> Role:
    """A valid Role."""
    found = read_manifest("Role", manifest("Role", database="mydb", **spec))
    assert isinstance(found, Role), found
    return found


def user(**spec: Any) -> User:
    """A valid User."""
    found = read_manifest("User", manifest("User", roles=["r"], **spec))
    assert isinstance(found, User), found
    return found


@pytest.mark.rule("7")
def test_the_postgres_name_is_the_given_one_or_that_of_the_resource() -> None:
    assert role().postgres_name == "r"
    assert role(roleName="Ops Team").postgres_name == "Ops Team"
    assert user(userName="álva").postgres_name == "álva"


@pytest.mark.rule("7")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pg_x", "begins with pg_"),
        ("public", "reserves"),
        ("none", "reserves"),
        ("x" * 64, "is 64 bytes long"),
        ("é" * 32, "is 64 bytes long"),
        ("", "is empty"),
    ],
)
def test_a_name_that_postgres_would_refuse_or_cut_is_refused(name: str, message: str) -> None:
    [mistake] = mistakes("User", roles=["r"], userName=name)
    assert mistake.field == "spec.userName"
    assert message in mistake.message
    assert mistake.way_out


@pytest.mark.rule("7")
def test_a_resource_name_of_64_bytes_needs_a_role_name() -> None:
    [mistake] = mistakes("Role", "x" * 64, database="mydb")
    assert (mistake.field, "roleName" in mistake.way_out) == ("metadata.name", True)
    assert not mistakes("Role", "x" * 64, database="mydb", roleName="short")


def test_a_resource_named_public_is_refused_unless_it_makes_no_role() -> None:
    [mistake] = mistakes("Role", "public", database="mydb")
    assert mistake.field == "metadata.name"
    assert not mistakes("Role", "public", database="mydb", public=True)


def test_public_makes_no_role_so_it_takes_nothing_that_a_role_has() -> None:
    found = mistakes("Role", database="mydb", public=True, roleName="x", adopt=True)
    assert {mistake.field for mistake in found} == {"spec.roleName", "spec.adopt"}


def test_settings_are_texts_or_whole_numbers_and_kept_as_text() -> None:
    spec = role(parameters={"work_mem": "64MB", "statement_timeout": 5000}).spec
    assert dict(spec.parameters) == {"work_mem": "64MB", "statement_timeout": "5000"}


@pytest.mark.found("E91")
@pytest.mark.parametrize("kind", ["Role", "User"])
def test_a_setting_that_is_spelt_in_two_ways_is_refused(kind: Literal["Role", "User"]) -> None:
    """To PostgreSQL it is one, and its value would be set again and again."""
    twice = {"work_mem": "4MB", "WORK_MEM": "8MB"}
    [mistake] = mistakes(kind, database="mydb", parameters=twice)
    assert mistake.field == "spec.parameters.WORK_MEM"
    assert "work_mem" in mistake.message
    [mistake] = mistakes(kind, database="mydb", databaseParameters={"mydb": twice})
    assert mistake.field == "spec.databaseParameters.mydb.WORK_MEM"
    several = {"mydb": {"work_mem": "4MB"}, "other": {"WORK_MEM": "8MB"}}
    assert not mistakes(kind, database="mydb", databaseParameters=several)


@pytest.mark.parametrize(("value", "quoted"), [(True, '"on"'), (False, '"off"'), (1.5, '"1.5"')])
def test_a_boolean_setting_is_refused_with_the_quoted_form(value: object, quoted: str) -> None:
    [mistake] = mistakes("Role", database="mydb", databaseParameters={"mydb": {"jit": value}})
    assert mistake.field == "spec.databaseParameters.mydb.jit"
    assert quoted in mistake.way_out


def test_membership_options_have_the_defaults_of_postgres() -> None:
    [membership] = role(memberOf=[{"role": "pg_monitor"}]).spec.member_of
    assert membership.may_set


def test_a_user_needs_a_role_or_a_database() -> None:
    [mistake] = mistakes("User")
    assert mistake.field == "spec.database"
    assert not mistakes("User", database="mydb")


def test_a_user_has_its_password_from_one_place() -> None:
    [mistake] = mistakes(
        "User",
        roles=["r"],
        passwordSecretRef={"name": "s", "key": "k"},
        credentials={"secretName": "s"},
    )
    assert mistake.field == "spec.credentials"


@pytest.mark.parametrize("value", ["2026-12-31", "2026-12-31T10:00:00", "soon", 1798675200])
def test_a_time_needs_its_zone(value: object) -> None:
    [mistake] = mistakes("User", roles=["r"], validUntil=value)
    assert mistake.field == "spec.validUntil"
    assert "2026-12-31T23:59:59Z" in mistake.way_out


def test_a_time_with_its_zone_is_taken() -> None:
    until = user(validUntil="2026-12-31T23:59:59+02:00").spec.valid_until
    assert until is not None
    assert until.isoformat() == "2026-12-31T23:59:59+02:00"


def test_access_ends_after_it_begins() -> None:
    access = {
        "role": "r",
        "until": "2026-01-01T00:00:00Z",
        "from": "2026-01-02T00:00:00Z",
        "reason": "audit",
    }
    [mistake] = mistakes("User", roles=["r"], access=[access])
    assert mistake.field == "spec.access[0].until"


@pytest.mark.parametrize(("reason", "words"), [("", "is empty"), ("x" * 1_025, "is too long")])
def test_a_reason_is_a_text_and_no_list(reason: str, words: str) -> None:
    """It was called an empty list that may be left out; it is required."""
    access = {"role": "r", "until": "2027-01-01T00:00:00Z", "reason": reason}
    [mistake] = mistakes("User", roles=["r"], access=[access])
    assert mistake.field == "spec.access[0].reason"
    assert words in mistake.message
    assert "leave the field out" not in mistake.way_out


def test_default_privileges_fit_their_objects() -> None:
    entry = {"creator": "app", "objects": "sequences", "actions": ["SELECT", "DELETE"]}
    [mistake] = mistakes("Role", database="mydb", defaultPrivileges=[entry])
    assert mistake.field == "spec.defaultPrivileges[0].actions[1]"


@pytest.mark.found("E228")
def test_the_schemas_of_all_default_privileges_together_are_bounded() -> None:
    """The two lengths of 256 would multiply."""
    one = {"creator": "app", "objects": "tables", "actions": ["SELECT"]}
    full = {**one, "schemas": [f"s{at}" for at in range(256)]}
    assert len(role(defaultPrivileges=[full] * 32).spec.default_privileges) == 32
    [mistake] = mistakes("Role", database="mydb", defaultPrivileges=[full] * 32 + [one])
    assert mistake.field == "spec.defaultPrivileges"


def test_leases_go_with_dynamic_credentials_only() -> None:
    [mistake] = mistakes("User", roles=["r"], credentials={"secretName": "s", "maxTTL": "1h"})
    assert mistake.field == "spec.credentials.maxTTL"


def test_a_lease_lasts_an_hour_a_day_at_most_and_a_minute_at_least() -> None:
    made = {"secretName": "s", "mode": "Dynamic"}

    def lasts(**more: str) -> tuple[int, int]:
        spec = user(credentials={**made, **more}).spec.credentials
        assert spec is not None
        return spec.default_ttl_seconds, spec.max_ttl_seconds

    assert lasts() == (3_600, 86_400)
    assert lasts(maxTTL="30m") == (1_800, 1_800)
    assert lasts(defaultTTL="60s", maxTTL="60s") == (60, 60)
    for wrong in ({"defaultTTL": "59s"}, {"defaultTTL": "25h"}):
        [mistake] = mistakes("User", roles=["r"], credentials={**made, **wrong})
        assert mistake.field == "spec.credentials.defaultTTL"


def test_a_user_is_enabled_and_unlimited_unless_it_says_otherwise() -> None:
    spec = user().spec
    assert (spec.is_enabled, spec.connection_limit) == (True, None)
    assert user(enabled=False).spec.is_enabled is False
