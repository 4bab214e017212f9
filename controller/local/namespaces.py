"""`kind: Namespace` in a directory: the labels by which a Regent may let a namespace in. Pure.

In a directory nobody but its manifest says what labels a namespace has. One of which they cannot
be read may have any, so that the tree is not whole then.
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.core.namespaces import Namespaces
from controller.local.documents import Document
from shared.problems import Problem
from shared.resources.reading import QUOTING

NOT_WHOLE = "not everything in the directory could be read"


def read_labels(document: Document, about: str, file: str) -> Mapping[str, str] | Problem:
    """The labels that a manifest gives, or what is wrong with it."""
    if document.slips:
        slip = document.slips[0]
        return Problem(file, slip.line, about, "", slip.value, slip.message, slip.way_out)
    metadata = document.data.get("metadata")
    given = metadata.get("labels") if isinstance(metadata, dict) else None
    if given is None:
        return {}
    path = ("metadata", "labels")
    if not isinstance(given, dict):
        said, way_out = "is not a map of labels", "write name: value, one a line"
        return Problem(file, document.line_of(path), about, ".".join(path), None, said, way_out)
    for name, value in given.items():
        if not isinstance(value, str):
            where, written = (*path, str(name)), document.written((*path, str(name)))
            said, way_out = "is not a text", f'{QUOTING}"{written or value}"'
            return Problem(
                file, document.line_of(where), about, ".".join(where), written, said, way_out
            )
    return {str(name): value for name, value in given.items()}


def namespaces_of(labels: Mapping[str, Mapping[str, str]], *, is_whole: bool) -> Namespaces:
    """What is known of all namespaces by what was read."""
    return Namespaces(labels, "" if is_whole else NOT_WHOLE)
