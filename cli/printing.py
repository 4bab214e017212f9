"""Where output goes and what it looks like: text for people, JSON or YAML for programs.

Results go to standard output, everything else to standard error. Colour only on a terminal, and not
when NO_COLOR is set: rich sees to that.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import yaml
from rich.console import Console

from cli.terminal import Shown, Terminal
from shared.errors import PostgRegentError
from shared.printable import printable_lines
from shared.problems import Problem, capitalised

_NOT_PRINTABLE = re.compile("[\x7f-\xa0\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_POWER_OF_TEN = re.compile(r"[-+]?[0-9.]+[eE][-+]?[0-9]+", re.ASCII)
NOT_VALID = "The directory is not valid; nothing was done."
Output = Literal["table", "json", "yaml"]


def results(*, markup: bool = False, ends_with_reader: bool = False) -> Console:
    """Standard output."""
    return Terminal(sys.stdout, markup=markup, ends_with_reader=ends_with_reader)


def messages() -> Console:
    """Standard error."""
    return Terminal(sys.stderr)


def print_data(console: Console, data: Mapping[str, Any], output: Output) -> None:
    """A document as JSON or YAML, plain."""
    encoding = console.encoding
    if output == "json":
        text = json_text(data, indent=2, encoding=encoding)
    else:
        text = yaml_text(data, encoding=encoding).rstrip()
    console.file.write(f"{text}\n")
    console.file.flush()


def json_text(data: Any, *, indent: int | None = None, encoding: str | None = None) -> str:
    """JSON that may also be shown on a terminal: what is not printable is escaped.

    All but ASCII is escaped where the encoding lacks some of it.
    """
    text = json.dumps(data, indent=indent, ensure_ascii=False)
    if not _is_in(encoding, text):
        text = json.dumps(data, indent=indent)
    return _NOT_PRINTABLE.sub(lambda found: json.dumps(found[0])[1:-1], text)


def yaml_text(data: Any, *, encoding: str | None = None) -> str:
    """YAML that may also be shown on a terminal: where it must, everything but ASCII is escaped."""
    text = _dumped(data, allow_unicode=True)
    if text == printable_lines(text) and _is_in(encoding, text):
        return text
    return _dumped(data, allow_unicode=False)


class _Dumper(yaml.SafeDumper):
    """Quotes `1e3` too: a text by YAML 1.1, which PyYAML writes, and a number by 1.2."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """In quotes where it must be; PyYAML knows the other cases itself."""
        style = "'" if _POWER_OF_TEN.fullmatch(text) else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.represent_text)


def _dumped(data: Any, *, allow_unicode: bool) -> str:
    return str(yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=allow_unicode))


def _is_in(encoding: str | None, text: str) -> bool:
    """Whether an encoding has every character of a text."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def problem_text(problem: Problem) -> Shown:
    """One problem over four lines: where, what, why, and the way out."""
    is_error = problem.severity == "error"
    text = Shown()
    text.append(problem.place, style="bold")
    text.append("  ")
    text.append(problem.severity, style="bold red" if is_error else "bold yellow")
    if problem.resource:
        text.append("  ")
        text.append(problem.resource, style="cyan")
    text.append(f"\n    {problem.sentence}\n    ")
    text.append(f"→ {capitalised(problem.way_out)}", style="green")
    return text


def print_problems(problems: Sequence[Problem], output: Output = "table") -> None:
    """Problems of a directory as `validate` prints them, where errors go."""
    if output != "table":
        data = {"error": NOT_VALID, "problems": [problem.to_json() for problem in problems]}
        print_data(results(), data, output)
    console = messages()
    for problem in problems:
        console.print(problem_text(problem))
    console.print(Shown(f"\n{NOT_VALID}", style="bold red"))


def print_error(error: PostgRegentError, output: Output = "table") -> None:
    """What went wrong and the way out, on standard error; for programs as a document on both."""
    from shared.censor import censor_text  # noqa: PLC0415 - reads all of pydantic: only for an error

    if output != "table":
        data = {"error": censor_text(error.message), "wayOut": censor_text(error.way_out)}
        print_data(results(), data, output)
    text = Shown()
    text.append("error  ", style="bold red")
    text.append(censor_text(error.message))
    if error.way_out:
        text.append(f"\n    → {censor_text(error.way_out)}", style="green")
    messages().print(text)
