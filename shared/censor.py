"""Nothing that looks like a secret leaves a process in a log or an error message.

The second line of defence: secrets are hidden where they live (Verifier, SecretText), and what
slips through all the same, such as a driver's message that quotes a statement, is caught here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from shared.state import Verifier

HIDDEN = "(hidden)"
_SECRET_KEYS = frozenset(
    {"password", "passwd", "verifier", "token", "authorization", "cookie", "secretvalue"}
)
_TEXT = (
    (re.compile(r"SCRAM-SHA-256\$[0-9]+:[^\s\"',;)]*", re.IGNORECASE), f"SCRAM-SHA-256${HIDDEN}"),
    (re.compile(r"\bmd5[0-9a-f]{32}\b"), f"md5{HIDDEN}"),
    (re.compile(r"\bBearer\s+[^\s\"',;)]+", re.IGNORECASE), f"Bearer {HIDDEN}"),
    (re.compile(r"(\b[a-z]\w*://[^\s/:@\"']*):[^\s/@\"']+@", re.IGNORECASE), rf"\1:{HIDDEN}@"),
    (re.compile(r"(\bPASSWORD\s+)E?'(?:[^']|'')*'", re.IGNORECASE), rf"\1'{HIDDEN}'"),
    (re.compile(r"(\bpassword=)(?!\(hidden\))[^\s&\"']+", re.IGNORECASE), rf"\1{HIDDEN}"),
)  # fmt: skip
_DEPTH = 6


def censor_text(text: str) -> str:
    """The text, with what has the form of a secret replaced."""
    for pattern, instead in _TEXT:
        text = pattern.sub(instead, text)
    return text


def censor(value: Any, *, depth: int = _DEPTH) -> Any:
    """The value, with secrets replaced: by their type, the name of their key, or their form."""
    if isinstance(value, str):
        return censor_text(value)
    if isinstance(value, Verifier) or hasattr(value, "get_secret_value"):
        return HIDDEN
    if depth and isinstance(value, Mapping):
        return {
            key: HIDDEN if is_secret_key(key) else censor(item, depth=depth - 1)
            for key, item in value.items()
        }
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [censor(item, depth=depth - 1) for item in value]
    return value


def is_secret_key(key: object) -> bool:
    """Whether what stands under this key is a secret: `adminPassword`, `X-Token`, `verifier`."""
    plain = re.sub(r"[^a-z]", "", str(key).lower())
    return any(plain.endswith(secret) for secret in _SECRET_KEYS)
