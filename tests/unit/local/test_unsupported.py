"""What is accepted and not acted on is said by `validate`, with file, line and what happens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.local.check import check
from controller.local.directory import read_directory
from shared.resources import RegentSpec
from shared.unsupported import UNSUPPORTED, unsupported
from tests.unit.local.manifests import permission, regent, role, user, write

SETTLED: dict[str, Any] = {
    "adminUser": "a",
    "adminPasswordSecretRef": {"name": "s", "key": "k"},
    "databaseHost": "h",
    "databaseName": "d",
}
OF_REGENTS = """\
detector: Polling
enforcement: Prevent
"""


@pytest.mark.found("C27")
def test_every_field_that_does_nothing_is_a_warning_where_it_stands(tmp_path: Path) -> None:
    tree = read_directory(
        write(
            tmp_path,
            regent(more=OF_REGENTS),
            permission(),
            role("owner", "read"),
        )
    )
    assert not tree.problems
    problems = [problem for problem in check(tree) if "Unsupported" in problem.message]
    lines = (tmp_path / "all.yaml").read_text("utf-8").splitlines()
    assert {(problem.resource.partition(" ")[0], problem.field) for problem in problems} == {
        ("Regent", "spec.enforcement"),
    }
    for problem in problems:
        assert problem.severity == "warning"
        assert problem.line
        assert lines[problem.line - 1].strip().startswith(problem.field.removeprefix("spec."))


def test_a_password_that_only_a_cluster_makes_is_a_warning_with_the_way_out(tmp_path: Path) -> None:
    more = "credentials: {secretName: s}"
    tree = read_directory(
        write(
            tmp_path, regent(), permission(), role("owner", "read"), user("ann", "owner", more=more)
        )
    )
    (problem,) = (one for one in check(tree) if one.field == "spec.credentials")
    assert (problem.severity, bool(problem.line)) == ("warning", True)
    assert "by the controller of a cluster only" in problem.message
    assert "passwordSecretRef" in problem.way_out


@pytest.mark.found("C27")
def test_values_that_mean_what_they_say_are_no_warning() -> None:
    spec = {
        **SETTLED,
        "approval": "Manual",
        "unmanagedRoles": "Disable",
        "publicPrivileges": {"connect": "Declared"},
        "enforcement": "Observe",
    }
    assert unsupported(RegentSpec.model_validate(spec)) == ()


@pytest.mark.rule("25")
@pytest.mark.found("E300")
@pytest.mark.found("E303")
@pytest.mark.parametrize("detector", [None, "Auto", "Triggers", "Polling"])
def test_preventing_is_said_to_be_in_vain_only_without_triggers(detector: str | None) -> None:
    spec = {**SETTLED, "enforcement": "Prevent", "detector": detector}
    found = unsupported(RegentSpec.model_validate(spec))
    assert [one.field for one in found] == ["spec.enforcement: Prevent"] * (detector == "Polling")


@pytest.mark.found("C27")
def test_every_entry_of_the_table_is_a_field() -> None:
    for model, fields in UNSUPPORTED.items():
        known = {field.alias or name for name, field in model.model_fields.items()}
        assert set(fields) <= known


@pytest.mark.rule("11")
@pytest.mark.parametrize("says", ["Ignore", "Declared"])
def test_a_role_that_speaks_for_public_in_vain_is_a_warning(tmp_path: Path, says: str) -> None:
    more = f"publicPrivileges: {{connect: {says}}}\n"
    speaker = role("everybody", "read", more="public: true")
    tree = read_directory(write(tmp_path, regent(more=more), permission(), speaker))
    assert not tree.problems
    found = [problem for problem in check(tree) if problem.field == "spec.public"]
    assert len(found) == (says == "Ignore")
    for problem in found:
        assert (problem.severity, bool(problem.line)) == ("warning", True)
        assert "spec.publicPrivileges" in problem.way_out
