"""`postgregent validate DIR`: every problem of a directory at once; of a server with --dsn."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from cli.declared import Request
from cli.literals import literals_of
from cli.printing import Output, print_data, problem_text, results
from cli.summary import some
from cli.terminal import Shown
from controller.local.check import check
from controller.local.directory import Tree, read_directory, secret_references
from controller.local.secrets import secrets_from_environment, with_environment
from shared.errors import PostgRegentError
from shared.problems import Problem

FINE, PROBLEMS = 0, 1


def read_and_check(
    directory: Path,
    *,
    environment: Mapping[str, str] | None = None,
    allow_empty: bool = False,
) -> tuple[Tree, tuple[Problem, ...]]:
    """The tree, with Secrets from the environment where one is given, and all its problems.

    Raises UnsyncedError when the directory cannot be read, SecretCollisionError for two Secrets in
    one variable.
    """
    tree = read_directory(directory, allow_empty=allow_empty)
    if environment is not None:
        given = secrets_from_environment(secret_references(tree), environment)
        tree = replace(tree, secrets=with_environment(tree.secrets, given))
    return tree, (*tree.problems, *check(tree))


def validate(
    directory: Path,
    output: Output = "table",
    *,
    environment: Mapping[str, str] | None = None,
    allow_empty: bool = False,
    console: Console | None = None,
) -> int:
    """Print what is wrong. 0 when nothing is, or warnings only; 1 otherwise."""
    console = console or results()
    try:
        tree, problems = read_and_check(directory, environment=environment, allow_empty=allow_empty)
    except PostgRegentError as error:
        return _refused(error, directory, output, console)
    return _print(tree, problems, output, console)


async def validate_with_server(request: Request, output: Output, *, allow_empty: bool) -> int:
    """The same, and a warning for each literal that names nothing on the server.

    With errors in the directory the server is not asked. Raises PostgRegentError where it cannot be
    read.
    """
    environment = os.environ if request.secrets_from_env else None
    console = results()
    try:
        tree, problems = read_and_check(
            request.directory, environment=environment, allow_empty=allow_empty
        )
    except PostgRegentError as error:
        return _refused(error, request.directory, output, console)
    if request.dsn is not None:
        problems = tuple(one for one in problems if not _is_for_logging_in(one))
    if not any(problem.severity == "error" for problem in problems) and tree.resources:
        problems = (*problems, *await literals_of(tree, request))
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
        summary = {
            "valid": errors == 0,
            "files": len(tree.files),
            "resources": len(tree.resources),
            "ignored": tree.ignored,
            "errors": errors,
            "warnings": len(problems) - errors,
            "problems": [problem.to_json() for problem in problems],
        }
        print_data(console, summary, output)
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


def _refused(error: PostgRegentError, directory: Path, output: Output, console: Console) -> int:
    problem = Problem(str(directory), None, "", "", None, error.message, error.way_out)
    if output == "table":
        console.print(problem_text(problem), soft_wrap=True)
    else:
        summary = {"valid": False, "errors": 1, "warnings": 0, "problems": [problem.to_json()]}
        print_data(console, summary, output)
    return PROBLEMS


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
