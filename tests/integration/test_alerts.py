"""Each alert of the chart fires in the trouble that it is about, and none where all is well.

What a real Regent shows in `/metrics` while in that trouble is given to Prometheus' own engine.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from controller.metrics import ControllerMetrics
from controller.process import counted
from controller.regents.outcome import NOT_MET, NotReached
from shared.keys import ResourceKey
from shared.state import Trouble
from tests.daemons import Regent, running
from tests.declared import REFERENCE, state
from tests.eventually import eventually
from tests.kubernetes_harness.programs import ALERTS, are_built, programs
from tests.kubernetes_harness.unavailable import ClusterUnavailable
from tests.postgres.database import Database, flights
from tests.postgres.server import PostgresServer
from tests.settings import settings_for

BUILD_SECONDS = 600
pytestmark = [
    pytest.mark.found("C24"),
    pytest.mark.timeout(600 if are_built(ALERTS) else BUILD_SECONDS),
]
RULES = Path(__file__).parents[2] / "charts/postgregent/files/alerts.yaml"
STEP_SECONDS = 60
STEPS = 45
Samples = Mapping[tuple[tuple[str, str], ...], float]
SECONDS = {"s": 1, "m": 60, "h": 3600}


def rules() -> list[dict[str, Any]]:
    """The chart's, of a controller called `postgregent` in the namespace `access`."""
    text = RULES.read_text("utf-8").replace("THE_CONTROLLER", "postgregent")
    text = text.replace("THE_NAMESPACE", "access")
    found = yaml.safe_load(text)["groups"][0]["rules"]
    return [
        {
            "alert": one["alert"],
            "expr": one["expr"],
            "for": int(one["for"][:-1]) * SECONDS[one["for"][-1]],
        }
        for one in found
    ]


