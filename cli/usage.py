"""A call that cannot be understood ends with 1: typer's 2 would say that a plan has changes."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

MISUNDERSTOOD = 1
INTERRUPTED = 130
TYPERS_CODE = 2


class Commands(TyperGroup):
    """The group of all commands, with our exit status for wrong options and arguments."""

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """As typer does, for the options before the command."""
        try:
            return super().make_context(*arguments, **options)
        except Exception as error:
            _correct(error)
            raise

    def invoke(self, ctx: Any) -> Any:
        """As typer does, for the command and its options; Ctrl-C ends it with a status of ours."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except Exception as error:
            _correct(error)
            raise


def _correct(error: Exception) -> None:
    """Usage errors have a message to show; typer.Exit, with a status of ours, has none."""
    if hasattr(error, "format_message") and getattr(error, "exit_code", None) == TYPERS_CODE:
        error.exit_code = MISUNDERSTOOD  # type: ignore[attr-defined]
