"""Asks a cloud's library for a token, beside the loop, and says in one sentence why there is none.

Libraries block, so each question has a thread of its own. Nothing can end a thread that hangs: it
does not keep the process from ending, and no second one is begun while it is there.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import assert_never

from regent.server.address import ServerAddress
from regent.server.tokens import Token
from regent.server.trouble import CannotConnectError
from shared.resources.regent import Authentication, Provider

PATIENCE_SECONDS = 30.0
_LONGEST_WORD = 60
_SHORTEST_KEY = 20
"""A longer one in an error of a library may be a token, or what a token is made from."""
_LONGEST_TEXT = 400
_WAYS_OUT = {
    "AWS": "Give it credentials as the AWS CLI finds them (in a pod authentication.identity, or EKS"
    " Pod Identity), and a region in authentication.region or AWS_REGION.",
    "GCP": "Give it Application Default Credentials (in a pod authentication.identity; elsewhere"
    " `gcloud auth application-default login`, or GOOGLE_APPLICATION_CREDENTIALS).",
    "Azure": "Give it an identity that DefaultAzureCredential finds (in a pod"
    " authentication.identity; elsewhere `az login`, or AZURE_* variables).",
}


class CloudTokenError(CannotConnectError):
    """The cloud's library gave no token that can be used."""


class Cloud:
    """The one that `authentication` names, asked for one admin of one server."""

    def __init__(self, authentication: Authentication, address: ServerAddress) -> None:
        self._provider: Provider = authentication.provider
        self._region = authentication.region
        self._address = address
        self._thread: threading.Thread | None = None

    async def ask(self) -> Token:
        """A token, asked for anew. Raises CloudTokenError."""
        if self._thread is not None and self._thread.is_alive():
            raise self.unusable("has still not answered an earlier question")
        answer: Future[Token] = Future()
        self._thread = threading.Thread(target=_answer, args=(answer, self._token), daemon=True)
        self._thread.start()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                found = await asyncio.wrap_future(answer)
        except ModuleNotFoundError as error:
            library = error.name or "its library"
            raise self.unusable(
                f"cannot be asked, as {library} is not installed",
                way_out=f"Install the extra: pip install 'postgregent[{self._provider.lower()}]'.",
            ) from None
        except TimeoutError:
            raise self.unusable(f"has not answered within {PATIENCE_SECONDS:.0f} s") from None
        except Exception as error:  # noqa: BLE001 - a library raises what it likes
            # Without the cause: its frames hold credentials.
            raise self.unusable(f"gives none ({_said(error)})") from None
        if not found.value or "\x00" in found.value:
            raise self.unusable("gives a token that no password can be")
        return found

    def _token(self) -> Token:
        """By the library, which is loaded where it is asked for."""
        match self._provider:
            case "AWS":
                from regent.clouds import aws  # noqa: PLC0415 - an extra

                return aws.token(self._address, self._region)
            case "GCP":
                from regent.clouds import gcp  # noqa: PLC0415 - an extra

                return gcp.token()
            case "Azure":
                from regent.clouds import azure  # noqa: PLC0415 - an extra

                return azure.token()
            case _:
                assert_never(self._provider)

    def unusable(self, what: str, *, way_out: str = "") -> CloudTokenError:
        """What is wrong with its answer, with the way out."""
        return CloudTokenError(
            f"spec.authentication asks {self._provider} for a token for"
            f" {self._address.admin_user!r}, which {what}.",
            way_out=way_out or _WAYS_OUT[self._provider],
        )


def _answer(answer: Future[Token], ask: Callable[[], Token]) -> None:
    if answer.set_running_or_notify_cancel():
        try:
            answer.set_result(ask())
        except Exception as error:  # noqa: BLE001 - handed to whoever asked
            answer.set_exception(error)


def _may_be_secret(word: str) -> bool:
    """Longer than any name, or as keys look; an ARN has colons."""
    has_all = any(map(str.isdigit, word)) and word.lower() != word != word.upper()
    return len(word) > _LONGEST_WORD or (len(word) >= _SHORTEST_KEY and has_all and ":" not in word)


def _said(error: Exception) -> str:
    """What it says first, on one line. What comes after is what was answered, secrets and all."""
    said = str(error.args[0]) if error.args else ""
    words = ("…" if _may_be_secret(word) else word for word in said.split())
    text = " ".join(words)[:_LONGEST_TEXT].rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
