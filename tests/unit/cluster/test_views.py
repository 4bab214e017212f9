"""The views of a controller that does not lead."""

from __future__ import annotations

import httpx
import pytest

from controller.gateway.authorization import Person
from controller.gateway.http import create_views_app
from controller.gateway.views import Views, why_a_standby_knows_nothing
from controller.regents.fleet import Fleet


class Everybody:
    """Lets everybody see everything."""

    async def who(self, _authorization: str) -> Person:
        return Person("somebody")

    async def may_read(self, *_asked: object) -> bool:
        return True

    async def require(self, *_asked: object) -> None: ...


@pytest.mark.found("C25")
async def test_a_standby_says_who_leads_and_never_that_there_are_no_regents() -> None:
    leader = ["pod-2"]
    fleet = Fleet(lambda *_: None)

    def why() -> str:
        return why_a_standby_knows_nothing(leader[0]) if leader else ""

    app = create_views_app(Views(lambda: fleet, why), Everybody())  # type: ignore[arg-type]
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://views") as client:
        for path in ("", "/a/b", "/a/b/drift", "/a/b/history"):
            answer = await client.get(f"/v1/regents{path}")
            assert answer.status_code == 503
            assert "pod-2 leads" in answer.json()["detail"]
        leader.clear()
        answer = await client.get("/v1/regents")
        assert (answer.status_code, answer.json()) == (200, {"items": []})
