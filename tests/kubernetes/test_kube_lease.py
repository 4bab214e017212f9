"""One leader at a time: among real processes, one of them frozen, on a real API server."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import CONFIG_MAP, LEASE
from controller.kube.lease import LeaseElector, NotLeader
from controller.kube.tenure import Terms
from tests.eventually import eventually
from tests.frozen import freeze
from tests.kubernetes.candidate import LEASE_NAME, TERMS, TURN, WRITER
from tests.kubernetes.tcp_proxy import TcpProxy, proxy_to
from tests.kubernetes_harness.access import Cluster

ROOT = Path(__file__).parents[2]
PATIENT = Terms(lease_seconds=60, renew_seconds=40, retry_seconds=0.2)
"""Where nobody is to lose a Lease, however long a busy machine lets nobody renew it."""


class Office:
    """What candidates do in turns: who leads now, and when each began."""

    def __init__(self, api: KubeApi, namespace: str) -> None:
        self.api = api
        self.namespace = namespace
        self.leaders: list[str] = []
        self.leading: set[str] = set()
        self.electors: dict[str, LeaseElector] = {}
        self.running: dict[str, asyncio.Task[None]] = {}

    def candidate(self, name: str, api: KubeApi | None = None, terms: Terms = TERMS) -> None:
        """Let one more compete."""
        elector = LeaseElector(
            api or self.api, self.namespace, LEASE_NAME, identity=name, terms=terms
        )

        async def lead() -> None:
            assert not self.leading, f"{name} leads beside {self.leading}"
            self.leaders.append(name)
            self.leading.add(name)
            try:
                await asyncio.Event().wait()
            finally:
                self.leading.discard(name)

        self.electors[name] = elector
        self.running[name] = asyncio.create_task(elector.run(lead))

    async def until(self, condition: Callable[[], bool]) -> None:
        async def holds() -> bool:
            for task in self.running.values():
                if task.done() and not task.cancelled():
                    await task
            return condition()

        await eventually(holds)

    async def end(self, name: str) -> None:
        """Ask one to stop, and wait until it has."""
        self.running[name].cancel()
        await asyncio.gather(self.running[name], return_exceptions=True)

    async def lease(self) -> dict[str, object]:
        found: dict[str, object] = (await self.api.get(LEASE, self.namespace, LEASE_NAME))["spec"]
        return found


@pytest.fixture
async def office(api: KubeApi, namespace: str) -> AsyncIterator[Office]:
    made = Office(api, namespace)
    yield made
    for name in made.running:
        await made.end(name)


async def test_of_many_candidates_one_leads(office: Office) -> None:
    """All at once on a Lease that is not there yet."""
    for name in "abcdef":
        office.candidate(name, terms=PATIENT)
    await office.until(lambda: bool(office.leading))
    [leader] = office.leading
    assert {name for name, elector in office.electors.items() if elector.is_leader} == {leader}
    spec = await office.lease()
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == (leader, 0)
    assert str(spec["renewTime"]).endswith("Z")


async def test_who_ends_gives_the_lease_back(office: Office) -> None:
    """Its successor has hour-long terms, so it could not have waited for an expiry."""
    patient = Terms(lease_seconds=3600, renew_seconds=1800, retry_seconds=0.1)
    office.candidate("a", terms=patient)
    await office.until(lambda: office.leaders == ["a"])
    office.candidate("b", terms=patient)
    await office.end("a")
    assert not office.electors["a"].is_leader
    await office.until(lambda: office.leaders == ["a", "b"])
    assert (await office.lease())["leaseTransitions"] == 1


async def test_a_lease_that_nobody_holds_is_left_so(office: Office) -> None:
    office.candidate("a", terms=PATIENT)
    await office.until(lambda: office.leaders == ["a"])
    await office.end("a")
    assert (await office.lease()).get("holderIdentity", "") == ""


async def test_who_is_not_leader_may_not_write(office: Office) -> None:
    office.candidate("a", terms=PATIENT)
    await office.until(lambda: office.leaders == ["a"])
    office.candidate("b", terms=PATIENT)
    assert 0 < office.electors["a"].seconds_left() <= PATIENT.renew_seconds
    with pytest.raises(NotLeader):
        office.electors["b"].seconds_left()


@pytest.mark.rule("17")
async def test_a_write_whose_time_ends_before_it_is_sent_is_not_sent(
    api: KubeApi, namespace: str
) -> None:
    """As one who is frozen between asking and sending: it asks again, and has lost the Lease."""
    asked = 0

    def seconds_left() -> float:
        nonlocal asked
        asked += 1
        if asked > 1:
            raise NotLeader
        return 5.0

    body = {"metadata": {"name": "late", "labels": {WRITER: "a"}}}
    with pytest.raises(ApiError) as refused:
        await api.writing_while(seconds_left).create(CONFIG_MAP, namespace, body)
    assert refused.value.status == 0
    assert asked == 2
    found, _ = await api.list(CONFIG_MAP, namespace, label_selector=WRITER)
    assert found == []


async def test_a_change_of_the_lease_by_others_ends_no_leadership(office: Office) -> None:
    """Someone annotates it: the next renewal conflicts, looks, and goes on."""
    office.candidate("a", terms=PATIENT)
    await office.until(lambda: office.leaders == ["a"])
    for turn in range(5):
        note = {"metadata": {"annotations": {"turn": str(turn)}}}
        await office.api.patch(LEASE, office.namespace, LEASE_NAME, note)
        await asyncio.sleep(1.5 * PATIENT.retry_seconds)
    assert office.leaders == ["a"]
    assert office.electors["a"].is_leader


async def test_a_lease_taken_by_another_is_lost_at_once(office: Office) -> None:
    office.candidate("a")
    await office.until(lambda: office.leaders == ["a"])
    stolen = {"spec": {"holderIdentity": "someone-else"}}
    await office.api.patch(LEASE, office.namespace, LEASE_NAME, stolen)
    await office.until(lambda: not office.leading)
    assert not office.electors["a"].is_leader
    await office.until(lambda: office.leaders[:2] == ["a", "a"])


async def test_a_deleted_lease_makes_no_second_leader(office: Office) -> None:
    """Who waits has seen its holder, and lets it go on; the holder makes it again."""
    office.candidate("a", terms=PATIENT)
    await office.until(lambda: office.leaders == ["a"])
    office.candidate("b", terms=PATIENT)
    await office.until(lambda: office.electors["b"].leader == "a")
    for _ in range(3):
        await office.api.delete(LEASE, office.namespace, LEASE_NAME)
        await office.until(lambda: office.electors["a"].is_leader)
        await asyncio.sleep(5 * PATIENT.retry_seconds)
    assert set(office.leaders) == {"a"}


async def test_a_leader_that_is_cut_off_stops_before_another_begins(
    office: Office, shaky_api: KubeApi, proxy: TcpProxy
) -> None:
    """Its connection stays open and nothing comes through; then it comes back and waits."""
    office.candidate("a", shaky_api)
    await office.until(lambda: office.leaders[:1] == ["a"])
    office.candidate("b", terms=PATIENT)  # it waits as long as the Lease of the other says
    proxy.hold()
    await office.until(lambda: office.leading == {"b"})
    assert not office.electors["a"].is_leader
    proxy.release()
    await office.until(lambda: office.electors["a"].leader == "b")
    assert office.leading == {"b"}


async def test_a_leader_outlives_a_short_outage(
    office: Office, shaky_api: KubeApi, proxy: TcpProxy
) -> None:
    office.candidate("a", shaky_api, PATIENT)
    await office.until(lambda: office.leaders == ["a"])
    for _ in range(3):
        await proxy.refuse()
        await asyncio.sleep(0.3)
        await proxy.start()
        await asyncio.sleep(0.3)
    assert office.leaders == ["a"]
    assert (await office.lease())["holderIdentity"] == "a"


async def test_a_leader_that_returns_has_done_its_work(office: Office) -> None:
    elector = LeaseElector(office.api, office.namespace, LEASE_NAME, terms=TERMS)

    async def lead() -> None:
        assert elector.is_leader

    await elector.run(lead)
    assert not elector.is_leader
    assert (await office.lease()).get("holderIdentity", "") == ""


@pytest.mark.found("E193")
@pytest.mark.rule("17")
async def test_a_leader_whose_clock_stood_still_proves_nothing(office: Office) -> None:
    """As in a virtual machine that was paused. Until somebody else has led, it is proved."""
    now = 0.0
    first = LeaseElector(office.api, office.namespace, LEASE_NAME, clock=lambda: 0.0)
    second = LeaseElector(office.api, office.namespace, LEASE_NAME, clock=lambda: now)
    assert await first._compete()
    assert not await second._compete()
    await asyncio.gather(*(first.prove() for _ in range(20)))
    assert first._sent <= 3, "many that ask at once share one renewal"
    now = 10**6
    assert not await second._compete(), "it was renewed since"
    now = 10**7
    assert await second._compete()
    assert first.is_leader, "as far as it knows"
    with pytest.raises(NotLeader):
        await first.prove()


async def test_what_a_leader_fails_with_is_seen(office: Office) -> None:
    elector = LeaseElector(office.api, office.namespace, LEASE_NAME, terms=TERMS)

    async def lead() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await elector.run(lead)
    assert (await office.lease()).get("holderIdentity", "") == ""


async def test_a_leader_that_ends_slowly_holds_the_lease_until_it_has(office: Office) -> None:
    """Longer than the terms: it goes on renewing, and nobody begins beside it."""
    order: list[str] = []
    terms = Terms(lease_seconds=4.0, renew_seconds=3.5, retry_seconds=0.2)
    slow = LeaseElector(office.api, office.namespace, LEASE_NAME, identity="slow", terms=terms)

    async def lead() -> None:
        order.append("slow leads")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(terms.lease_seconds + 1)
            order.append(f"slow ended, leader: {slow.is_leader}")

    async def next_one() -> None:
        order.append("next leads")

    running = asyncio.create_task(slow.run(lead))
    await office.until(lambda: order == ["slow leads"])
    other = LeaseElector(office.api, office.namespace, LEASE_NAME, terms=TERMS)
    waiting = asyncio.create_task(other.run(next_one))
    running.cancel()
    await waiting
    assert order == ["slow leads", "slow ended, leader: True", "next leads"]
    await asyncio.wait([running])


@contextlib.asynccontextmanager
async def candidate(kubeconfig: Path, namespace: str, name: str) -> AsyncIterator[Process]:
    """A process of its own that leads and writes."""
    module = "tests.kubernetes.candidate"
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, str(kubeconfig), namespace, name, cwd=ROOT, stdout=PIPE
    )
    try:
        yield started
    finally:
        with contextlib.suppress(ProcessLookupError):
            started.send_signal(signal.SIGCONT)
            started.terminate()
        await started.wait()


async def says(process: Process, line: str) -> None:
    """Sooner or later; on a busy machine a Lease is lost and had again in between."""
    assert process.stdout
    async with asyncio.timeout(120):
        while (said := (await process.stdout.readline()).decode()).strip() != line:
            assert said, f"it has ended before it said: {line}"


async def check_that_each_wrote_in_its_turn(api: KubeApi, namespace: str, at_least: int) -> None:
    """In the order in which the server took it. On a busy machine there may be more turns."""
    found, _ = await api.list(CONFIG_MAP, namespace, label_selector=WRITER)
    written = sorted(found, key=lambda item: int(item["metadata"]["resourceVersion"]))
    labels = [item["metadata"]["labels"] for item in written]
    turns = [key for key, _ in itertools.groupby((int(one[TURN]), one[WRITER]) for one in labels)]
    numbers = [number for number, _ in turns]
    assert numbers == sorted(set(numbers)), turns
    assert {name for _, name in turns} == {"a", "b"}
    assert len(turns) >= at_least


@pytest.mark.rule("17")
async def test_a_frozen_leader_writes_nothing_when_it_comes_back(
    api: KubeApi, control_plane: Cluster, namespace: str
) -> None:
    """SIGSTOP until another leads, SIGCONT, and the other way round: no write is out of turn."""
    path = control_plane.kubeconfig
    async with (
        candidate(path, namespace, "a") as first,
        candidate(path, namespace, "b") as second,
    ):
        pair = {"a": first, "b": second}
        leader = await first_to_lead(pair)
        for _ in range(4):
            await written_since(api, namespace)
            frozen = pair[leader]
            freeze(frozen.pid)
            [other] = pair.keys() - {leader}
            await says(pair[other], f"{other} leads")
            await written_since(api, namespace)
            os.kill(frozen.pid, signal.SIGCONT)
            await says(frozen, f"{leader} ends")
            await written_since(api, namespace)
            leader = other
        await check_that_each_wrote_in_its_turn(api, namespace, at_least=5)


async def first_to_lead(pair: dict[str, Process]) -> str:
    asked = {
        asyncio.create_task(process.stdout.readline()): name
        for name, process in pair.items()
        if process.stdout
    }
    done, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.wait(asked)
    [first] = done
    assert (await first).decode().strip() == f"{asked[first]} leads"
    return asked[first]


async def written_since(api: KubeApi, namespace: str) -> None:
    """Until somebody has written some more."""
    before, _ = await api.list(CONFIG_MAP, namespace, label_selector=WRITER)

    async def more() -> bool:
        found, _ = await api.list(CONFIG_MAP, namespace, label_selector=WRITER)
        return len(found) > len(before) + 5

    await eventually(more)


@pytest.mark.rule("17")
async def test_a_leader_that_is_cut_off_writes_nothing_out_of_turn(
    api: KubeApi, control_plane: Cluster, namespace: str, tmp_path: Path
) -> None:
    """What was under way when the network stopped is reset, and never arrives late."""
    async with proxy_to(control_plane.server) as proxy:
        shaky = proxy.kubeconfig(control_plane.kubeconfig, tmp_path)
        async with candidate(shaky, namespace, "a") as first:
            await says(first, "a leads")
            await written_since(api, namespace)
            async with candidate(control_plane.kubeconfig, namespace, "b") as second:
                proxy.hold()
                await says(second, "b leads")
                await says(first, "a ends")
                await written_since(api, namespace)
                proxy.release()
                await written_since(api, namespace)
            await says(first, "a leads")
            await written_since(api, namespace)
    await check_that_each_wrote_in_its_turn(api, namespace, at_least=3)
