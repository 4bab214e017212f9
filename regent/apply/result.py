"""What became of one change, and what a refusal means (rule 21)."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import asyncpg

from regent.changes import (
    Change,
    DisableRole,
    EnableRole,
    GatherObjects,
    GrantDefaults,
    GrantMembership,
    HandOnOwned,
    RevokeDefaults,
    RevokeMembership,
    RevokePrivileges,
)
from regent.server.lenient_text import shown
from shared.errors import PostgRegentError
from shared.names import quote_ident

RETRIED = frozenset({"XX000", "23505", "42P01", "55P03", "40P01", "40001", "57014"})
"""Somebody else was at it: worth another try soon."""

STAYS = "2BP01"
"""The role owns something, or something depends on it."""

CHANGED_MEANWHILE = "XX000"
"""As PostgreSQL says where another session changed the same catalog row: read again."""

NOT_THERE = "42704"
"""A role, setting or the like that a statement names is not there."""

NOT_REACHED = "08006"
"""The connection could not be opened, or broke."""

VANISHED = frozenset({"42P01", "3F000", "42703", "42883", "3D000"})
"""What the change was about went away after it was read: nothing is left to do."""

NOT_GRANTED = "0LP01"
"""What may not be granted, or not to whom."""

FOR_GOOD = frozenset({"54000", "42809", "0A000", NOT_GRANTED, "42P17", "22023", "22021"})
"""No later try can succeed unless the declaration or the server changes (rule 21)."""

NEEDS_A_PERSON = frozenset(
    {"42501", "2BP01", NOT_THERE, "0P000", "55P02", "0L000", "01006", "01007", "42P04"}
)
"""Cured by a right, an owner or a name that somebody gives: asked again after a while."""

NO_RIGHT = frozenset({"42501", "01006", "01007"})
"""The admin lacks a right; regent/apply/what_helps.py names the statement that gives it."""

NO_EFFECT = "01000"
"""Sent and taken by the server again and again, and as before when it was looked at."""

DID_LESS = frozenset({"01006", "01007"})
"""Warnings of a REVOKE or GRANT that did nothing, or not all: not what was planned."""


class OnlyWarnedError(PostgRegentError):
    """A REVOKE or GRANT that PostgreSQL let pass with a warning, and did not carry out."""

    def __init__(self, sqlstate: str, message: str) -> None:
        self.sqlstate = sqlstate
        super().__init__(message)


REFUSALS = (asyncpg.PostgresError, ValueError, OnlyWarnedError)
"""The server does not take a change, or the change cannot even be written as SQL."""

_SENTENCES = re.compile(r";|[.!?]\s")
"""What a sentence or a statement of ours has, and the first line of PostgreSQL hardly ever."""

_NO_OPTION = "PostgreSQL only warns: whoever gives or takes it has no grant option for it."
_OWNERS_RIGHT = (
    "Give the Regent's admin the owner's right: membership WITH INHERIT TRUE, SET TRUE in the "
    "owner, or superuser."
)
_WAYS_OUT: Mapping[str, str] = MappingProxyType(
    {
        "42501": "Give the Regent's admin the right: ownership, membership WITH INHERIT TRUE, "
        "SET TRUE in the owner or grantor, or superuser.",
        "0L000": "Take SUPERUSER from the grantor until the next pass has taken this, or revoke it "
        "as the grantor yourself, in one transaction that does so.",
        "01006": f"{_NO_OPTION} {_OWNERS_RIGHT}",
        "01007": f"{_NO_OPTION} {_OWNERS_RIGHT}",
        NO_EFFECT: "Something undoes it at once: look for an event trigger, a job or another tool "
        "that does, and end that; or run the statement as the admin and see what comes of it.",
        "54000": "The object's ACL has no room for more grantees: grant to a Role, and let the "
        "users be its members.",
        "55P03": "Another session holds the object; the next pass or apply tries it.",
        "40P01": "Another session held what was needed; the next pass or apply tries it.",
        "XX000": "Another session changed the same object; the next pass or apply tries it.",
        NOT_THERE: "The role or setting it names is not there; the next pass or apply looks for "
        "it.",
        "42P04": "A template is called so, or somebody has just made it: rename that, or name "
        "another database.",
        "42710": "A role of this name is there already: set adopt: true, or rename one.",
        "2BP01": "Something still depends on the role: name a reassignOwnedTo, or remove it.",
        "0LP01": "PostgreSQL does not allow this grant: look at circular memberships and at what "
        "the kind of object can be granted.",
        NOT_REACHED: "The connection was lost; the next pass or apply looks what was done.",
        "22021": "Rename what has a name that is not UTF-8, or change it yourself.",
        "22023": "The server does not take the value: correct it in the resource.",
    }
)


class StepRefusedError(PostgRegentError):
    """A step of PostgRegent's own does not go on."""

    sqlstate: str
    """The code with which PostgreSQL says the same."""
    is_helped = False
    """Its message has the statement that gives the admin the right that it lacks."""

    def __init__(
        self, message: str | None = None, *, way_out: str = "", sqlstate: str = ""
    ) -> None:
        """`sqlstate` where it is another one than that of the class."""
        super().__init__(message, way_out=way_out)
        if sqlstate:
            self.sqlstate = sqlstate


