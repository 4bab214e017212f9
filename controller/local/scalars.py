"""Plain YAML scalars, read as people mean them: after YAML 1.2's core schema.

YAML 1.1, which PyYAML follows, turns `on` into true, `1:30` into 90 and `2026-12-31` into a date.
Here all of these stay what was written (https://yaml.org/spec/1.2.2/#103-core-schema), and so does
`0600`, which Kubernetes and PostgreSQL would read as different numbers.
"""

from __future__ import annotations

import re

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]{0,40})", re.ASCII)
_FRACTION = re.compile(
    r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)\.[0-9]*|(0|[1-9][0-9]*)(?=[eE]))([eE][-+]?[0-9]{1,3})?",
    re.ASCII,
)

Scalar = str | int | float | bool | None


def plain_scalar(text: str) -> Scalar:
    """The value of an unquoted scalar."""
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _WHOLE.fullmatch(text):
        return int(text)
    if _FRACTION.fullmatch(text):
        return float(text)
    return text
