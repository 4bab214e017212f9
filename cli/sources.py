"""What `validate` reads: directories, files and standard input, together one declaration."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from controller.local.directory import Tree, tree_of
from controller.local.files import Files, SourceFile, UnsyncedError, read_files
from controller.local.yaml_documents import MAX_FILE_BYTES
from shared.problems import Problem

STANDARD_INPUT = "-"
SHOWN_INPUT = "<stdin>"


def read_sources(
    sources: Sequence[str], *, allow_empty: bool = False, stdin: BinaryIO | None = None
) -> Tree:
    """The tree that all of them make. Each file is read once, however often it is named.

    Of one directory, files are called as they are in it; else as a shell finds them. What cannot be
    read is a problem of the tree. Raises UnsyncedError where none of them declares anything.
    """
    reading = _Reading(stdin, is_alone=len(sources) == 1)
    for source in dict.fromkeys(sources):
        reading.read(source)
    what = f"The directory {sources[0]} holds" if reading.is_one_directory else "What is given has"
    return tree_of(reading.files(), what, allow_empty=allow_empty)


class _Reading:
    """Fills up, source by source."""

    def __init__(self, stdin: BinaryIO | None, *, is_alone: bool) -> None:
        self.is_one_directory = False
        self._is_alone = is_alone
        self._stdin = stdin
        self._read: dict[str, SourceFile] = {}
        self._problems: list[Problem] = []
        self._passed_over: list[Problem] = []

    def files(self) -> Files:
        """All of it."""
        read = sorted(self._read.values(), key=lambda file: file.name)
        return Files(tuple(read), tuple(self._problems), tuple(self._passed_over))

    def read(self, source: str) -> None:
        """One more."""
        try:
            if source == STANDARD_INPUT:
                self._add(source, SHOWN_INPUT, self._content(self._stdin or sys.stdin.buffer))
            elif (path := Path(source)).is_dir():
                self._read_directory(source)
            else:
                with path.open("rb") as file:
                    self._add(str(path.resolve()), source, self._content(file))
        except UnsyncedError as error:
            self._cannot(source, error.message, error.way_out)
        except FileNotFoundError:
            self._cannot(source, "does not exist", "name a directory, a file, or -")
        except OSError as error:
            self._cannot(source, f"cannot be read: {error.strerror}", "give read access to it")

    def _read_directory(self, source: str) -> None:
        found = read_files(Path(source))
        self.is_one_directory = self._is_alone
        root = Path(source).resolve()
        for file in found.read:
            self._add(str(root / file.name), self._name(source, file.name), file.content)
        self._problems.extend(self._named(source, found.problems))
        self._passed_over.extend(self._named(source, found.passed_over))

    def _named(self, source: str, problems: Sequence[Problem]) -> Iterator[Problem]:
        return (replace(one, file=self._name(source, one.file)) for one in problems)

    def _name(self, source: str, file: str) -> str:
        return file if self._is_alone else str(Path(source) / file)

    def _add(self, identity: str, name: str, content: bytes) -> None:
        self._read.setdefault(identity, SourceFile(name, content))

    @staticmethod
    def _content(file: BinaryIO) -> bytes:
        """Also of a pipe, such as `<(kustomize build deploy)`."""
        content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise UnsyncedError(f"is larger than {MAX_FILE_BYTES // 2**20} MiB", way_out="split it")
        return content

    def _cannot(self, source: str, message: str, way_out: str) -> None:
        name = SHOWN_INPUT if source == STANDARD_INPUT else source
        self._problems.append(Problem(name, None, "", "", None, message, way_out))
