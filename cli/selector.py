"""Label selectors as kubectl takes them: `team=flights,env in (prod, test),!legacy`. Pure.

https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import ValidationError

from shared.errors import PostgRegentError
from shared.resources.references import LabelRequirement, LabelSelector

_BETWEEN = re.compile(r",(?![^(]*\))")
"""A comma that stands in no parentheses."""
_KEY = r"(?P<key>[^\s!=,()]+)"
_FORMS = (
    (re.compile(rf"{_KEY}\s*!=\s*(?P<values>[^\s!=,()]*)"), "NotIn"),
    (re.compile(rf"{_KEY}\s*==?\s*(?P<values>[^\s!=,()]*)"), "In"),
    (re.compile(rf"{_KEY}\s+in\s*\((?P<values>[^()]*)\)"), "In"),
    (re.compile(rf"{_KEY}\s+notin\s*\((?P<values>[^()]*)\)"), "NotIn"),
    (re.compile(rf"!\s*{_KEY}"), "DoesNotExist"),
    (re.compile(_KEY), "Exists"),
)


class BadSelectorError(PostgRegentError):
    """It is no label selector."""


def selector_of(text: str) -> LabelSelector:
    """What it selects. Raises BadSelectorError."""
    try:
        found = LabelSelector(match_labels={}, match_expressions=tuple(_requirements(text)))
    except ValidationError as error:
        said = error.errors()[0]["msg"]
        raise _bad(text, said) from None
    return found


def _requirements(text: str) -> Iterator[LabelRequirement]:
    for part in _BETWEEN.split(text):
        for form, operator in _FORMS:
            if found := form.fullmatch(part.strip()):
                values = found.groupdict().get("values")
                listed = () if values is None else tuple(x.strip() for x in values.split(","))
                yield LabelRequirement.model_validate(
                    {"key": found["key"], "operator": operator, "values": list(listed)}
                )
                break
        else:
            raise _bad(text, f"{part.strip()!r} is none of its forms")


def _bad(text: str, why: str) -> BadSelectorError:
    return BadSelectorError(
        f"--selector {text!r}: {why}.",
        way_out="Write it as for kubectl: team=flights, or 'env in (prod, test),!legacy'.",
    )
