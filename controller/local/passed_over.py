"""Files of a directory that are not read, and look as if they were meant to be.

A file that is renamed to `users.yaml.bak`, to `users.yam` or to `.users.yaml` declares nothing any
more, and what it declared is deleted: so it is named.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from shared.resources import GROUP

SUFFIXES = frozenset({".yaml", ".yml", ".json"})
MOST_BYTES = 1024 * 1024
MOST_HIDDEN = 1_000
_NEARLY = re.compile(
    r"\.(ya?ml|json)(?![a-z])|\.(yam|yalm|ymal|ylm|ymla|yaaml|jsn|jason)$", re.IGNORECASE
)
_DECLARES = re.compile(
    rb"^[ \t-]*\"?apiVersion\"?:[ \t]*[\"']?" + re.escape(GROUP).encode(), re.MULTILINE
)
_PROSE = frozenset({".md", ".markdown", ".rst", ".adoc", ".txt", ".html", ".py", ".sh"})
_OTHERS_FOLDERS = frozenset({".git", ".venv", ".terraform", ".cache"})


def is_meant(path: Path) -> bool:
    """Whether a file whose name does not end as one that is read was probably meant to be."""
    if found := _NEARLY.search(path.name):
        # The copy that an editor leaves beside the file itself is none.
        original = path.with_name(path.name[: found.end()])
        return not (original.suffix.lower() in SUFFIXES and original.is_file())
    return path.suffix.lower() not in _PROSE and declares(path)


def hidden_ones(path: Path) -> Iterator[Path]:
    """The manifests in a hidden file or folder; none of a ConfigMap's own, nor of other tools'."""
    if path.name.startswith("..") or path.name in _OTHERS_FOLDERS or path.is_symlink():
        return
    if path.is_dir():
        walked = (Path(top, name) for top, _, names in os.walk(path) for name in sorted(names))
        yield from (one for one in islice(walked, MOST_HIDDEN) if _is_manifest(one))
    elif _is_manifest(path):
        yield path


def _is_manifest(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and declares(path)


def declares(path: Path) -> bool:
    """Whether it holds a line with PostgRegent's group as its apiVersion."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return _DECLARES.search(file.read(MOST_BYTES)) is not None
    except OSError:
        return False
