"""Nothing depends on the order in which people, Argo CD or Helm apply and delete."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.kubernetes.in_force import INSTALLED
from tests.kubernetes.place import MAY_WRITE_FLIGHTS, MINUTE, Place, new_place
from tests.kubernetes_harness.access import CallFailed
from tests.kubernetes_harness.chart import NAMESPACE, RELEASE, InstalledChart

# The first test installs, and one that needs the installation alone waits for the others.
pytestmark = pytest.mark.timeout(900)
# What is applied, and deleted, first, second and so on.
ORDERS = (
    ("Secret", "Permission", "Role", "User", "Regent"),
    ("Regent", "User", "Role", "Permission", "Secret"),
    ("User", "Regent", "Permission", "Secret", "Role"),
)


@pytest.fixture
async def place(installed_chart: InstalledChart) -> AsyncIterator[Place]:
    """With nothing applied yet."""
    async with new_place(installed_chart) as place:
        yield place


async def is_anything_installed(place: Place) -> bool:
    connection = await place.database.connect()
    return bool(await connection.fetchval(INSTALLED))


@pytest.mark.rule("18")
@pytest.mark.rule("27")
@pytest.mark.rule("28")
async def test_in_every_order_the_manifests_come_into_force_and_go(place: Place) -> None:
    """One by one in, all at once out; the brake, which counts, is not what this is about."""
    before = await place.access()
    declared: list[str] = []
    for applying, deleting in zip(ORDERS, reversed(ORDERS), strict=True):
        manifests = place.manifests(brake={"mode": "Disabled"})
        for manifest in sorted(manifests, key=lambda one: applying.index(one["kind"])):
            place.apply(manifest)
        place.wait_until_ready()
        declared = declared or await place.access()
        assert await place.access() == declared
        ours = [one for one in manifests if one["kind"] != "Secret"]
        place.delete(*sorted(ours, key=lambda one: deleting.index(one["kind"])))
        place.wait_until_gone()
        assert await place.access() == before
        assert not await is_anything_installed(place)


@pytest.mark.rule("28")
@pytest.mark.parametrize("database", ["reachable", "gone"])
async def test_a_namespace_ends_within_a_minute(place: Place, database: str) -> None:
    """Secrets and the controller's right to read them go first; nothing hangs."""
    place.apply(*place.manifests())
    place.wait_until_ready()
    if database == "gone":
        place.database.server.stop()
    try:
        place.chart.cluster.kubectl("delete", "namespace", place.namespace, MINUTE)
    except CallFailed as failed:
        raise AssertionError(f"{failed}\n{place.told()}") from failed
    await place.until(lambda: place.regent_pods() == [])
    await place.until(lambda: is_told_beside_the_controller(place))


def is_told_beside_the_controller(place: Place) -> bool:
    """What is left of the Regent, where a person can read it: its namespace takes no Events."""
    found = place.chart.cluster.get("events.events.k8s.io", "-n", NAMESPACE)["items"]
    notes = [
        one["note"]
        for one in found
        if one.get("related", {}).get("namespace") == place.namespace
        and one["regarding"]["kind"] == "Deployment"
    ]
    described = place.chart.cluster.kubectl("describe", "deployment", RELEASE, "-n", NAMESPACE)
    return any("roles stay as they are" in one and one[:40] in described for one in notes)


@pytest.fixture
async def place_alone(installed_chart: InstalledChart) -> AsyncIterator[Place]:
    """For who takes the chart away."""
    async with new_place(installed_chart, alone=True) as place:
        yield place


@pytest.mark.rule("28")
async def test_the_chart_can_be_taken_away_and_brought_back(place_alone: Place) -> None:
    """The roles stay as they are; what was changed meanwhile is in force afterwards."""
    place = place_alone
    place.apply(*place.manifests())
    place.wait_until_ready()
    declared = await place.access()
    place.chart.uninstall()
    try:
        assert await place.access() == declared
        place.apply(place.with_more_permissions("mydb-viewer", "read-write-flights"))
    finally:
        place.chart.install()
    await place.until_in_force({*declared, *MAY_WRITE_FLIGHTS})
    place.wait_until_ready()
