"""What a grantor gave and cannot take back: its owner takes all of it, by the grant option. Pure.

PostgreSQL lets a grantor revoke only what it has the option for, in the ACL of a column or of its
table. Who gave on a column by the option on the table, and lost that, leaves an item that nobody
can revoke; and what a superuser revokes counts as the owner's, whoever gave it. So the owner gives
the grantor the option in that ACL, and takes it with all that hangs on it, in one transaction
(docs/facts.md, PG-ACL-20). What of that is declared, or nobody's business, is given by the owner
before, like all that falls with a grant option.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from regent.changes import Cut
from regent.observed import Acl, AclItem
from regent.plan.differences import NONE, Gift, Options, Privileges, Scope, Taken, held_in
from regent.plan.matching import NOTHING, Needs


@dataclass(frozen=True, slots=True)
class Lost:
    """What one grantee loses of what this grantor gave it."""

    grantee: str | None
    grantor: str
    privileges: Privileges
    option_only: bool = False
    by_grantor: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Cuts:
    """By grantor, what of its grants the owner takes.

    `ours` are grantors whom we manage, and who may pass nothing on: all that they gave goes. Of
    `others` all goes of which a role that we manage has something spurious: that is in `losses`.
    """

    ours: Mapping[str, Privileges]
    others: Mapping[str, Privileges]
    losses: Sequence[Lost]

    def __bool__(self) -> bool:
        return bool(self.ours or self.losses)

    def with_them(self, acl: Acl, lost: tuple[Privileges, ...]) -> tuple[Privileges, ...]:
        """What each item loses, these cuts with it."""
        alone = {(one.grantee, one.grantor): NONE for one in self.losses}
        for one in self.losses:
            alone[one.grantee, one.grantor] |= one.privileges
        return tuple(
            gone
            | item.privileges
            & (
                self.ours.get(item.grantor, NONE)
                | self.others.get(item.grantor, NONE)
                | alone.get((item.grantee, item.grantor), NONE)
            )
            for item, gone in zip(acl, lost, strict=True)
        )

    def taken(
        self, acl: Acl, given: Iterable[Gift], scope: Scope
    ) -> Iterator[tuple[str | None, Taken]]:
        """The REVOKEs, by the owner. `given` are what comes before, and is not to go with them."""
        if not self:
            return
        had = {i.grantee: i for i in acl if i.grantor == scope.owner}
        new: dict[str | None, list[tuple[Privileges, bool]]] = {}
        for who, privileges, is_option, _ in given:
            new.setdefault(who, []).append((privileges, is_option))

        def left(role: str, some: Privileges) -> Iterator[tuple[Cut, Privileges]]:
            item = had.get(role, AclItem(role, scope.owner, NONE))
            to_it = new.get(role, [])
            options = item.grantable.union(*(p for p, is_option in to_it if is_option))
            plain = item.privileges.union(*(p for p, _ in to_it))
            for cut, part in (
                (Cut.OPTION, some & options),
                (Cut.PRIVILEGE, some & (plain - options)),
                (Cut.NOTHING, some - plain - options),
            ):
                if part:
                    yield cut, part

        for role, some in self.ours.items():
            for cut, part in left(role, some):
                yield role, Taken((), scope.owner, part, option_only=True, cascade=True, cut=cut)
        for one in self.losses:
            taken = Taken((), one.grantor, one.privileges, one.option_only, cascade=True)
            if one.refusal:
                yield one.grantee, replace(taken, refusal=one.refusal)
                continue
            for cut, part in left(one.grantor, one.privileges):
                by_grantor = one.by_grantor
                yield one.grantee, replace(taken, privileges=part, cut=cut, by_grantor=by_grantor)


def find_cuts(acl: Acl, lost: tuple[Privileges, ...], needs: Needs, scope: Scope) -> Cuts:
    """What of an ACL no grantor takes; `lost` is what falls with options that are taken."""
    options = held_in(acl)
    by_others: Options | None = None
    ours: dict[str, Privileges] = {}
    others: dict[str, Privileges] = {}
    losses: list[Lost] = []
    for item, gone in zip(acl, lost, strict=True):
        grantor, left = item.grantor, item.privileges - gone
        if not left or grantor == scope.owner or grantor not in scope.known:
            continue
        here = options.get(grantor, NOTHING).grantable
        may = scope.allowed(grantor, needs).grantable if grantor in scope.managed else NONE
        beside = left if scope.beside is None else scope.beside.get(grantor, NONE)
        clings = grantor in scope.clinging
        if grantor in scope.managed and left - may - beside and not clings:
            ours[grantor] = ours.get(grantor, NONE) | (left - may - beside)
            left &= may | beside
        stuck = left - here - may - beside
        is_unable = grantor in scope.unable
        if is_unable and grantor in scope.superusers:
            stuck = left
        elif is_unable and not clings:
            by_others = _by_others(acl, lost, scope) if by_others is None else by_others
            stuck |= left - by_others.get(grantor, NONE)
        for loss in _spurious(item, stuck, needs, scope):
            if grantor in scope.superusers:
                losses.append(replace(loss, refusal=_of_a_superuser(grantor)))
            elif clings:
                losses.append(replace(loss, by_grantor=True))
            else:
                losses.append(loss)
                others[grantor] = others.get(grantor, NONE) | loss.privileges
    return Cuts(ours, others, losses)


def _spurious(item: AclItem, stuck: Privileges, needs: Needs, scope: Scope) -> Iterator[Lost]:
    grantee, stuck = item.grantee, stuck & scope.ours(item)
    if not stuck:
        return
    allowed = scope.allowed(grantee, needs)
    extra = stuck - allowed.privileges
    options = (stuck & item.grantable) - allowed.grantable - extra
    if extra:
        yield Lost(grantee, item.grantor, extra)
    if options:
        yield Lost(grantee, item.grantor, options, option_only=True)


def _by_others(acl: Acl, lost: tuple[Privileges, ...], scope: Scope) -> Options:
    """Options that roles have by others than the owner: what they gave hangs on these as well."""
    found: dict[str, Privileges] = {}
    for item, gone in zip(acl, lost, strict=True):
        if item.grantee is not None and item.grantor != scope.owner:
            found[item.grantee] = found.get(item.grantee, NONE) | (item.grantable - gone)
    return found


def _of_a_superuser(grantor: str) -> str:
    return (
        f'"{grantor}", who gave it, is a superuser now: what it revokes counts as the owner\'s, and'
        f" takes nothing of this"
    )
