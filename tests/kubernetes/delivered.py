"""What a namespace gets from Git by Flux: commits in, and how each of them has ended."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import OUR_KINDS, JsonObject
from tests.kubernetes_harness.access import Cluster
from tests.kubernetes_harness.daemon import Daemon
from tests.kubernetes_harness.flux import GIT_REPOSITORY, KUSTOMIZATION, define_flux, flux
from tests.kubernetes_harness.git_source import Artifact, GitSource, git_source
from tests.kubernetes_harness.unavailable import ClusterUnavailable

EXAMPLE = Path(__file__).parents[2] / "examples/gitops/flux/kustomization.yaml"
NAME = "database-access"
PATIENCE_SECONDS = 120.0
MANAGER = "source-of-the-test"


@dataclass(frozen=True, slots=True)
class Ended:
    """Why Flux has given a commit up."""

    reason: str
    message: str


@dataclass(slots=True)
class Delivery:
    """One repository, the Flux that brings it into one namespace, and what Flux says."""

    api: KubeApi
    namespace: str
    source: GitSource
    engine: Daemon

    def write(self, files: Mapping[str, str | None]) -> None:
        """Into the tree; None takes a file away."""
        for name, text in files.items():
            path = self.source.tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text, "utf-8")

    async def commit(self, message: str, files: Mapping[str, str | None]) -> Artifact:
        """Files changed, committed and published."""
        self.write(files)
        artifact = await asyncio.to_thread(self.source.commit, message)
        await self.publish(artifact)
        return artifact

    async def revert(self, commit: str) -> Artifact:
        """The commit taken back by another one, which is published."""
        artifact = await asyncio.to_thread(self.source.revert, commit)
        await self.publish(artifact)
        return artifact

    async def restore(self, commit: str) -> Artifact:
        """The tree as it was at a commit, by another one if it takes one, and published."""
        if await asyncio.to_thread(self.source.restore, commit):
            return await self.commit(f"As in {commit}", {})
        return await asyncio.to_thread(self.source.head)

    async def publish(self, artifact: Artifact) -> None:
        """What source-controller writes when it has fetched a commit."""
        found = await self.api.get(GIT_REPOSITORY, self.namespace, NAME)
        generation = found["metadata"]["generation"]
        status = {**artifact.status, "observedGeneration": generation}
        await self.api.patch_status(
            GIT_REPOSITORY, self.namespace, NAME, {"status": status}, field_manager=MANAGER
        )

    async def start(self, path: str, **spec: Any) -> None:
        """The Kustomization of examples/gitops, for this path of the tree, and Flux at work.

        Its own timeout of minutes stays, longer than we wait: what ends sooner has failed at once.
        """
        kustomization = yaml.safe_load(EXAMPLE.read_text("utf-8"))
        assert kustomization["spec"]["healthCheckExprs"], "they decide"
        kustomization["metadata"] = {"name": NAME}
        kustomization["spec"] |= {"path": path, "retryInterval": "2s"} | spec
        await self.api.create(KUSTOMIZATION, self.namespace, kustomization)
        self.engine.start()

    async def applied(self, artifact: Artifact) -> None:
        """When Flux waits for the health of what it has applied."""
        await self._until(
            lambda one: (
                "Running health checks" in _condition(one, "Reconciling")["message"]
                and artifact.revision in _condition(one, "Reconciling")["message"]
            ),
            artifact,
        )

    async def is_healthy(self) -> bool:
        """What Flux says now."""
        found = await self.state()
        return found is not None and _ready(found) == "True"

    async def healthy(self, artifact: Artifact) -> None:
        """When Flux says that all of the commit is in force."""
        await self._until(
            lambda one: (
                _ready(one) == "True"
                and one["status"].get("lastAppliedRevision") == artifact.revision
            ),
            artifact,
        )

    async def broken(self, artifact: Artifact) -> Ended:
        """When Flux has given the commit up for the first time."""
        found = await self._until(
            lambda one: _ready(one) == "False" and artifact.revision in _attempted(one), artifact
        )
        condition = _condition(found, "Ready")
        return Ended(condition["reason"], condition["message"])

    async def delete(self) -> None:
        """The Kustomization; it goes when Flux has deleted all that it had brought."""
        await self.api.delete(KUSTOMIZATION, self.namespace, NAME)

    async def gone(self) -> None:
        """When the Kustomization is gone."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while await self.state() is not None:
            await self._check(deadline, "it is still there")
            await asyncio.sleep(0.1)

    async def state(self) -> JsonObject | None:
        """The Kustomization; None when it is gone."""
        try:
            return await self.api.get(KUSTOMIZATION, self.namespace, NAME)
        except ApiError as error:
            if error.is_not_found:
                return None
            raise

    async def _until(self, holds: Callable[[JsonObject], bool], artifact: Artifact) -> JsonObject:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := await self.state()) is None or not holds(found):
            await self._check(deadline, f"{artifact.revision}: {(found or {}).get('status')}")
            await asyncio.sleep(0.1)
        return found

    async def _check(self, deadline: float, said: str) -> None:
        self.engine.must_run()
        if time.monotonic() > deadline:
            log = self.engine.log_path.read_text("utf-8", "replace")
            ours = "\n".join(await self._not_ready())
            raise TimeoutError(f"Kustomization {NAME}: {said}\n{log[-3000:]}\n{ours}")

    async def _not_ready(self) -> list[str]:
        """What our own resources say to it: last, where a long report is cut at its head."""
        return [
            f"{kind.name}/{one['metadata']['name']}: {condition['reason']}: {condition['message']}"
            for kind in OUR_KINDS
            for one in (await self.api.list(kind, self.namespace))[0]
            if (condition := _condition(one, "Ready"))["status"] != "True"
        ]


