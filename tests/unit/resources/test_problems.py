"""How a problem is written."""

from __future__ import annotations

import pytest

from shared.problems import Problem, field_text, nearest, shown_value

PROBLEM = Problem(
    "roles.yaml", 12, "Role default/ops", "spec.database", "mydbb", "is served by no Regent",
    "did you mean mydb?",
)  # fmt: skip


def test_a_problem_is_one_line_with_place_field_value_and_way_out() -> None:
    assert str(PROBLEM) == (
        'roles.yaml:12: Role default/ops: error: spec.database "mydbb" is served by no Regent. '
        "Did you mean mydb?"
    )


def test_a_problem_is_json_with_camel_case_names() -> None:
    assert PROBLEM.to_json() == {
        "severity": "error",
        "file": "roles.yaml",
        "line": 12,
        "resource": "Role default/ops",
        "field": "spec.database",
        "value": "mydbb",
        "message": "is served by no Regent",
        "wayOut": "did you mean mydb?",
    }


def test_fields_are_written_as_people_write_them() -> None:
    assert field_text(("spec", "schemas", 1)) == "spec.schemas[1]"
    assert field_text(("spec", "parameters", "my.app")) == 'spec.parameters["my.app"]'


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("canary", ("spec", "passwordSecretRef")),
        ("canary", ("stringData", "x")),
        ("postgres://u:canary@h", ("spec", "databaseHost")),
        ("host=h password=canary", ("spec", "databaseHost")),
    ],
)
def test_what_may_be_a_secret_is_not_shown(value: str, path: tuple[str, ...]) -> None:
    assert shown_value(value, path) is None


def test_the_name_of_a_secret_is_shown_and_long_values_are_cut() -> None:
    assert shown_value("s", ("spec", "passwordSecretRef", "name")) == "s"
    shown = shown_value("x" * 100, ("spec", "database"))
    assert shown is not None
    assert len(shown) == 60


def test_the_nearest_word_disregards_case_and_separators() -> None:
    assert nearest("role_name", ["roleName", "roles"]) == "roleName"
    assert nearest("zzz", ["roleName"]) is None
