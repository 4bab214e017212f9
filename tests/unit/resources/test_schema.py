"""The models as schemas: what a CRD will be made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from shared.resources import Permission, Regent, Role, User, json_schema
from shared.resources.base import Part

MODELS: list[type[Part]] = [Permission, Role, User, Regent]


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        yield schema
        for value in schema.values():
            yield from _parts(value)
    if isinstance(schema, list):
        for value in schema:
            yield from _parts(value)


def _fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, part in {"": schema, **schema["$defs"]}.items():
        for field, description in part.get("properties", {}).items():
            yield f"{name}.{field}", description


@pytest.mark.parametrize("model", MODELS)
def test_no_default_and_no_null_is_in_the_schema(model: type[Part]) -> None:
    for part in _parts(json_schema(model)):
        assert "default" not in part
        assert part.get("type") != "null"
        assert "anyOf" not in part


@pytest.mark.parametrize("model", MODELS)
def test_every_field_of_a_spec_is_described(model: type[Part]) -> None:
    envelope = {".apiVersion", ".kind", ".spec"}
    undescribed = [
        name
        for name, field in _fields(json_schema(model))
        if name not in envelope and "description" not in field
    ]
    assert undescribed == []


@pytest.mark.parametrize("model", MODELS)
def test_every_list_of_a_spec_is_bounded(model: type[Part]) -> None:
    """CEL's cost, and etcd, need it; Kubernetes' own metadata is its own business."""
    schema = json_schema(model)
    unbounded = [
        name
        for name, field in _fields(schema)
        if field.get("type") == "array"
        and "maxItems" not in field
        and not name.startswith("Metadata.")
    ]
    assert unbounded == []
