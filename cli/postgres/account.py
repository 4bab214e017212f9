"""Which account a server runs under: PostgreSQL refuses root, so root lends it another one."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from shared.errors import PostgRegentError

CANDIDATES = ("postgres", "nobody")


class NoAccountError(PostgRegentError):
    """PostgreSQL does not run as root, and there is no other account to run it as."""


@dataclass(frozen=True, slots=True)
class Account:
    """A uid and gid that a server's programs are started with."""

    name: str
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Give a file, or a folder with everything below it, to this account."""
        os.chown(path, self.uid, self.gid, follow_symlinks=False)
        for folder, _, files in os.walk(path):
            os.chown(folder, self.uid, self.gid)
            for name in files:
                os.chown(Path(folder, name), self.uid, self.gid, follow_symlinks=False)


def run_as(account: Account | None, command: Sequence[str | Path]) -> CompletedProcess[str]:
    """A program of PostgreSQL, to its end; what it says is in the answer."""
    return subprocess.run(
        command,
        cwd="/",
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def server_account() -> Account | None:
    """The account to switch to; None when we are an ordinary user and may stay who we are."""
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise NoAccountError(way_out=f"Make an account called {' or '.join(CANDIDATES)}.")
