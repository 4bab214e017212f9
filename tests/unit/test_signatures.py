"""`name(argument types)` in the words of the server, whatever a person or an attacker writes."""

from __future__ import annotations

import pytest

from regent.kinds import KINDS
from regent.observed import ObjectGroup
from regent.plan.matching import NameRules
from regent.plan.signatures import keys_of, patterns_of
from shared.privileges import ObjectKind
from shared.signatures import NotASignatureError, bare, is_signature, signature_of, types_of

ROW = KINDS[ObjectKind.ROUTINE]


@pytest.mark.parametrize(
    ("written", "arguments"),
    [
        ("f()", ""),
        ("f(int, INT8 , Bool)", "integer, bigint, boolean"),
        ("f(VARIADIC text[], OUT x int)", "text[]"),
        ("f(timestamp(3) with time zone, timestamp)",
         "timestamp with time zone, timestamp without time zone"),
        ('f(numeric(10,2), char(3) array, "char", "any")', "numeric, character[], char, any"),
        ('f(s.t, "S"."a, ""b", pg_catalog.int4)', 's.t, "S"."a, ""b", integer'),
        ("f(interval day to second, double precision)", "interval, double precision"),
    ],
)  # fmt: skip
def test_types_are_brought_to_the_words_of_the_server(written: str, arguments: str) -> None:
    assert signature_of(written).arguments == arguments


@pytest.mark.parametrize(
    "written", ["f*(int)", "(int)", "f(int,)", "f(%)", "f(1)", "f(float(3))", "f((int))", 'f("a)']
)
def test_what_names_no_routine_is_refused(written: str) -> None:
    with pytest.raises(NotASignatureError):
        signature_of(written)


def test_a_backslash_makes_a_bracket_part_of_the_name() -> None:
    assert not is_signature(r"f\(int)")
    assert signature_of(r"f\(x(int)").name == "f(x"


def test_quotes_are_compared_only_where_they_say_something() -> None:
    assert bare('"any", s."order", "X""""a"') == 'any, s.order, "X""""a"'
    assert types_of('integer, "X, ""y"."o"[], text') == ["integer", '"X, ""y"."o"[]', "text"]


@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("*", ["f()", "f(integer)", "f(x()", "f*\\(integer[])"]),
        ("f", ["f()", "f(integer)"]),
        ("f(int)", ["f(integer)"]),
        ("f?x", ["f(x()"]),
        ("f*\\", ["f*\\(integer[])"]),
        (r"f\*\\(int[])", ["f*\\(integer[])"]),
    ],
)
def test_a_pattern_is_over_names_and_a_signature_over_one(pattern: str, matched: list[str]) -> None:
    names, arguments = ("f", "f", "f(x", "f*\\"), ("", "integer", "", "integer[]")
    group = ObjectGroup(ROW.kind, "s", "o", (), names, (1, 2, 3, 4), arguments=arguments)
    rules = NameRules([(0, patterns_of(ROW, [pattern]))])
    found = [
        f"{name}({types})"
        for name, types, key in zip(names, arguments, keys_of(group), strict=True)
        if rules.signature(key)
    ]
    assert found == matched
