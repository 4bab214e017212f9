"""`postgregent validate DIR`: every problem of a directory at once, without a database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import yaml
from rich.console import Console
from rich.text import Text

from controller.local.check import check
from controller.local.directory import Tree, read_directory, secret_references
from controller.local.secrets import secrets_from_environment, with_environment
from shared.errors import PostgRegentError
from shared.problems import Problem, capitalised

Output = Literal["table", "json", "yaml"]
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
    console = console or Console()
    try:
        tree, problems = read_and_check(directory, environment=environment, allow_empty=allow_empty)
    except PostgRegentError as error:
        return _refused(error, directory, output, console)
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
        _print_data(summary, output, console)
    return PROBLEMS if errors else FINE


def problem_text(problem: Problem) -> Text:
    """One problem over four lines: where, what, why, and the way out."""
    is_error = problem.severity == "error"
    text = Text()
    text.append(problem.place, style="bold")
    text.append("  ")
    text.append(problem.severity, style="bold red" if is_error else "bold yellow")
    if problem.resource:
        text.append("  ")
        text.append(problem.resource, style="cyan")
    text.append(f"\n    {problem.sentence}\n    ")
    text.append(f"→ {capitalised(problem.way_out)}", style="green")
    return text


def _print_text(tree: Tree, problems: tuple[Problem, ...], errors: int, console: Console) -> None:
    for problem in problems:
        console.print(problem_text(problem), soft_wrap=True)
    if problems:
        console.print()
    resources = _count(len(tree.resources), "resource")
    ignored = f"; {_count(tree.ignored, 'document')} of other kinds ignored" if tree.ignored else ""
    if errors:
        said = f"{_count(errors, 'error')} in {resources} of {_count(len(tree.files), 'file')}"
        console.print(Text(said + ignored, style="bold red"), soft_wrap=True)
        return
    warned = f", with {_count(len(problems), 'warning')}" if problems else ""
    verb = "is" if len(tree.resources) == 1 else "are"
    said = f"{resources} {verb} valid{warned}{ignored}"
    console.print(Text(said, style="bold green"), soft_wrap=True)


def _refused(error: PostgRegentError, directory: Path, output: Output, console: Console) -> int:
    problem = Problem(str(directory), None, "", "", None, error.message, error.way_out)
    if output == "table":
        console.print(problem_text(problem), soft_wrap=True)
    else:
        summary = {"valid": False, "errors": 1, "warnings": 0, "problems": [problem.to_json()]}
        _print_data(summary, output, console)
    return PROBLEMS


def _print_data(data: Mapping[str, object], output: Output, console: Console) -> None:
    """Plain, so that what reads it need not mind colours or the terminal's width."""
    if output == "json":
        text = json.dumps(data, indent=2, ensure_ascii=False)
    else:
        text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True).rstrip()
    console.print(text, markup=False, highlight=False, soft_wrap=True, emoji=False)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
