"""What each command does with its arguments first, and how it ends.

Imports what runs a command when one runs, so that `--help` and completion are quick.
"""
# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from cli.printing import Output

if TYPE_CHECKING:
    from cli.checked import OfServer

FAILED = 1
INTERRUPTED = 130


def end(work: Coroutine[None, None, int], output: Output) -> NoReturn:
    """Run a command to its exit status; expected errors are told, others keep their traceback."""
    import asyncio

    from cli.declared import ProblemsError
    from cli.printing import print_error, print_problems
    from regent.server.trouble import TOLD, in_words

    try:
        code = asyncio.run(work)
    except ProblemsError as error:
        print_problems(error.problems, output)
        code = FAILED
    except BrokenPipeError:
        raise  # Whoever read the output is gone, not the server.
    except TOLD as error:
        print_error(in_words(error), output)
        code = FAILED
    except KeyboardInterrupt:
        code = INTERRUPTED
    raise typer.Exit(code)


def of_server(dsn: str | None, home_database: str, regent: str | None) -> OfServer:
    """The server whose home database is read; --dsn is needed, or its variable."""
    from cli.checked import OfServer

    if dsn is None:
        raise typer.BadParameter("Say --dsn DSN for the server.")
    return OfServer(dsn, home_database, regent)


def require_directory(directory: Path | None, regent: str | None, secrets_from_env: bool) -> None:
    """What tells how to read a directory is refused without one."""
    if directory is None and (regent is not None or secrets_from_env):
        raise typer.BadParameter("--regent and --secrets-from-env go with DIR.")


def given(context: typer.Context) -> set[str]:
    """The parameters that were written, by their names; defaults and the environment are not."""
    return {
        name
        for name in context.params
        if (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE"
    }


def require_none_given(context: typer.Context, beside: str, *names: str) -> None:
    """What is of another source is refused where it was written; the environment has no say."""
    written = given(context)
    for name in names:
        if name in written:
            option = name.removeprefix("kube_").replace("_", "-")
            raise typer.BadParameter(f"--{option} does not go with {beside}.")
