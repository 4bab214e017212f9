"""Namespaces of a directory: several of them, and the labels that their manifests give (rule 3)."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.local.check import check
from controller.local.directory import read_directory
from tests.unit.local.manifests import write

ROOT = Path(__file__).parents[3]
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: team\n  labels: {}\n"


@pytest.mark.rule("3")
def test_the_example_of_several_teams_is_right_and_is_wrong_without_the_label(
    tmp_path: Path,
) -> None:
    files = {
        path.name: path.read_text("utf-8") for path in (ROOT / "examples/teams").glob("*.yaml")
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    tree = read_directory(tmp_path)
    assert (tree.problems, check(tree), tree.ignored) == ((), (), 0)
    assert tree.namespaces.labels_of("analytics") == {
        "example.org/database": "shop",
        "kubernetes.io/metadata.name": "analytics",
    }
    without = files["analytics.yaml"].replace("example.org/database: shop", "other: label")
    (tmp_path / "analytics.yaml").write_text(without)
    found = check(read_directory(tmp_path))
    assert {problem.resource for problem in found} == {
        "Permission analytics/read",
        "Role analytics/analytics-reports",
    }
    assert all("allowedNamespaces of shop" in problem.way_out for problem in found)


@pytest.mark.rule("3", "17")
@pytest.mark.parametrize(
    "labels",
    ["labels: [a]", "labels: {a: 1}", "labels: {a: b}\n  labels: {a: c}"],
    ids=["a list", "a number", "twice"],
)
def test_labels_that_cannot_be_read_are_unknown_and_said(tmp_path: Path, labels: str) -> None:
    tree = read_directory(
        write(tmp_path, NAMESPACE.replace("labels: {}", labels)), allow_empty=True
    )
    [problem] = tree.errors
    assert (problem.resource, problem.line) == ("Namespace team", 6 if "\n" in labels else 5)
    assert not tree.is_whole
    assert tree.namespaces.labels_of("team") is None


@pytest.mark.rule("3", "17")
def test_a_namespace_that_is_declared_twice_with_other_labels_has_unknown_ones(
    tmp_path: Path,
) -> None:
    other = NAMESPACE.replace("{}", "{a: b}")
    tree = read_directory(
        write(tmp_path, f"{NAMESPACE}---\n{other}---\n{NAMESPACE}"), allow_empty=True
    )
    assert "declared twice" in tree.errors[0].message, tree.errors
    assert tree.namespaces.labels_of("team") is None
    same = read_directory(write(tmp_path, f"{other}---\n{other}"), allow_empty=True)
    assert same.errors == ()
