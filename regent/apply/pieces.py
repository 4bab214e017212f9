"""Pieces of the work on privileges: what is tried together, and what became of each change."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias

from regent.apply.result import ChangeResult, refused, sqlstate
from regent.changes import PrivilegeChange
from regent.kinds import Address

Grantee: TypeAlias = str | None


@dataclass(frozen=True, slots=True)
class Piece:
    """A rectangle of the work: these objects, these grantees.

    `is_soft`: on some of them the stronger lock was asked for in vain, and nothing else is held.
    """

    objects: tuple[Address, ...]
    grantees: tuple[Grantee, ...]
    is_soft: bool = False

    def halves(self, *, grantees_first: bool) -> tuple[Piece, Piece] | None:
        """Two smaller ones; None for one object and one grantee."""
        for name in ("grantees", "objects") if grantees_first else ("objects", "grantees"):
            whole = getattr(self, name)
            if middle := len(whole) // 2:
                first, second = whole[:middle], whole[middle:]
                return replace(self, **{name: first}), replace(self, **{name: second})
        return None


@dataclass(slots=True)
class Tally:
    """What happened to one change so far."""

    change: PrivilegeChange
    failed: list[tuple[PrivilegeChange, BaseException]] = field(default_factory=list)
    seconds: float = 0.0

    def result(self) -> ChangeResult:
        """Done, or refused for what the server said first, with what is left of it."""
        if not self.failed:
            return ChangeResult(self.change, done=True, seconds=self.seconds)
        first, error = self.failed[0]
        state = sqlstate(error)
        parts = tuple(part for part, why in self.failed if sqlstate(why) == state)
        result = refused(self.change, error, seconds=self.seconds, remaining=parts)
        if parts == (self.change,):
            return result
        where = f"{first.objects[0]} for {first.grantees[0] or 'PUBLIC'}"
        return replace(result, message=f"Refused in part, first {where}: {result.message}")
