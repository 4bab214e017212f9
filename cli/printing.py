"""Where output goes and what it looks like: text for people, JSON or YAML for programs.

Results go to standard output, everything else to standard error. Colour only on a terminal, and not
when NO_COLOR is set: rich sees to that.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import yaml
from rich.console import Console
from rich.text import Text

from cli.validate import problem_text
from shared.censor import censor_text
from shared.errors import PostgRegentError
from shared.problems import Problem

NOT_VALID = "The directory is not valid; nothing was done."
Output = Literal["table", "json", "yaml"]


def results() -> Console:
    """Standard output. Lines are never cut or broken: they are also read by grep."""
    return Console(file=sys.stdout, soft_wrap=True, highlight=False)


def messages() -> Console:
    """Standard error."""
    return Console(file=sys.stderr, soft_wrap=True, highlight=False)


def print_data(console: Console, data: Mapping[str, Any], output: Output) -> None:
    """A document as JSON or YAML, plain."""
    if output == "json":
        text = json.dumps(data, indent=2, ensure_ascii=False)
    else:
        text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True).rstrip()
    console.print(text, markup=False, highlight=False, emoji=False)


def print_problems(problems: Sequence[Problem], output: Output = "table") -> None:
    """Problems of a directory as `validate` prints them, where errors go."""
    if output != "table":
        data = {"error": NOT_VALID, "problems": [problem.to_json() for problem in problems]}
        print_data(results(), data, output)
    console = messages()
    for problem in problems:
        console.print(problem_text(problem))
    console.print(Text(f"\n{NOT_VALID}", style="bold red"))


def print_error(error: PostgRegentError, output: Output = "table") -> None:
    """What went wrong and the way out, on standard error; for programs as a document on both."""
    if output != "table":
        data = {"error": censor_text(error.message), "wayOut": censor_text(error.way_out)}
        print_data(results(), data, output)
    text = Text()
    text.append("error  ", style="bold red")
    text.append(censor_text(error.message))
    if error.way_out:
        text.append(f"\n    → {censor_text(error.way_out)}", style="green")
    messages().print(text)
