"""A command that gives the admin's password or token, in the manner of kubeconfig's exec plugins.

It writes an ExecCredential to standard output, as
https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
has it: `status.token`, and `status.expirationTimestamp` where it ends by itself. Who names the
command runs it: the operator alone, never a resource (ADR 51).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from regent.server.address import ServerAddress
from regent.server.tokens import Asking, Token
from regent.server.trouble import CannotConnectError

VARIABLE = "POSTGREGENT_CREDENTIAL_COMMAND"
"""In which the operator names it."""
ABOUT = "POSTGREGENT_EXEC_INFO"
"""In which it is told for whom: host, port and user."""
KIND = "ExecCredential"
PATIENCE_SECONDS = 30.0
LONGEST_TOKEN = 16_384
_BY_HAND = "Run it by hand: what it writes to standard error is not shown here."


class CredentialCommandError(CannotConnectError):
    """The credential command gave no token that can be used."""


def read_token(output: bytes) -> Token:
    """The token in an ExecCredential. Raises CredentialCommandError, which quotes nothing."""
    try:
        found: Any = json.loads(output)
    except ValueError:
        raise unusable("writes something that is not JSON") from None
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise unusable(f"writes no object of kind {KIND}")
    status = found.get("status")
    value = status.get("token") if isinstance(status, dict) else None
    if not isinstance(status, dict) or not isinstance(value, str) or not value:
        raise unusable("writes no status.token")
    if len(value) > LONGEST_TOKEN or "\x00" in value:
        raise unusable("writes a status.token that no password can be")
    written = status.get("expirationTimestamp")
    return Token(value, None if written is None else _moment(written))


def _moment(written: object) -> datetime:
    try:
        found = datetime.fromisoformat(str(written))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise unusable("writes a status.expirationTimestamp that is no time with its zone")
    return found


def asking(command: Sequence[str], address: ServerAddress) -> Asking:
    """Runs the command, without a shell, and tells it for whom."""
    about = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": KIND,
        "spec": {
            "interactive": False,
            "host": address.host,
            "port": address.port,
            "user": address.admin_user,
        },
    }

    async def ask() -> Token:
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=DEVNULL,
                start_new_session=True,
                env={**os.environ, ABOUT: json.dumps(about)},
            )
        except (OSError, ValueError) as error:
            raise unusable(f"cannot be run ({type(error).__name__})") from None
        return read_token(await _output(process))

    return ask


async def _output(process: Process) -> bytes:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        raise unusable(f"has not ended within {PATIENCE_SECONDS:.0f} s") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode:
        raise unusable(f"ended with status {process.returncode}")
    return output


def unusable(what: str) -> CredentialCommandError:
    """What is wrong with what the command did, with the way out."""
    return CredentialCommandError(
        f"The credential command {what}.", way_out=f"Check {VARIABLE}. {_BY_HAND}"
    )
