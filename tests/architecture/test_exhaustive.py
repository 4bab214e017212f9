"""A forgotten case is an error of types, never silence: dispatches end in `assert_never`.

What is looked at is what can be told without types: a `match` that names a class of a closed union
(`Change = CreateRole | AdoptRole | …`) or a member of an enum of ours, and a ladder of isinstance
over one of these unions.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("regent", "controller", "cli", "shared")


@cache
def modules() -> Mapping[str, ast.Module]:
    """Every module of ours. By need: each process of a run collects this file, one runs it."""
    return {
        str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8"))
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    }


@cache
def unions() -> Mapping[str, frozenset[str]]:
    """The closed unions of classes that have a name, by that name."""
    found: dict[str, frozenset[str]] = {}
    for module in modules().values():
        for node in module.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.BinOp() as value):
                    members = frozenset(members_of(value))
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.BinOp() as value):
                    members = frozenset(members_of(value))
                case _:
                    continue
            if len(members) > 1:
                found[name] = members & classes(of_enums=False)
    return {name: members for name, members in found.items() if len(members) > 1}


@cache
def groups() -> Mapping[str, frozenset[str]]:
    """The base classes of a union's members that a match may name, with their members."""
    members = frozenset().union(*unions().values())
    found: dict[str, set[str]] = {}
    for module in modules().values():
        for node in module.body:
            if isinstance(node, ast.ClassDef) and node.name in members:
                for base in node.bases:
                    found.setdefault(ast.unparse(base), set()).add(node.name)
    return {
        name: frozenset(some) for name, some in found.items() if name in classes(of_enums=False)
    }


def members_of(value: ast.expr) -> Iterator[str]:
    match value:
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            yield from (*members_of(left), *members_of(right))
        case ast.Name(id=name):
            yield name


@cache
def classes(*, of_enums: bool) -> frozenset[str]:
    """The names of our classes."""
    return frozenset(
        node.name
        for module in modules().values()
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef)
        and any(ast.unparse(base).endswith("Enum") for base in node.bases) == of_enums
    )


def named_by(pattern: ast.pattern) -> Iterator[str]:
    """The classes and enums that a case names at its top."""
    match pattern:
        case ast.MatchOr(patterns=patterns):
            yield from (name for one in patterns for name in named_by(one))
        case ast.MatchClass(cls=ast.Name(id=name)):
            yield name
        case ast.MatchValue(value=ast.Attribute(value=ast.Name(id=name))):
            yield name
        case ast.MatchAs(pattern=ast.pattern() as inner):
            yield from named_by(inner)


def is_closed(match: ast.Match) -> bool:
    named = {name for case in match.cases for name in named_by(case.pattern)}
    of_unions = groups().keys() | frozenset().union(*unions().values())
    return bool(named & (classes(of_enums=True) | of_unions))


def ends_in_never(match: ast.Match) -> bool:
    last = match.cases[-1]
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func) == "assert_never"
        for statement in last.body
        for node in ast.walk(statement)
    )


def ladder(node: ast.If) -> Iterator[tuple[str, str]]:
    """What each rung of an if and its elifs asks isinstance about, and of which classes."""
    rung: ast.stmt | None = node
    while isinstance(rung, ast.If):
        match rung.test:
            case ast.Call(func=ast.Name(id="isinstance"), args=[about, of]):
                for name in members_of(of):
                    yield ast.unparse(about), name
        rung = rung.orelse[0] if len(rung.orelse) == 1 else None


def is_a_ladder(node: ast.If) -> bool:
    rungs = list(ladder(node))
    about = {one for one, _ in rungs}
    return any(
        len({name for what, name in rungs if what == one} & members) > 1 and node.orelse != []
        for one in about
        for members in unions().values()
    )


def test_the_unions_that_matter_are_found() -> None:
    assert {"Change", "Hint", "AnyResource"} <= unions().keys()
    assert len(unions()["Change"]) == 23
    of_change = (
        "OfHolder",
        "OfAttribute",
        "OfMembership",
        "OfObjects",
        "OfDefaults",
        "OfOwner",
        "OfEnd",
        "OfStranger",
    )
    assert frozenset().union(*(groups()[one] for one in of_change)) == unions()["Change"]
    assert {"Scope", "Naming", "Lock", "Work"} <= classes(of_enums=True)


def test_a_match_over_a_closed_union_ends_in_assert_never() -> None:
    wrong = [
        f"{place}:{node.lineno}"
        for place, module in modules().items()
        for node in ast.walk(module)
        if isinstance(node, ast.Match) and is_closed(node) and not ends_in_never(node)
    ]
    assert wrong == []


def test_a_match_names_a_group_only_where_it_says_the_same_of_all_of_it() -> None:
    """Else a new member of the group would get the answer of the others, and nobody would see."""
    wrong = [
        f"{place}:{node.lineno} {group}"
        for place, module in modules().items()
        for node in ast.walk(module)
        if isinstance(node, ast.Match)
        for named in [{name for case in node.cases for name in named_by(case.pattern)}]
        for group, members in groups().items()
        if group in named and named & members
    ]
    assert wrong == []


def test_a_dispatch_is_a_match_and_no_ladder_of_isinstance() -> None:
    wrong = [
        f"{place}:{node.lineno}"
        for place, module in modules().items()
        for node in ast.walk(module)
        if isinstance(node, ast.If) and is_a_ladder(node)
    ]
    assert wrong == []


def test_what_is_forgotten_is_found() -> None:
    [match] = ast.parse("match change:\n    case CreateRole(): pass\n    case _: pass").body
    assert isinstance(match, ast.Match)
    assert is_closed(match)
    assert not ends_in_never(match)
    source = "if isinstance(c, DropRole): a()\nelif isinstance(c, CreateRole | AdoptRole): b()"
    [rungs] = ast.parse(source).body
    assert isinstance(rungs, ast.If)
    assert is_a_ladder(rungs)
