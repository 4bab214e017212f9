"""Where outcomes become visible locally: a line for each change, and a file for each resource.

The board knows the latest outcome of each resource on each Regent. What was said once is not said
again, and a file is written only when something other than a time changed (rule 29).

Long because what is known, and what of it is told, change together.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import yaml

from controller.status.conditions import regent_status, resource_status
from controller.status.presence import be_present
from shared.drift_text import drift_text
from shared.errors import PostgRegentError
from shared.http import NO_CONNECTION, DoneBody, StatusBody
from shared.keys import ResourceKey
from shared.outcomes import CONTENDED, PAUSED, REPORTED, Drift, Outcome

COMING_UP = frozenset({"Starting", "NotReady", "NotAnswering", "Waiting", "Applying"})
"""Reasons that a Regent passes through within seconds; its trouble has reasons of its own."""
API_VERSION = "putnam120.postgregent/v1alpha1"


PASSING = frozenset({"Starting", NO_CONNECTION})
"""Of a Regent that has not tried yet, or that ends: what was seen a moment ago is left said."""


def unreachable(regent: ResourceKey) -> dict[str, str]:
    """What is said of a resource while the server of its Regent is away."""
    return {
        "state": "Reconciling",
        "reason": "DatabaseUnreachable",
        "message": "Whether it still is as declared is not known: Regent"
        f" {regent.name} is not connected to its server, and says why.",
    }


def behind(regent: ResourceKey) -> dict[str, str]:
    """What is said of a resource while its Regent goes by another state than was pushed to it."""
    reason = "PushedAnew"
    return {
        "state": "Reconciling",
        "reason": reason,
        "message": "Whether it still is as declared is not known: Regent"
        f" {regent.name} goes by another state than it was told, as after a restore of its server"
        " or an apply of somebody, and is told again.",
    }


class StatusFolderInside(PostgRegentError):
    """The folder for statuses lies inside the directory that is read."""


class StatusFolderUnusable(PostgRegentError):
    """--status-dir cannot be made."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened, for a person or, as JSON, for a program."""

    at: datetime
    subject: str
    state: str
    reason: str
    message: str
    regent: str = ""
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = f" on {self.regent}" if self.regent else ""
        word = self.state if self.reason in ("", self.state) else f"{self.state} {self.reason}"
        notes = "".join(f" ({note})" for note in self.notes)
        return f"{self.at:%H:%M:%S} {self.subject}{place} {word} {self.message}{notes}".rstrip()

    def to_json(self) -> dict[str, Any]:
        """Every field under its camelCase name."""
        return {
            "at": self.at.isoformat(),
            "subject": self.subject,
            "regent": self.regent,
            "state": self.state,
            "reason": self.reason,
            "message": self.message,
            "notes": list(self.notes),
        }


Say = Callable[[Line], None]
SayAll = Callable[[Sequence[Line]], None]


def now() -> datetime:
    """The time, in the zone of this machine: lines are read by people."""
    return datetime.now(UTC).astimezone()


