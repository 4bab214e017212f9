"""Whom to obey: what a person must accept before this Regent writes again (rule 28a). Pure.

Four things may be other than remembered: the server, the source of what is declared, the age of
what the source shows, and the home database itself. Each has a token, a digest over exactly what
would be obeyed instead of what, so an acceptance is good for that alone. Of another source it has
the revision that is replaced in it: an annotation that stays accepts nothing a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, assert_never

from regent.accept.evidence import Sign, signs_of_restore
from regent.remembered import AcceptedState
from shared.consent import Consent, digest_of
from shared.listing import first_of
from shared.resources import TAKEOVER_ANNOTATION
from shared.state import DesiredState, Trouble

Kind = Literal["Server", "Origin", "Restore", "Home"]
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Takeover:
    """What waits for a person.

    `identifier` is the remembered server's and `new_identifier` the one to be obeyed from now on;
    `names` are the roles that a lost home database would have back.
    """

    kind: Kind
    token: str
    message: str
    identifier: str = ""
    new_identifier: str = ""
    names: frozenset[str] = frozenset()
    disabled: tuple[str, ...] = ()
    """Roles whose LOGIN it had taken, and goes on to remember as such."""

    @property
    def wanted(self) -> Consent:
        """The consent that lets it happen."""
        return Consent("Takeover", self.token)

    @property
    def way_out(self) -> str:
        """How it is accepted."""
        return (
            f"If that is meant, annotate the Regent with {TAKEOVER_ANNOTATION}: {self.token},"
            f" or run postgregent apply with --accept-takeover {self.token}."
        )

    @property
    def trouble(self) -> Trouble:
        """Why nothing is written until then."""
        return Trouble(reason="TakeoverNeeded", message=f"{self.message} {self.way_out}")


@dataclass(frozen=True, slots=True)
class RefusedPush:
    """A push that waits outside, with the generation of each resource in it.

    `restored` is when its source had been seen to go back, in milliseconds; 0 for never.
    """

    takeover: Takeover
    resources: Mapping[str, int] = field(default_factory=dict)
    restored: int = 0

    @classmethod
    def of(cls, takeover: Takeover, pushed: DesiredState) -> RefusedPush:
        """What is to be remembered of it."""
        generations = {key: one.generation for key, one in pushed.resources.items()}
        return cls(takeover, generations, pushed.restored or 0)


def other_server(regent: str, known: str, found: str) -> Takeover:
    """The system identifier is another one."""
    return Takeover(
        "Server",
        digest_of(regent, "Server", known, found),
        f"This server is {found}, and this Regent knows {known}: a new one, an upgraded one or one"
        " into which a dump was restored. Nothing is written to it.",
        identifier=known,
        new_identifier=found,
    )


def other_origin(regent: str, accepted: DesiredState, found: str) -> Takeover:
    """What is declared comes from somewhere else."""
    known = accepted.origin
    return Takeover(
        "Origin",
        digest_of(regent, "Origin", str(accepted.revision), known, found),
        f"What is in force came from {_place(known)}, and this comes from {_place(found)}."
        " Nothing is written.",
    )


def restored(regent: str, accepted: DesiredState, signs: Iterable[Sign]) -> Takeover:
    """What the API server shows is older than what was accepted."""
    listed = [str(sign) for sign in signs]
    return Takeover(
        "Restore",
        digest_of(regent, "Restore", str(accepted.revision), *listed),
        "The API server shows an older state than the one in force, as after a restore of etcd:"
        f" {first_of(listed, SHOWN)}. Nothing is written, so that nobody gets back what was"
        " taken away since. Delete again what shall not be.",
    )


def lost_home(
    regent: str, identifier: str, names: Iterable[str], disabled: tuple[str, ...] = ()
) -> Takeover:
    """The home database is gone: whose these roles are is not known any more."""
    listed = sorted(names)
    return Takeover(
        "Home",
        digest_of(regent, "Home", identifier, *listed, *(f"disabled {one}" for one in disabled)),
        "The home database of this Regent is gone, and with it which roles are its own. Nothing is"
        f" written.{_of_the_lost(listed, disabled)}",
        names=frozenset(listed),
        disabled=disabled,
    )


def _of_the_lost(names: list[str], disabled: tuple[str, ...]) -> str:
    said = ""
    if names:
        said += f" Declared, or deleted since, and there without a mark: {first_of(names, SHOWN)}."
    if disabled:
        said += (
            f" It had taken LOGIN from {', '.join(disabled)}, which nobody declares: once this is"
            " accepted it remembers that, and gives it back where `unmanagedRoles` is Ignore or"
            " Report, or when it is uninstalled."
        )
    return said


def takeover_by(regent: str, previous: AcceptedState, pushed: DesiredState) -> Takeover | None:
    """What accepting this push would need a person for; None when it needs nobody.

    Objects of another cluster have uids of their own, so its age is not asked for.
    """
    if previous.state.origin != pushed.origin:
        return other_origin(regent, previous.state, pushed.origin)
    if signs := signs_of_restore(previous, pushed):
        return restored(regent, previous.state, signs)
    return None


def as_doubted(pushed: DesiredState, restored: int) -> DesiredState:
    """With what an earlier push had seen of its source: a new controller has not seen it."""
    if restored <= (pushed.restored or 0):
        return pushed
    return pushed.model_copy(update={"restored": restored})


@dataclass(frozen=True, slots=True)
class Obeyed:
    """Whom a Regent has obeyed until now, and what it has heard since.

    `origin` is the source that this process was started for; empty where it was not said.
    """

    regent: str
    origin: str
    system_identifier: str
    refused_push: RefusedPush | None = None

    def takeover(
        self, accepted: AcceptedState, identifier: str, unmarked: frozenset[str] | None
    ) -> Takeover | None:
        """What a person must accept before anything is written to the server of this identifier.

        `unmarked` are the declared roles that are there without a mark; None where nobody looked.
        """
        if self.system_identifier and identifier not in ("", self.system_identifier):
            return other_server(self.regent, self.system_identifier, identifier)
        if self.refused_push is not None:
            return self.refused_push.takeover
        if self.origin and self.origin != accepted.state.origin:
            return other_origin(self.regent, accepted.state, self.origin)
        disabled = accepted.had_disabled
        if accepted.is_home_lost and (unmarked is None or unmarked or disabled):
            return lost_home(self.regent, identifier, unmarked or (), disabled)
        return None


def accepting(accepted: AcceptedState, takeover: Takeover) -> AcceptedState:
    """The accepted state once a person has accepted this; the same where it was before.

    A push is let in once, which is the next one that needs exactly this takeover. On another
    server nothing is lost: it is as a Regent's first.
    """
    match takeover.kind:
        case "Server":
            return accepted.model_copy(update={"is_home_lost": False})
        case "Origin" | "Restore":
            return accepted.model_copy(update={"lets_in": takeover.token})
        case "Home":
            if not accepted.is_home_lost:
                return accepted
            return accepted.model_copy(
                update={
                    "is_home_lost": False,
                    "may_follow_a_loss": False,
                    "takes_back": takeover.names,
                    "had_disabled": (),
                }
            )
        case _:
            assert_never(takeover.kind)


def taken_over(accepted: AcceptedState, still_unmarked: frozenset[str]) -> AcceptedState:
    """After a pass that wrote: what was taken back is taken back, once.

    `still_unmarked` are the names that are to be adopted even now.
    """
    takes_back = accepted.takes_back & still_unmarked
    if takes_back == accepted.takes_back and not accepted.is_home_lost:
        return accepted
    return accepted.model_copy(update={"is_home_lost": False, "takes_back": takes_back})


def _place(origin: str) -> str:
    return "a directory" if origin == "directory" else f"the cluster {origin}"
