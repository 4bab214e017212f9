"""Secrets from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.validate import Checked, read_and_check
from controller.core.secrets import SecretName
from controller.local.secrets import (
    SecretCollisionError,
    secrets_from_environment,
    variable_of,
    with_environment,
)
from tests.command import flights

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


@pytest.mark.found("E501")
def test_a_key_that_is_given_twice_is_said_with_both_places_and_which_counts(
    tmp_path: Path,
) -> None:
    directory = flights(tmp_path)
    (directory / "secrets.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: mydb-passwords}\n"
        "stringData: {admin: canary-of-git}\n"
    )
    variable = variable_of(NAME, "admin")
    tree, problems = read_and_check(Checked((str(directory),), {variable: "canary-of-environment"}))
    [said] = [one for one in problems if variable in one.message]
    assert (said.severity, said.place) == ("warning", "secrets.yaml:1")
    assert "and the variable counts" in said.message
    assert said in tree.passed_over, "plan, apply and local say what was passed over"
    assert "canary" not in f"{problems}"
    _, problems = read_and_check(Checked((str(directory),), {}))
    assert not [one for one in problems if variable in one.message]
