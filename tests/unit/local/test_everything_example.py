"""examples/everything uses every field of the four resources, and is right as it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import get_args

from controller.local.check import check
from controller.local.directory import Tree, read_directory
from shared.resources import PermissionSpec, RegentSpec, RoleSpec, UserSpec
from shared.resources.base import Part
from shared.unsupported import UNSUPPORTED

EVERYTHING = Path(__file__).parents[3] / "examples" / "everything"
SPECS = (PermissionSpec, RegentSpec, RoleSpec, UserSpec)
CLUSTER_ONLY: Mapping[type[Part], tuple[str, ...]] = {UserSpec: ("credentials",)}
"""What a directory does not do, and says so: docs/kubernetes.md shows it."""
Field = tuple[str, str]
"""The part of a spec, and its field as it is written."""


def test_it_is_valid() -> None:
    tree = read_directory(EVERYTHING)
    assert tree.problems == ()
    assert check(tree) == ()


def test_every_field_that_is_acted_on_is_in_it() -> None:
    """Of the others shared/unsupported.py says what happens; what leaves it comes in here."""
    left_out = {
        (spec.__name__, name)
        for table in (UNSUPPORTED, CLUSTER_ONLY)
        for spec, names in table.items()
        for name in names
    }
    missing = _fields(SPECS) - left_out - _written(read_directory(EVERYTHING))
    assert not missing, f"add to examples/everything: {sorted(missing)}"


def _fields(parts: Iterable[type[Part]]) -> frozenset[Field]:
    """All of these parts and of the parts in them, but for those of fields that are left out."""
    found: set[Field] = set()
    waiting, seen = list(parts), set(parts)
    while waiting:
        part = waiting.pop()
        for name, info in part.model_fields.items():
            alias = info.alias or name
            found.add((part.__name__, alias))
            if alias in (*UNSUPPORTED.get(part, {}), *CLUSTER_ONLY.get(part, ())):
                continue
            new = {one for one in _parts_in(info.annotation) if one not in seen}
            seen |= new
            waiting += new
    return frozenset(found)


def _written(tree: Tree) -> frozenset[Field]:
    """What the resources of a tree say, default or not."""
    found: set[Field] = set()
    for resource in tree.valid.values():
        found |= set(_said(resource.spec))
    return frozenset(found)


def _said(value: object) -> Iterator[Field]:
    if isinstance(value, Part):
        for name in value.model_fields_set:
            alias = type(value).model_fields[name].alias or name
            yield type(value).__name__, alias
            yield from _said(getattr(value, name))
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _said(one)
    elif isinstance(value, tuple):
        for one in value:
            yield from _said(one)


def _parts_in(annotation: object) -> Iterator[type[Part]]:
    """The parts that a field may hold, however deep in tuples and mappings."""
    if isinstance(annotation, type) and issubclass(annotation, Part):
        yield annotation
    for one in get_args(annotation):
        yield from _parts_in(one)
