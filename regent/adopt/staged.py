"""The state in force, with some resources of another one beside it. Pure.

Nothing of what is in force changes but by what was chosen. Whoever is declared and not chosen yet
is left alone: the members of a group that comes into force stay members, and PUBLIC and the roles
that nobody declares are judged when all that speak of them are there (ADR 64).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from regent.adopt.needs import Choice, Declarations, choice
from regent.gate.approval import AT_ONCE
from regent.observed import ObservedMembership
from shared.errors import PostgRegentError
from shared.patterns import escaped, literal_of, matcher
from shared.resources import RegentSpec
from shared.state import DesiredState, Entry, RegentEntry

MOST_PATTERNS = 256
"""Of `ignoreRoles`."""
STAGED = frozenset({"ignore_roles", "public_privileges", "unmanaged_roles"})
"""Fields of a Regent that say less as long as somebody waits."""


class TooManyLeftAloneError(PostgRegentError):
    """More members of the chosen groups would have to be left alone than a Regent can name."""


@dataclass(frozen=True, slots=True)
class Staged:
    """What shall be in force. Keys are `str(ResourceKey)`."""

    state: DesiredState
    choice: Choice
    pending: frozenset[str] = frozenset()
    """The roles in PostgreSQL that are declared and not in force yet."""
    spared: tuple[str, ...] = ()
    """Those of them that `ignoreRoles` names for now: members of groups that are in force."""
    stale: frozenset[str] = frozenset()
    """What is in force in another form than is declared, and somebody chosen needs."""
    differing: tuple[str, ...] = ()
    """Fields of the Regent that the declared one says otherwise, and that stay as they are."""


@dataclass(frozen=True, slots=True)
class Staging:
    """What it is made of: the state in force, if any, and the whole that some are taken from."""

    base: DesiredState | None
    declared: DesiredState
    memberships: tuple[ObservedMembership, ...] = ()
    """As the server has them."""
    with_regent: bool = False
    """Whether the declared Regent comes into force too, though there is another one."""

    @property
    def known(self) -> Mapping[str, Entry]:
        """What is in force."""
        return self.base.resources if self.base else {}

    def with_chosen(self, chosen: Iterable[str], refused: Container[str] = ()) -> Staged:
        """Raises TooManyLeftAloneError."""
        allow = (self.base or self.declared).regent.spec.allow
        declared = Declarations(self.declared.resources, allow.creators if allow else None)
        found = choice(declared, chosen, self.known, refused)
        resources = {**self.known, **{key: declared.entries[key] for key in sorted(found.all)}}
        ours = Declarations(resources)
        roles = ours.roles_of(resources)
        waiting = declared.grantees.keys() - resources.keys()
        pending = declared.roles_of(waiting) - roles
        spared = tuple(sorted(self._members_of(roles) & pending))
        regent = self._regent(declared, resources.keys(), waiting, spared)
        held = self.base.held if self.base else {}
        update = {
            "resources": resources,
            "held": {key: why for key, why in held.items() if key not in found.all},
            "deleted": (),
            "elsewhere": (),
            "absent_means": "Deleted",
            "regent": regent,
        }
        return Staged(
            self.declared.model_copy(update=update),
            found,
            pending,
            spared,
            self._stale(declared, found),
            tuple(_differing(regent.spec, self.declared.regent.spec)),
        )

    def _members_of(self, groups: Set[str]) -> frozenset[str]:
        return frozenset(row.member for row in self.memberships if row.group in groups)

    def _stale(self, declared: Declarations, found: Choice) -> frozenset[str]:
        named = {need for key in found.all for need in declared.needs(key)} - found.all
        there = named & self.known.keys()
        return frozenset(k for k in there if self.known[k].spec != declared.entries[k].spec)

    def _regent(
        self, declared: Declarations, there: Set[str], waiting: Set[str], spared: tuple[str, ...]
    ) -> RegentEntry:
        """The Regent in force, else the declared one, less what would be done to who waits."""
        theirs = self.declared.regent
        kept = None if self.with_regent or self.base is None else self.base.regent
        ours = kept or theirs
        spec, wanted = ours.spec, theirs.spec
        update: dict[str, Any] = {
            "ignore_roles": _ignoring(spec, wanted, declared, spared),
            "public_privileges": kept and spec.public_privileges,
            "unmanaged_roles": spec.unmanaged_roles,
        }
        is_decided = bool(kept and spec.public_privileges and spec.public_privileges.declared)
        if not is_decided and _is_said(declared.speakers, there, waiting):
            update["public_privileges"] = wanted.public_privileges
        if wanted.unmanaged_roles == "Disable":
            did = self.base is not None and self.base.regent.spec.unmanaged_roles == "Disable"
            if not waiting and spec.unmanaged_roles == "Report":
                update["unmanaged_roles"] = "Disable"
            elif waiting and kept is None and not did:
                update["unmanaged_roles"] = "Report"
        new = {name: value for name, value in update.items() if getattr(spec, name) != value}
        is_same = spec.allowed_namespaces == wanted.allowed_namespaces
        namespaces = {**(ours.namespaces or {}), **((theirs.namespaces or {}) if is_same else {})}
        return ours.model_copy(
            update={"spec": spec.model_copy(update=new), "namespaces": namespaces or None}
        )


def _differing(spec: RegentSpec, wanted: RegentSpec) -> Iterator[str]:
    """Of what says who may what; what waits for others is said elsewhere."""
    for name, field in RegentSpec.model_fields.items():
        if name in AT_ONCE | STAGED:
            continue
        if getattr(spec, name) != getattr(wanted, name):
            yield field.alias or name


def _is_said(speakers: Set[str], there: Set[str], waiting: Set[str]) -> bool:
    """Whether what PUBLIC shall have is known: all that speak for it are there."""
    return speakers <= there and bool(speakers or not waiting)


def _ignoring(
    spec: RegentSpec, wanted: RegentSpec, declared: Declarations, spared: tuple[str, ...]
) -> tuple[str, ...]:
    """What is ignored, less whoever was only spared until now, and with who is spared now."""
    named = frozenset(declared.names.values())
    kept = [
        one
        for one in spec.ignore_roles
        if one in wanted.ignore_roles or literal_of(one) not in named
    ]
    is_ignored = matcher(kept)
    new = [escaped(name) for name in spared if not is_ignored(name)]
    if len(kept) + len(new) > MOST_PATTERNS:
        raise TooManyLeftAloneError(
            f"{len(spared)} members of the groups that would be adopted are declared and not"
            f" adopted yet. Each is named in ignoreRoles for so long, which holds {MOST_PATTERNS}.",
            way_out="Adopt members first, those who need no such group; or more of them together,"
            " with --selector or more --role.",
        )
    return (*kept, *new)
