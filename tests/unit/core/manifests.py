"""Manifests in short form, compiled as the controller does."""

from __future__ import annotations

from collections.abc import Mapping

from controller.core.compile import Compiled, Passwords, Push, compile_states
from controller.core.namespaces import NO_LABELS, Namespaces
from controller.local.directory import Tree, read_tree
from controller.local.files import Files, SourceFile
from shared.keys import ResourceKey

Bound = Mapping[str, tuple[str, ...]]
HEAD = "apiVersion: putnam120.postgregent/v1alpha1\n"


def regent(
    name: str, database: str, extra: str = "", labels: str = "{}", namespace: str = "default"
) -> str:
    return (
        f"{HEAD}kind: Regent\n"
        f"metadata: {{name: {name}, namespace: {namespace}, labels: {labels}}}\n"
        "spec:\n"
        "  adminUser: my-admin\n  adminPasswordSecretRef: {name: s, key: admin}\n"
        f"  databaseHost: localhost\n  databaseName: {database}\n{extra}"
    )


def resource(kind: str, name: str, spec: str, namespace: str = "default") -> str:
    """`spec` is a flow mapping such as `{database: mydb}`."""
    return f"{HEAD}kind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {spec}\n"


def tree(*manifests: str) -> Tree:
    text = "---\n".join(manifests)
    return read_tree(Files((SourceFile("all.yaml", text.encode()),), ()))


def key(text: str) -> ResourceKey:
    """`Role/a` in namespace default, or the whole key."""
    kind, _, name = text.partition("/")
    return ResourceKey.parse(text if "/" in name else f"{kind}/default/{name}")


def compiled(
    found: Tree, bound: Bound | None = None, *, push: Push | None = None,
    passwords: Passwords = lambda _regent, _user, _spec: None,
    namespaces: Namespaces = NO_LABELS, former: Bound | None = None,
) -> Compiled:  # fmt: skip
    were = {key(one): frozenset(map(key, regents)) for one, regents in (former or {}).items()}
    return compile_states(
        found.resources,
        bound={key(r): frozenset(map(key, listed)) for r, listed in (bound or {}).items()},
        passwords=passwords,
        push=push or Push("directory", 1, "Deleted"),
        namespaces=namespaces,
        former=lambda one: were.get(one, frozenset()),
    )


def on(result: Compiled, name: str) -> set[str]:
    """What one Regent gets, in short form."""
    state = result.states[key(f"Regent/{name}")]
    return {short(text) for text in state.resources}


def held(result: Compiled, name: str) -> set[str]:
    return {short(text) for text in result.states[key(f"Regent/{name}")].held}


def deleted(result: Compiled, name: str) -> set[str]:
    return {short(text) for text in result.states[key(f"Regent/{name}")].deleted}


def short(text: str) -> str:
    return text.replace("/default/", "/")


def reasons(result: Compiled) -> dict[str, str]:
    return {short(str(k)): outcome.reason for k, outcome in result.outcomes.items()}
