"""The bodies that controller and Regent exchange over `/v1`: JSON, camelCase.

Errors are RFC 9457 problems of media type `application/problem+json`. The desired state itself is
in shared/state.py, outcomes and drift in shared/outcomes.py. Long because every field is described.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar, assert_never

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from shared.consent import ConsentKind
from shared.outcomes import Drift, Outcome
from shared.state import Verifier

PROBLEM_MEDIA_TYPE = "application/problem+json"
PROBLEM_TYPES = "urn:postgregent:problem:"
LONGEST_WAIT_SECONDS = 60
LONGEST_PAGE = 500
HAD_STATE_HEADER = "Postgregent-Had-State"
"""On a first push: the server, by its system identifier, on which this Regent had a state."""
HAD_IN_FORCE_HEADER = "Postgregent-Had-In-Force"
"""On a later push: the server, by that, and the newest revision that was seen in force there."""
HAD_DISABLED_HEADER = "Postgregent-Had-Disabled"
"""Beside it: the roles that it had disabled there, a JSON list in ASCII."""
LONGEST_NAMES = 4_000
"""Of that list as sent."""
UNKNOWN_SERVER = "unknown"
"""Its value where the identifier could not be read."""
LARGEST_BODY_BYTES = 32 * 2**20
"""Of a body as sent and as inflated; 5,000 resources with their verifiers are about 5 MiB."""

InForce = tuple[str, int]
"""The server on which a Regent was seen, and the newest revision that it had in force there."""

Reason = Literal[
    "Stale",
    "Refused",
    "TakeoverNeeded",
    "InRecovery",
    "PreconditionRequired",
    "BadPrecondition",
    "DigestMismatch",
    "TokenMismatch",
    "NoState",
    "NotFound",
    "NotReady",
    "Unauthorized",
    "TooLarge",
    "BadEncoding",
    "HttpError",
    "InternalError",
]
"""What a problem's `reason` may say; clients decide by it and by the status, never by the text."""


def _example(**values: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [values]})


class _Wire(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )


class FieldProblem(_Wire):
    """One thing that is wrong with a request. Never holds the value: it may be secret."""

    field: str = Field(description="Where, dotted: `resources.Role/default/a.spec.database`.")
    message: str
    way_out: str = ""


class ProblemDetails(_Wire):
    """Why a request was not answered as asked (RFC 9457)."""

    model_config = _example(
        type="urn:postgregent:problem:Stale",
        title="Precondition Failed",
        status=412,
        reason="Stale",
        detail="The accepted state is another one than If-Match names.",
        wayOut="Read GET /v1/state for its ETag, compile again and push again.",
    )

    type: str = Field(description="urn:postgregent:problem: and the reason.")
    title: str = Field(description="The words that belong to the status.")
    status: int
    reason: Reason
    detail: str = ""
    way_out: str = ""
    problems: tuple[FieldProblem, ...] = Field((), description="All of them, not the first.")


class DetectorBody(_Wire):
    """How this Regent learns of changes."""

    mode: Literal["Triggers", "Polling", "None"]
    healthy: bool
    message: str = ""


class LossBody(_Wire):
    """Something that would be taken away."""

    role: str
    kind: str = Field(description="Kind of the object, or `Membership`, `Login`, `Role`.")
    privilege: str
    detail: str = ""


class BrakeBody(_Wire):
    """What is withheld until somebody releases it (rule 20)."""

    pulled: bool = False
    digest: str = Field("", description="What POST /v1/brake/release must name; good for once.")
    loss_count: int = 0
    losses: tuple[LossBody, ...] = Field((), max_length=50, description="The first 50.")
    message: str = ""


class ApprovalBody(_Wire):
    """What is declared anew and waits for a person, as the Regent says `approval: Manual`."""

    waiting: bool = False
    digest: str = Field(
        "", description="What POST /v1/approval must name; good for once. Empty: not now."
    )
    change_count: int = Field(0, description="How many changes there are.")
    loss_count: int = Field(0, description="How much of it takes something away.")
    changes: tuple[str, ...] = Field(
        (), max_length=50, description="The first 50 in words, what takes something away first."
    )
    deleted_count: int = 0
    deleted: tuple[str, ...] = Field(
        (),
        max_length=100,
        description="The first 100 Roles and Users that are deleted: their access goes on.",
    )
    message: str = ""


class TakeoverBody(_Wire):
    """Another server, source or past than the remembered one waits for a person (rule 28a)."""

    needed: bool = False
    token: str = Field(
        "", description="What POST /v1/takeover/accept must name; good for exactly this."
    )
    message: str = Field("", description="What would be obeyed instead of what, with the way out.")


class Leftover(_Wire):
    """Something of a deleted resource that could not be taken away yet (rule 27)."""

    role: str
    database: str | None = Field(None, description="None for what the whole server shares.")
    what: str
    message: str = Field("", description="Why, with the way out.")


class DoneBody(_Wire):
    """What one pass changed because it is declared so now; what it corrected is in the history."""

    at: datetime
    what: tuple[str, ...] = Field((), max_length=10, description="The first 10, in words.")
    count: int = Field(0, description="How many changes there were.")