@dataclass(slots=True)
class StatusBoard:
    """The latest word on everything, from the controller (Regent None) and from each Regent."""

    say: Say
    folder: StatusFolder | None = None
    say_together: SayAll | None = None
    """Told of what is said at one time; where it is None, `say` is, line by line."""
    outcomes: dict[str, dict[ResourceKey | None, Outcome]] = field(default_factory=dict)
    regents: dict[ResourceKey, StatusBody] = field(default_factory=dict)
    _on_the_way: set[str] = field(default_factory=set)
    """Regents of which it was told that they start, and nothing else since."""
    _before_loss: dict[ResourceKey, dict[str, Outcome]] = field(default_factory=dict)
    """What was Ready when the server of a Regent went away."""

    def controller_says(self, outcomes: Iterable[Outcome]) -> None:
        """What the controller itself found; what it does not name any more is no trouble now."""
        self._replace(None, outcomes)

    def regent_says(self, regent: ResourceKey, status: StatusBody) -> None:
        """The whole status of one Regent. One that has just started has nothing to say yet."""
        self.regents[regent] = status
        if status.looked:
            self._replace(regent, status.resources)
        elif status.trouble is not None and status.trouble.reason not in PASSING:
            self._lose(regent, unreachable(regent))

    def regent_is_behind(self, regent: ResourceKey) -> None:
        """What it says is of another state than it was told."""
        self._lose(regent, behind(regent))

    def regent_is_gone(self, regent: ResourceKey) -> None:
        """Nothing more is known from it."""
        self.regents.pop(regent, None)
        self._before_loss.pop(regent, None)
        self._replace(regent, ())

    def say_all(self, lines: Sequence[Line]) -> None:
        """What is said at one time."""
        if self.say_together is not None:
            self.say_together(lines)
            return
        for line in lines:
            self.say(line)

    def latest(self) -> list[Outcome]:
        """Every outcome on the board."""
        return [one for found in self.outcomes.values() for one in found.values()]

    def is_all_ready(self) -> bool:
        """Whether every outcome on the board is Ready."""
        return all(one.is_ready for found in self.outcomes.values() for one in found.values())

    def _lose(self, regent: ResourceKey, unknown: dict[str, str]) -> None:
        """Nobody knows whether what was Ready still is. Said once for all of it."""
        known = {name: found[regent] for name, found in self.outcomes.items() if regent in found}
        lost = {name: one for name, one in known.items() if one.is_ready}
        if not lost:
            return
        self._before_loss.setdefault(regent, {}).update(lost)
        for name, one in lost.items():
            self.outcomes[name][regent] = one.model_copy(update=unknown)
        if self.folder:
            self._write(self.folder, set(lost), regent)
        self.say_all([self._line_of_many(regent, len(lost), "Reconciling", unknown)])

    def _line_of_many(
        self, regent: ResourceKey, count: int, state: str, words: Mapping[str, str]
    ) -> Line:
        subject = f"{count} resources" if count != 1 else "1 resource"
        place = regent.name if len(self.regents) > 1 else ""
        return Line(now(), subject, state, words["reason"], words["message"], place)

    def _found_again(
        self, regent: ResourceKey | None, new: Mapping[str, Outcome], told: list[Line]
    ) -> frozenset[str]:
        """Those that are as they were before the server was away; said once for all of them."""
        if regent is None:
            return frozenset()
        before = self._before_loss.pop(regent, {})
        same = frozenset(
            name for name, one in before.items()
            if name in new and _words(new[name]) == _words(one)
        )  # fmt: skip
        if same:
            said = {"reason": "Applied", "message": "As they were before the server was away."}
            told.append(self._line_of_many(regent, len(same), "Ready", said))
        return same

    def _replace(self, regent: ResourceKey | None, outcomes: Iterable[Outcome]) -> None:
        """Everything that is known from one side, as of now. Files first: a line says it is so."""
        new = {outcome.resource: outcome for outcome in outcomes}
        told: list[Line] = []
        changed: set[str] = set()
        again = self._found_again(regent, new, told)
        for resource in [name for name, known in self.outcomes.items() if regent in known]:
            if resource not in new:
                changed.add(resource)
                told += self._forget(resource, regent)
        for resource, outcome in new.items():
            known = self.outcomes.setdefault(resource, {})
            before = known.get(regent)
            if before != outcome:
                known[regent] = outcome
                changed.add(resource)
            said = {_words(one) for one in (before, *_others(known, regent)) if one is not None}
            is_again = resource in again
            if _words(outcome) not in said and not is_again and self._is_worth_a_line(outcome):
                told.append(self._line(outcome, regent))
        if self.folder:
            self._write(self.folder, changed, regent)
        self.say_all(told)

    def _is_worth_a_line(self, outcome: Outcome) -> bool:
        """Of the steps in which a Regent comes up the first one is told, and what comes after."""
        is_a_step = outcome.state == "Reconciling" and outcome.reason in COMING_UP
        if is_a_step and outcome.resource in self._on_the_way:
            return False
        (self._on_the_way.add if is_a_step else self._on_the_way.discard)(outcome.resource)
        return True

    def _forget(self, resource: str, regent: ResourceKey | None) -> list[Line]:
        del self.outcomes[resource][regent]
        self._on_the_way.discard(resource)
        if self.outcomes[resource]:
            return []
        del self.outcomes[resource]
        return [Line(now(), resource, "Gone", "", "Nothing declares it any more.")]

    def _line(self, outcome: Outcome, regent: ResourceKey | None) -> Line:
        several = len(self.regents) > 1 and regent is not None and outcome.resource != str(regent)
        return Line(
            at=now(),
            subject=outcome.resource,
            state=outcome.state,
            reason=outcome.reason,
            message=outcome.message,
            regent=regent.name if several and regent else "",
            notes=outcome.notes,
        )

    def _write(self, folder: StatusFolder, changed: set[str], regent: ResourceKey | None) -> None:
        if regent is not None:
            changed = changed | {str(regent)}
        for resource in sorted(changed):
            key = ResourceKey.parse(resource)
            known = self.outcomes.get(resource)
            if known is None:
                folder.remove(key)
            else:
                folder.write(key, known, self.regents.get(key))


