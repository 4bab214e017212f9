"""Regent: one server, one way to log in, and defaults that are nowhere written."""

from __future__ import annotations

from typing import Any

import pytest

from shared.resources import Regent
from shared.resources.base import API_VERSION
from shared.resources.reading import Mistake, Mistaken, read_manifest

REFERENCE: dict[str, Any] = {
    "adminUser": "my-admin",
    "adminPasswordSecretRef": {"name": "mydb-passwords", "key": "admin"},
    "databaseHost": "some.known.endpoint",
    "port": 5432,
    "databaseName": "mydb",
    "secretsSelector": {"key1": "value1", "key2": "value2"},
}


def read(**changes: Any) -> Regent | Mistaken:
    """The reference's Regent with some fields changed; None takes a field out."""
    manifest = {
        "apiVersion": API_VERSION,
        "kind": "Regent",
        "metadata": {"name": "my-regent"},
        "spec": {**REFERENCE, **changes},
    }
    found = read_manifest("Regent", manifest)
    assert isinstance(found, Regent | Mistaken)
    return found


def regent(**changes: Any) -> Regent:
    """One that is valid."""
    found = read(**changes)
    assert isinstance(found, Regent), found
    return found


def mistakes(**changes: Any) -> tuple[Mistake, ...]:
    """What is wrong with one that is not."""
    found = read(**changes)
    assert isinstance(found, Mistaken)
    return found.mistakes


def test_what_is_left_out_has_its_default() -> None:
    spec = regent(port=None).spec
    assert spec.effective_port == 5432
    assert spec.effective_home_database == "postgregent"
    assert spec.tls_mode is None
    assert spec.databases == ("mydb",)


@pytest.mark.rule("28b")
@pytest.mark.parametrize("host", ["db", "db.example.org", "10.0.0.1", "::1", "fe80::1", "my_db"])
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    assert regent(databaseHost=host).spec.database_host == host


@pytest.mark.rule("28b")
@pytest.mark.parametrize(
    "host",
    ["postgres://u:p@h/db", "host=a dbname=b", "a,b", "/var/run/postgresql", "h:5432", "", "@abs"],
)
def test_a_host_is_never_a_dsn_a_list_or_a_socket(host: str) -> None:
    [mistake] = mistakes(databaseHost=host)
    assert mistake.field == "spec.databaseHost"


def test_the_password_in_a_dsn_is_not_repeated() -> None:
    [mistake] = mistakes(databaseHost="postgres://u:canary@h/db")
    assert "canary" not in repr(mistake)


@pytest.mark.rule("5")
def test_the_home_database_is_never_a_served_one() -> None:
    [mistake] = mistakes(additionalDatabases=["postgregent"])
    assert mistake.field == "spec.homeDatabase"
    assert regent(additionalDatabases=["postgregent"], homeDatabase="home").spec.databases


def test_there_is_one_way_to_log_in() -> None:
    [missing] = mistakes(adminPasswordSecretRef=None)
    assert missing.field == "spec.adminPasswordSecretRef"
    [second] = mistakes(connectionSecretRef={"name": "app"})
    assert second.field == "spec.connectionSecretRef"


@pytest.mark.rule("20")
@pytest.mark.parametrize(
    ("written", "numbers"), [({}, (5, 20)), ({"minimum": 9}, (9, 20)), ({"percent": 50}, (5, 50))]
)
def test_the_brake_has_its_numbers(written: dict[str, object], numbers: tuple[int, int]) -> None:
    brake = regent(brake=written).spec.brake
    assert brake is not None
    assert brake.is_enabled
    assert (brake.effective_minimum, brake.effective_percent) == numbers


@pytest.mark.rule("20")
@pytest.mark.parametrize("written", [{"mode": "Disabled"}, "Disabled"])
def test_the_brake_may_be_disabled(written: object) -> None:
    brake = regent(brake=written).spec.brake
    assert brake is not None
    assert not brake.is_enabled


@pytest.mark.found("E33")
@pytest.mark.parametrize("value", ["Off", "off", "disabled", False, True])
def test_another_word_for_the_brake_is_told_the_one_that_there_is(value: object) -> None:
    """YAML makes a boolean of some of them."""
    [mistake] = mistakes(brake=value)
    assert mistake.field == "spec.brake"
    assert "write Disabled" in mistake.way_out


def test_an_empty_list_of_what_is_allowed_is_not_an_absent_one() -> None:
    """`adopt: []` is nothing, no `adopt` is the default; both survive being written."""
    empty = regent(allow={"adopt": []}).spec
    assert empty.allow is not None
    assert empty.allow.adopt == ()
    assert type(empty).model_validate(empty.model_dump(by_alias=True)) == empty


def test_allowed_namespaces_are_given_by_name_or_by_label() -> None:
    [both] = mistakes(allowedNamespaces=[{"names": ["a"], "selector": {}}])
    assert both.field == "spec.allowedNamespaces[0].selector"
    [neither] = mistakes(allowedNamespaces=[{"allow": {}}])
    assert neither.field == "spec.allowedNamespaces[0].names"


@pytest.mark.parametrize(("field", "value"), [("port", 0), ("port", 65_536), ("resyncSeconds", 4)])
def test_numbers_have_their_bounds(field: str, value: int) -> None:
    [mistake] = mistakes(**{field: value})
    assert mistake.field == f"spec.{field}"
    assert mistake.value == str(value)