@contextlib.asynccontextmanager
async def delivery(
    cluster: Cluster, api: KubeApi, namespace: str, folder: Path
) -> AsyncIterator[Delivery]:
    """A repository and a Flux for this namespace, until the block ends."""
    try:
        await asyncio.to_thread(define_flux, cluster)
        engine = await asyncio.to_thread(flux, cluster, namespace, folder)
        opened = contextlib.ExitStack()
        source = opened.enter_context(git_source(folder / "git"))
    except ClusterUnavailable as reason:
        pytest.skip(f"no cluster: {reason}")
    with opened:
        repository: JsonObject = {
            "apiVersion": GIT_REPOSITORY.api_version,
            "kind": GIT_REPOSITORY.name,
            "metadata": {"name": NAME},
            "spec": {"url": "https://git.example.org/access.git", "interval": "1h"},
        }
        await api.create(GIT_REPOSITORY, namespace, repository)
        one = Delivery(api, namespace, source, engine)
        try:
            yield one
        finally:
            engine.stop()
            with contextlib.suppress(ApiError):
                freed: JsonObject = {"metadata": {"finalizers": []}}
                await api.patch(KUSTOMIZATION, namespace, NAME, freed)


def _condition(found: JsonObject, kind: str) -> dict[str, Any]:
    conditions = (found.get("status") or {}).get("conditions", ())
    none = {"status": "", "reason": "", "message": ""}
    return next((dict(one) for one in conditions if one["type"] == kind), none)


def _ready(found: JsonObject) -> str:
    """Of the present generation; Flux's own observedGeneration waits for a first success."""
    condition = _condition(found, "Ready")
    is_present = condition.get("observedGeneration") == found["metadata"]["generation"]
    return str(condition["status"]) if is_present else ""


def _attempted(found: JsonObject) -> str:
    """What names the commit that Flux works on; one without its path is never "attempted"."""
    begun = _condition(found, "Reconciling")["message"]
    return f"{found['status'].get('lastAttemptedRevision')} {begun}"
