"""A release is taken away with resources still there, and nothing of ours holds a namespace."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.command import Ended, postgregent_process
from tests.kubernetes.place import MINUTE, Place, new_place
from tests.kubernetes_harness.access import CallFailed
from tests.kubernetes_harness.chart import InstalledChart

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
async def place(installed_chart: InstalledChart) -> AsyncIterator[Place]:
    """For who takes the chart away; the reference's manifests are in force."""
    async with new_place(installed_chart, alone=True) as place:
        place.apply(*place.manifests())
        place.wait_until_ready()
        yield place


async def uninstall(place: Place, *more: str) -> Ended:
    kubeconfig = str(place.chart.cluster.kubeconfig)
    asked = ("uninstall", "--kubernetes", "--kubeconfig", kubeconfig, "-n", place.namespace)
    return await postgregent_process(*asked, "--yes", *more)


def end_namespace(place: Place) -> None:
    """With everything in it."""
    try:
        place.chart.cluster.kubectl("delete", "namespace", place.namespace, MINUTE)
    except CallFailed as failed:
        raise AssertionError(f"{failed}\n{place.told()}") from failed


@pytest.mark.rule("28")
async def test_uninstalled_first_the_release_goes_and_leaves_nothing_that_waits(
    place: Place,
) -> None:
    access = await place.access()
    ended = await uninstall(place)
    assert ended.status == 0, f"{ended.out}\n{ended.err}\n{place.told()}"
    await place.until(lambda: place.regent_pods() == [])
    try:
        place.chart.uninstall()
        end_namespace(place)
    finally:
        place.chart.install()
    assert await place.access() == access


@pytest.mark.rule("28")
async def test_with_the_release_gone_the_command_frees_everything(place: Place) -> None:
    access = await place.access()
    place.chart.uninstall()
    try:
        ended = await uninstall(place, "--patience", "5")
        assert ended.status == 3, f"{ended.out}\n{ended.err}"
        assert f"postgregent uninstall --dsn postgresql://my-admin@{place.host}:" in ended.out
        end_namespace(place)
        await place.until(lambda: place.regent_pods() == [])
    finally:
        place.chart.install()
    assert await place.access() == access
