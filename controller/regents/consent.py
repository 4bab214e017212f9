"""A person's consent to what a Regent waits for, passed on as soon as it is exactly that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from controller.regents.answers import UnexpectedAnswer


@dataclass(slots=True)
class Consent:
    """What a person agrees to, by its digest, and what the Regent says that it waits for."""

    given: str = ""
    asked_for: str = ""

    @property
    def is_due(self) -> bool:
        """Exactly this is waited for."""
        return bool(self.given) and self.given == self.asked_for

    async def pass_on(self, send: Callable[[str], Awaitable[None]]) -> bool:
        """Whether it was sent and taken. What it answered is not sent again.

        A 409 is an answer: it waits for something else by now, and its status says so. Any other
        odd one is trouble: the request is made again.
        """
        if not self.is_due:
            return False
        sent, is_taken = self.given, True
        try:
            await send(sent)
        except UnexpectedAnswer as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            is_taken = False
        if self.asked_for == sent:
            self.asked_for = ""
        return is_taken
