"""A call that cannot be understood ends with 1: typer's 2 would say that a plan has changes."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

MISUNDERSTOOD = 1
INTERRUPTED = 130
TYPERS_CODE = 2
OF_COMPLETION = ("install_completion", "show_completion")


class Commands(TyperGroup):
    """The group of all commands, with our exit status for wrong options and arguments."""

    def get_params(self, ctx: Any) -> Any:
        """As typer does; of kubectl's plugin no shell can complete the two words as one command."""
        found = super().get_params(ctx)
        is_plugin = " " in (ctx.info_name or "")
        return [one for one in found if not (is_plugin and one.name in OF_COMPLETION)]

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
