"""The desired state: what the controller sends to one Regent, whole, on every change.

Keyed by resource, with references unresolved (interface 1): only the Regent, which remembers what
it accepted before, can hold a resource that became unreadable (rule 18) or know that two
declarations give the same privilege (rule 16).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    SerializationInfo,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, core_schema

from shared.keys import ResourceKey
from shared.resources import PermissionSpec, RegentSpec, RoleSpec, UserSpec
from shared.resources.texts import storable

LARGEST_NUMBER = 2**63 - 1
"""What PostgreSQL's bigint, and every JSON reader that matters, can hold."""
MOST_DIGITS = len(str(LARGEST_NUMBER))
MOST_ENTRIES = 64
"""Of a Regent's `allowedNamespaces`."""
MOST_RESOURCES = 25_000
"""In each part of one state; it takes about 4 KB of memory per resource in the Regent."""
REVEAL = {"reveal": True}
"""Serialisation context that writes verifiers out: for the wire and the home database only."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A SCRAM-SHA-256 verifier. Not a password, and still nothing to show: hidden everywhere."""

    value: str

    def __repr__(self) -> str:
        return "Verifier(hidden)"

    __str__ = __repr__

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        from_text = core_schema.no_info_after_validator_function(cls, core_schema.str_schema())
        return core_schema.json_or_python_schema(
            json_schema=from_text,
            python_schema=core_schema.union_schema(
                [core_schema.is_instance_schema(cls), from_text]
            ),
            serialization=core_schema.plain_serializer_function_ser_schema(
                _write_verifier, info_arg=True
            ),
        )


def _write_verifier(verifier: Verifier, info: SerializationInfo[Any]) -> str | bool:
    return verifier.value if (info.context or {}).get("reveal") else True


