"""What is taken away, in words that say each thing once."""

from __future__ import annotations

import pytest

from cli.losses_text import by_person

pytestmark = pytest.mark.found("E267")


@pytest.mark.parametrize(
    ("kind", "detail", "words"),
    [
        (
            "DEFAULT ROUTINE",
            "new routines of shop_owner in database shop",
            "jobs: EXECUTE on new routines of shop_owner in database shop",
        ),
        ("DATABASE", "shop.shop", "jobs: EXECUTE on database shop"),
        ("DATABASE", "a.b.a.b", "jobs: EXECUTE on database a.b"),
        ("ROUTINE", "shop.s.f()", "jobs: EXECUTE on routine shop.s.f()"),
    ],
)
def test_a_kind_and_a_name_are_not_said_twice(kind: str, detail: str, words: str) -> None:
    """Seen: "default routine new routines of", "database shop.shop"."""
    assert [str(one) for one in by_person([("jobs", kind, "EXECUTE", detail)])] == [words]
