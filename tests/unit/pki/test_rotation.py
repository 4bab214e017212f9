"""When a CA is replaced, step by step, and who is waited for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from controller.pki.authorities import Authorities, Passport
from controller.pki.certificates import CA_LIFE, SKEW, Authority, Pair, fingerprint
from controller.pki.rotation import (
    OURSELVES,
    PATIENCE,
    Lagging,
    Standing,
    lagging_for_clients,
    lagging_for_servers,
    left_behind,
    turned,
)

NOW = datetime.now(UTC)
SOON = timedelta(hours=1)
NOBODY = Lagging()
BEHIND = Lagging(behind=frozenset({"regent-a"}))
ON_OLD = Lagging(on_old=frozenset({"regent-a"}))


@pytest.fixture
def first() -> Authority:
    """One that is not due."""
    return Authority.create("ca", NOW)


@pytest.fixture
def published(first: Authority) -> Authority:
    """The same, with the next one in its bundle."""
    return turned(first, "ca", NOW, NOBODY, is_asked=True)


@pytest.fixture
def signing(published: Authority) -> Authority:
    """The next one signs, and the first is believed still."""
    return turned(published, "ca", NOW, NOBODY)


def test_a_ca_is_left_as_it_is_until_it_is_due_or_somebody_asks(first: Authority) -> None:
    assert turned(first, "ca", NOW + CA_LIFE * 0.5, NOBODY) == first
    for published in (
        turned(first, "ca", NOW + CA_LIFE * 0.7, NOBODY),
        turned(first, "ca", NOW, NOBODY, is_asked=True),
    ):
        assert published.signing == first.signing
        assert published.next is not None
        assert published.next.certificate in published.bundle


def test_the_next_one_signs_as_soon_as_everybody_believes_it(published: Authority) -> None:
    assert turned(published, "ca", NOW + SOON, BEHIND) == published
    signing = turned(published, "ca", NOW + SOON, NOBODY)
    assert signing.signing == published.next
    assert signing.next is None
    assert published.signing.certificate in signing.bundle


def test_the_old_one_goes_as_soon_as_nobody_uses_what_it_signed(
    first: Authority, signing: Authority
) -> None:
    assert turned(signing, "ca", NOW + SOON, ON_OLD) == signing
    ended = turned(signing, "ca", NOW + SOON, NOBODY)
    assert ended.bundle == signing.signing.certificate
    assert not ended.has_signed(first.issue("client", (), "controller", NOW).certificate)
    assert not ended.is_turning


def test_who_is_not_heard_of_is_not_waited_for_for_ever(
    published: Authority, signing: Authority
) -> None:
    late = NOW + PATIENCE
    assert turned(published, "ca", late - SOON, BEHIND) == published
    went_on = turned(published, "ca", late, BEHIND)
    assert went_on.signing == published.next
    assert left_behind(published, went_on, BEHIND) == {"regent-a"}
    assert turned(signing, "ca", late, ON_OLD) == signing
    ended = turned(signing, "ca", late + PATIENCE, ON_OLD)
    assert ended.old == ()
    assert left_behind(signing, ended, ON_OLD) == {"regent-a"}


def test_nobody_is_left_behind_where_nothing_was_waited_for(
    first: Authority, published: Authority, signing: Authority
) -> None:
    assert left_behind(first, published, BEHIND) == frozenset()
    assert left_behind(published, signing, NOBODY) == frozenset()
    assert left_behind(published, signing, ON_OLD) == frozenset()


def test_a_ca_that_ends_is_not_waited_for(first: Authority) -> None:
    """Such as after years without a controller: what it signs is worth nothing any more."""
    end = first.signing.ends
    published = turned(first, "ca", end - SOON, NOBODY)
    assert turned(published, "ca", end - 2 * SKEW, BEHIND) == published
    signing = turned(published, "ca", end - SKEW, BEHIND)
    assert signing.signing == published.next
    assert turned(signing, "ca", end + SKEW, ON_OLD).old == ()


def test_one_made_by_a_clock_ahead_of_ours_waits_until_it_is_valid_here(first: Authority) -> None:
    published = turned(first, "ca", NOW + SOON, NOBODY, is_asked=True)
    assert turned(published, "ca", NOW, NOBODY) == published
    assert turned(published, "ca", NOW + SOON, NOBODY) != published


def test_only_one_is_on_its_way_at_a_time(published: Authority) -> None:
    """Asked for again meanwhile, the next one stays the next one."""
    assert turned(published, "ca", NOW, BEHIND, is_asked=True) == published


@pytest.fixture
def regents() -> Authority:
    """The other CA, which is not replaced meanwhile."""
    return Authority.create("regents", NOW)


def standing(passport: Passport, *names: str) -> Standing:
    """These run, our connections are what they should be, and nothing was heard yet."""
    return Standing(
        running=frozenset(names), connected_with=frozenset({passport.digest}), passport=passport
    )


def believing(authority: Authority) -> frozenset[str]:
    """As a Regent says it that has read this bundle."""
    pairs = (authority.signing, authority.next)
    return frozenset(fingerprint(pair.certificate) for pair in pairs if pair)


def test_every_regent_that_runs_must_say_that_it_believes_the_next_one(
    first: Authority, published: Authority, regents: Authority
) -> None:
    """One that was never heard of is behind as well: it may be the one that is out of reach."""
    passport = Passport.issue(Authorities(published, regents), NOW)
    nobody_runs = standing(passport)
    assert lagging_for_clients(published, nobody_runs).behind == frozenset()
    heard = replace(
        standing(passport, "new", "lagging", "unreachable"),
        trusts={"new": believing(published), "lagging": believing(first)},
    )
    assert lagging_for_clients(published, heard).behind == {"lagging", "unreachable"}
    all_new = dict.fromkeys(heard.running, believing(published))
    assert lagging_for_clients(published, replace(heard, trusts=all_new)) == NOBODY


def test_our_old_ca_goes_when_all_our_connections_show_what_the_new_one_signed(
    first: Authority, signing: Authority, regents: Authority
) -> None:
    old = Passport.issue(Authorities(first, regents), NOW)
    new = Passport.issue(Authorities(signing, regents), NOW)
    assert not old.is_good(Authorities(signing, regents), NOW)
    for passport, connected, expected in (
        (None, (), {OURSELVES}),
        (old, (old,), {OURSELVES}),
        (new, (new, old), {OURSELVES}),
        (new, (new,), set()),
        (new, (), set()),
    ):
        heard = Standing(
            running=frozenset({"regent-a"}),
            passport=passport,
            connected_with=frozenset(one.digest for one in connected),
        )
        assert lagging_for_clients(signing, heard).on_old == expected


def test_a_new_ca_of_the_regents_signs_when_all_our_connections_believe_it(
    first: Authority, published: Authority
) -> None:
    ours = Authority.create("controller", NOW)
    old = Passport.issue(Authorities(ours, first), NOW)
    new = Passport.issue(Authorities(ours, published), NOW)
    for passport, connected, expected in (
        (None, (), {OURSELVES}),
        (old, (old,), {OURSELVES}),
        (new, (old,), {OURSELVES}),
        (new, (new,), set()),
    ):
        heard = Standing(
            passport=passport, connected_with=frozenset(one.digest for one in connected)
        )
        assert lagging_for_servers(published, heard).behind == expected


def test_the_regents_old_ca_goes_when_each_shows_what_the_new_one_signed(
    first: Authority, signing: Authority
) -> None:
    ours = Authority.create("controller", NOW)
    passport = Passport.issue(Authorities(ours, signing), NOW)

    def issued(authority: Authority) -> Pair:
        return authority.issue("server", ("regent.svc",), "regent", NOW)

    old, new, newer = issued(first), issued(signing), issued(signing)
    given = {"done": new, "not given": old, "not read": newer, "unheard": new}
    shown = {"done": new, "not given": old, "not read": old}
    heard = replace(
        standing(passport, *given, "without"),
        given={name: pair.certificate for name, pair in given.items()},
        shows={name: fingerprint(pair.certificate) for name, pair in shown.items()},
    )
    lagging = lagging_for_servers(signing, heard)
    assert lagging.on_old == {"not given", "not read", "unheard", "without"}
    assert lagging.behind == frozenset()
