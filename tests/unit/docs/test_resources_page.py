"""docs/resources.md is what the models say, and its marks are what the code does."""

from __future__ import annotations

from pydantic.alias_generators import to_camel

from docs.resources import PAGE, SPECS, UNSUPPORTED, page
from regent.kinds import KINDS
from shared.resources.permission import KIND_OF_FIELD


def test_the_page_is_what_the_models_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make docs` and commit what it writes"


def test_every_field_of_every_resource_is_on_the_page() -> None:
    fields = {to_camel(name) for model in SPECS.values() for name in model.model_fields}
    assert {name for name in fields if f"`{name}`" not in page()} == set()


def test_kinds_of_objects_that_are_not_managed_are_marked() -> None:
    not_managed = {field for field, kind in KIND_OF_FIELD.items() if kind not in KINDS}
    assert set(UNSUPPORTED["Permission"]) == not_managed
