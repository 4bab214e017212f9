"""How one resource names others: by Secret, by label."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, assert_never

from pydantic import Field

from shared.resources.base import Breach, Part
from shared.resources.names import LabelKey, LabelValue, ResourceName, SecretKey


class SecretRef(Part):
    """A Secret of the same namespace."""

    name: Annotated[ResourceName, Field(description="Name of the Secret.")]


class SecretKeyRef(Part):
    """One key of a Secret of the same namespace."""

    name: Annotated[ResourceName, Field(description="Name of the Secret.")]
    key: Annotated[SecretKey, Field(description="Key in the Secret that holds the value.")]


class LabelRequirement(Part):
    """One requirement on a label, as everywhere in Kubernetes."""

    key: Annotated[LabelKey, Field(description="The label's key.")]
    operator: Annotated[
        Literal["In", "NotIn", "Exists", "DoesNotExist"],
        Field(description="How the label relates to the values."),
    ]
    values: Annotated[
        tuple[LabelValue, ...],
        Field(max_length=64, description="Values for In and NotIn; absent for the others."),
    ] = ()

    def breaches(self) -> Iterable[Breach]:
        """Values belong to In and NotIn."""
        needs_values = self.operator in ("In", "NotIn")
        if needs_values and not self.values:
            yield Breach(("values",), f"is empty, and {self.operator} needs values", "add one")
        if self.values and not needs_values:
            yield Breach(("values",), f"does not go with {self.operator}", "take it out")

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels meet the requirement."""
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels
            case _:
                assert_never(self.operator)


class LabelSelector(Part):
    """Kubernetes' LabelSelector. An empty one selects everything."""

    match_labels: Annotated[
        Mapping[LabelKey, LabelValue],
        Field(
            default_factory=dict,
            max_length=16,
            description="Labels that must be there with these values.",
        ),
    ]
    match_expressions: Annotated[
        tuple[LabelRequirement, ...],
        Field(max_length=16, description="Requirements that must hold, all of them."),
    ] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels are selected."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            requirement.matches(labels) for requirement in self.match_expressions
        )
