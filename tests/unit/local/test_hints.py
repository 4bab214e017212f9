"""The way out of a mistake leads to what the author meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.dsn import parse_dsn
from controller.local.directory import read_directory
from shared.problems import Problem
from tests.unit.local.manifests import manifest, role, user, write

DSN = "postgresql://boss{}@db/mydb"


def only(folder: Path, text: str) -> Problem:
    [problem] = read_directory(write(folder, text)).problems
    return problem


@pytest.mark.found("D33")
@pytest.mark.parametrize(
    ("written", "quoted"),
    [("1e3", "1e3"), ("1000.0", "1000.0"), ("1.10", "1.10"), ("1e400", "1e400"), ("True", "on")],
)
def test_a_setting_is_quoted_as_it_was_written(tmp_path: Path, written: str, quoted: str) -> None:
    """`1e3` was told to be quoted as "1000.0"."""
    problem = only(tmp_path, role(more=f"parameters: {{work_mem: {written}}}"))
    assert (problem.value, problem.way_out) == (written, f'quote it: "{quoted}"')


@pytest.mark.found("D33")
@pytest.mark.parametrize("written", ["+5", "1.50", "TRUE"])
def test_a_name_is_quoted_as_it_was_written(tmp_path: Path, written: str) -> None:
    text = manifest("Role", "x", f"database: {written}")
    assert only(tmp_path, text).way_out == f'quote it: "{written}"'


@pytest.mark.found("D33")
def test_the_name_of_a_resource_is_quoted_as_it_was_written(tmp_path: Path) -> None:
    text = role().replace("name: viewer", "name: 1e3")
    folder = write(tmp_path, text, role("other"))
    assert 'quote it: "1e3"' in {problem.way_out for problem in read_directory(folder).problems}


@pytest.mark.found("D33")
def test_a_star_may_have_been_meant_as_an_alias(tmp_path: Path) -> None:
    """Quoted, it would be a pattern that matches nothing."""
    listed = manifest("Role", "x", "database: mydb\npermissions: *common")
    alias = read_directory(write(tmp_path, listed)).problems[0].way_out
    assert 'quote it as "*common" if it is a pattern' in alias
    assert "write its anchor &common before it in the same document" in alias
    listed = manifest("Role", "x", "database: mydb\npermissions: [*]")
    assert read_directory(write(tmp_path, listed)).problems[0].way_out == 'quote it as "*"'


@pytest.mark.found("D33")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (role("My_Role"), "the role's name in PostgreSQL goes into spec.roleName"),
        (user("My_User", "a"), "the role's name in PostgreSQL goes into spec.userName"),
        (user("ann", "My_Role"), "the metadata.name of the resource"),
        (role("x", "My_Permission"), "the metadata.name of the resource"),
    ],
)
def test_a_name_of_kubernetes_is_told_from_one_of_postgresql(
    tmp_path: Path, text: str, said: str
) -> None:
    problem = only(tmp_path, text)
    assert "a name that Kubernetes takes" in problem.message
    assert said in problem.way_out


@pytest.mark.found("D33")
@pytest.mark.parametrize(
    ("password", "variable", "said"),
    [
        (":x", "y", "Check the password of 'boss' in --dsn"),
        ("", "y", "Check the password of 'boss' in PGPASSWORD"),
        ("", "", "Give the password of 'boss' in PGPASSWORD"),
    ],
)
def test_a_refused_password_names_where_it_came_from(
    password: str, variable: str, said: str
) -> None:
    """It named the Secret of adminPasswordSecretRef, which is not read with --dsn."""
    environment = {"PGPASSWORD": variable} if variable else {}
    hint = parse_dsn(DSN.format(password), environment).server.password_hint
    assert hint.startswith(said)
    assert "no Secret is read" in hint