NO_CONNECTION = "NotConnected"
"""The reason of a Regent whose connection has just ended, or that is ending."""


class TroubleBody(_Wire):
    """Why a Regent is not connected to its server."""

    reason: str = Field(description="CamelCase, for machines.")
    message: str = Field(description="For people, with the way out.")
    is_for_good: bool = Field(False, description="Whether it lasts until a person acts.")


class UnmanagedRoleBody(_Wire):
    """A role that may log in though nobody declares it (rule 11)."""

    name: str
    may_log_in: bool = True
    disabled: bool = Field(False, description="Whether the Regent took its LOGIN.")
    may: tuple[str, ...] = Field(
        (), description="Attributes and powerful groups that it has or reaches."
    )
    appeared_at: datetime | None = Field(
        None, description="When it was found; absent: it was there at the first look."
    )
    by: str = Field("", description="Who made it so, as far as it can be known.")
    spared: str = Field("", description="Why Disable leaves it alone; empty where it does not.")
    problem: str = Field("", description="Why the server does not let it be disabled or enabled.")


class UnmanagedBody(_Wire):
    """The roles that may log in though nobody declares them."""

    policy: Literal["Ignore", "Report", "Disable"]
    count: int = 0
    disabled: int = Field(0, description="How many of them the Regent disabled.")
    waits: str = Field("", description="Why nobody is disabled now, with the way out.")
    roles: tuple[UnmanagedRoleBody, ...] = Field(
        (), max_length=50, description="The newest 50; GET /v1/unmanaged lists all."
    )


class ContendedBody(_Wire):
    """A correction that somebody undoes again and again (rule 26)."""

    edge: str = Field(description="What corrects it, in words.")
    times: int = Field(description="How often it was corrected within the last minute.")
    by: tuple[str, ...] = Field((), description="By whom it is undone, as far as it is known.")
    role: str | None = None
    resources: tuple[str, ...] = ()
    waits: bool = Field(
        False, description="Whether it is put off now: what gives back is done once a minute."
    )


class PauseBody(_Wire):
    """A role whose correction is paused: what is done to it by hand stays (rule 26)."""

    role: str
    until: datetime
    reason: str
    by: str = Field(description="The session user who asked for it.")
    since: datetime
    held: int = Field(0, description="How many changes wait for the end of it.")
    not_held: str = Field(
        "", description="Why it holds nothing: what ends access is never held. Empty: it does."
    )
    resources: tuple[str, ...] = Field((), description="What declares the role.")


class StatusBody(_Wire):
    """The latest word on everything; `sequence` grows whenever something other than a time did."""

    model_config = _example(
        sequence=7,
        systemIdentifier="7412345678901234567",
        acceptedRevision=3,
        appliedRevision=3,
        managedRoles=2,
        resources=[
            {
                "resource": "Role/default/mydb-viewer",
                "generation": 1,
                "state": "Ready",
                "reason": "Applied",
                "message": "As declared.",
            }
        ],
        detector={"mode": "Triggers", "healthy": True},
        brake={"pulled": False},
        takeover={"needed": False},
    )

    sequence: int
    system_identifier: str | None = None
    accepted_revision: int | None = None
    accepted_etag: str = Field(
        "", description="The ETag of the accepted state, which says which push it was."
    )
    applied_revision: int | None = None
    last_pass_time: datetime | None = None
    managed_roles: int = 0
    outstanding_drift: int | None = Field(
        None, description="Differences that were found and not corrected; absent: not known yet."
    )
    looked: bool = Field(
        False, description="Whether a pass has looked since it was connected: none is Ready before."
    )
    observing: str = Field("", description="Why nothing is written; empty when it is.")
    restraint: str = Field(
        "", description="The reason of `observing` while it is connected, CamelCase, for machines."
    )
    unread: dict[str, str] = Field(
        default_factory=dict, description="Databases that the last pass could not read, and why."
    )
    missing: tuple[str, ...] = Field(
        (), description="Those of `unread` that do not exist, or are templates: for a person."
    )
    kept_open: tuple[str, ...] = Field(
        (),
        max_length=100,
        description="What PUBLIC keeps though nobody declares it, and why.",
    )
    trouble: TroubleBody | None = Field(
        None, description="Why it is not connected to its server; absent while it is."
    )
    unreadable: tuple[str, ...] = Field(
        (), description="Rows of the home database that cannot be read; they are left as they are."
    )
    not_acted_on: tuple[str, ...] = Field(
        (), description="Fields of the Regent that are valid and that this version does not act on."
    )
    resources: tuple[Outcome, ...] = ()
    detector: DetectorBody
    brake: BrakeBody = BrakeBody()
    approval: ApprovalBody = ApprovalBody()
    takeover: TakeoverBody = TakeoverBody()
    leftovers: tuple[Leftover, ...] = Field((), max_length=100)
    unmanaged: UnmanagedBody | None = Field(
        None, description="Roles that nobody declares; absent where the Regent does not ask."
    )
    contended: tuple[ContendedBody, ...] = Field(
        (), max_length=20, description="The first 20 corrections that others keep undoing."
    )
    paused: tuple[PauseBody, ...] = Field(
        (), max_length=50, description="The first 50 roles whose correction is paused."
    )
    done: tuple[DoneBody, ...] = Field(
        (), max_length=10, description="The last passes of this process that changed something."
    )
    trusts: tuple[str, ...] = Field(
        (), description="The CAs whose clients it lets in, each by the SHA-256 of its certificate."
    )
    shows: str = Field("", description="The SHA-256 of the certificate that it shows to clients.")
    settings: str = Field(
        "", description="The digest of the settings that it runs with; empty: they have none."
    )

    def waits_for(self, kind: ConsentKind) -> str:
        """The digest that a person's consent must have; empty where nothing waits for one."""
        match kind:
            case "Brake":
                return self.brake.digest
            case "Approval":
                return self.approval.digest
            case "Takeover":
                return self.takeover.token
            case _:
                assert_never(kind)


