"""Which Roles and Users of a directory `adopt` is to put in force: by name or by label. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from cli.selector import selector_of
from controller.local.directory import Tree
from regent.adopt.needs import Declarations
from shared.errors import PostgRegentError
from shared.keys import ResourceKey
from shared.listing import first_of
from shared.resources import AnyResource
from shared.resources.references import LabelSelector

MOST_NEAR = 5
MOST_LABELS = 20


class NobodyChosenError(PostgRegentError):
    """Nobody in the directory is called so, or labelled so."""


def chosen(
    declared: Declarations, tree: Tree, roles: Sequence[str], selectors: Sequence[str]
) -> frozenset[str]:
    """The keys of whoever is called or labelled so. Raises NobodyChosenError, BadSelectorError."""
    found: set[str] = set()
    for name in roles:
        found |= _called(name, declared, tree)
    for text in selectors:
        found |= _labelled(text, selector_of(text), declared, tree)
    return frozenset(found)


def _called(name: str, declared: Declarations, tree: Tree) -> set[str]:
    found = {key for key, called in declared.names.items() if called == name}
    if found:
        return found
    if name in _elsewhere(declared, tree):
        raise NobodyChosenError(
            f"--role {name}: it belongs to another Regent of the directory.",
            way_out="Name that one with --regent.",
        )
    near = get_close_matches(name, sorted(set(declared.names.values())), MOST_NEAR)
    raise NobodyChosenError(
        f"--role {name}: no Role or User of the directory is called so in PostgreSQL.",
        way_out=f"Did you mean {' or '.join(near)}?" if near else _all(declared),
    )


def _labelled(text: str, selector: LabelSelector, declared: Declarations, tree: Tree) -> set[str]:
    labels = {key: one.metadata.labels for key, one in _grantees(declared, tree)}
    found = {key for key, some in labels.items() if selector.matches(some)}
    if found:
        return found
    there = sorted({f"{k}={v}" for some in labels.values() for k, v in some.items()})
    raise NobodyChosenError(
        f"--selector {text}: no Role or User of the directory is labelled so.",
        way_out=f"Labels there: {first_of(there, MOST_LABELS)}."
        if there
        else "None has labels: write them in metadata.labels, or name roles with --role.",
    )


def _grantees(declared: Declarations, tree: Tree) -> Iterator[tuple[str, AnyResource]]:
    for key in declared.grantees:
        found = tree.valid.get(ResourceKey.parse(key))
        if found is not None:
            yield key, found


def _elsewhere(declared: Declarations, tree: Tree) -> frozenset[str]:
    others: Mapping[ResourceKey, AnyResource] = tree.valid
    return frozenset(
        one.postgres_name
        for key, one in others.items()
        if one.kind in ("Role", "User") and str(key) not in declared.grantees
    )


def _all(declared: Declarations) -> str:
    names = sorted(set(declared.names.values()))
    return f"There are: {first_of(names, MOST_LABELS)}." if names else "It declares none."
