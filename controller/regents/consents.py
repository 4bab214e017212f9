"""What a person agrees to, and what the Regent says that it waits for: sent where they fit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus

from controller.regents.client import UnexpectedAnswer
from shared.consent import CONSENT_KINDS, Consent, ConsentKind
from shared.http import StatusBody


class Consents:
    """Those to one Regent, one of each kind."""

    def __init__(self) -> None:
        self._given: dict[ConsentKind, Consent] = {}
        self._waited_for: dict[ConsentKind, str] = {}

    def give(self, consents: Iterable[Consent]) -> bool:
        """What a person says now; True if it is another word than before."""
        said = {one.kind: one for one in consents}
        is_news = any(self._given.get(kind, Consent(kind)) != one for kind, one in said.items())
        self._given |= said
        return is_news

    def hear(self, status: StatusBody) -> None:
        """What the Regent waits for."""
        self._waited_for = {kind: status.waits_for(kind) for kind in CONSENT_KINDS}

    @property
    def are_due(self) -> bool:
        """Something is waited for that was agreed to."""
        return any(self._due(kind) for kind in CONSENT_KINDS)

    async def send(self, send: Callable[[Consent], Awaitable[None]]) -> bool:
        """Send what is due; True if the Regent took one. What it answered is not sent again.

        A 409 is an answer: it waits for something else by now, and its status says so. Any other
        odd one is trouble: the request is made again.
        """
        is_taken = False
        for kind in CONSENT_KINDS:
            given = self._due(kind)
            if given is None:
                continue
            try:
                await send(given)
                is_taken = True
            except UnexpectedAnswer as error:
                if error.status != HTTPStatus.CONFLICT:
                    raise
            if self._waited_for[kind] == given.digest:  # else a status came meanwhile
                self._waited_for[kind] = ""
        return is_taken

    def _due(self, kind: ConsentKind) -> Consent | None:
        given = self._given.get(kind, Consent(kind))
        return given if given.fits(Consent(kind, self._waited_for.get(kind, ""))) else None
