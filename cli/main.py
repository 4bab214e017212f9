"""The `postgregent` command: what it is called with, and which commands it has."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from typing import Annotated

import typer

from cli.commands import ask, begin, declare, intervene, see
from cli.options import OutputOption
from cli.printing import print_data, results
from cli.usage import Commands

app = typer.Typer(
    name="postgregent",
    cls=Commands,
    help="Keeps the roles and privileges of PostgreSQL servers as a directory of YAML declares"
    " them.\n\nStart with [bold]postgregent validate DIR[/], then [bold]postgregent local DIR"
    " --embedded[/].",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        results().print(f"postgregent {_known_version()}", markup=False)
        raise typer.Exit


@app.callback()
def before_any_command(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """What is understood without a command."""


def version(output: OutputOption = "table") -> None:
    """Show the version.

    [dim]postgregent version -o json[/]
    """
    if output == "table":
        _show_version(asked=True)
    else:
        print_data(results(), {"version": _known_version()}, output)


# In the order of `--help`. A command is called as its function, with - for _.
COMMANDS = (
    declare.validate,
    declare.plan,
    declare.apply,
    declare.local,
    intervene.uninstall,
    ask.why,
    ask.who_can,
    ask.diff,
    ask.access_review,
    begin.export,
    begin.adopt,
    begin.preflight,
    intervene.pause,
    intervene.resume,
    see.status,
    see.drift,
    see.history,
    begin.demo,
    version,
)
for _command in COMMANDS:
    app.command()(_command)


def _known_version() -> str:
    try:
        return installed_version("postgregent")
    except PackageNotFoundError:
        return "not installed"
