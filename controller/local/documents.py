"""Documents that know the line of each of their fields, and what is wrong with their text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

MERGE = "<<"
"""The key whose fields are merged into those beside it."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Slip:
    """What is wrong with the text itself. `about` names the resource as far as one can see it."""

    line: int
    message: str
    way_out: str
    value: str | None = None
    about: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """One mapping: its data, and where each part of it stands.

    With slips, the data is only what was probably meant: good for a name, not for a grant.
    """

    data: dict[str, Any] = field(repr=False)
    node: yaml.MappingNode = field(repr=False, compare=False)
    first_line: int
    slips: tuple[Slip, ...] = ()

    @property
    def line(self) -> int:
        """The line that it begins on."""
        return self.line_of(())

    def line_of(self, path: Path) -> int:
        """The line of a field, or of the nearest part around it that is there."""
        node: yaml.Node = self.node
        line: int = node.start_mark.line
        for step in path:
            found = child(node, step)
            if found is None:
                break
            line, node = found
        return self.first_line + line

    def path_on(self, line: int) -> Path:
        """The innermost field that stands on a line; the last of them when there are several."""
        return _path_on(self.node, line - self.first_line, ())

    def written(self, path: Path) -> str | None:
        """A single value exactly as it was written; None for anything else."""
        node: yaml.Node = self.node
        for step in path:
            found = child(node, step)
            if found is None:
                return None
            node = found[1]
        return str(node.value) if isinstance(node, yaml.ScalarNode) else None


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file holds. A document that could not be read at all is `lost`: nobody knows what it
    declared, so nothing may be taken for deleted because of it.
    """

    documents: tuple[Document, ...]
    lost: tuple[Slip, ...] = ()


def _path_on(node: yaml.Node, row: int, path: Path) -> Path:
    inside: list[tuple[str | int, yaml.Node, yaml.Node]] = []
    if isinstance(node, yaml.MappingNode):
        inside = [(str(key.value), key, value) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        inside = [(index, item, item) for index, item in enumerate(node.value)]
    for step, start, value in reversed(inside):
        if start.start_mark.line <= row <= value.end_mark.line:
            return _path_on(value, row, (*path, step))
    return path


def merged_parts(value: yaml.Node) -> list[yaml.MappingNode]:
    """What a `<<` merges."""
    given = value.value if isinstance(value, yaml.SequenceNode) else [value]
    return [part for part in given if isinstance(part, yaml.MappingNode)]


def child(node: yaml.Node, step: str | int) -> tuple[int, yaml.Node] | None:
    """The line and node of one step down."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item = node.value[step]
        return item.start_mark.line, item
    if not isinstance(node, yaml.MappingNode):
        return None
    for key, value in reversed(node.value):
        if key.value == step and isinstance(key, yaml.ScalarNode):
            return key.start_mark.line, value
    pairs = (pair for pair in node.value if isinstance(pair[0], yaml.ScalarNode))
    merged = (part for key, value in pairs if key.value == MERGE for part in merged_parts(value))
    return next((found for part in merged if (found := child(part, step))), None)