class _Wire(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


def _mended(text: str) -> str:
    """What is said of an unreadable resource must not be unreadable itself."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _is_a_key(text: str) -> str:
    ResourceKey.parse(storable(text))
    return text


Said = Annotated[str, AfterValidator(_mended)]
Stored = Annotated[str, AfterValidator(storable)]
KeyText = Annotated[str, AfterValidator(_is_a_key)]
"""`str(ResourceKey)`."""
Generation = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]
LAST_MOMENT = 253_402_300_799_999
"""The last millisecond that has a date, in the year 9999."""
Keys = Annotated[tuple[KeyText, ...], Field(max_length=MOST_RESOURCES)]


class Trouble(_Wire):
    """Why something is not as declared: a reason for machines and a message for people."""

    reason: Stored
    message: Said


class PasswordEntry(_Wire):
    """What is known of the password that a User names.

    Exactly one of the two: a verifier to have in force, or the trouble with its Secret, which
    leaves whatever password is in force as it is (rule 19). `note` says what was done to the
    value, such as a trailing newline that was cut.
    """

    verifier: Verifier | None = None
    trouble: Trouble | None = None
    note: Said = ""


class PermissionEntry(_Wire):
    """One Permission as it was written."""

    kind: Literal["Permission"] = "Permission"
    generation: Generation = 0
    uid: Stored | None = None
    spec: PermissionSpec


class RoleEntry(_Wire):
    """One Role as it was written."""

    kind: Literal["Role"] = "Role"
    generation: Generation = 0
    uid: Stored | None = None
    spec: RoleSpec


class UserEntry(_Wire):
    """One User as it was written, and its password where it names one."""

    kind: Literal["User"] = "User"
    generation: Generation = 0
    uid: Stored | None = None
    spec: UserSpec
    password: PasswordEntry | None = None


Entry = Annotated[PermissionEntry | RoleEntry | UserEntry, Field(discriminator="kind")]


def postgres_name_of(key: str, entry: RoleEntry | UserEntry) -> str:
    """What the Role or User of this key, a `str(ResourceKey)`, is called in PostgreSQL."""
    return entry.spec.postgres_name(ResourceKey.parse(key).name)


class RegentEntry(_Wire):
    """The Regent resource that this state is for: its policy, not its credentials.

    `namespaces` are the others that it serves, each with the place of the entry that bounds it in
    the spec's `allowedNamespaces`. Labels decide that, so only who sees them can say it.
    """

    namespace: Stored
    name: Stored
    generation: Generation = 0
    uid: Stored | None = None
    spec: RegentSpec
    namespaces: dict[Stored, Annotated[int, Field(ge=0, le=MOST_ENTRIES)]] | None = Field(
        None, max_length=MOST_RESOURCES
    )

    @property
    def key(self) -> ResourceKey:
        """Its name among the resources."""
        return ResourceKey("Regent", self.namespace, self.name)

    def serves(self, namespace: str) -> bool:
        """Whether its own namespace, or one that it lets in."""
        return namespace == self.namespace or namespace in (self.namespaces or ())


class DesiredState(_Wire):
    """Everything one Regent shall keep true.

    `origin` names where it was read: a cluster's uid, or `directory`.
    `resources` is keyed by `str(ResourceKey)`. `held` names the resources that exist and could not
    be compiled, with the trouble. `deleted` names those whose deletion was seen. What was accepted
    before and is in none of the three is `absent`, and that means what `absent_means` says:
    a directory that was read wholly means Deleted (interface 11), a cluster whose finalizers
    never came off means Vanished (rule 20). `elsewhere` are those of the deleted that are
    still there and not this Regent's any more: they may come back as they are. An entry's `uid` is
    that of its object, where there is an API server to give one; with the generation it proves the
    age of what is pushed (rule 28a).
    """

    format: Literal[1] = 1
    origin: Stored
    revision: int = Field(
        ge=0, le=LARGEST_NUMBER, description="Grows with every push of one origin."
    )
    regent: RegentEntry
    resources: dict[KeyText, Entry] = Field(default_factory=dict, max_length=MOST_RESOURCES)
    held: dict[KeyText, Trouble] = Field(default_factory=dict, max_length=MOST_RESOURCES)
    deleted: Keys = ()
    elsewhere: Keys = ()
    absent_means: Literal["Deleted", "Vanished"] = "Vanished"
    restored: int | None = Field(
        None,
        ge=0,
        le=LAST_MOMENT,
        description="When its source was last seen to have gone back in time, in milliseconds"
        " since 1970; absent: never.",
    )

    def says_the_same_as(self, other: DesiredState) -> bool:
        """Whether only their revisions differ. Cheap where they share their entries."""
        return self.model_copy(update={"revision": other.revision}) == other

    def revealed(self) -> dict[str, Any]:
        """As JSON-ready data with verifiers in it: for the push and the home database only."""
        return self.model_dump(
            mode="json", by_alias=True, exclude_unset=False, exclude_none=True, context=REVEAL
        )


@dataclass(frozen=True, slots=True)
class WrittenState:
    """A state as it goes over the wire. Writing thousands of entries takes a while: done once.

    `etag` says which push it is, by its revision, and what is in it. `content` is a digest over the
    latter alone: what was declared before and is declared again has the content of then, and is
    another push. `body` has verifiers in it.
    """

    state: DesiredState
    content: str
    body: bytes = field(repr=False)

    @property
    def etag(self) -> str:
        """Names this push, and no other of the same content."""
        return f"{self.state.revision}-{self.content}"

    @classmethod
    def of(cls, state: DesiredState) -> WrittenState:
        """The same text for whoever wrote it and for whoever read it, in any process."""
        text = state.model_dump_json(
            by_alias=True, exclude_none=True, exclude={"revision"}, context=REVEAL
        )
        content = text.encode()
        body = b'{"revision":%d,%s' % (state.revision, content.removeprefix(b"{"))
        return cls(state, hashlib.sha256(content).hexdigest(), body)


def etag(state: DesiredState) -> str:
    """Names the push; to send it as well, write it once with WrittenState."""
    return WrittenState.of(state).etag


def parts_of(etag: str) -> tuple[int, str]:
    """Revision and content of the push of this name; 0 where it was named without a revision."""
    revision, _, content = etag.rpartition("-")
    is_number = revision.isascii() and revision.isdecimal() and len(revision) <= MOST_DIGITS
    return (int(revision) if is_number else 0), content


def after(state: DesiredState, revision: int) -> DesiredState:
    """The same, as a newer push than that of this revision."""
    newer = min(revision + 1, LARGEST_NUMBER)
    if state.revision >= newer:
        return state
    return state.model_copy(update={"revision": newer})