def samples(text: str | bytes) -> Samples:
    """What one scrape shows."""
    text = text if isinstance(text, str) else text.decode()
    return {
        tuple(sorted({"__name__": one.name, **one.labels}.items())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def firing(before: Samples, after: Samples) -> set[str]:
    """The alerts that fire where it goes on as between these two scrapes."""
    series = [
        {
            "labels": dict(name),
            "values": [value + n * (value - before.get(name, value)) for n in range(STEPS)],
        }
        for name, value in after.items()
    ]
    try:
        program = programs(ALERTS) / "alerts"
    except ClusterUnavailable as reason:
        pytest.skip(f"Prometheus' engine is not here: {reason}")
    given = json.dumps({"step": STEP_SECONDS, "rules": rules(), "series": series})
    answer = subprocess.run([str(program)], input=given, capture_output=True, text=True, check=True)
    return set(json.loads(answer.stdout))


UP: Samples = {(("__name__", "up"), ("job", "postgregent"), ("namespace", "access")): 1.0}


def shown(
    *,
    gate: str = "",
    doubted: Sequence[str] = (),
    troubled: Sequence[str] = (),
    regents: Sequence[str] = ("a", "b"),
    unwatched: int = 0,
    unread: Sequence[str] = (),
    faults: int = 0,
    unwritten: int = 0,
    waits_for: str = "",
    left: int = 0,
    namespace: str = "access",
) -> Samples:
    """What a leader shows that talks to these Regents."""
    keys = {name: ResourceKey("Regent", name, "regent") for name in regents}
    served = {
        key: SimpleNamespace(
            is_reached=name not in troubled,
            status=SimpleNamespace(leftovers=range(left), trouble=None),
            trouble=NotReached(waits_for, "") if waits_for else NOT_MET,
        )
        for name, key in keys.items()
    }
    not_pushed = {keys[name]: NotReached("NotSynced", gate) for name in doubted}
    term: Any = SimpleNamespace(
        gate=gate,
        recorder=SimpleNamespace(dropped=0),
        acting=SimpleNamespace(
            fleet=SimpleNamespace(served=served),
            pushing=SimpleNamespace(
                doubted=not_pushed,
                unread=dict.fromkeys(unread, gate),
                why_not=gate if doubted or unread else "",
            ),
            faults=SimpleNamespace(count=faults),
            tending=SimpleNamespace(count=0),
            lack_of=lambda _: None,
        ),
        telling=SimpleNamespace(
            reporter=SimpleNamespace(writes=0, failed=unwritten),
            orphans=SimpleNamespace(unwatched=range(unwatched)),
        ),
    )
    metrics = ControllerMetrics(lambda: counted(term, is_leader=True))
    labels = (("job", "postgregent"), ("namespace", namespace))
    seen = {tuple(sorted((*name, *labels))): x for name, x in samples(metrics.render()).items()}
    return {**seen, (("__name__", "up"), *labels): 1.0}


def test_the_controllers_alerts_fire_each_in_its_own_trouble() -> None:
    """One namespace that cannot be read holds up its own Regent, and says nothing of the others."""
    why = "namespace a: forbidden"
    cases: Sequence[tuple[Samples, set[str]]] = [
        (shown(), set()),
        (shown(gate=why, doubted=["a"]), {"PostgRegentRegentNotPushed"}),
        (
            shown(gate=why, doubted=["a", "b"]),
            {"PostgRegentRegentNotPushed", "PostgRegentNothingIsPushed"},
        ),
        (shown(gate="starting"), {"PostgRegentNothingIsPushed"}),
        (shown(troubled=["b"]), {"PostgRegentRegentUnreachable"}),
        (shown(waits_for="TakeoverNeeded"), {"PostgRegentRegentStalled"}),
        (shown(left=1), {"PostgRegentLeftovers"}),
        ({(("__name__", "up"), ("job", "another")): 1.0}, {"PostgRegentControllerDown"}),
    ]
    for found, expected in cases:
        assert firing(found, found) == expected


@pytest.mark.found("E531", "E532")
def test_a_second_release_that_is_well_hides_no_trouble_of_the_first() -> None:
    """Two in two namespaces, called the same."""
    well = shown(namespace="second")
    for trouble, expected in (
        (shown(gate="starting"), {"PostgRegentNothingIsPushed"}),
        ({}, {"PostgRegentControllerDown"}),
        (shown(waits_for="TakeoverNeeded"), {"PostgRegentRegentStalled"}),
    ):
        both = {**well, **trouble}
        assert firing(both, both) == expected


@pytest.mark.found("E540")
def test_what_cannot_be_read_fires_though_nobody_of_there_is_known() -> None:
    """No Regent is, so none is doubted: where others are pushed to, and where there are none."""
    some = shown(gate="users: 403", unread=["teamb"])
    assert firing(some, some) == {"PostgRegentNamespaceNotRead"}
    none = shown(gate="users: 403", unread=[""], regents=())
    assert firing(none, none) == {"PostgRegentNamespaceNotRead", "PostgRegentNothingIsPushed"}


@pytest.mark.found("E11", "E28")
def test_the_controllers_alerts_fire_for_what_it_does_not_watch_and_for_its_own_mistakes() -> None:
    lost = shown(unwatched=1)
    assert firing(lost, lost) == {"PostgRegentRegentUnwatched"}
    assert firing(shown(faults=1), shown(faults=2)) == {"PostgRegentControllerFaults"}
    assert firing(shown(faults=2), shown(faults=2)) == set()


@pytest.mark.found("E50")
def test_statuses_that_cannot_be_written_fire_for_as_long_as_they_are_tried() -> None:
    assert firing(shown(unwritten=1), shown(unwritten=2)) == {"PostgRegentStatusNotWritten"}
    assert firing(shown(unwritten=2), shown(unwritten=2)) == set()


FAILED = (("__name__", "postgregent_passes_total"), ("result", "Failed"))


async def scraped(regent: Regent, *wanted: str, failures: float = 0) -> Samples:
    """What it shows once all of this is in it, with the controller's calm."""
    found = [""]

    async def is_there() -> bool:
        try:
            found[0] = (await regent.ask("GET", "/metrics")).text
        except httpx.HTTPError:  # it has just been started
            return False
        is_failing = samples(found[0])[FAILED] >= failures
        return is_failing and all(text in found[0] for text in wanted)

    await eventually(is_there)
    return {**samples(found[0]), **UP}


@pytest.mark.versions(18)
async def test_a_regents_alerts_fire_each_in_its_own_trouble(
    launch_server: Callable[..., PostgresServer], tmp_path: Path
) -> None:
    """One Regent goes from trouble to trouble."""
    server = launch_server()
    async with flights(server) as database, running(settings_for(database), tmp_path) as regent:
        calm = await _calm(regent)
        assert firing(calm, calm) == set()
        await _drift(regent, database)
        found = await scraped(regent, "postgregent_drift_outstanding 1.0")
        assert firing(found, found) == {"PostgRegentDriftNotCorrected"}
        await _mistake(regent)
        found = await scraped(
            regent, "postgregent_brake_pulled 1.0", "postgregent_held_resources 1.0"
        )
        assert {"PostgRegentBrakePulled", "PostgRegentResourcesHeld"} <= firing(found, found)
        await regent.push(state(REFERENCE, regent={"approval": "Manual"}, revision=4))
        found = await scraped(regent, "postgregent_awaiting_approval 1.0")
        assert "PostgRegentAwaitingApproval" in firing(found, found)
        server.stop()
        before = await scraped(regent, failures=1)
        after = await scraped(regent, failures=before[FAILED] + 1)
        lost = {"PostgRegentPassesFail", "PostgRegentDetectorUnhealthy"}
        assert lost <= firing(before, after)
        assert not any("drift_outstanding" in str(name) for name in after)
        server.start()


async def _calm(regent: Regent) -> Samples:
    await regent.push(state(REFERENCE))
    await regent.settled(1)
    return await scraped(
        regent, 'detector="listener"} 1.0', 'detector="watcher"} 1.0', 'result="Accepted"} 1.0'
    )


async def _drift(regent: Regent, database: Database) -> None:
    """It only observes, and somebody grants."""
    observe = {"enforcement": "Observe"}
    await regent.push(state(REFERENCE, regent=observe, revision=2))
    await regent.settled(2)
    await database.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')
    await regent.drifts(1)


async def _mistake(regent: Regent) -> None:
    """A typo that would take everything, and a resource that cannot be read."""
    typo = REFERENCE.replace("[schema1, schema2]", "[shcema1, shcema2]")
    held = {"Role/default/flights-admin": Trouble(reason="Invalid", message="x")}
    lines = [line for line in typo.splitlines() if not line.startswith("Role/flights-admin")]
    brake = {"brake": {"minimum": 1, "percent": 1}}
    await regent.push(state("\n".join(lines), regent=brake, held=held, revision=3))
    await regent.settled(3)


@pytest.mark.versions(18)
async def test_what_the_server_refuses_for_good_fires_for_as_long_as_it_does(
    database: Database, tmp_path: Path
) -> None:
    """It is not tried at each pass: a counter would be still."""
    await database.execute(
        "CREATE ROLE small LOGIN CREATEROLE CREATEDB PASSWORD 'x'; GRANT app_owner TO small;"
        "CREATE TABLE schema1.not_ours (i int)"
    )
    settings = settings_for(database)
    server = settings.server.model_copy(
        update={"admin_user": "small", "admin_password": SecretStr("x")}
    )
    settings = settings.model_copy(update={"server": server})
    async with running(settings, tmp_path) as regent:
        await regent.push(state(REFERENCE, regent={"adminUser": "small"}))
        await regent.settled(1)
        found = await scraped(regent, "postgregent_refused_changes 1.0")
    assert "PostgRegentChangesRefused" in firing(found, found)


@pytest.mark.found("C25")
@pytest.mark.versions(18)
async def test_a_password_that_is_wrong_is_trouble_for_a_person_and_every_life_a_failure(
    database: Database, tmp_path: Path
) -> None:
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        wrong = regent.settings.server.model_copy(update={"admin_password": SecretStr("wrong")})
        regent.kill()
        regent.settings = regent.settings.model_copy(update={"server": wrong})
        regent.start()
        before = await scraped(regent, failures=1)
        after = await scraped(regent, failures=before[FAILED] + 1)
        trouble = (await regent.status())["trouble"]
    assert (trouble["reason"], trouble["isForGood"]) == ("WrongPassword", True)
    assert "PostgRegentPassesFail" in firing(before, after)


@pytest.mark.rule("26")
@pytest.mark.versions(18)
async def test_what_somebody_undoes_again_and_again_is_contended_told_and_fires(
    database: Database, tmp_path: Path
) -> None:
    """It is corrected each time: nothing is outstanding, and somebody works against it."""
    async with running(settings_for(database), tmp_path) as regent:
        await regent.push(state(REFERENCE))
        await regent.settled(1)
        look = await database.connect()

        async def is_contended() -> bool:
            if not await look.fetchval(
                "SELECT has_table_privilege('mydb-viewer', 'schema1.flights', 'DELETE')"
            ):
                await look.execute('GRANT DELETE ON schema1.flights TO "mydb-viewer"')
            return bool((await regent.status())["contended"])

        await eventually(is_contended)
        status = await regent.status()
        found = await scraped(regent, "postgregent_contended_edges 1.0")
        history = (await regent.ask("GET", "/v1/history")).json()["items"]
    assert "PostgRegentContended" in firing(found, found)
    edge = status["contended"][0]
    assert edge["edge"] == "revoke DELETE on table schema1.flights from mydb-viewer"
    assert edge["times"] >= 5
    assert "my-admin" in edge["by"][0]
    noted = {one["resource"]: one["notes"] for one in status["resources"]}
    assert any("Contended" in note for note in noted["Role/default/mydb-viewer"])
    assert [one["correction"] for one in history].count("contended") == 1
