"""One part dead, the other, both: what was declared goes on being in force."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.kubernetes.place import MAY_WRITE_FLIGHTS, Place, new_place
from tests.kubernetes_harness.chart import NAMESPACE, InstalledChart

# The first test installs, and one that needs the installation alone waits for the others.
pytestmark = pytest.mark.timeout(900)
INTRUSION = 'GRANT INSERT ON schema1.airports TO "mydb-viewer"'


@pytest.fixture
async def place(installed_chart: InstalledChart) -> AsyncIterator[Place]:
    """The reference's manifests in force; whatever dies, the controller is back in the end."""
    async with new_place(installed_chart, alone=True) as place:
        place.apply(*place.manifests())
        place.wait_until_ready()
        try:
            yield place
        finally:
            installed_chart.scale(1)


async def kill(place: Place) -> None:
    """Its Regent's pod, without a word; returns when there is another one."""
    (pod,) = place.regent_pods()
    now = ("--force", "--grace-period=0")
    place.chart.cluster.kubectl("delete", "-n", NAMESPACE, pod, *now)
    await place.until(lambda: place.regent_pods() not in ([], [pod]))


@pytest.mark.rule("30")
async def test_a_regent_goes_on_without_the_controller_and_after_its_own_restart(
    place: Place,
) -> None:
    """What it accepted is in its home database; its Deployment brings it back."""
    declared = await place.access()
    place.chart.scale(0)
    await place.database.execute(INTRUSION, user="app_owner")
    await place.until_in_force(declared)
    await kill(place)
    await place.database.execute(INTRUSION, user="app_owner")
    await place.until_in_force(declared)


@pytest.mark.rule("17")
async def test_what_was_declared_while_both_were_dead_is_in_force_when_they_are_back(
    place: Place,
) -> None:
    """A privilege more, a user gone, and what an intruder did is undone."""
    declared = await place.access()
    place.chart.scale(0)
    name = place.regent_pods()[0].removeprefix("pod/").rsplit("-", 2)[0]
    regent = ("scale", f"deployment/{name}", "-n", NAMESPACE)
    place.chart.cluster.kubectl(*regent, "--replicas=0")
    await place.until(lambda: place.regent_pods() == [])
    await place.database.execute(INTRUSION, user="app_owner")
    place.apply(place.with_more_permissions("mydb-viewer", "read-write-flights"))
    place.kubectl("delete", "pguser", "flights-admin", "--wait=false")
    place.chart.scale(1)
    place.kubectl("wait", "--for=delete", "pguser/flights-admin", "--timeout=120s")
    place.wait_until_ready()
    # The User is gone, the Role of its name stays.
    user = ("flights-admin", "login=t verifier=t")
    role = ("flights-admin", "login=f verifier=")
    expected = {*declared, *MAY_WRITE_FLIGHTS, "role {} {}".format(*role)}
    await place.until_in_force(expected - {"role {} {}".format(*user)})