MayGoOn = Callable[[], Awaitable[bool]]
"""Whether the plan still holds, asked between two transactions."""


async def it_holds() -> bool:
    """Where nobody can say meanwhile that it does not."""
    return True


class OvertakenError(StepRefusedError):
    """Somebody paused a role since the plan was made."""

    sqlstate = "55P03"

    def __init__(self) -> None:
        super().__init__(
            "a role was paused meanwhile", way_out="The next look sees what that leaves to do."
        )


Heed = Callable[[Sequence["ChangeResult"], int], None]
"""Hears what was done since it was told last, and how many changes there are to do."""


def nobody_heeds(_done: Sequence[ChangeResult], _of: int) -> None:
    """Where nobody waits for words while the work goes on."""


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """One change of the plan, carried out or refused.

    `remaining` is what was refused with this SQLSTATE: the change itself, or the parts of it
    (fewer objects, fewer grantees) that failed while the others succeeded. With `is_helped` the
    message says which statement gives the admin the right that it lacks.
    """

    change: Change
    done: bool
    sqlstate: str = ""
    message: str = ""
    way_out: str = ""
    seconds: float = 0.0
    remaining: tuple[Change, ...] = ()
    is_helped: bool = False

    @property
    def is_for_good(self) -> bool:
        """To be remembered as NotManageable, and not planned again."""
        return not self.done and self.sqlstate in FOR_GOOD


def refused(
    change: Change,
    error: BaseException,
    *,
    seconds: float = 0.0,
    remaining: tuple[Change, ...] = (),
) -> ChangeResult:
    """The result of what the server, or the network, said no to."""
    state, is_helped = sqlstate(error), isinstance(error, StepRefusedError) and error.is_helped
    return ChangeResult(
        change=change,
        done=False,
        sqlstate=state,
        message=message(error),
        way_out=_own_way_out(error) or way_out(state, change, is_helped=is_helped),
        is_helped=is_helped,
        seconds=seconds,
        remaining=remaining or (change,),
    )


def _own_way_out(error: BaseException) -> str:
    return shown(getattr(error, "way_out", ""))


def is_passing(state: str, change: Change | None = None) -> bool:
    """True when a later try may succeed by itself; `change` is what was refused.

    A REVOKE on which something hangs was planned before somebody passed it on: the next plan takes
    that along. Else whoever has a grant option would decide himself to keep what is taken. And a
    membership the other way round, which a GRANT finds, may be somebody's deed of a moment.
    """
    if _was_passed_on(state, change) or _is_a_ring(state, change):
        return True
    return state not in FOR_GOOD and state not in NEEDS_A_PERSON


def _was_passed_on(state: str, change: Change | None) -> bool:
    return state == STAYS and isinstance(change, RevokePrivileges | RevokeMembership)


def _is_a_ring(state: str, change: Change | None) -> bool:
    return state == NOT_GRANTED and isinstance(change, GrantMembership)


def way_out(state: str, change: Change | None = None, *, is_helped: bool = False) -> str:
    """What a person can do about this SQLSTATE of this change.

    With `is_helped` its message has the statement that gives the right: that is a fact of its own,
    as a message has names in it, which anybody chooses.
    """
    is_said = state in NO_RIGHT and is_helped
    if _was_passed_on(state, change):
        return "Somebody has passed it on just now; the next pass or apply takes that along."
    if isinstance(change, HandOnOwned) and state == STAYS:
        return (
            "Hand them on or drop them yourself, name another reassignOwnedTo, or list"
            f' "{change.to}" by its name in spec.allow.reassignOwnedTo of the Regent.'
        )
    if isinstance(change, GrantDefaults | RevokeDefaults) and state == "42501":
        return "Or change the default privileges yourself, as that role or a superuser."
    if isinstance(change, DisableRole | EnableRole) and state == "42501":
        if is_said:
            return "Or list the role in spec.ignoreRoles of the Regent."
        return (
            "Give the Regent's admin CREATEROLE, and as a superuser: GRANT"
            f" {quote_ident(change.role)} TO <the admin> WITH ADMIN OPTION; or list the role in"
            " spec.ignoreRoles of the Regent."
        )
    if isinstance(change, GatherObjects) and state == STAYS:
        return (
            f'Alter their owner yourself, or list "{change.owner}" by its name in'
            " spec.allow.reassignOwnedTo of the Regent."
        )
    return "" if is_said else _WAYS_OUT.get(state, "Look at the message, and at the server's log.")


def sqlstate(error: BaseException) -> str:
    """08006 for everything that is a broken connection, 22023 for what cannot be written as SQL."""
    if isinstance(error, UnicodeError):
        return "22021"
    if isinstance(error, ValueError):
        return "22023"
    if isinstance(error, StepRefusedError | OnlyWarnedError):
        return error.sqlstate
    if isinstance(error, asyncpg.PostgresError) and error.sqlstate:
        return str(error.sqlstate)
    return NOT_REACHED


def message(error: BaseException) -> str:
    """The server's first line. Never its detail: that may quote rows and values.

    The server writes some names without quotes, and anybody chooses his: what could be read as a
    sentence of ours is quoted as a whole.
    """
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    line = shown(str(text)).splitlines()[0]
    is_servers = isinstance(error, asyncpg.PostgresError)
    return repr(line) if is_servers and _SENTENCES.search(line) else line
