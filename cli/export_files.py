"""What an export is written as: manifests in files or in one stream, with comments before them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from cli.printing import yaml_text
from regent.export import Exported, Unsaid
from shared.printable import printable

Layout = Literal["kind", "role"]
ONLY_OWNER = 0o600


def stream(found: Exported, title: str) -> str:
    """All of it as one stream."""
    return _head(found, title) + _documents([*_all(found)])


def text_of(found: Exported, title: str, layout: Layout) -> Mapping[str, str]:
    """The files, by name. A Regent's says what is not declared."""
    files = {
        "regent.yaml": _head(found, title) + _documents([found.regent]),
        "permissions.yaml": _documents(found.permissions),
    }
    for kind in ("Role", "User"):
        some = [one for one in found.grantees if one["kind"] == kind]
        if layout == "kind":
            files[f"{kind.lower()}s.yaml"] = _documents(some)
        else:
            files |= {f"{kind.lower()}s/{one['metadata']['name']}.yaml": _documents([one])
                      for one in some}  # fmt: skip
    if found.passwords:
        files["secrets.yaml"] = _documents([_secret(found)])
    return {name: text for name, text in files.items() if text}


def write(out: Path, files: Mapping[str, str]) -> None:
    """Each as a new file. Only the owner reads those with verifiers in them."""
    for name, text in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        mode = ONLY_OWNER if name in PRIVATE else 0o666
        with os.fdopen(os.open(path, flags, mode), "w", encoding="utf-8") as file:
            file.write(text)


PRIVATE = frozenset({"secrets.yaml", "recovery.sql"})


def _all(found: Exported) -> Iterator[Mapping[str, Any]]:
    yield found.regent
    yield from found.permissions
    yield from found.grantees
    if found.passwords:
        yield _secret(found)


def _secret(found: Exported) -> Mapping[str, Any]:
    """Verifiers, not passwords: whoever reads one cannot log in with it, and can try guesses."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": found.secret},
        "stringData": dict(sorted(found.passwords.items())),
    }


def _documents(some: Iterable[Mapping[str, Any]]) -> str:
    return "---\n".join(yaml_text(dict(one)) for one in some)


def _head(found: Exported, title: str) -> str:
    lines = [title, *(line for one in found.unsaid for line in _said(one))]
    return "".join(f"# {printable(line)}\n" if line else "#\n" for line in lines)


def _said(one: Unsaid) -> Iterator[str]:
    yield ""
    yield f"Not declared: {one.what}: {one.why.removesuffix('.')}."
    yield from (f"  {text}" for text in one.sql)
