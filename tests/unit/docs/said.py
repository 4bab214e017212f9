"""The reasons that the code can say: found by reading it, not by a list that somebody keeps.

The shapes: an argument for a parameter or field called `reason`, or a variable of that name; a pair
that begins with a CamelCase word and goes on with a sentence; a triple that begins with a state, or
with a condition's truth; a member of a set of reasons or of an enumeration of them. A constant
stands for its text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

STATES = frozenset({"Ready", "Reconciling", "Stalled"})
TRUTHS = frozenset({"True", "False", "Unknown"})
SETS = frozenset({"WAITS", "FOR_GOOD", "_REASONS"})
_REASON = re.compile(r"[A-Z][a-z]+(?:[A-Z][a-z]*)*")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(slots=True)
class Takers:
    """Where each function, method or class takes its reason; -1 where by keyword only."""

    places: dict[str, int] = field(default_factory=dict)

    def learn(self, tree: ast.Module) -> None:
        """From every function and class of a module."""
        for node in ast.walk(tree):
            if isinstance(node, Function):
                self._take(node.name, _parameters(node))
            elif isinstance(node, ast.ClassDef):
                made = next((n for n in node.body if _is_init(n)), None)
                names = _parameters(made) if isinstance(made, Function) else _fields(node)
                self._take(node.name, names)

    def _take(self, name: str, parameters: list[str]) -> None:
        if "reason" in parameters:
            self.places[name] = parameters.index("reason")


def reasons_of(modules: Iterable[Path]) -> Mapping[str, Path]:
    """Every reason, with a module that says it."""
    trees = {path: ast.parse(path.read_text("utf-8")) for path in modules}
    takers = Takers()
    texts: dict[str, str] = {}
    for tree in trees.values():
        takers.learn(tree)
        texts.update(_texts(tree))
    found: dict[str, Path] = {}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            for value in _values(node, takers):
                for text in _words(value, texts):
                    if _REASON.fullmatch(text) and text not in STATES | TRUTHS:
                        found.setdefault(text, path)
    return found


def errors_of(modules: Iterable[Path]) -> frozenset[str]:
    """The errors that these modules define, as they become reasons: without the word Error."""
    return frozenset(
        node.name.removesuffix("Error")
        for path in modules
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "PostgRegentError" for base in node.bases)
    )


def _values(node: ast.AST, takers: Takers) -> Iterator[ast.expr]:
    match node:
        case ast.Call(func=function, args=arguments, keywords=keywords):
            yield from (k.value for k in keywords if k.arg == "reason")
            place = takers.places.get(_called(function), -1)
            if 0 <= place < len(arguments):
                yield arguments[place]
            for state, reason in pairwise(arguments):
                if isinstance(state, ast.Constant) and state.value in STATES:
                    yield reason
        case ast.Tuple(elts=[ast.Constant(value=str(state)), reason, _]) if (
            state in STATES | TRUTHS
        ):
            yield reason
        case ast.Tuple(elts=[first, second]) if _is_sentence(second):
            yield first
        case ast.Assign(targets=[ast.Name(id="reason")], value=value):
            yield value
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name in SETS:
            yield from _members(value)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name in SETS:
            yield from _members(value)
        case ast.ClassDef(name="Release", body=body):
            yield from (line.value for line in body if isinstance(line, ast.Assign))


def _words(value: ast.expr, texts: Mapping[str, str]) -> Iterator[str]:
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.Name(id=name) if name in texts:
            yield texts[name]
        case ast.IfExp(body=body, orelse=other):
            yield from _words(body, texts)
            yield from _words(other, texts)


def _members(value: ast.expr) -> Iterator[ast.expr]:
    """Of frozenset({…}), or the values of a dict."""
    for node in ast.walk(value):
        if isinstance(node, ast.Set):
            yield from node.elts
        elif isinstance(node, ast.Dict):
            yield from node.values


def _is_sentence(value: ast.expr) -> bool:
    if isinstance(value, ast.JoinedStr):
        return True
    return isinstance(value, ast.Constant) and " " in str(value.value)


def _texts(tree: ast.Module) -> dict[str, str]:
    return {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _parameters(function: Function) -> list[str]:
    named = [*function.args.posonlyargs, *function.args.args]
    names = [one.arg for one in named if one.arg not in ("self", "cls")]
    return names + [one.arg for one in function.args.kwonlyargs]


def _fields(node: ast.ClassDef) -> list[str]:
    return [
        line.target.id
        for line in node.body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    ]


def _is_init(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "__init__"
