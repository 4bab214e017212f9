"""A stream whose failing loses only the words: what was done has its own exit status.

A full disk, a reader that left, a character that the terminal's encoding lacks: none of them may
turn what was applied into a traceback with the status of "nothing was applied".
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Any, TextIO, cast


class Guarded:
    """Writes what can be written. After a failure the rest goes nowhere, and that is told once.

    `ends_with_reader` lets BrokenPipeError through: a command that goes on for ever ends with
    whoever reads it.
    """

    def __init__(self, file: TextIO | Guarded, *, ends_with_reader: bool = False) -> None:
        self._file: TextIO = file.inner if isinstance(file, Guarded) else file
        self._ends_with_reader = ends_with_reader
        self._has_failed = False
        if reconfigure := getattr(self._file, "reconfigure", None):
            reconfigure(errors="backslashreplace")  # so that `ë` is `\\xeb` where it is lacking

    @property
    def inner(self) -> TextIO:
        """The stream itself."""
        return self._file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> int:
        """As the stream writes; nothing after it has failed."""
        if not self._has_failed:
            try:
                return self._file.write(text)
            except (OSError, ValueError) as error:
                self._fail(error)
        return len(text)

    def flush(self) -> None:
        """As the stream flushes."""
        if not self._has_failed:
            try:
                self._file.flush()
            except (OSError, ValueError) as error:
                self._fail(error)

    def _is_standard_error(self) -> bool:
        return self._file is getattr(sys.stderr, "inner", sys.stderr)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, BrokenPipeError) and self._ends_with_reader:
            raise error
        self._has_failed = True
        _lead_nowhere(self._file)
        if not (self._is_standard_error() or isinstance(error, BrokenPipeError)):
            why = getattr(error, "strerror", None) or str(error)
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(
                    f"The output could not be written: {why}. The exit status says what was done.\n"
                )
                sys.stderr.flush()


def guard_all() -> None:
    """Standard output and standard error of this process, for what the libraries write, too."""
    sys.stdout = cast(TextIO, Guarded(_opened(sys.stdout)))
    sys.stderr = cast(TextIO, Guarded(_opened(sys.stderr)))


def _opened(stream: TextIO | None) -> TextIO:
    """A stream that was closed before this process began is None."""
    return stream if stream is not None else Path(os.devnull).open("w", encoding="utf-8")


def _lead_nowhere(file: TextIO) -> None:
    """What the stream still holds would fail again when Python ends, with a status of its own."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, file.fileno())
        os.close(nowhere)
