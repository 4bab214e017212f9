"""Secrets from the environment."""

from __future__ import annotations

import pytest

from controller.core.secrets import SecretName
from controller.local.secrets import (
    SecretCollisionError,
    secrets_from_environment,
    variable_of,
    with_environment,
)

NAME = SecretName("default", "mydb-passwords")


def test_a_variable_is_named_after_secret_and_key() -> None:
    expected = "POSTGREGENT_SECRET_MYDB_PASSWORDS__FLIGHTS_ADMIN"
    assert variable_of(NAME, "flights-admin") == expected


def test_only_what_is_referred_to_and_set_is_read() -> None:
    environment = {variable_of(NAME, "admin"): "canary", "POSTGREGENT_SECRET_OTHER__X": "y"}
    found = secrets_from_environment([(NAME, "admin"), (NAME, "missing")], environment)
    assert list(found) == [NAME]
    assert list(found[NAME].values) == ["admin"]
    assert found[NAME].is_selected_by({"any": "label"})
    assert "canary" not in repr(found)


@pytest.mark.parametrize(
    "other",
    [
        (SecretName("default", "mydb.passwords"), "admin"),
        (SecretName("team", "mydb-passwords"), "admin"),
        (NAME, "Admin"),
    ],
)
def test_two_references_with_one_variable_are_refused(other: tuple[SecretName, str]) -> None:
    with pytest.raises(SecretCollisionError, match="MYDB_PASSWORDS__ADMIN"):
        secrets_from_environment([(NAME, "admin"), other], {})


def test_the_environment_comes_before_a_manifest() -> None:
    old = secrets_from_environment(
        [(NAME, "a"), (NAME, "b")], {variable_of(NAME, "a"): "1", variable_of(NAME, "b"): "2"}
    )
    new = secrets_from_environment([(NAME, "a")], {variable_of(NAME, "a"): "3"})
    values = with_environment(old, new)[NAME].values
    assert [values[key].get_secret_value() for key in ("a", "b")] == [b"3", b"2"]
