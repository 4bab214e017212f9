"""A Git repository of a test, and what Flux's source-controller does with one.

Each commit that is published becomes an archive served over HTTP on loopback, and the GitRepository
object's status says where it is.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.kubernetes_harness.unavailable import ClusterFailed, ClusterUnavailable

BRANCH = "main"
ALONE = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Test",
    "GIT_AUTHOR_EMAIL": "test@example.org",
    "GIT_COMMITTER_NAME": "Test",
    "GIT_COMMITTER_EMAIL": "test@example.org",
}


@dataclass(frozen=True, slots=True)
class Artifact:
    """One commit as a consumer of Flux's sources gets it."""

    commit: str
    revision: str
    status: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GitSource:
    """`tree` is the working tree: write there, then `commit`."""

    tree: Path
    served: Path
    address: str

    def git(self, *arguments: str) -> str:
        """What git prints; the person's own configuration does not count."""
        answer = subprocess.run(
            [_git(), *arguments],
            cwd=self.tree,
            env=ALONE,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            raise ClusterFailed(f"git {' '.join(arguments)}: {answer.stderr.strip()}")
        return answer.stdout.strip()

    def commit(self, message: str) -> Artifact:
        """All that has changed in the tree, as a commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.head()

    def revert(self, commit: str) -> Artifact:
        """A commit that takes another one back."""
        self.git("revert", "--no-edit", commit)
        return self.head()

    def restore(self, commit: str) -> bool:
        """The tree as it was at a commit, whatever lies there; whether that changes anything."""
        self.git("read-tree", "--reset", "-u", commit)
        self.git("checkout-index", "--all", "--force")
        return bool(self.git("status", "--porcelain"))

    def head(self) -> Artifact:
        """The last commit, served from now on."""
        commit = self.git("rev-parse", "HEAD")
        name = f"{commit}.tar.gz"
        archive = self.served / name
        self.git("archive", "--format=tar.gz", f"--output={archive}", "HEAD")
        content = archive.read_bytes()
        revision = f"{BRANCH}@sha1:{commit}"
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        artifact = {
            "path": name,
            "url": f"{self.address}/{name}",
            "revision": revision,
            "digest": f"sha256:{hashlib.sha256(content).hexdigest()}",
            "size": len(content),
            "lastUpdateTime": now,
        }
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "Succeeded",
            "message": f"stored artifact for revision '{revision}'",
            "lastTransitionTime": now,
        }
        return Artifact(commit, revision, {"artifact": artifact, "conditions": [ready]})


def _git() -> str:
    if (found := shutil.which("git")) is None:
        raise ClusterUnavailable("git is not installed", way_out="Install git.")
    return found


class _Quiet(SimpleHTTPRequestHandler):
    """Says nothing on the terminal."""

    def log_message(self, *_: object) -> None:
        """Nobody asks."""


@contextlib.contextmanager
def git_source(folder: Path) -> Iterator[GitSource]:
    """An empty repository in `folder`; served until the block ends."""
    tree, served = folder / "tree", folder / "served"
    for one in (tree, served):
        one.mkdir(parents=True)
    handler = functools.partial(_Quiet, directory=str(served))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    source = GitSource(tree, served, f"http://127.0.0.1:{server.server_port}")
    source.git("init", "--quiet", f"--initial-branch={BRANCH}")
    try:
        yield source
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
