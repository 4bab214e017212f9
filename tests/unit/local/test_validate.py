"""`postgregent validate`: what it prints, and how it ends."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from cli.printing import Output
from cli.validate import Checked, read_and_check, validate
from tests.unit.local.manifests import API, permission, regent, role, secret, user, write


def run(folder: Path, output: Output = "table", **options: Any) -> tuple[int, str]:
    """The exit status and what was printed, on a narrow terminal without colour."""
    printed = io.StringIO()
    console = Console(file=printed, width=40)
    checked = Checked((str(folder),), **options)
    return validate(checked, output, console=console), printed.getvalue()


def test_what_is_fine_is_said_in_one_line(tmp_path: Path) -> None:
    status, said = run(write(tmp_path, permission(), regent(), secret()))
    assert (status, said) == (0, "2 resources are valid\n")


def test_every_problem_has_place_resource_field_value_and_way_out(tmp_path: Path) -> None:
    status, said = run(
        write(tmp_path, permission(database="mydbb"), role("viewer", "raed"), regent(), secret())
    )
    assert status == 1
    assert "all.yaml:6  error  Permission default/read" in said
    assert 'spec.database "mydbb" is served by no Regent' in said
    assert "→ Did you mean mydb?" in said
    assert 'spec.permissions[0] "raed" is no Permission' in said
    assert "2 errors in 3 resources of 1 file" in said


def test_warnings_refuse_nothing(tmp_path: Path) -> None:
    status, said = run(write(tmp_path, permission(), regent()))
    assert status == 0
    assert "2 resources are valid, with 1 warning" in said


def test_json_and_yaml_hold_the_same(tmp_path: Path) -> None:
    write(tmp_path, permission(database="mydbb"), regent(), secret())
    status, as_json = run(tmp_path, "json")
    _, as_yaml = run(tmp_path, "yaml")
    data = json.loads(as_json)
    assert status == 1
    assert data["valid"] is False
    assert data["problems"][0]["field"] == "spec.database"
    assert yaml.safe_load(as_yaml) == data


def test_a_directory_that_is_gone_or_empty_is_said_to_be_so(tmp_path: Path) -> None:
    status, said = run(tmp_path / "gone")
    assert status == 1
    assert "does not exist" in said
    status, said = run(tmp_path, "json")
    assert status == 1
    assert "--allow-empty" in json.loads(said)["problems"][0]["wayOut"]


def test_secrets_may_come_from_the_environment(tmp_path: Path) -> None:
    write(tmp_path, permission(), regent())
    environment = {"POSTGREGENT_SECRET_S__ADMIN": "canary"}
    status, said = run(tmp_path, environment=environment)
    assert (status, said) == (0, "2 resources are valid\n")


def test_no_secret_is_ever_printed(tmp_path: Path) -> None:
    wrong = user("ann", "viewer", more="password: canary\npasswordSecretRef: canary")
    status, said = run(write(tmp_path, wrong, secret(), regent()))
    assert status == 1
    assert "canary" not in said


@pytest.mark.found("E79")
def test_all_problems_are_said_of_a_resource_whose_name_is_missing_too(tmp_path: Path) -> None:
    nameless = f"{API}\nkind: User\nmetadata: {{Name: bad, labels: [a]}}\n"
    numbered = f"---\n{API}\nkind: User\nmetadata: {{name: 123, namespace: 4}}\n"
    wrong = "spec: {rolls: [x], enabled: 7}\n"
    write(tmp_path, nameless + wrong, numbered + wrong)
    _, problems = read_and_check(Checked((str(tmp_path),)))
    in_spec = {"spec.rolls", "spec.enabled"}
    fields = [{one.field for one in problems if (one.line or 0) < 5}]
    fields += [{one.field for one in problems if (one.line or 0) > 5}]
    assert fields[0] == {"metadata.name", "metadata.Name", "metadata.labels", *in_spec}
    assert fields[1] == {"metadata.name", "metadata.namespace", *in_spec}
    assert len(problems) == len(fields[0]) + len(fields[1]), "each once"
