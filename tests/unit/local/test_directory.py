"""A directory as a tree: what it declares, what is held, and what nobody can know."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.core.secrets import SecretName
from controller.local.directory import Tree, read_directory
from controller.local.files import UnsyncedError
from shared.keys import ResourceKey
from shared.problems import Problem
from tests.unit.local.manifests import API, manifest, permission, role, secret, write

READ = ResourceKey("Permission", "default", "read")


def only_problem(tree: Tree) -> Problem:
    """The one problem there is."""
    [problem] = tree.problems
    return problem


def test_what_is_right_is_read_with_file_and_line(tmp_path: Path) -> None:
    tree = read_directory(write(tmp_path, "# said\n", permission(), role()))
    loaded = tree.resources[READ]
    assert (loaded.file, loaded.line, loaded.is_valid) == ("all.yaml", 2, True)
    assert tree.is_whole
    assert not tree.problems
    assert set(tree.valid) == {READ, ResourceKey("Role", "default", "viewer")}


@pytest.mark.rule("18")
def test_a_resource_that_is_wrong_is_held_and_not_gone(tmp_path: Path) -> None:
    tree = read_directory(write(tmp_path, permission().replace("CONNECT", "SELECT")))
    assert set(tree.held) == {READ}
    assert not tree.valid
    assert tree.is_whole
    problem = only_problem(tree)
    assert (problem.line, problem.field, problem.value) == (7, "spec.actions[0]", "SELECT")


@pytest.mark.rule("18")
def test_an_unquoted_star_holds_its_resource(tmp_path: Path) -> None:
    text = manifest(
        "Permission", "read", "database: d\nactions: [SELECT]\nschemas: [a]\ntables:\n- *"
    )
    tree = read_directory(write(tmp_path, text))
    assert set(tree.held) == {READ}
    problem = only_problem(tree)
    assert (problem.line, problem.field, problem.value) == (10, "spec.tables[0]", "*")
    assert problem.way_out == 'quote it as "*"'


@pytest.mark.rule("17")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: [", "this is not YAML"),
        (f"{API}\nkind: Permision\nmetadata: {{name: x}}\n", "is not a kind of PostgRegent's"),
        ("apiVersion: putnam120.postgregent/v1\nkind: Role\nmetadata: {name: x}\n", "not known"),
        (f"{API}\nkind: Role\nmetadata: {{}}\nspec: {{database: d}}\n", "is required"),
        (f"{API}\nkind: Role\nmetadata: {{name: 12}}\nspec: {{database: d}}\n", "is not a text"),
        ("kind: Role\nmetadata: {name: x}\n", "is required"),
        ("- a\n", "is not a group of fields"),
    ],
)
def test_what_cannot_be_named_makes_the_tree_not_whole(
    tmp_path: Path, text: str, message: str
) -> None:
    """Nothing that is absent from such a tree may be taken for deleted."""
    write(tmp_path, permission())
    tree = read_directory(write(tmp_path, text, name="broken.yaml"))
    assert not tree.is_whole
    assert set(tree.valid) == {READ}
    problem = only_problem(tree)
    assert problem.file == "broken.yaml"
    assert message in problem.message
    assert problem.way_out


def test_a_wrong_kind_is_told_the_nearest(tmp_path: Path) -> None:
    tree = read_directory(write(tmp_path, f"{API}\nkind: Permision\nmetadata: {{name: x}}\n"))
    assert only_problem(tree).way_out == "did you mean Permission?"


def test_two_resources_alike_name_both_places_and_neither_counts(tmp_path: Path) -> None:
    write(tmp_path, permission(), name="a.yaml")
    tree = read_directory(write(tmp_path, "\n", permission(), name="b.yaml"))
    problem = only_problem(tree)
    assert problem.place == "b.yaml:2"
    assert "a.yaml:1" in problem.message
    assert set(tree.held) == {READ}


def test_the_same_name_in_two_namespaces_is_two_resources(tmp_path: Path) -> None:
    spec = "database: mydb\nactions: [CONNECT]"
    tree = read_directory(
        write(tmp_path, permission(), manifest("Permission", "read", spec, namespace="team"))
    )
    assert set(tree.valid) == {READ, ResourceKey("Permission", "team", "read")}


def test_documents_of_others_are_counted_and_ignored(tmp_path: Path) -> None:
    others = (
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n---\n"
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: x}\n---\n"
    )
    tree = read_directory(write(tmp_path, others, permission()))
    assert tree.ignored == 2
    assert not tree.problems


@pytest.mark.rule("17")
def test_a_missing_directory_is_not_synced(tmp_path: Path) -> None:
    with pytest.raises(UnsyncedError, match="does not exist"):
        read_directory(tmp_path / "gone")


@pytest.mark.rule("17")
def test_a_file_in_place_of_a_directory_is_not_synced(tmp_path: Path) -> None:
    write(tmp_path, permission())
    with pytest.raises(UnsyncedError, match="is not a directory"):
        read_directory(tmp_path / "all.yaml")


@pytest.mark.rule("17")
@pytest.mark.parametrize("text", ["", "# nothing\n", "apiVersion: v1\nkind: ConfigMap\n", secret()])
def test_a_directory_without_resources_is_not_synced(tmp_path: Path, text: str) -> None:
    with pytest.raises(UnsyncedError, match="--allow-empty"):
        read_directory(write(tmp_path, text))
    assert read_directory(tmp_path, allow_empty=True).resources == {}


def test_only_manifests_that_are_not_hidden_are_read(tmp_path: Path) -> None:
    write(tmp_path / "deep" / "er", permission("a"), name="a.yml")
    write(tmp_path, '{"apiVersion": "v1", "kind": "X"}', name="x.json")
    write(tmp_path, "not: [yaml", name="notes.txt")
    write(tmp_path / ".git", "not: [yaml")
    write(tmp_path, "not: [yaml", name=".hidden.yaml")
    tree = read_directory(tmp_path)
    assert tree.files == ("deep/er/a.yml", "x.json")


def test_a_mounted_configmap_is_read_once(tmp_path: Path) -> None:
    """Kubernetes mounts `a.yaml -> ..data/a.yaml` and `..data -> ..2026_01_01`."""
    write(tmp_path / "..2026_01_01", permission(), name="a.yaml")
    (tmp_path / "..data").symlink_to("..2026_01_01")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    tree = read_directory(tmp_path)
    assert tree.files == ("a.yaml",)
    assert not tree.problems


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    write(tmp_path, permission())
    (tmp_path / "again").symlink_to(".")
    tree = read_directory(tmp_path)
    assert tree.files == ("all.yaml",)
    assert tree.is_whole


def test_links_out_of_the_directory_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "outside", permission("other"))
    inside = write(tmp_path / "inside", permission())
    (inside / "link.yaml").symlink_to(tmp_path / "outside" / "all.yaml")
    (inside / "nowhere.yaml").symlink_to("gone.yaml")
    tree = read_directory(inside)
    assert [problem.file for problem in tree.problems] == ["link.yaml", "nowhere.yaml"]
    assert not tree.is_whole
    assert set(tree.valid) == {READ}


def test_a_file_that_is_not_utf8_is_named_with_its_line(tmp_path: Path) -> None:
    write(tmp_path, permission())
    (tmp_path / "bad.yaml").write_bytes(b"a: 1\nb: \xff\n")
    tree = read_directory(tmp_path)
    assert only_problem(tree).place == "bad.yaml:2"
    assert not tree.is_whole


def test_the_digest_changes_with_a_file_and_only_then(tmp_path: Path) -> None:
    first = read_directory(write(tmp_path, permission())).digest
    assert read_directory(tmp_path).digest == first
    assert read_directory(write(tmp_path, permission(), "# more\n")).digest != first


@pytest.mark.rule("19")
def test_a_secret_keeps_its_values_to_itself(tmp_path: Path) -> None:
    tree = read_directory(write(tmp_path, permission(), secret(labels="{a: b}")))
    found = tree.secrets[SecretName("default", "s")]
    assert found.values["admin"].get_secret_value() == b"canary-of-the-tests"
    assert found.labels == {"a": "b"}
    assert "canary" not in repr(tree)


@pytest.mark.rule("19")
@pytest.mark.parametrize(
    "body",
    ["data:\n  admin: canary!\n", "data:\n  admin: 12\n", "stringData:\n  admin: 1\n",
     "stringData:\n  admin: *canary\n"],
)  # fmt: skip
def test_trouble_with_a_secret_is_a_warning_without_its_value(tmp_path: Path, body: str) -> None:
    text = f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n{body}"
    tree = read_directory(write(tmp_path, permission(), text))
    assert only_problem(tree).severity == "warning"
    assert tree.is_whole
    assert tree.secrets[SecretName("default", "s")].values == {}
    assert "canary" not in repr(tree)


def test_base64_may_be_broken_over_lines(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\ndata:\n  a: |\n    c2Vj\n    cmV0\n"
    tree = read_directory(write(tmp_path, permission(), text))
    assert tree.secrets[SecretName("default", "s")].values["a"].get_secret_value() == b"secret"