@dataclass(slots=True)
class StatusFolder:
    """`--status-dir`: NAMESPACE/KIND/NAME.yaml, each replaced whole and at once."""

    root: Path
    presence: IO[str] | None = field(default=None, repr=False)
    """Held for as long as this writes."""
    _written: dict[ResourceKey, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def outside(cls, root: Path, directory: Path) -> StatusFolder:
        """A folder that is not below the directory that is read: its files would be read too."""
        if root.resolve().is_relative_to(directory.resolve()):
            raise StatusFolderInside(
                f"--status-dir {root} lies inside {directory}, which is read.",
                way_out="Choose a folder outside of it.",
            )
        try:
            root.mkdir(parents=True, exist_ok=True)
            return cls(root, be_present(root))
        except OSError as error:
            raise StatusFolderUnusable(
                f"--status-dir {root} cannot be made: {error.strerror}.",
                way_out="Choose a folder that may be written to.",
            ) from None

    def close(self) -> None:
        """Nothing is written from now on."""
        if self.presence is not None:
            self.presence.close()

    def path(self, key: ResourceKey) -> Path:
        """Where the status of one resource is."""
        return self.root / key.namespace / key.kind / f"{key.name}.yaml"

    def write(
        self,
        key: ResourceKey,
        outcomes: Mapping[ResourceKey | None, Outcome],
        regent: StatusBody | None,
    ) -> None:
        """Write one status, unless nothing but a time would change."""
        before = self._written.get(key, {})
        if key.kind == "Regent":
            status = regent_status(next(iter(outcomes.values())), regent, before, now())
        else:
            status = resource_status(outcomes, before, now())
        if status == before:
            return
        self._written[key] = status
        document = {
            "apiVersion": API_VERSION,
            "kind": key.kind,
            "metadata": {"name": key.name, "namespace": key.namespace},
            "status": status,
        }
        replace_file(self.path(key), yaml.safe_dump(document, sort_keys=False, allow_unicode=True))

    def remove(self, key: ResourceKey) -> None:
        """The resource is gone."""
        self._written.pop(key, None)
        self.path(key).unlink(missing_ok=True)


def replace_file(path: Path, text: str) -> None:
    """A reader sees the old text or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def drift_line(drift: Drift, *, at: datetime | None = None) -> Line:
    """`drift corrected INSERT on … was granted to … by … (psql, 10.0.0.7), revoked 12 ms later`."""
    if drift.correction == PAUSED:
        return Line(at or now(), "pause", "begun", "", drift_text(drift))
    state = "corrected" if drift.corrected_at else "found"
    if drift.correction in (REPORTED, CONTENDED):
        state = drift.correction
    return Line(at=at or now(), subject="drift", state=state, reason="", message=drift_text(drift))


def done_lines(regent: ResourceKey, done: DoneBody) -> list[Line]:
    """`Regent/default/my-regent changed: grant SELECT on …`, a line for each, and how many more."""
    at = done.at.astimezone()
    more = done.count - len(done.what)
    told = [*done.what, f"and {more:,} changes more"] if more > 0 else done.what
    return [Line(at, str(regent), "changed", "", what) for what in told]


def _words(outcome: Outcome) -> tuple[str, str, str]:
    return outcome.state, outcome.reason, outcome.message


def _others(
    known: Mapping[ResourceKey | None, Outcome], regent: ResourceKey | None
) -> list[Outcome]:
    """What the controller says where a Regent speaks, and the other way round.

    Of two Regents each is told: they are two servers.
    """
    return [one for key, one in known.items() if (key is None) != (regent is None)]
