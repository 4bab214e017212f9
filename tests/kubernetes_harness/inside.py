"""Process 1 of a node: makes mounts and interfaces, starts the daemons, reaps.

It is run by path with `python -I -S` in new mount, network and pid namespaces; every mount,
interface, rule and process made here ends with it. It imports nothing but the standard library.
"""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

# What kubelet's protectKernelDefaults wants to read. Files laid over /proc/sys: the machine's own
# values stay as they are.
KERNEL = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
OWN = ("/var/lib/kubelet", "/var/lib/cni", "/var/log/containers", "/var/log/pods")
POLL_SECONDS = 0.02


def main() -> int:
    """Follow the JSON in the file argv[1]."""
    order = json.loads(Path(sys.argv[1]).read_text())
    folder = Path(order["folder"])
    mount("--make-rshared", "/")
    # Sockets of containerd's shims and the state of runc.
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for place in OWN:
        Path(place).mkdir(parents=True, exist_ok=True)
        mount("-t", "tmpfs", "tmpfs", place)
    lay_kernel_values(folder / "sysctl")
    while not (folder / "go").exists():
        time.sleep(POLL_SECONDS)
    run("ip", "link", "set", "lo", "up")
    run("ip", "address", "add", f"{order['address']}/30", "dev", order["link"])
    run("ip", "link", "set", order["link"], "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")  # of this network namespace
    for name, arguments in order["first"].items():
        start(folder, name, arguments, order["path"])
    wait_ready(order["ready"], order["ca"])
    for name, arguments in order["then"].items():
        start(folder, name, arguments, order["path"])
    reap()
    return 0


def mount(*arguments: str) -> None:
    run("mount", *arguments)


def run(*command: str) -> None:
    subprocess.run(command, check=True)


def lay_kernel_values(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, value in KERNEL.items():
        file = folder / name.replace("/", "-")
        file.write_text(f"{value}\n")
        mount("--bind", str(file), f"/proc/sys/{name}")


def start(folder: Path, name: str, arguments: list[str], path: str) -> None:
    with (folder / f"{name}.log").open("ab") as log:
        subprocess.Popen(
            arguments,
            cwd=folder,
            env=os.environ | {"PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )


def wait_ready(url: str, ca: str) -> None:
    """Who starts before the API server (or its RBAC) is there backs off by up to 10 s."""
    trust: Any = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), trust)
    while True:
        try:
            with opener.open(url, timeout=5):
                return
        except OSError:
            time.sleep(POLL_SECONDS * 5)


def reap() -> None:
    """Orphans of the whole node become our children."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        try:
            os.wait()
        except ChildProcessError:
            time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
