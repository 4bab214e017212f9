"""The envelope of a resource: apiVersion, kind, metadata, spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Generic, TypeVar, assert_never

from pydantic import Field

from shared.consent import CONSENT_KINDS, Consent, ConsentKind
from shared.keys import Kind, ResourceKey
from shared.resources.base import GROUP, Part, Whole
from shared.resources.names import ResourceName

DEFAULT_NAMESPACE = "default"
RELEASE_ANNOTATION = f"{GROUP}/release-brake"
APPROVE_ANNOTATION = f"{GROUP}/approve"
UNINSTALL_ANNOTATION = f"{GROUP}/uninstall"
TAKEOVER_ANNOTATION = f"{GROUP}/accept-takeover"
VANISHED_ANNOTATION = f"{GROUP}/let-go-vanished"
SUCCEEDS_ANNOTATION = f"{GROUP}/succeeds"
ROTATE_ANNOTATION = f"{GROUP}/rotate"
"""On a User whose password is made: another one now, each time that it says something else."""


class Metadata(Part):
    """The part of Kubernetes' ObjectMeta that means something here; the rest is let through."""

    is_envelope: ClassVar[bool] = True

    name: Annotated[
        ResourceName, Field(description="Name of the resource, unique in its namespace.")
    ]
    namespace: Annotated[
        ResourceName, Field(description="Namespace; `default` where none is given.")
    ] = DEFAULT_NAMESPACE
    labels: Annotated[
        Mapping[str, str], Field(default_factory=dict, description="Labels that selectors look at.")
    ]
    annotations: Annotated[
        Mapping[str, str], Field(default_factory=dict, description="Notes for people and tools.")
    ]
    generation: Annotated[Whole, Field(description="Grows with each change of the spec.")] = 0
    uid: Annotated[str | None, Field(description="Kubernetes' own identifier.")] = None
    resource_version: Annotated[str | None, Field(description="Kubernetes' version.")] = None
    finalizers: Annotated[tuple[str, ...], Field(description="What holds a deletion back.")] = ()
    creation_timestamp: Annotated[str | None, Field(description="When it was created.")] = None
    deletion_timestamp: Annotated[str | None, Field(description="When its deletion began.")] = None
    deletion_grace_period_seconds: Annotated[
        Whole | None, Field(description="Kubernetes' own.")
    ] = None
    generate_name: Annotated[str | None, Field(description="Kubernetes' own.")] = None
    self_link: Annotated[str | None, Field(description="Kubernetes' own.")] = None
    owner_references: Annotated[tuple[Any, ...], Field(description="Kubernetes' own.")] = ()
    managed_fields: Annotated[tuple[Any, ...], Field(description="Kubernetes' own.")] = ()

    @property
    def consents(self) -> tuple[Consent, ...]:
        """On a Regent: what somebody agrees to, one of each kind; where it is nothing, too."""
        return tuple(
            Consent(kind, self.annotations.get(_consent_annotation(kind), ""))
            for kind in CONSENT_KINDS
        )

    @property
    def let_go_vanished(self) -> str:
        """On a Regent: the vanished resources whose access somebody ends, by their token."""
        return self.annotations.get(VANISHED_ANNOTATION, "")

    @property
    def succeeds(self) -> str:
        """On a Regent: the name of one of its namespace that is gone, whose resources it gets."""
        return self.annotations.get(SUCCEEDS_ANNOTATION, "")


def _consent_annotation(kind: ConsentKind) -> str:
    match kind:
        case "Brake":
            return RELEASE_ANNOTATION
        case "Approval":
            return APPROVE_ANNOTATION
        case "Takeover":
            return TAKEOVER_ANNOTATION
        case _:
            assert_never(kind)


SpecT = TypeVar("SpecT", bound=Part)


class Resource(Part, Generic[SpecT]):
    """One resource as it stands in a manifest. A status is let through and not looked at."""

    is_envelope: ClassVar[bool] = True

    api_version: Annotated[str, Field(description="putnam120.postgregent/v1alpha1")]
    kind: Kind
    metadata: Annotated[Metadata, Field(description="Kubernetes' metadata.")]
    spec: SpecT
    status: Annotated[
        Mapping[str, Any] | None, Field(description="What the controller reports.")
    ] = None

    @property
    def key(self) -> ResourceKey:
        """How it is named everywhere."""
        return ResourceKey(self.kind, self.metadata.namespace, self.metadata.name)
