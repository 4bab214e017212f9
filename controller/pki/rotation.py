"""When a CA goes the next step of its replacement, as far as everybody has come. Pure.

The next CA is published in the bundle; it signs once everybody believes it; the old one goes once
nobody uses what it signed (docs/facts.md). Who is not heard of does not hold it up for ever:
after `PATIENCE`, or shortly before the CA that signs ends, it goes on without them.

Clients are our own connections, which Regents believe; servers are the Regents, which only we
believe. The leader alone decides, by what it has heard itself: the next leader begins with nothing
heard, and so waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from controller.pki.authorities import Passport
from controller.pki.certificates import SKEW, Authority, Pair, fingerprint, fingerprints

PATIENCE = timedelta(days=2)
"""A mounted Secret is read again within minutes; two days forgive a node that was away."""
OURSELVES = "the controller"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the leader knows. Regents go by the names of what runs them."""

    running: frozenset[str] = frozenset()
    """Everything that runs, heard of or not."""
    trusts: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The CAs that each said it believes, by fingerprint."""
    shows: Mapping[str, str] = field(default_factory=dict)
    """The certificate that each said it shows, by fingerprint."""
    given: Mapping[str, bytes] = field(default_factory=dict)
    """The certificate that each was given last, PEM."""
    connected_with: frozenset[str] = frozenset()
    """The digests of the passports with which our connections were opened."""
    passport: Passport | None = None
    """What we show to Regents, and by which bundle we know them."""

    @property
    def are_connections_new(self) -> bool:
        """None of ours was opened with anything else than our passport."""
        return self.passport is not None and self.connected_with <= {self.passport.digest}


@dataclass(frozen=True, slots=True)
class Lagging:
    """Who keeps a CA from its next step."""

    behind: frozenset[str] = frozenset()
    """They do not believe the next one yet."""
    on_old: frozenset[str] = frozenset()
    """They use what an old one signed."""


def lagging_for_clients(authority: Authority, standing: Standing) -> Lagging:
    """Of the CA that vouches for us: Regents must believe it, and we must show what it signed."""
    passport = standing.passport
    is_new = passport is not None and authority.has_signed(passport.pair.certificate)
    behind: frozenset[str] = frozenset()
    if authority.next is not None:
        wanted = fingerprint(authority.next.certificate)
        behind = frozenset(
            name
            for name in standing.running
            if wanted not in standing.trusts.get(name, frozenset())
        )
    are_we_new = is_new and standing.are_connections_new
    return Lagging(behind, frozenset() if are_we_new else frozenset({OURSELVES}))


def lagging_for_servers(authority: Authority, standing: Standing) -> Lagging:
    """Of the CA that vouches for Regents: we must believe it, and they must show what it signed."""
    passport, following = standing.passport, authority.next
    believed = fingerprints(passport.regents_bundle) if passport else frozenset()
    are_we_behind = following is not None and not (
        standing.are_connections_new and fingerprint(following.certificate) in believed
    )
    on_old = frozenset(
        name for name in standing.running if not _shows_new(authority, standing, name)
    )
    return Lagging(frozenset({OURSELVES}) if are_we_behind else frozenset(), on_old)


def turned(
    authority: Authority, name: str, now: datetime, lagging: Lagging, *, is_asked: bool = False
) -> Authority:
    """The same, or one step further. `is_asked`: replace it though it is not due."""
    kept = replace(authority, old=authority.old_at(now))
    following = kept.next
    if following is None:
        if is_asked or kept.signing.is_due(now):
            return replace(kept, next=Authority.create(name, now).signing)
        if not lagging.on_old or now >= _published(kept.signing) + 2 * PATIENCE:
            return replace(kept, old=())
        return kept
    if now < following.begins:
        return kept  # it was made by a clock ahead of ours, and would not be valid here yet
    is_late = now >= _published(following) + PATIENCE or now >= kept.signing.ends - SKEW
    if lagging.behind and not is_late:
        return kept
    return Authority(following, None, (kept.signing.certificate, *kept.old))


def left_behind(before: Authority, after: Authority, lagging: Lagging) -> frozenset[str]:
    """Who was waited for in vain: they are out of reach until they have read what is new."""
    if after.signing != before.signing:
        return lagging.behind
    return lagging.on_old if before.old and not after.old else frozenset()


def _published(pair: Pair) -> datetime:
    return pair.begins + SKEW


def _shows_new(authority: Authority, standing: Standing, name: str) -> bool:
    given = standing.given.get(name)
    if given is None or not authority.has_signed(given):
        return False
    return standing.shows.get(name) == fingerprint(given)
