"""What became of each resource: the Regent says it, the controller writes it as status."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

State = Literal["Ready", "Reconciling", "Stalled"]

CODE_LEFT = "Code stays: "
"""What a note begins with that tells of code that somebody may use whose access ended."""
ACCESS_NOW = "Access now: "
"""What a note begins with that tells of access that will end at a time."""
ACCESS_LATER = "Access later: "
ACCESS_OVER = "Access over: "
"""The same, before it has begun and once it has ended."""


class _Wire(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class Outcome(_Wire):
    """The latest word on one resource (rule 29).

    `Ready` only for what a pass has seen in the catalog; `Reconciling` for what waits and may come
    by itself; `Stalled` for what a person must change. `notes` are said and stop nothing.
    """

    resource: str = Field(description="kind/namespace/name")
    generation: int = 0
    uid: str | None = Field(
        None, description="Of the object that was declared; another of its name is not meant."
    )
    state: State
    reason: str = Field(description="CamelCase, for machines.")
    message: str = Field(description="For people, with the way out.")
    matches: int | None = Field(None, description="Objects a Permission's patterns match now.")
    notes: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Seen in the catalog as declared."""
        return self.state == "Ready"


Certainty = Literal["Recorded", "Probable", "Unknown"]


MOST_CANDIDATES = 5


class Candidate(_Wire):
    """One session that may have done it."""

    session_user: str | None = None
    role: str | None = None
    pid: int | None = None
    application: str | None = None
    client: str | None = None
    command_tag: str | None = None


class Actor(Candidate):
    """Who did it, as far as it can be known.

    `Recorded` when the trigger recorded it and nobody else fits. `Probable` when one session fits,
    or when several do: then `others` are the further ones. `Unknown` says why in `why_not`.
    """

    certainty: Certainty
    why_not: str = ""
    others: tuple[Candidate, ...] = Field(
        (),
        max_length=MOST_CANDIDATES,
        description="Who else may have done it; any of them is as likely.",
    )


EXISTS_UNMANAGED = "ExistsUnmanaged"
"""Of a name that a role has already which no mark says is ours; of a deleted resource too."""

AWAITING_APPROVAL = "AwaitingApproval"
"""Of what is declared anew and nobody has approved, and of a deletion that waits so."""

REPORTED = "reported"
"""The correction of what is only told, as nothing is to be done about it."""

CONTENDED = "contended"
"""The same of a correction that somebody undoes again and again."""
CONTENDED_TIMES = 5
"""So often within a minute."""

PAUSED = "paused"
"""The same of a role whose correction somebody paused."""


class Drift(_Wire):
    """One difference that appeared while the desired state stood still (rule 30)."""

    id: int = 0
    regent: str
    database: str | None = Field(None, description="None for what the whole server shares.")
    what: str = Field(description="One line: the change that corrects it, in words.")
    deed: str = Field(
        "",
        description="What somebody did, as the actor's act: `DELETE on table a.b was granted to c`."
        " Empty when the catalog does not say.",
    )
    correction: str = Field(
        "", description="What was done about it, in a word or two: `revoked`, `created again`."
    )
    object: str = ""
    role: str | None = None
    resources: tuple[str, ...] = ()
    happened_at: datetime | None = None
    found_at: datetime
    corrected_at: datetime | None = None
    actor: Actor
    action: str = Field("", description="What was done about it, as SQL without values.")
    error: str = ""
