"""Which Regent a call means, and where its password comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import SecretBytes

from cli.dsn import parse_dsn
from cli.targets import (
    DeclaredServers,
    DsnServer,
    NoAdminPasswordError,
    OtherDatabaseError,
    WhichRegentError,
    choose_regent,
    regent_settings,
)
from controller.core.secrets import Secret, SecretName
from shared.keys import ResourceKey
from shared.resources import API_VERSION, Regent


def regent(name: str = "my-regent", namespace: str = "default", **spec: object) -> Regent:
    """A Regent of mydb."""
    return Regent.model_validate(
        {
            "apiVersion": API_VERSION,
            "kind": "Regent",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {
                "adminUser": "my-admin",
                "adminPasswordSecretRef": {"name": "passwords", "key": "admin"},
                "databaseHost": "db.example.com",
                "databaseName": "mydb",
                **spec,
            },
        }
    )


def secrets(value: bytes = b"pw", **labels: str) -> Mapping[SecretName, Secret]:
    """One Secret with one key."""
    name = SecretName("default", "passwords")
    return {name: Secret(name, {"admin": SecretBytes(value)}, labels)}


def keyed(*regents: Regent) -> dict[ResourceKey, Regent]:
    """By their keys."""
    return {one.key: one for one in regents}


def test_the_only_regent_is_meant() -> None:
    """Nothing to name."""
    assert choose_regent(keyed(regent()), None) == regent()


def test_a_regent_is_named_with_or_without_its_namespace() -> None:
    """NAME, or NAMESPACE/NAME where two namespaces have one of that name."""
    one, other = regent(), regent(namespace="team")
    both = keyed(one, other)
    assert choose_regent(both, "team/my-regent") == other
    with pytest.raises(WhichRegentError, match="default/my-regent, team/my-regent"):
        choose_regent(both, "my-regent")


@pytest.mark.parametrize("name", [None, "my-regent"])
def test_a_directory_without_a_regent_is_told_to_add_one(name: str | None) -> None:
    """Named or not."""
    with pytest.raises(WhichRegentError, match="Add one"):
        choose_regent({}, name)


def test_an_unknown_name_lists_the_known() -> None:
    """So that one can be copied."""
    with pytest.raises(WhichRegentError, match="There are: default/my-regent"):
        choose_regent(keyed(regent()), "other")


def test_a_dsn_to_another_database_names_both() -> None:
    """Interface 8."""
    server = DsnServer(parse_dsn("postgresql://a:pw@localhost/otherdb", {}))
    with pytest.raises(OtherDatabaseError) as refused:
        server.server(regent(), {})
    assert "otherdb" in str(refused.value)
    assert "databaseName mydb" in str(refused.value)
    assert "pw" not in str(refused.value)


def test_a_dsn_stands_for_address_admin_and_password() -> None:
    """The Regent's own Secret is not read: there is none here."""
    server = DsnServer(parse_dsn("postgresql://boss:pw@localhost/mydb", {})).server(regent(), {})
    assert (server.host, server.admin_user) == ("localhost", "boss")


def test_the_declared_server_has_the_password_of_its_secret() -> None:
    """One trailing newline is cut (rule 19)."""
    server = DeclaredServers().server(regent(port=6000), secrets(b"pw\n"))
    assert (server.host, server.port) == ("db.example.com", 6000)
    assert server.admin_password is not None
    assert server.admin_password.get_secret_value() == "pw"


@pytest.mark.parametrize(
    ("given", "spec", "said"),
    [
        ({}, {}, "default/passwords is not there"),
        (secrets(), {"secretsSelector": {"tier": "db"}}, "tier: db"),
        (secrets(), {"adminPasswordSecretRef": {"name": "passwords", "key": "x"}}, "no key x"),
    ],
)
def test_trouble_with_the_admins_secret_names_it_and_never_its_value(
    given: Mapping[SecretName, Secret], spec: dict[str, Any], said: str
) -> None:
    """And the field that refers to it."""
    with pytest.raises(NoAdminPasswordError) as refused:
        DeclaredServers().server(regent(**spec), given)
    assert said in str(refused.value)
    assert "spec.adminPasswordSecretRef" in str(refused.value)


def test_settings_name_the_regent_its_databases_and_its_home() -> None:
    """databaseName first."""
    one = regent(additionalDatabases=["b", "a"], homeDatabase="home")
    settings = regent_settings(one, DeclaredServers().server(one, secrets()))
    assert settings.databases == ("mydb", "b", "a")
    assert (settings.regent, settings.home_database) == ("default/my-regent", "home")
