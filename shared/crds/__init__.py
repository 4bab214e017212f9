"""The four CustomResourceDefinitions, made from the models. `python -m shared.crds` writes them."""

from __future__ import annotations

from shared.crds.definitions import custom_resource_definition, structural_spec
from shared.crds.revision import (
    REVISION_ANNOTATION,
    SCHEMA_REVISION,
    is_outdated,
    schema_digest,
)

__all__ = [
    "REVISION_ANNOTATION",
    "SCHEMA_REVISION",
    "custom_resource_definition",
    "is_outdated",
    "schema_digest",
    "structural_spec",
]
