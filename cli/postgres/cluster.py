"""Making a data folder: initdb, with passwords over SCRAM only and no locale of this machine."""

from __future__ import annotations

from pathlib import Path

from cli.postgres.account import Account, run_as
from cli.postgres.binaries import Binaries
from shared.errors import PostgRegentError

PASSWORD_FILE = "first-password"  # noqa: S105 - a file's name


class InitdbError(PostgRegentError):
    """The data folder could not be made."""


def make_cluster(
    binaries: Binaries,
    data: Path,
    account: Account | None,
    *,
    superuser: str,
    password: str,
    durable: bool,
) -> None:
    """Make `data`, an empty folder that the server's account owns, a cluster with one superuser.

    Connections need SCRAM-SHA-256, from this machine only. The password passes through a file
    that only the account reads and that is gone afterwards.
    """
    secret = data.parent / f"{data.name}.{PASSWORD_FILE}"
    secret.touch(mode=0o600)
    try:
        secret.write_text(password + "\n")
        if account:
            account.own(data)
            account.own(secret)
        _initdb(binaries, data, account, superuser, secret, durable=durable)
    finally:
        secret.unlink()


def _initdb(
    binaries: Binaries,
    data: Path,
    account: Account | None,
    superuser: str,
    secret: Path,
    *,
    durable: bool,
) -> None:
    answer = run_as(
        account,
        [
            binaries.program("initdb"),
            f"--pgdata={data}",
            f"--username={superuser}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",
            "--no-instructions",
            *([] if durable else ["--no-sync"]),
        ],
    )
    if answer.returncode != 0:
        raise InitdbError(
            f"initdb could not make {data}: {answer.stderr.strip()}",
            way_out=f"It runs as {account.name}, who must be able to reach it." if account else "",
        )
