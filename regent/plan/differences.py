"""What is to be given and taken on one ACL, and whose items may be touched. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace

from regent.changes import Along, Cut
from regent.observed import Acl, AclItem
from regent.plan.matching import NOTHING, Need, Needs

Privileges = frozenset[str]
NONE: Privileges = frozenset()
NOBODY: frozenset[str] = frozenset()
Options = Mapping[str, Privileges]
"""By role."""
Gift = tuple[str | None, Privileges, bool, str | None]
"""To whom, what, WITH GRANT OPTION or not, and the grantor by whom it was had until now."""


@dataclass(frozen=True, slots=True)
class Given:
    """The same privileges for several grantees; None is PUBLIC.

    `instead_of` are the grantors by whom they had them until now, where they are not managed.
    """

    grantees: tuple[str | None, ...]
    privileges: Privileges
    grantable: bool = False
    instead_of: frozenset[str] = NONE


@dataclass(frozen=True, slots=True)
class Taken:
    """The same privileges from several grantees, as one grantor gave them.

    `along` goes what others in our authority have and is not theirs by a declaration.
    """

    grantees: tuple[str | None, ...]
    grantor: str
    privileges: Privileges
    option_only: bool = False
    cascade: bool = False
    cut: Cut | None = None
    by_grantor: bool = False
    refusal: str = ""
    as_owner: bool = False
    along: tuple[Along, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Empty on both sides where the ACL is as declared."""

    given: tuple[Given, ...] = ()
    taken: tuple[Taken, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.given or self.taken)


SAME = Difference()


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose items may be touched, on an object of this owner.

    `tolerated` is what may be held without being declared: neither given nor taken. `known` are the
    roles that exist. `beside` are the grant options that count here and stand in another ACL: those
    on a column's table, as they will be; None where that was not read. `unable` are the roles that
    cannot revoke what they gave here, although they have the option; `clinging` those of whom
    nothing falls with an option, as they have the owner's rights; `superusers` are both. What
    pg_init_privs records does not count for a managed role: whoever owns an extension and a table
    can have a grant written there (ALTER EXTENSION .. ADD). `acting` are the roles as whom an admin
    that is neither superuser nor owner may revoke; `is_owner_reached`: it may become the owner.
    `of_public` are the privileges of PUBLIC that are in our authority here; where `is_public_kept`
    PUBLIC is only given what is declared, and nothing is taken from it.
    """

    owner: str
    managed: frozenset[str]
    known: Container[str]
    tolerated: Needs
    beside: Mapping[str, Privileges] | None = field(default_factory=dict)
    unable: Container[str] = NOBODY
    clinging: Container[str] = NOBODY
    superusers: Container[str] = NOBODY
    acting: frozenset[str] = frozenset()
    is_owner_reached: bool = True
    of_public: Privileges = NONE
    is_public_kept: bool = False

    def ours(self, item: AclItem) -> Privileges:
        """What of an item is in our authority: nothing of others' roles and the owner (rule 9)."""
        if item.grantee is None:
            return NONE if self.is_public_kept else item.privileges & self.of_public
        is_managed = item.grantee in self.managed and item.grantee != self.owner
        return item.privileges if is_managed else NONE

    def not_revoked(self, grantor: str, options: Options) -> Privileges:
        """What a REVOKE of this grantor's would leave, without a word. `options` are in its ACL.

        Whoever has a grant option, or inherits one, revokes what it gave itself by that, also where
        it inherits the owner's rights as well (docs/facts.md, PG-ACL-22).
        """
        if not self.acting or grantor != self.owner:
            return NONE
        beside = self.beside or {}
        return NONE.union(*(options.get(r, NONE) | beside.get(r, NONE) for r in self.acting))

    def allowed(self, grantee: str | None, needs: Needs) -> Need:
        """What this grantee may hold."""
        need = needs.get(grantee, NOTHING)
        also = self.tolerated.get(grantee)
        if also is not None:
            need = Need(need.privileges | also.privileges, need.grantable | also.grantable)
        return need


def held_in(acl: Acl) -> dict[str, Need]:
    """What each grantee holds, from any grantor. PUBLIC is left out."""
    return {grantee: need for grantee, need in held_by_all(acl).items() if grantee is not None}


def held_by_all(acl: Acl) -> dict[str | None, Need]:
    """The same with PUBLIC, which is None."""
    held: dict[str | None, Need] = {}
    for item in acl:
        before = held.get(item.grantee, NOTHING)
        held[item.grantee] = Need(
            before.privileges | item.privileges, before.grantable | item.grantable
        )
    return held


def without(acl: Acl, lost: tuple[Privileges, ...]) -> Acl:
    """The ACL less what each item loses."""
    return tuple(less(item, gone) for item, gone in zip(acl, lost, strict=True))


def less(item: AclItem, gone: Privileges) -> AclItem:
    """The item less these privileges, and their options."""
    if not gone:
        return item
    return replace(item, privileges=item.privileges - gone, grantable=item.grantable - gone)


def in_order(grantees: Iterable[str | None]) -> tuple[str | None, ...]:
    """PUBLIC first, then by name."""
    return tuple(sorted(grantees, key=lambda grantee: grantee or ""))
