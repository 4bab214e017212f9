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
approval: Manual
publicPrivileges: {connect: Declared}
setRole: owner
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
            role("everybody", "read", more="public: true"),
            user("ann", "owner", more="credentials: {secretName: s}"),
        )
    )
    assert not tree.problems
    problems = [problem for problem in check(tree) if "Unsupported" in problem.message]
    lines = (tmp_path / "all.yaml").read_text("utf-8").splitlines()
    assert {(problem.resource.partition(" ")[0], problem.field) for problem in problems} == {
        *(("Regent", f"spec.{line.partition(':')[0]}") for line in OF_REGENTS.splitlines()),
        ("Role", "spec.public"),
        ("User", "spec.credentials"),
    }
    for problem in problems:
        assert problem.severity == "warning"
        assert problem.line
        assert lines[problem.line - 1].strip().startswith(problem.field.removeprefix("spec."))


@pytest.mark.found("C27")
def test_values_that_mean_what_they_say_are_no_warning() -> None:
    spec = {
        **SETTLED,
        "approval": "Automatic",
        "unmanagedRoles": "Disable",
        "publicPrivileges": {"connect": "Ignore"},
        "enforcement": "Observe",
    }
    assert unsupported(RegentSpec.model_validate(spec)) == ()


@pytest.mark.found("C27")
def test_every_entry_of_the_table_is_a_field() -> None:
    for model, fields in UNSUPPORTED.items():
        known = {field.alias or name for name, field in model.model_fields.items()}
        assert set(fields) <= known