ItemT = TypeVar("ItemT")


class Page(_Wire, Generic[ItemT]):
    """One page of a list. `continue` is there when more follows: send it back for the next page."""

    items: tuple[ItemT, ...] = ()
    continue_: str | None = Field(None, alias="continue")


class DriftPage(Page[Drift]):
    """What is not as declared now."""


class HistoryPage(Page[Drift]):
    """What was found and corrected, oldest first. The last item's id is the next `after`."""


class ChangeBody(_Wire):
    """One change of a plan."""

    effect: str = Field(description="Create, Widen, Open, Close, Narrow or Remove: the order.")
    what: str = Field(description="In words; never a secret.")
    where: str = Field("", description="The database, or empty for what the server shares.")
    resources: tuple[str, ...] = Field((), description="Which resources cause it.")


class PlanBody(_Wire):
    """What a pass would do. Nothing was written to find out."""

    model_config = _example(
        changes=[
            {
                "effect": "Widen",
                "what": "grant SELECT on 2 tables in schema1 (a, b) to mydb-viewer",
                "where": "mydb",
                "resources": ["Permission/default/read-schemas-1-and-2"],
            }
        ],
        outcomes=[],
        matches={"Permission/default/read-schemas-1-and-2": 2},
        brake={"pulled": False},
    )

    changes: tuple[ChangeBody, ...] = ()
    outcomes: tuple[Outcome, ...] = Field((), description="Resources that would not be Ready.")
    matches: dict[str, int] = Field(default_factory=dict)
    brake: BrakeBody = BrakeBody()
    approval: ApprovalBody = ApprovalBody()
    paused: tuple[PauseBody, ...] = Field(
        (), max_length=50, description="Roles of which nothing is changed now."
    )


class PassBody(_Wire):
    """A pass that was asked for."""

    pass_id: str


class ReleaseBody(_Wire):
    """Lets exactly the losses through that have this digest, once."""

    model_config = _example(digest="9f86d081884c7d65")

    digest: Annotated[str, Field(min_length=1, max_length=128)]


class ApproveBody(_Wire):
    """Approves exactly the plan that has this digest, once."""

    model_config = _example(digest="9f86d081884c7d65")

    digest: Annotated[str, Field(min_length=1, max_length=128)]


class AcceptanceBody(_Wire):
    """Lets exactly the takeover happen that has this token."""

    model_config = _example(token="9f86d081884c7d65")  # noqa: S106 - names a takeover

    token: Annotated[str, Field(min_length=1, max_length=128)]


class UninstalledBody(_Wire):
    """What was taken off a server. The roles stay as they are."""

    done: tuple[str, ...] = ()


class VerifiersBody(_Wire):
    """The verifiers in force, by the User that declares them. For the controller alone."""

    verifiers: dict[str, Verifier] = Field(default_factory=dict, description="kind/namespace/name")


class RoleSummary(_Wire):
    """One PostgreSQL role in this Regent's authority."""

    name: str
    resources: tuple[str, ...] = Field((), description="What declares it.")
    login: bool = False
    origin: Literal["created", "adopted"]
    ending: bool = False


class RolePage(Page[RoleSummary]):
    """The managed roles, by name."""


class UnmanagedPage(Page[UnmanagedRoleBody]):
    """The roles that may log in though nobody declares them, by name."""


class PrivilegeBody(_Wire):
    """What a role holds on something, and which resources say so."""

    kind: str
    database: str | None = None
    object: str
    privileges: tuple[str, ...]
    grantable: tuple[str, ...] = ()
    resources: tuple[str, ...] = Field((), description="Empty for drift.")


class RoleBody(RoleSummary):
    """One role with what it is a member of, who its members are, and what it holds."""

    attributes: dict[str, bool] = Field(default_factory=dict)
    connection_limit: int = -1
    valid_until: datetime | None = None
    has_password: bool = False
    settings: dict[str, str] = Field(default_factory=dict)
    member_of: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    privileges: tuple[PrivilegeBody, ...] = ()


class HealthBody(_Wire):
    """Whether one part of the Regent's health holds, check by check."""

    ok: bool
    checks: dict[str, bool] = Field(default_factory=dict)
