"""What was not recognised counts as absent, and what is absent is deleted: an error, or named."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.local.directory import Tree, read_directory
from controller.local.recognition import RBAC
from tests.unit.local.manifests import API, permission, user, write

OURS = "putnam120.postgregent/v1alpha1"


def tree_of(folder: Path, document: str) -> Tree:
    """The document in a file of its own, beside one that is right."""
    write(folder, permission())
    return read_directory(write(folder, document, name="users.yaml"))


@pytest.mark.found("E130")
@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("putnam120.postgregnt/v1alpha1", "User"),
        ("putnam120.postgresgent/v1alpha1", "User"),
        ("putnam120/v1alpha1", "Role"),
        ("putnam120.postgresql/v1alpha1", "Permission"),
        ("postgregent/v1alpha1", "Regent"),
        ("putnam120.postgregent/v1", "Role"),
        ("v1alpha1", "User"),
        ("v1", "User"),
        ("v1", "Roles"),
        ("apps/v1", "Role"),
        ("putnam120.postgregnt/v1alpha1", "Usr"),
    ],
)
def test_a_slip_in_the_group_is_an_error_with_file_line_and_the_right_text(
    version: str, kind: str, tmp_path: Path
) -> None:
    text = f"kind: {kind}\napiVersion: {version}\nmetadata: {{name: tina}}\nspec: {{}}\n"
    tree = tree_of(tmp_path, text)
    problem = next(one for one in tree.problems if one.field == "apiVersion")
    assert (problem.place, problem.severity) == ("users.yaml:2", "error")
    assert problem.way_out == f"write {OURS}"
    assert not tree.is_whole, "what is absent is not taken for deleted"


@pytest.mark.found("E130")
def test_a_user_of_another_operator_declares_nothing_and_is_named(tmp_path: Path) -> None:
    text = "apiVersion: user.openshift.io/v1\nkind: User\nmetadata: {name: tina}\n"
    tree = tree_of(tmp_path, text)
    [problem] = tree.passed_over
    assert problem in tree.problems
    assert (problem.place, problem.resource, problem.value, problem.severity) == (
        "users.yaml:1", "User tina", "user.openshift.io/v1", "warning",
    )  # fmt: skip
    assert tree.is_whole
    assert not tree.errors


@pytest.mark.found("E130")
@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: x}\nrules: []\n",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: x}\n",
        "apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: x}\n",
        "apiVersion: v1\nkind: Node\nmetadata: {name: x}\n",
        "apiVersion: events.k8s.io/v1\nkind: Event\nmetadata: {name: x}\n",
    ],
)
def test_what_can_be_nothing_of_ours_is_ignored_in_silence(text: str, tmp_path: Path) -> None:
    tree = tree_of(tmp_path, text)
    assert (tree.ignored, tree.problems) == (1, ())


@pytest.mark.found("E130")
@pytest.mark.parametrize(
    ("text", "field"),
    [
        (f"apiVersion: {RBAC}/v1\nkind: Role\nspec: {{database: d}}\n", "apiVersion"),
        ("apiVersion: v1\nkind: List\nitems: {}\n", "items"),
        ("apiVersion: v1\nkind: List\nitmes: []\n", "items"),
        ("apiVersion: v1\nkind: list\nitems: []\n", "items"),
        (f"{API}\nmetadata: {{name: x}}\n", "kind"),
        ("kind: User\nmetadata: {name: x}\n", "apiVersion"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_is_an_error(text: str, field: str, tmp_path: Path) -> None:
    tree = tree_of(tmp_path, text)
    assert [one.field for one in tree.errors] == [field]
    assert not tree.is_whole


@pytest.mark.found("E130")
@pytest.mark.parametrize(
    "name",
    ["users.yaml.bak", "users.yam", "users.yaml~", "users", "users.tpl", ".users.yaml",
     ".old/team/users.yml"],
)  # fmt: skip
def test_a_file_that_is_not_read_and_declares_something_is_named(name: str, tmp_path: Path) -> None:
    write(tmp_path, permission())
    write((tmp_path / name).parent, user(), name=Path(name).name)
    tree = read_directory(tmp_path)
    [problem] = tree.passed_over
    assert (problem.place, problem.severity) == (name, "warning")
    assert "not read" in problem.message


@pytest.mark.found("E130")
def test_an_empty_file_is_named(tmp_path: Path) -> None:
    [problem] = tree_of(tmp_path, "\n").passed_over
    assert (problem.place, problem.message) == ("users.yaml", "is empty and declares nothing")


def test_what_is_not_read_by_right_is_not_named(tmp_path: Path) -> None:
    """An editor's copy beside the file itself, a page, Git's own files, a mounted ConfigMap's."""
    write(tmp_path, permission())
    write(tmp_path, permission(), name="all.yaml~")
    write(tmp_path, f"    {API}\n", name="README.md")
    write(tmp_path, "PGHOST=db\n", name=".env")
    write(tmp_path / ".git", user(), name="users.yaml")
    write(tmp_path / "..2026_11_27", user(), name="users.yaml")
    write(tmp_path / ".github", "name: CI\n", name="ci.yaml")
    assert read_directory(tmp_path).problems == ()
