"""Rights are compared both ways."""

from __future__ import annotations

from typing import Any

from tests.rights import EVERYWHERE, Asked, Right, given, uncovered, unused

SECRETS = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}
NAMED = {**SECRETS, "verbs": ["get"], "resourceNames": ["a", "b"]}


def role(kind: str, name: str, *rules: dict[str, Any], **metadata: str) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": name, **metadata}, "rules": list(rules)}


def binding(kind: str, role_kind: str, name: str, account: str, **metadata: str) -> dict[str, Any]:
    return {
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "roleRef": {"kind": role_kind, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": "own"}],
    }


def test_rights_are_those_of_the_bindings() -> None:
    """A ClusterRole holds where it is bound, a Role in its namespace, and one of others nowhere."""
    objects = [
        role("ClusterRole", "reader", SECRETS),
        binding("RoleBinding", "ClusterRole", "reader", "me", namespace="a"),
        binding("RoleBinding", "ClusterRole", "reader", "me", namespace="b"),
        role("Role", "named", NAMED, namespace="own"),
        role("Role", "named", SECRETS, namespace="other"),
        binding("RoleBinding", "Role", "named", "me", namespace="own"),
        role("ClusterRole", "everything", SECRETS),
        binding("ClusterRoleBinding", "ClusterRole", "everything", "somebody"),
    ]
    assert given(objects, "own", "me") == {
        Right("", "secrets", "list", ("a", "b")),
        Right("", "secrets", "get", ("own",), "a"),
        Right("", "secrets", "get", ("own",), "b"),
    }
    assert given(objects, "own", "somebody") == {Right("", "secrets", "list", (EVERYWHERE,))}


def test_what_is_asked_beyond_the_rights_is_found() -> None:
    rights = [
        Right("", "secrets", "list", ("a",)),
        Right("", "secrets", "get", (EVERYWHERE,), "one"),
    ]
    asked = [
        Asked("", "secrets", "list", "a"),
        Asked("", "secrets", "list", "b"),
        Asked("", "secrets", "list", EVERYWHERE),
        Asked("", "secrets", "watch", "a"),
        Asked("apps", "secrets", "list", "a"),
        Asked("", "secrets", "get", "b", "one"),
        Asked("", "secrets", "get", "b", "two"),
    ]
    assert uncovered(rights, asked) == {asked[i] for i in (1, 2, 3, 4, 6)}


def test_a_right_that_gives_more_than_was_asked_for_is_found() -> None:
    """Never, in one namespace of all, or for one name of all."""
    everywhere = Right("", "events", "create", (EVERYWHERE,))
    any_name = Right("", "secrets", "get", ("a",))
    never = Right("", "pods", "get", ("a",))
    asked = [Asked("", "events", "create", "a"), Asked("", "secrets", "get", "a", "one")]
    assert unused([everywhere, any_name, never], asked) == {
        everywhere: "everywhere, and asked for in a alone",
        any_name: "for every name, and asked for one alone",
        never: "never asked for",
    }
    asked += [Asked("", "events", "create", "b"), Asked("", "secrets", "get", "a", "two")]
    assert unused([everywhere, any_name], asked) == {}
