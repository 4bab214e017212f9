"""What a kubelet does for Regents, where no containers run: their Deployments become processes.

The Secret's values become files, the container's command runs beside them, on ports of its own
since all share one machine. A Deployment that goes takes its process along.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.kube.api import KubeApi
from controller.kube.errors import ApiError
from controller.kube.kinds import DEPLOYMENT, SECRET
from controller.names import MANAGED_BY, MANAGER, workload_name
from controller.workloads.manifests import SETTINGS_DIGEST
from shared.keys import ResourceKey
from tests import forked
from tests.forked import Forked
from tests.ports import give_back, own_port

POLL_SECONDS = 0.1


@dataclass(slots=True)
class Pod:
    """One Regent's process."""

    folder: Path
    port: int = field(default_factory=own_port)
    health_port: int = field(default_factory=own_port)
    digest: str = ""
    """Of which Deployment, and with which settings, it was started."""
    process: Forked | None = None

    def write(self, data: dict[str, str]) -> None:
        """The mounted Secret."""
        self.folder.mkdir(exist_ok=True, mode=0o700)
        for name, encoded in data.items():
            value = base64.b64decode(encoded)
            if name == "regent.json":
                settings = json.loads(value)
                settings["api"] |= {
                    "host": "127.0.0.1", "port": self.port, "healthPort": self.health_port,
                }  # fmt: skip
                value = json.dumps(settings).encode()
            path = self.folder / name
            if not path.exists() or path.read_bytes() != value:
                whole = path.with_name(f".{name}")  # its reader finds the old or the new one
                whole.write_bytes(value)
                whole.replace(path)

    def start(self) -> None:
        """The container's command."""
        with (self.folder.with_suffix(".log")).open("ab") as log:
            self.process = forked.regent("--config", str(self.folder / "regent.json"), log=log)

    def ask_to_end(self) -> None:
        """SIGTERM; `stop` waits for what follows."""
        if (process := self.process) is not None:
            process.terminate()

    def give_ports_back(self) -> None:
        """It never runs again."""
        give_back(self.port)
        give_back(self.health_port)

    def stop(self, *, kill: bool = False) -> None:
        """SIGTERM, or SIGKILL; several threads may stop one pod, and each returns once it ended."""
        process = self.process
        if process is not None:
            if kill:
                process.kill()
            process.terminate()
            process.wait(timeout=120)
            if self.process is process:
                self.process = None


class Pods:
    """All Regents of one controller's namespace."""

    def __init__(self, api: KubeApi, namespace: str, folder: Path) -> None:
        self._api = api
        self._namespace = namespace
        self._folder = folder
        self._ports: dict[str, Pod] = {}
        self.running: dict[str, Pod] = {}
        self.is_paused = False
        self._looking = asyncio.Lock()

    def of(self, key: ResourceKey) -> Pod:
        """The pod of a Regent; its ports are chosen before it runs."""
        name = workload_name(key)
        return self._ports.setdefault(name, Pod(self._folder / name))

    def address(self, key: ResourceKey) -> str:
        """Where the controller reaches it."""
        return f"https://127.0.0.1:{self.of(key).port}"

    def logs(self) -> str:
        """Everything that they said."""
        return "".join(path.read_text() for path in self._folder.glob("*.log"))

    async def pause(self) -> None:
        """From now on nothing follows: no file is written and no process started."""
        self.is_paused = True
        async with self._looking:
            pass

    async def run(self) -> None:
        """Follow the Deployments until cancelled."""
        try:
            while True:
                with contextlib.suppress(ApiError):
                    async with self._looking:
                        if not self.is_paused:
                            await self._look()
                await asyncio.sleep(POLL_SECONDS)
        finally:
            for pod in self.running.values():
                pod.ask_to_end()
            for pod in self._ports.values():
                pod.stop()
                pod.give_ports_back()

    async def _look(self) -> None:
        selector = f"{MANAGED_BY}={MANAGER}"
        found, _ = await self._api.list(DEPLOYMENT, self._namespace, label_selector=selector)
        listed = {one["metadata"]["name"]: one for one in found}
        for name in self.running.keys() - listed.keys():
            await asyncio.to_thread(self.running.pop(name).stop)
        for name, deployment in listed.items():
            await self._follow(name, deployment)

    async def _follow(self, name: str, deployment: dict[str, Any]) -> None:
        pod = self._ports.setdefault(name, Pod(self._folder / name))
        secret = await self._api.get(SECRET, self._namespace, name)
        pod.write(secret["data"])
        template = deployment["spec"]["template"]
        settings = template["metadata"]["annotations"][SETTINGS_DIGEST]
        # The pod of a Deployment that was deleted goes, however soon there is another one.
        digest = f"{deployment['metadata']['uid']} {settings}"
        dead = pod.process is None or pod.process.poll() is not None
        if dead or pod.digest != digest:
            await asyncio.to_thread(pod.stop)
            pod.digest = digest
            pod.start()
            self.running[name] = pod


@contextlib.asynccontextmanager
async def pods(api: KubeApi, namespace: str, folder: Path) -> AsyncIterator[Pods]:
    """They run until the block ends."""
    made = Pods(api, namespace, folder)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
