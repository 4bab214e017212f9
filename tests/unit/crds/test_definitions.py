"""What the CustomResourceDefinitions say, and that the committed files say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from shared.crds import (
    REVISION_ANNOTATION,
    SCHEMA_REVISION,
    custom_resource_definition,
    is_outdated,
    schema_digest,
)
from shared.crds.__main__ import FOLDER, current_digest, rendered
from shared.crds.definitions import kinds
from shared.crds.revision import SCHEMA_DIGEST
from shared.crds.structural import structural
from shared.keys import Kind
from shared.resources.reading import Mistaken, read_manifest
from tests.wrong_manifests import BARE_REGENT, WRONG, Wrong

STALE = "run `make crds` and commit what it writes"


def parts(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema below this one, with its path."""
    yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from parts(field, f"{path}.{name}")
    for word in ("items", "additionalProperties"):
        if word in schema:
            yield from parts(schema[word], f"{path}[]")


def schema_of(kind: Kind) -> dict[str, Any]:
    version = custom_resource_definition(kind)["spec"]["versions"][0]
    schema: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return schema


def test_the_committed_files_are_what_the_models_say() -> None:
    committed = {path.name: path.read_text("utf-8") for path in FOLDER.iterdir()}
    assert committed == rendered(SCHEMA_REVISION), STALE


@pytest.mark.rule("17")
def test_a_changed_schema_has_a_new_revision() -> None:
    """Otherwise the controller would take CRDs that drop its fields for its own."""
    assert current_digest() == SCHEMA_DIGEST, STALE


@pytest.mark.rule("17")
@pytest.mark.parametrize(
    ("annotations", "outdated"),
    [
        ({REVISION_ANNOTATION: str(SCHEMA_REVISION)}, False),
        ({REVISION_ANNOTATION: str(SCHEMA_REVISION + 1)}, False),
        ({REVISION_ANNOTATION: str(SCHEMA_REVISION - 1)}, True),
        ({REVISION_ANNOTATION: "new"}, True),
        ({}, True),
        (None, True),
    ],
)
def test_only_older_definitions_are_outdated(annotations: Any, *, outdated: bool) -> None:
    assert is_outdated({"metadata": {"annotations": annotations}}) is outdated


def test_other_words_are_no_other_schema_and_another_field_is() -> None:
    field = {"type": "string", "description": "One."}
    said_otherwise = {"type": "string", "description": "Another."}
    assert schema_digest({"properties": {"a": field}}) == schema_digest(
        {"properties": {"a": said_otherwise}}
    )
    assert schema_digest({"properties": {"a": field}}) != schema_digest(
        {"properties": {"a": field, "description": field}}
    )


@pytest.mark.parametrize("kind", kinds())
def test_no_spec_holds_a_default(kind: Kind) -> None:
    """Argo CD would show what the API server fills in as a difference."""
    found = [
        path for path, part in parts(schema_of(kind)["properties"]["spec"]) if "default" in part
    ]
    assert found == []


@pytest.mark.rule("29")
@pytest.mark.parametrize("kind", kinds())
def test_a_status_that_nobody_wrote_is_not_current(kind: Kind) -> None:
    assert schema_of(kind)["properties"]["status"]["default"] == {"observedGeneration": -1}


@pytest.mark.parametrize("kind", kinds())
def test_every_field_is_described_and_typed(kind: Kind) -> None:
    for path, part in parts(schema_of(kind)):
        assert "type" in part or part == {"x-kubernetes-int-or-string": True}, path
        if path and not path.endswith("[]") and path != ".metadata":
            assert part.get("description"), path


@pytest.mark.parametrize("kind", kinds())
def test_every_list_is_bounded_and_says_how_it_merges(kind: Kind) -> None:
    """What grants is atomic: a value added by hand must not outlive the next apply."""
    for path, part in parts(schema_of(kind)):
        if part.get("type") == "array":
            assert "maxItems" in part, path
            merges = part["x-kubernetes-list-type"]
            assert merges == (
                "map" if path in (".status.conditions", ".status.regents") else "atomic"
            )
        if path.startswith(".spec") and "additionalProperties" in part:
            assert part["x-kubernetes-map-type"] == "atomic", path


@pytest.mark.parametrize("kind", kinds())
def test_every_rule_says_more_than_that_it_failed(kind: Kind) -> None:
    rules = [
        rule
        for _, part in parts(schema_of(kind))
        for rule in part.get("x-kubernetes-validations", ())
    ]
    assert rules
    for rule in rules:
        assert 20 < len(rule["message"]) < 2048, rule
        assert "\n" not in rule["message"] + rule["rule"], rule


def test_a_word_that_a_definition_lacks_is_an_error_and_not_lost() -> None:
    with pytest.raises(ValueError, match="no word for not"):
        structural({"type": "string", "not": {"pattern": "x"}}, lambda _: ())


def test_the_files_hold_no_anchors_and_read_back_the_same() -> None:
    for kind in kinds():
        crd = custom_resource_definition(kind)
        text = (FOLDER / f"{crd['metadata']['name']}.yaml").read_text("utf-8")
        assert yaml.safe_load(text) == json.loads(json.dumps(crd))
        assert "&id" not in text


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name)
def test_what_the_api_server_refuses_is_refused_in_a_directory_too(wrong: Wrong) -> None:
    assert isinstance(read_manifest(wrong.kind, wrong.manifest), Mistaken)


def test_the_regent_that_the_wrong_ones_are_made_of_is_right() -> None:
    right = Wrong("right", "Regent", BARE_REGENT, ())
    assert not isinstance(read_manifest("Regent", right.manifest), Mistaken)
