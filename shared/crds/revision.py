"""The number of the schema: how the controller sees that the CRDs are older than itself.

A CRD without a field that a resource uses drops the field without a word, and a grant on a column
becomes one on the table. So nothing is pushed while the CRDs are older (rule 17). Newer ones
are fine: v1alpha1 grows only, and a field that this program does not know makes a resource held.
`python -m shared.crds` raises the number whenever the schema changes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REVISION_ANNOTATION = "putnam120.postgregent/schema-revision"
REVISION_FILE = Path(__file__).with_name("revision.json")
_WORDS_WITHOUT_MEANING = {"description", "message", "messageExpression"}


def _recorded() -> Mapping[str, Any]:
    recorded: Mapping[str, Any] = json.loads(REVISION_FILE.read_text("utf-8"))
    return recorded


SCHEMA_REVISION: int = _recorded()["revision"]
SCHEMA_DIGEST: str = _recorded()["digest"]


def is_outdated(crd: Mapping[str, Any]) -> bool:
    """Whether a CRD, as the API server shows it, is older than this program's."""
    written = (crd.get("metadata", {}).get("annotations") or {}).get(REVISION_ANNOTATION, "")
    return not written.isdecimal() or int(written) < SCHEMA_REVISION


def schema_digest(schemas: Mapping[str, Any]) -> str:
    """A digest of what is accepted and kept; other words for the same leave it as it is."""
    return hashlib.sha256(json.dumps(_bare(schemas), sort_keys=True).encode()).hexdigest()[:16]


def _bare(value: Any, *, names: bool = False) -> Any:
    """Below `properties` the keys are names of fields: one may well be called `description`."""
    if isinstance(value, Mapping):
        return {
            key: _bare(inner, names=key == "properties" and not names)
            for key, inner in value.items()
            if names or key not in _WORDS_WITHOUT_MEANING
        }
    if isinstance(value, list | tuple):
        return [_bare(item) for item in value]
    return value
