"""Whether deletions of our objects are news of the objects, or of their definition going away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import CUSTOM_RESOURCE_DEFINITION, Kind, is_deleting


def deletions_count_while_defined(api: KubeApi, kind: Kind) -> Callable[[], Awaitable[bool]]:
    """For `Informer(deletions_count=…)`: not while the CustomResourceDefinition ends or is gone.

    Deleting a definition first deletes every object of its kind, one by one, and the watch tells
    that like any other deletion. But before the first of them the definition has its
    deletionTimestamp, so reading it after a DELETED arrived tells the two apart without a race.
    """

    async def deletions_count() -> bool:
        try:
            definition = await api.get(CUSTOM_RESOURCE_DEFINITION, None, kind.qualified)
        except ApiError as problem:
            if problem.is_not_found:
                return False
            raise
        return not is_deleting(definition)

    return deletions_count
