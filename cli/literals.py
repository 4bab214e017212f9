"""What `validate --dsn` adds: names without a wildcard that name nothing on the server."""

from __future__ import annotations

from collections.abc import Iterator

from cli.declared import Request, declare_tree
from controller.local.directory import Loaded, Tree
from regent.one_shot import literals_once
from regent.plan.unmatched import Unmatched
from shared.errors import PostgRegentError
from shared.patterns import literal_of
from shared.problems import Problem, shortened


class UnreadError(PostgRegentError):
    """A database could not be read, so nobody knows what its names mean."""


async def literals_of(tree: Tree, request: Request) -> tuple[Problem, ...]:
    """A warning for each. Raises PostgRegentError where the server cannot be asked."""
    declared = await declare_tree(tree, request)
    report = await literals_once(declared.settings, declared.state, declared.home)
    if report.unread:
        said = "; ".join(f"{name!r}: {why}" for name, why in sorted(report.unread.items()))
        raise UnreadError(f"Not every database could be read: {said}")
    problems = [
        _problem(tree.resources[permission], one)
        for permission, found in report.unmatched.items()
        if permission in tree.resources
        for one in found
    ]
    return tuple(sorted(problems, key=lambda problem: (problem.file, problem.line or 0)))


def _problem(loaded: Loaded, one: Unmatched) -> Problem:
    path: tuple[str | int, ...] = ("spec", one.field, *_place(loaded, one))
    field = f"spec.{one.field}" + "".join(f"[{step}]" for step in path[2:])
    return Problem(
        file=loaded.file,
        line=loaded.line_of(path),
        resource=str(loaded.key),
        field=field,
        value=shortened(one.name),
        message=f"names nothing: {one.message}",
        way_out=one.way_out,
        severity="warning",
    )


def _place(loaded: Loaded, one: Unmatched) -> Iterator[int]:
    """Where in its list it is written."""
    written = getattr(getattr(loaded.resource, "spec", None), one.field, None)
    for index, pattern in enumerate(written or ()):
        if one.name in (pattern, literal_of(pattern)):
            yield index
            return
