"""A Secret, wherever it was read. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretBytes


@dataclass(frozen=True, slots=True, order=True)
class SecretName:
    """One Secret, written `namespace/name`."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Secret:
    """A Secret's values, which show themselves to nobody by accident.

    `labels` is None for one from the environment: whoever put it there has selected it.
    """

    name: SecretName
    values: Mapping[str, SecretBytes]
    labels: Mapping[str, str] | None = field(default_factory=dict)
    file: str = ""
    line: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """As an API server gave it; empty where none did."""

    def is_selected_by(self, selector: Mapping[str, str]) -> bool:
        """Whether a Regent's `secretsSelector` lets it be read."""
        return not self.lacking(selector)

    def lacking(self, selector: Mapping[str, str]) -> Mapping[str, str]:
        """The labels of a `secretsSelector` that it does not have."""
        if self.labels is None:
            return {}
        return {key: want for key, want in selector.items() if self.labels.get(key) != want}
