"""`postgregent adopt DIR`: some of a directory's roles under management, with what each would lose.

It is shown before it is done, and done only as it was shown (ADR 64, interface 16).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

from cli.adopt_page import AdoptPage
from cli.apply import last_of_each
from cli.chosen import chosen
from cli.declared import Request, declare_tree
from cli.printing import Output, print_data, print_error, results
from cli.progress import Progress
from cli.targets import read_tree
from regent.adopt.adopt import adopt
from regent.adopt.look import Asked, Shown, look
from regent.adopt.needs import Declarations
from regent.gate.adopting import require_agreed
from shared.errors import PostgRegentError

IN_FORCE, NOT_IN_FORCE = 0, 1


class NotConfirmedError(PostgRegentError):
    """Nothing was done: nobody has agreed to it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is meant, and what a person agreed to."""

    roles: tuple[str, ...] = ()
    selectors: tuple[str, ...] = ()
    is_confirmed: bool = False
    digest: str | None = None
    everything: bool = False
    with_regent: bool = False


async def run_adopt(
    request: Request, wanted: Wanted, output: Output, ask: Callable[[str], bool]
) -> int:
    """Show it, ask, do it. 0: all that was chosen is in force, as a pass has seen. Else 1."""
    environment = os.environ if request.secrets_from_env else None
    tree = read_tree(request.directory, environment, allow_empty=True)
    declared = await declare_tree(tree, request)
    keys = chosen(Declarations(declared.state.resources), tree, wanted.roles, wanted.selectors)
    asked = Asked(declared.state, keys, wanted.with_regent)
    shown = await look(declared.settings, asked)
    page = AdoptPage(request.directory, declared, shown, everything=wanted.everything)
    if wanted.digest is not None and shown.planned is not None:
        require_agreed(wanted.digest, shown.digest)
    if output == "table":
        page.sheet().write(results())
    why_not = _why_not(shown, wanted, output, ask)
    if why_not is not None:
        _end(page, output)
        print_error(why_not)
        return NOT_IN_FORCE
    return await _do(page, asked, output)


def _why_not(
    shown: Shown, wanted: Wanted, output: Output, ask: Callable[[str], bool]
) -> NotConfirmedError | None:
    """A script says --yes or --digest, a person is asked."""
    if shown.planned is None:
        return NotConfirmedError(
            "Nothing was done: none of the chosen roles can be adopted.",
            way_out="Correct what is said of each, and call again.",
        )
    if wanted.is_confirmed or wanted.digest is not None:
        return None
    if output != "table" or not sys.stdin.isatty():
        return NotConfirmedError(
            "Nothing was done: nobody can be asked, as standard input is no terminal.",
            way_out=f"Agree to exactly this with --digest {shown.digest}, or say --yes.",
        )
    if ask("Put this in force?"):
        return None
    return NotConfirmedError(
        way_out=f"Answer y; or call again with --digest {shown.digest}, which is for exactly this."
    )


async def _do(page: AdoptPage, asked: Asked, output: Output) -> int:
    progress = Progress()
    async with progress.told():
        done = await adopt(page.shown, asked, page.shown.digest, heed=progress.heed)
    report = done.report
    if report is not None:
        report = replace(report, results=last_of_each(report.results))
    page = replace(page, shown=done.shown, report=report)
    if output == "table":
        page.done().write(results())
    else:
        _end(page, output)
    return IN_FORCE if page.is_in_force else NOT_IN_FORCE


def _end(page: AdoptPage, output: Output) -> None:
    if output != "table":
        print_data(results(), page.document(), output)
