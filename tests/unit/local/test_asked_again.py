"""What a link asks for again, and hears again."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from controller.regents.answers import UnexpectedAnswer
from controller.regents.consents import Consents
from controller.regents.conversation import RegentLink
from shared.consent import CONSENT_KINDS, Consent, ConsentKind
from shared.http import ApprovalBody, BrakeBody, DetectorBody, StatusBody, TakeoverBody
from shared.keys import ResourceKey

WAITS = StatusBody(
    sequence=1,
    detector=DetectorBody(mode="None", healthy=False),
    brake=BrakeBody(pulled=True, digest="0123"),
    approval=ApprovalBody(waiting=True, digest="0123"),
    takeover=TakeoverBody(needed=True, token="0123"),
)


class Client:
    """Answers a release with these statuses, one after another, and then takes it."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.asked = 0

    async def consent(self, _: Consent) -> None:
        self.asked += 1
        if self.statuses:
            raise UnexpectedAnswer(self.statuses.pop(0), None)


@pytest.mark.found("E92")
@pytest.mark.parametrize("kind", CONSENT_KINDS)
def test_a_request_that_got_a_503_is_made_again_and_one_with_a_409_is_not(
    kind: ConsentKind,
) -> None:
    async def asked(*statuses: int) -> int:
        client, consents = Client(*statuses), Consents()
        assert consents.give([Consent(kind, "0123")])
        assert not consents.give([Consent(kind, "0123")])
        consents.hear(WAITS)
        for _ in range(3):
            with suppress(UnexpectedAnswer):
                await consents.send(client.consent)
        return client.asked

    assert asyncio.run(asked(503)) == 2
    assert asyncio.run(asked(409)) == 1


class Bare:
    """A Regent that has accepted nothing yet."""

    async def state(self) -> None:
        return None

    async def verifiers(self) -> dict[str, str]:
        return {}


@pytest.mark.found("E90")
def test_drift_of_a_new_home_database_or_server_is_heard_from_its_first_id() -> None:
    def status(server: str) -> StatusBody:
        detector = DetectorBody(mode="None", healthy=False, message="")
        return StatusBody(
            sequence=1, detector=detector, system_identifier=server, accepted_revision=1
        )

    client: Any = Bare()
    link: Any = RegentLink(ResourceKey("Regent", "default", "r"), client, lambda _: None)
    link._heard = 500
    link._note_memory(status("7"))
    assert link._heard == 500
    link._note_memory(status("8"))
    assert link._heard == 0
    link._heard = 500
    asyncio.run(link._meet())
    assert link._heard == 0
