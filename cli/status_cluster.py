"""`postgregent status --kubernetes`: what statuses in a cluster say, with the caller's rights."""

from __future__ import annotations

from dataclasses import dataclass

from cli.checked import now_here
from cli.table_of import ListOutput
from cli.told import Told, told_by
from cli.told_page import told_look
from cli.waiting import Look, waited
from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import OUR_KINDS, JsonObject
from shared.errors import PostgRegentError


class MayNotRead(PostgRegentError):
    """The cluster does not let you read this."""


class NotInstalled(PostgRegentError):
    """The cluster does not know PostgRegent's resources."""


@dataclass(frozen=True, slots=True)
class OfCluster:
    """A cluster, as kubectl finds it; without namespaces all of them."""

    kubeconfig: str | None = None
    context: str | None = None
    namespaces: tuple[str, ...] = ()


async def run_status_cluster(
    asked: OfCluster, output: ListOutput, wait_seconds: float | None = None
) -> int:
    """Print what they say. Raises MayNotRead, NotInstalled, and what reaching it raises."""

    async def look() -> Look:
        return told_look(await _told(asked), output)

    return await waited(look, wait_seconds)


async def _told(asked: OfCluster) -> list[Told]:
    try:
        async with KubeApi.connect(asked.kubeconfig, asked.context) as api:
            documents = await _documents(api, asked.namespaces)
    except ApiError as error:
        if error.is_forbidden:
            raise MayNotRead(
                f"The cluster does not let you: {error.message}.",
                way_out="Ask for the right to list regents, roles, users and permissions of"
                " putnam120.postgregent, or name a namespace in which you have it with -n.",
            ) from error
        if error.is_not_found:
            raise NotInstalled(
                way_out="Install the chart with its CRDs, or name --context."
            ) from error
        raise
    now = now_here()
    told = [] if any(one["kind"] == "Regent" for one in documents) else [_no_regent(asked)]
    for one in documents:
        told += told_by(one, now)
    return told


async def _documents(api: KubeApi, namespaces: tuple[str, ...]) -> list[JsonObject]:
    """All of ours, the Regents first."""
    found: list[JsonObject] = []
    for kind in reversed(OUR_KINDS):
        for namespace in namespaces or (None,):
            objects, _ = await api.list(kind, namespace)
            found += [{**one, "kind": kind.name} for one in objects]
    return found


def _no_regent(asked: OfCluster) -> Told:
    place = f"in {', '.join(asked.namespaces)}" if asked.namespaces else "in this cluster"
    said = f"There is no Regent {place}: nothing is held to what is declared."
    return Told("", "Alive", "Fault", "NoRegent", said)
