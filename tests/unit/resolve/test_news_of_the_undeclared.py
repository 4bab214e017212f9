"""A role that nobody declares is remembered by its oid, with the name it has now (rule 11)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from regent.changes import Plan
from regent.desired import Desired
from regent.gate.brake import Verdict
from regent.passes.one_pass import Pass
from regent.remembered import Census, Noticed
from regent.report.unmanaged import news_of
from regent.resolve.unmanaged import Found
from regent.unmanaged.who import Unmanaged
from tests.declared import NOON, role, server


@pytest.mark.rule("11")
def test_its_new_name_is_news_and_it_neither_came_nor_went() -> None:
    found = (Unmanaged("ann2", 7, True), Unmanaged("bob", 8, True))
    one = Pass(
        plan=Plan(()),
        verdict=Verdict(Plan(())),
        results=(),
        outcomes={},
        server=server(role("ann2", oid=7), role("bob", oid=8)),
        desired=Desired(),
        drift=(),
        found_at=NOON,
        corrected_at=NOON,
        seconds=0.0,
        revision=1,
        unmanaged=Found("Report", found),
        census=Census(NOON - timedelta(days=1), (Noticed(7, "ann"), Noticed(8, "bob"))),
    )
    news = news_of(one)
    assert news.renamed == {7: "ann2"}
    assert not news.new
    assert not news.gone
