"""A consent is good for exactly what its digest is over (rules 20, 28a)."""

from __future__ import annotations

import pytest

from regent.gate.consent import Unapproved, Waiting, Withheld, consented, left_of, wanted
from regent.gate.takeover import other_server
from shared.consent import CONSENT_KINDS, Consent, digest_of
from tests.declared import REGENT

WAITING: tuple[Waiting, ...] = (
    Withheld("abc"),
    Unapproved("def"),
    other_server(REGENT, "1", "2"),
)
pytestmark = pytest.mark.rule("20", "28a")


def test_each_kind_that_waits_is_found_by_its_consent_alone() -> None:
    assert {wanted(one).kind for one in WAITING} == set(CONSENT_KINDS)
    for one in WAITING:
        assert consented(wanted(one), WAITING) is one
        for kind in CONSENT_KINDS:
            assert consented(Consent(kind, "another"), WAITING) is None


def test_a_digest_of_one_kind_is_no_consent_of_another_kind() -> None:
    withheld, unapproved, takeover = map(wanted, WAITING)
    assert consented(Consent("Brake", takeover.digest), WAITING) is None
    assert consented(Consent("Takeover", withheld.digest), WAITING) is None
    assert consented(Consent("Brake", unapproved.digest), WAITING) is None
    assert consented(Consent("Approval", withheld.digest), WAITING) is None


def test_nothing_given_fits_nothing_that_waits() -> None:
    """Where the brake withholds nothing its digest is empty."""
    assert consented(Consent("Brake"), (Withheld(""),)) is None


def test_a_release_is_used_once_and_one_that_came_since_is_kept() -> None:
    assert left_of("abc", heard="abc") == ""
    assert left_of("abc", heard="") == "abc"


def test_what_is_written_in_annotations_goes_on_to_fit() -> None:
    """Digests are the same as in the versions before."""
    assert digest_of("a", "b") == "7e18f737311b2dc3"
