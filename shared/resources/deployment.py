"""How a Regent's pods are scheduled, and nothing that would run other code in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from shared.resources.base import Part
from shared.resources.names import LabelKey, LabelValue, ResourceName, SettingValue
from shared.resources.references import SecretRef

Quantities = Annotated[Mapping[str, SettingValue], Field(max_length=16)]
Free = Annotated[
    Mapping[str, Any], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})
]


class Resources(Part):
    """What a pod asks for and may use, as in a container's `resources`."""

    requests: Annotated[Quantities, Field(default_factory=dict, description="What is kept for it.")]
    limits: Annotated[
        Quantities, Field(default_factory=dict, description="What it may use at most.")
    ]


class Deployment(Part):
    """Image, environment, volumes and service account are not here: they would be code."""

    resources: Annotated[Resources | None, Field(description="CPU and memory.")] = None
    node_selector: Annotated[
        Mapping[LabelKey, LabelValue],
        Field(
            default_factory=dict, max_length=64, description="Labels of the nodes it may run on."
        ),
    ]
    tolerations: Annotated[
        tuple[Free, ...], Field(max_length=64, description="Taints it tolerates.")
    ] = ()
    affinity: Annotated[Free | None, Field(description="As in a pod.")] = None
    priority_class_name: Annotated[
        ResourceName | None, Field(description="Its priority class.")
    ] = None
    labels: Annotated[
        Mapping[LabelKey, LabelValue],
        Field(default_factory=dict, max_length=64, description="More labels."),
    ]
    annotations: Annotated[
        Mapping[LabelKey, str],
        Field(default_factory=dict, max_length=64, description="More annotations."),
    ]
    image_pull_secrets: Annotated[
        tuple[SecretRef, ...], Field(max_length=16, description="To pull its image with.")
    ] = ()
