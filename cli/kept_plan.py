"""What `plan --out FILE` keeps and `apply FILE` holds against a new plan: effects, and for what.

The digest is made as those are that a person agrees to (shared/consent.py), over exactly what would
be done. It is over no password: a Secret that changes meanwhile is set as it is then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from shlex import quote
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from cli.declared import Declared, Request
from cli.dsn import without_password
from cli.show import Subject, changes_data
from regent.one_shot import OnceReport
from shared.consent import CONSENT_KINDS, ConsentKind, digest_of
from shared.errors import PostgRegentError

MOST_NAMED = 10


class OtherPlanError(PostgRegentError):
    """Planning anew gives something else than what was kept."""


class _Kept(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True
    )


class MadeFor(_Kept):
    """Where the plan came from, and which server it is for."""

    directory: str = Field(description="As it was given to `plan`; read again by `apply`.")
    regent: str = Field(description="Namespace and name of the Regent.")
    server: str = Field(description="Host, port and database.")
    user: str = Field(description="The admin that was logged in as.")
    dsn: str | None = Field(description="What `--dsn` said, less its password; null without it.")
    secrets_from_env: bool = Field(description="Whether `--secrets-from-env` was given.")


class KeptChange(_Kept):
    """One change, as `plan --sql -o json` has it."""

    action: Literal["add", "change", "take away"]
    effect: str
    what: str
    where: str
    resources: tuple[str, ...]
    statements: tuple[str, ...] = Field(description="SQL, with verifiers hidden.")

    @property
    def said(self) -> str:
        """By this it is the same change again; which resources it follows from does not count."""
        return "\n".join((self.effect, self.where, self.what, *self.statements))

    def __str__(self) -> str:
        return f"{self.what} ({self.where})"


class KeptPlan(_Kept):
    """A plan that can be applied later, if it is still the same then. Holds no secret."""

    version: Literal[1] = Field(default=1, description="Of this format.")
    made_for: MadeFor
    changes: tuple[KeptChange, ...] = Field(
        description="What is done, in this order; what the server refused before is tried again."
    )
    waits: Mapping[ConsentKind, str] = Field(
        description="What waits for a person, with the digest that `apply` takes; it is not done"
        " without."
    )
    digest: str = Field(description="Over what is done and what waits, and where.")


def kept_plan(request: Request, declared: Declared, report: OnceReport) -> KeptPlan:
    """The plan of a report. Pure."""
    made_for = MadeFor(
        directory=str(request.directory),
        regent=regent_of(declared.subject),
        server=declared.subject.server,
        user=declared.settings.server.admin_user,
        dsn=without_password(request.dsn) if request.dsn is not None else None,
        secrets_from_env=request.secrets_from_env,
    )
    changes = changes_of(report)
    waits = waits_of(report)
    return KeptPlan(
        made_for=made_for,
        changes=changes,
        waits=waits,
        digest=digest_of_plan(made_for, changes, waits),
    )


def regent_of(subject: Subject) -> str:
    """Its namespace and name."""
    return f"{subject.regent.namespace}/{subject.regent.name}"


def changes_of(report: OnceReport) -> tuple[KeptChange, ...]:
    """What `apply` would do or try, in order."""
    changes = (*report.to_do, *(one.change for one in report.refused))
    return tuple(
        KeptChange.model_validate(one)
        for one in changes_data(changes, major=report.major, sql=True)
    )


def waits_of(report: OnceReport) -> dict[ConsentKind, str]:
    """The digest of all that a person must agree to."""
    found: dict[ConsentKind, str] = {}
    if report.brake is not None:
        found["Brake"] = report.brake.digest
    if report.approval is not None:
        found["Approval"] = report.approval.digest
    if report.takeover is not None:
        found["Takeover"] = report.takeover.token
    return found


def digest_of_plan(
    made_for: MadeFor, changes: Iterable[KeptChange], waits: Mapping[ConsentKind, str]
) -> str:
    """Another one if anything else would be done, or in another order or place."""
    waiting = (f"{kind} {digest}" for kind, digest in sorted(waits.items()))
    place = (made_for.regent, made_for.server, made_for.user)
    return digest_of("plan", *place, *(one.said for one in changes), *waiting)


def request_of(kept: KeptPlan, *, dsn: str | None, secrets_from_env: bool) -> Request:
    """What to plan anew; a `dsn` of now has the password, or stands for the same server."""
    made_for = kept.made_for
    from_env = made_for.secrets_from_env or secrets_from_env
    return Request(Path(made_for.directory), dsn or made_for.dsn, made_for.regent, from_env)


def require_same_place(kept: KeptPlan, declared: Declared, file: str) -> None:
    """Raise OtherPlanError where this is another server, or another admin there. Pure."""
    made_for, user = kept.made_for, declared.settings.server.admin_user
    if (made_for.server, made_for.user) == (declared.subject.server, user):
        return
    raise OtherPlanError(
        f"{file} was made for {made_for.user} on {made_for.server}, and this is {user} on"
        f" {declared.subject.server}.",
        way_out="Give --dsn (or POSTGREGENT_DSN) for the server it was made for, or make a new"
        f" plan: {command_of(made_for, file)}",
    )


def require_same(kept: KeptPlan, report: OnceReport, file: str) -> None:
    """Raise OtherPlanError, which says what differs, unless this is what was planned. Pure."""
    changes, waits = changes_of(report), waits_of(report)
    if digest_of_plan(kept.made_for, changes, waits) == kept.digest:
        return
    lines = [*_differences(kept.changes, changes), *_other_waits(kept.waits, waits)]
    if not lines:
        lines = ["the same changes, in another order"]
    raise OtherPlanError(
        f"Nothing was applied: planning anew gives something else than {file} has.\n    "
        + "\n    ".join(lines),
        way_out=plan_anew(kept.made_for, file),
    )


def plan_anew(made_for: MadeFor, file: str) -> str:
    """The way out of every plan that cannot be applied any more."""
    return f"Make a new plan: {command_of(made_for, file)}"


def command_of(made_for: MadeFor, file: str) -> str:
    """What makes it; the server is that of now."""
    return f"postgregent plan {quote(made_for.directory)} --out {quote(file)}"


def _differences(kept: Iterable[KeptChange], now: Iterable[KeptChange]) -> list[str]:
    """Each change that is on one side only."""
    before, after = ({one.said: str(one) for one in some} for some in (kept, now))
    gone = [text for said, text in before.items() if said not in after]
    new = [text for said, text in after.items() if said not in before]
    return [
        *_named("planned, and not to be done now", gone),
        *_named("to be done now, and not planned", new),
    ]


def _named(said: str, some: list[str]) -> list[str]:
    lines = [f"{said}: {one}" for one in some[:MOST_NAMED]]
    more = len(some) - MOST_NAMED
    return lines + ([f"{said}: {more} more"] if more > 0 else [])


def _other_waits(kept: Mapping[ConsentKind, str], now: Mapping[ConsentKind, str]) -> list[str]:
    others = (kind for kind in CONSENT_KINDS if kept.get(kind) != now.get(kind))
    return [f"{_WAITS[kind]} is not the same" for kind in others]


_WAITS: Mapping[ConsentKind, str] = {
    "Brake": "what the brake withholds",
    "Approval": "what waits for approval",
    "Takeover": "whom to obey",
}
