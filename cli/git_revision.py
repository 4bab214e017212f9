"""A directory as it was in a revision of Git: written beside, as a checkout would write it.

`git` is run, so a revision is whatever it understands: a branch, a tag, `HEAD~3`, `@{yesterday}`.
The repository's index, its branches and the files in the directory stay as they are.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from shared.errors import PostgRegentError

GIT_SECONDS = 60


class RevisionError(PostgRegentError):
    """The directory cannot be had as it was."""


@contextmanager
def at_revision(directory: Path, revision: str) -> Iterator[Path]:
    """The directory as it was, until the end. Raises RevisionError."""
    there = _nearest(directory)
    root = Path(_git(there, "rev-parse", "--show-toplevel").strip())
    commit = _git(
        there, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    ).strip()
    folder = os.path.relpath(directory.resolve(), root.resolve())
    tree = commit if folder == "." else f"{commit}:{Path(folder).as_posix()}"
    with TemporaryDirectory(prefix="postgregent-") as temporary:
        place = Path(temporary) / "tree"
        place.mkdir()
        store = _git(there, "rev-parse", "--absolute-git-dir").strip()
        where = {
            "GIT_DIR": store,
            "GIT_WORK_TREE": str(place),
            "GIT_INDEX_FILE": str(Path(temporary) / "index"),
        }
        try:
            _git(place, "read-tree", tree, variables=where)
        except RevisionError as error:
            raise RevisionError(
                f"There is no directory {directory} in {revision}: {error.message}",
                way_out="Name it as it was called there, before the @.",
            ) from error
        _git(place, "checkout-index", "--all", variables=where)
        yield place


def _nearest(directory: Path) -> Path:
    """The directory, or where it was: it may be there in the revision only."""
    return next(one for one in (directory, *directory.absolute().parents) if one.is_dir())


def _git(where: Path, *words: str, variables: Mapping[str, str] | None = None) -> str:
    command = ("git", "-C", str(where), *words)
    environment = {**os.environ, **(variables or {}), "LC_ALL": "C"}
    try:
        ended = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=GIT_SECONDS,
        )
    except FileNotFoundError as error:
        raise RevisionError(
            "DIR@REV is read with git, which is not here.",
            way_out="Install git, or name two directories.",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise RevisionError(
            f"git has not answered in {GIT_SECONDS} seconds.", way_out="Name two directories."
        ) from error
    if ended.returncode:
        said = " ".join(ended.stderr.split()) or "no such revision"
        raise RevisionError(
            f"git {words[0]} in {where}: {said}.",
            way_out="Write DIR@REV, with a directory of a Git repository and a revision that"
            " `git rev-parse` knows.",
        )
    return ended.stdout
