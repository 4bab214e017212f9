"""`postgregent validate`: every problem of what is declared at once; of a server with --dsn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from rich.console import Console

from cli.declared import Request
from cli.literals import literals_of
from cli.printing import Output, print_data, problem_text, results
from cli.sources import read_sources
from cli.summary import some
from cli.terminal import Shown
from controller.local.check import check
from controller.local.directory import Tree, with_secrets_of
from shared.errors import PostgRegentError
from shared.problems import Problem

FINE, PROBLEMS = 0, 1


@dataclass(frozen=True, slots=True)
class Checked:
    """What is validated: directories, files, `-` for standard input; and how it is read.

    Secrets come from `environment` too, where there is one.
    """

    sources: tuple[str, ...]
    environment: Mapping[str, str] | None = None
    allow_empty: bool = False


def read_and_check(
    checked: Checked, stdin: BinaryIO | None = None
) -> tuple[Tree, tuple[Problem, ...]]:
    """The tree, with Secrets from the environment where one is given, and all its problems.

    Raises UnsyncedError when nothing is declared, SecretCollisionError for two Secrets in one
    variable.
    """
    tree = read_sources(checked.sources, allow_empty=checked.allow_empty, stdin=stdin)
    if checked.environment is not None:
        tree = with_secrets_of(tree, checked.environment)
    return tree, (*tree.problems, *check(tree))


def validate(
    checked: Checked,
    output: Output = "table",
    *,
    console: Console | None = None,
    stdin: BinaryIO | None = None,
) -> int:
    """Print what is wrong. 0 when nothing is, or warnings only; 1 otherwise."""
    console = console or results()
    try:
        tree, problems = read_and_check(checked, stdin)
    except PostgRegentError as error:
        return _refused(error, checked, output, console)
    return _print(tree, problems, output, console)


async def validate_with_server(
    checked: Checked, dsn: str, regent: str | None, output: Output
) -> int:
    """The same, and a warning for each literal that names nothing on the server.

    With errors in what is declared the server is not asked. Raises PostgRegentError where it cannot
    be read.
    """
    console = results()
    try:
        tree, problems = read_and_check(checked)
    except PostgRegentError as error:
        return _refused(error, checked, output, console)
    problems = tuple(one for one in problems if not _is_for_logging_in(one))
    if not any(problem.severity == "error" for problem in problems) and tree.resources:
        problems = (*problems, *await literals_of(tree, Request(Path(), dsn, regent)))
    return _print(tree, problems, output, console)


def _is_for_logging_in(problem: Problem) -> bool:
    """A warning about the admin's Secret, which a --dsn stands in for."""
    is_warning = problem.severity == "warning"
    return is_warning and problem.field.startswith("spec.adminPasswordSecretRef")


def _print(tree: Tree, problems: tuple[Problem, ...], output: Output, console: Console) -> int:
    errors = sum(problem.severity == "error" for problem in problems)
    if output == "table":
        _print_text(tree, problems, errors, console)
    else:
        print_data(console, _summary(problems, tree), output)
    return PROBLEMS if errors else FINE


def _print_text(tree: Tree, problems: tuple[Problem, ...], errors: int, console: Console) -> None:
    for first, alike in said_once(problems):
        console.print(problem_text(first), soft_wrap=True)
        if others := alike[1:]:
            console.print(f"    The same of {some(others)}.", soft_wrap=True, markup=False)
    if problems:
        console.print()
    warnings = len(problems) - errors
    resources = _count(len(tree.resources), "resource")
    ignored = f"; {_count(tree.ignored, 'document')} of other kinds ignored" if tree.ignored else ""
    if errors:
        also = f" and {_count(warnings, 'warning')}" if warnings else ""
        said = (
            f"{_count(errors, 'error')}{also} in {resources} of {_count(len(tree.files), 'file')}"
        )
        console.print(Shown(said + ignored, style="bold red"), soft_wrap=True)
        return
    warned = f", with {_count(warnings, 'warning')}" if warnings else ""
    verb = "is" if len(tree.resources) == 1 else "are"
    said = f"{resources} {verb} valid{warned}{ignored}"
    console.print(Shown(said, style="bold green"), soft_wrap=True)


def said_once(problems: Iterable[Problem]) -> list[tuple[Problem, list[str]]]:
    """Each error; of warnings that say the same of several resources the first, with all."""
    found: dict[object, tuple[Problem, list[str]]] = {}
    for number, one in enumerate(problems):
        is_alone = one.severity == "error" or not one.resource
        what = number if is_alone else (one.field, one.value, one.message, one.way_out)
        found.setdefault(what, (one, []))[1].append(one.resource)
    return list(found.values())


def _refused(error: PostgRegentError, checked: Checked, output: Output, console: Console) -> int:
    place = " ".join(checked.sources)
    problem = Problem(place, None, "", "", None, error.message, error.way_out)
    if output == "table":
        console.print(problem_text(problem), soft_wrap=True)
    else:
        print_data(console, _summary((problem,)), output)
    return PROBLEMS


def _summary(problems: Sequence[Problem], tree: Tree | None = None) -> dict[str, Any]:
    errors = sum(problem.severity == "error" for problem in problems)
    return {
        "valid": errors == 0,
        "files": len(tree.files) if tree else 0,
        "resources": len(tree.resources) if tree else 0,
        "ignored": tree.ignored if tree else 0,
        "errors": errors,
        "warnings": len(problems) - errors,
        "problems": [problem.to_json() for problem in problems],
    }


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
