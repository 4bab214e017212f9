"""The reference's manifests, exactly as printed but with "*" quoted, are right as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.local.check import check
from controller.local.directory import Tree, read_directory
from shared.privileges import ObjectKind
from shared.resources import Permission, Regent, User

FLIGHTS = Path(__file__).parents[3] / "examples" / "flights"


@pytest.fixture(name="tree")
def _tree() -> Tree:
    return read_directory(FLIGHTS)


def test_all_eight_are_valid_and_nothing_is_wrong_between_them(tree: Tree) -> None:
    assert tree.problems == ()
    assert check(tree) == ()
    assert sorted(str(key) for key in tree.valid) == [
        "Permission/default/connect-to-mydb",
        "Permission/default/read-schemas-1-and-2",
        "Permission/default/read-write-flights",
        "Regent/default/my-regent",
        "Role/default/flights-admin",
        "Role/default/mydb-viewer",
        "User/default/flights-admin",
        "User/default/summer-intern-2",
    ]


def test_their_meaning_is_that_of_the_reference(tree: Tree) -> None:
    kinds = {
        key.name: resource.spec.object_kind
        for key, resource in tree.valid.items()
        if isinstance(resource, Permission)
    }
    assert kinds == {
        "connect-to-mydb": ObjectKind.DATABASE,
        "read-schemas-1-and-2": ObjectKind.TABLE,
        "read-write-flights": ObjectKind.TABLE,
    }


def test_the_regent_may_read_every_secret_that_is_named(tree: Tree) -> None:
    [regent] = [resource for resource in tree.valid.values() if isinstance(resource, Regent)]
    users = [resource for resource in tree.valid.values() if isinstance(resource, User)]
    selector = regent.spec.secrets_selector
    assert all(secret.is_selected_by(selector) for secret in tree.secrets.values())
    assert all(user.spec.password_secret_ref is not None for user in users)
