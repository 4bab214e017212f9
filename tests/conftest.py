"""Fixtures of all tests: real servers, a fresh database for each test, a canary password."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.postgres.canary import Canary, everything_of
from tests.postgres.clusters import cluster
from tests.postgres.database import Database, flights
from tests.postgres.releases import MAIN_VERSIONS, VERSIONS
from tests.postgres.reset import reset
from tests.postgres.server import PostgresServer

pytest_plugins = ["tests.kubernetes_harness.fixtures", "tests.ordering", "tests.transports"]

ENVIRONMENT = "POSTGREGENT_TEST_PG"

# Seeded, so that a run says the same twice; a busy machine is no failure.
settings.register_profile(
    "ours", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ours")
CANARY = pytest.StashKey[Canary]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pg",
        default=os.environ.get(ENVIRONMENT, ""),
        help=f"only these PostgreSQL versions, such as 15,18 (or ${ENVIRONMENT}), of {VERSIONS}",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that uses `server` runs on 15 and 18; its marks and --pg choose otherwise."""
    if "postgres_version" not in metafunc.fixturenames:
        return
    marks = metafunc.definition
    chosen: tuple[int, ...] = MAIN_VERSIONS
    if marks.get_closest_marker("every_version"):
        chosen = VERSIONS
    if mark := marks.get_closest_marker("versions"):
        chosen = mark.args
    if asked := metafunc.config.getoption("--pg"):
        only = {int(part) for part in asked.split(",")}
        if unknown := only - set(VERSIONS):
            raise pytest.UsageError(f"--pg {unknown} is not among {VERSIONS}")
        chosen = tuple(version for version in chosen if version in only)
    slow = marks.get_closest_marker("slow_versions")
    values = [
        pytest.param(v, id=f"pg{v}", marks=pytest.mark.slow if slow and v in slow.args else ())
        for v in chosen
    ]
    metafunc.parametrize("postgres_version", values)


class Servers:
    """The servers of this test process, each started when a test first asks for its version."""

    def __init__(self) -> None:
        self._running: dict[int, PostgresServer] = {}

    def get(self, version: int) -> PostgresServer:
        if version not in self._running:
            self._running[version] = PostgresServer.launch(cluster(version))
        return self._running[version]

    def discard(self) -> None:
        for server in self._running.values():
            server.discard()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """All servers of this process; gone with it, even when it is killed."""
    started = Servers()
    yield started
    started.discard()


@pytest.fixture
def running_server(servers: Servers, postgres_version: int) -> PostgresServer:
    """A running server; what an earlier test left on it may still be there: use `server`."""
    return servers.get(postgres_version)


@pytest.fixture
async def server(
    running_server: PostgresServer, request: pytest.FixtureRequest
) -> AsyncIterator[PostgresServer]:
    """A clean server: only its bootstrap superuser, `my-admin` and `app_owner`.

    A canary of the same test is searched for in all of it when the test has ended.
    """
    await reset(running_server)
    yield running_server
    canary = request.node.stash.get(CANARY, None)
    if canary and running_server.process.is_running:
        canary.assert_nowhere(await everything_of(running_server))


@pytest.fixture
async def database(server: PostgresServer) -> AsyncIterator[Database]:
    """The database `mydb` with the flights schema, on a clean server."""
    async with flights(server) as copy:
        yield copy


@pytest.fixture
def launch_server(postgres_version: int) -> Iterator[Callable[..., PostgresServer]]:
    """Start a server of the test's own, with settings: launch_server(wal_level="logical")."""
    launched: list[PostgresServer] = []

    def launch(**settings: str) -> PostgresServer:
        launched.append(PostgresServer.launch(cluster(postgres_version), settings))
        return launched[-1]

    yield launch
    for own in launched:
        own.discard()


@pytest.fixture
def canary(request: pytest.FixtureRequest) -> Canary:
    """A random password; see `server` for what happens with it."""
    one = Canary()
    request.node.stash[CANARY] = one
    return one
