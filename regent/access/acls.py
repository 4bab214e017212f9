"""An ACL after a GRANT, a REVOKE or another owner, as the server leaves it. Pure.

Whoever lost a grant option has given nothing any more by it. Source: acl.c of PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace

from regent.observed import Acl, AclItem

NO_WORDS = frozenset[str]()


def given(
    acl: Acl, grantor: str, grantees: Iterable[str | None], words: frozenset[str], *, option: bool
) -> Acl:
    """After a GRANT."""
    found = {(one.grantee, one.grantor): one for one in acl}
    for grantee in grantees:
        key = (grantee, grantor)
        before = found.get(key, AclItem(grantee, grantor, NO_WORDS))
        passed_on = words if option else NO_WORDS
        found[key] = AclItem(
            grantee, grantor, before.privileges | words, before.grantable | passed_on
        )
    return tuple(found.values())


def taken(
    acl: Acl,
    owner: str,
    grantor: str,
    grantees: Set[str | None],
    words: frozenset[str],
    *,
    option_only: bool,
) -> Acl:
    """After a REVOKE of what one grantor gave."""
    return _standing(
        [
            _less(one, words, option_only=option_only)
            if one.grantor == grantor and one.grantee in grantees
            else one
            for one in acl
        ],
        owner,
    )


def without_given_by(acl: Acl, owner: str, grantors: Set[str | None], words: frozenset[str]) -> Acl:
    """After all went that these roles gave, but for the owner's own."""
    return _standing(
        [
            _less(one, words, option_only=False)
            if one.grantor in grantors and one.grantor != owner
            else one
            for one in acl
        ],
        owner,
    )


def without(acl: Acl, owner: str, role: str) -> Acl:
    """After a role is gone."""
    return _standing([one for one in acl if role not in (one.grantee, one.grantor)], owner)


def owned_by(acl: Acl, former: str, owner: str) -> Acl:
    """After ALTER .. OWNER TO: what the former one had and gave is the new one's."""
    found: dict[tuple[str | None, str], AclItem] = {}
    for one in acl:
        grantee = owner if one.grantee == former else one.grantee
        grantor = owner if one.grantor == former else one.grantor
        before = found.get((grantee, grantor), AclItem(grantee, grantor, NO_WORDS))
        found[grantee, grantor] = AclItem(
            grantee, grantor, before.privileges | one.privileges, before.grantable | one.grantable
        )
    return tuple(found.values())


def _less(item: AclItem, words: frozenset[str], *, option_only: bool) -> AclItem:
    kept = item.privileges if option_only else item.privileges - words
    return replace(item, privileges=kept, grantable=item.grantable - words)


def _standing(items: Sequence[AclItem], owner: str) -> Acl:
    """Less what hangs on a grant option that is gone, and on that in turn."""
    while True:
        passed_on = {(one.grantee, word) for one in items for word in one.grantable if one.grantee}
        left = [
            _less(one, one.privileges - words, option_only=False)
            for one in items
            if (words := frozenset(_standing_of(one, owner, passed_on)))
        ]
        if left == items:
            return tuple(left)
        items = left


def _standing_of(
    item: AclItem, owner: str, passed_on: Set[tuple[str | None, str]]
) -> Iterator[str]:
    for word in item.privileges:
        if item.grantor == owner or (item.grantor, word) in passed_on:
            yield word
