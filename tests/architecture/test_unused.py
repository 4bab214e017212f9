"""Nothing is defined that nobody uses: what only its own test calls is dead as well."""

from __future__ import annotations

from pathlib import Path

from vulture import Vulture

ROOT = Path(__file__).parents[2]
PACKAGES = ("shared", "sql", "regent", "controller", "cli")
DEFINITIONS = frozenset({"class", "function", "method", "property"})
"""Fields and constants are not asked for: a model's fields are read by its users' manifests."""
CALLED_BY_A_LIBRARY = (
    "@*.get", "@*.post", "@*.put", "@*.command", "@*.callback", "@*.exception_handler",
    "@*_validator", "@*_serializer", "@computed_field", "@app.middleware",
)  # fmt: skip
USED_OUTSIDE = {
    "cache_folder": "tests keep what they download in the same folder",
    "capture_signals": "uvicorn calls it",
    "default_schema": "pydantic calls it",
    "ignore_aliases": "PyYAML calls it",
    "nullable_schema": "pydantic calls it",
}


def test_every_definition_is_used_by_the_product() -> None:
    looked = Vulture(ignore_names=list(USED_OUTSIDE), ignore_decorators=list(CALLED_BY_A_LIBRARY))
    looked.scavenge([str(ROOT / package) for package in PACKAGES])
    unused = [
        f"{Path(one.filename).relative_to(ROOT)}:{one.first_lineno} {one.typ} {one.name}"
        for one in looked.get_unused_code()
        if one.typ in DEFINITIONS
    ]
    assert unused == []
