"""The files of a directory, without being led out of it or round in circles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from controller.local.passed_over import SUFFIXES, hidden_ones, is_meant
from controller.local.yaml_documents import MAX_FILE_BYTES
from shared.errors import PostgRegentError
from shared.problems import Problem

MAX_FILES = 20_000
MAX_BYTES = 256 * 1024 * 1024
"""Of all files together."""


class UnsyncedError(PostgRegentError):
    """The directory could not be read, which says nothing about what it declares."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file as it was read; `name` is relative to the directory."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Files:
    """What was read, what could not be, and what was passed over and looks like a manifest."""

    read: tuple[SourceFile, ...]
    problems: tuple[Problem, ...]
    passed_over: tuple[Problem, ...] = ()


def read_files(directory: Path) -> Files:
    """Every YAML and JSON file below, sorted by name; hidden files and folders are left out.

    What is left out and looks like a manifest is named, since what it declared counts as absent.
    Links are followed inside the directory only, and each file is read once, so that a mounted
    ConfigMap (`a.yaml -> ..data/a.yaml`) works. Raises UnsyncedError when it cannot be listed.
    """
    try:
        root = directory.resolve(strict=True)
        if not root.is_dir():
            raise UnsyncedError(f"{directory} is not a directory.", way_out="Name a directory.")
        next(root.iterdir(), None)
    except FileNotFoundError:
        raise UnsyncedError(
            f"The directory {directory} does not exist.",
            way_out="Nothing is changed until it is there.",
        ) from None
    except (OSError, RuntimeError) as error:
        raise UnsyncedError(
            f"The directory {directory} cannot be read: {_reason(error)}.",
            way_out="Nothing is changed until it can be.",
        ) from None
    return _Walk(root).files()


class _Walk:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.seen: set[tuple[int, int]] = set()
        self.problems: list[Problem] = []
        self.passed_over: list[Problem] = []

    def files(self) -> Files:
        read: list[SourceFile] = []
        size = 0
        for path in self._paths(self.root):
            if len(read) >= MAX_FILES:
                raise UnsyncedError(
                    f"There are more than {MAX_FILES:,} files.", way_out="Split it."
                )
            content = self._content(path)
            if content is not None:
                read.append(SourceFile(self._name(path), content))
                size += len(content)
            if size > MAX_BYTES:
                raise UnsyncedError(
                    f"The files are larger than {MAX_BYTES // 2**20} MiB together.",
                    way_out="Split the directory.",
                )
        read.sort(key=lambda file: file.name)
        return Files(tuple(read), tuple(self.problems), tuple(self.passed_over))

    def _paths(self, folder: Path) -> Iterator[Path]:
        try:
            if not self._is_new(folder):
                return
            names = sorted(path.name for path in folder.iterdir())
        except OSError as error:
            self._cannot(folder, f"cannot be read: {_reason(error)}", "give read access to it")
            return
        for name in names:
            path = folder / name
            if name.startswith("."):
                for one in hidden_ones(path):
                    self._pass_over(one, "is hidden and is not read", "take the dot away")
            elif not self._is_inside(path):
                continue
            elif path.is_dir():
                yield from self._paths(path)
            elif path.suffix.lower() in SUFFIXES:
                yield path
            elif is_meant(path):
                message = "is not read: its name does not end in .yaml, .yml or .json"
                self._pass_over(path, message, "rename it")

    def _is_inside(self, path: Path) -> bool:
        """A link out of the directory could bring in anything that this process may read."""
        if not path.is_symlink():
            return True
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):
            if path.suffix.lower() in SUFFIXES:
                self._cannot(path, "is a link that leads nowhere", "correct or remove it")
            return False
        if real.is_relative_to(self.root):
            return True
        if real.is_dir() or path.suffix.lower() in SUFFIXES:
            self._cannot(path, "is a link out of the directory", "copy the file into it")
        return False

    def _is_new(self, path: Path) -> bool:
        found = path.stat()
        identity = (found.st_dev, found.st_ino)
        if identity in self.seen:
            return False
        self.seen.add(identity)
        return True

    def _content(self, path: Path) -> bytes | None:
        try:
            if not path.is_file():
                self._cannot(path, "is not a file", "remove it")
                return None
            if not self._is_new(path):
                return None
            if path.stat().st_size > MAX_FILE_BYTES:
                self._cannot(path, f"is larger than {MAX_FILE_BYTES // 2**20} MiB", "split it")
                return None
            return path.read_bytes()
        except OSError as error:
            self._cannot(path, f"cannot be read: {_reason(error)}", "give read access to it")
            return None

    def _cannot(self, path: Path, message: str, way_out: str) -> None:
        self.problems.append(Problem(self._name(path), None, "", "", None, message, way_out))

    def _pass_over(self, path: Path, message: str, way_out: str) -> None:
        way_out += " if it shall count; or move it out of the directory"
        one = Problem(self._name(path), None, "", "", None, message, way_out, "warning")
        self.passed_over.append(one)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
