"""What the controller writes as status is kept whole: the API server drops what a schema lacks."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from controller.status.conditions import MAX_REGENTS as WRITTEN
from shared.crds.status import MAX_LEFTOVERS, MAX_LOSSES, MAX_REGENTS, status_schema
from shared.http import BrakeBody, StatusBody
from tests.unit.crds.statuses import Case, cases


def pruned(value: Any, schema: dict[str, Any]) -> Any:
    """What the API server stores of it."""
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        return {name: pruned(one, known[name]) for name, one in value.items() if name in known}
    if isinstance(value, list):
        return [pruned(one, schema["items"]) for one in value]
    return value


@pytest.mark.parametrize("case", cases(), ids=str)
def test_nothing_that_the_controller_says_is_dropped_or_refused(case: Case) -> None:
    schema = status_schema(case.found["kind"])
    assert pruned(case.found["status"], schema) == case.found["status"]
    jsonschema.validate(case.found["status"], schema)


def test_the_bounds_are_those_of_the_bodies_that_are_shown() -> None:
    """A 65th Regent, a 51st loss or a 101st leftover would make the whole write fail."""
    assert WRITTEN <= MAX_REGENTS
    assert _most(BrakeBody.model_json_schema(), "losses") <= MAX_LOSSES
    assert _most(StatusBody.model_json_schema(), "leftovers") <= MAX_LEFTOVERS


def _most(schema: dict[str, Any], field: str) -> int:
    return int(schema["properties"][field]["maxItems"])
