"""A model as JSON whatever texts are in it: no odd name may keep the rest from being told.

Texts are made legible where they are made into messages. What slipped through all the same has `?`
where a character is none, which costs a second writing and loses nothing else.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticSerializationError


def json_text(model: BaseModel, **how: Any) -> str:
    """As `model_dump_json` of pydantic with the same arguments."""
    try:
        return model.model_dump_json(**how)
    except (PydanticSerializationError, UnicodeError):
        data = model.model_dump(mode="json", **how)
        return sendable(json.dumps(data, ensure_ascii=False, separators=(",", ":"))).decode()


def sendable(text: str) -> bytes:
    """As UTF-8; what is no character is `?`."""
    return text.encode("utf-8", "replace")
