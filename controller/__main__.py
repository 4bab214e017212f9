"""`python -m controller`: in a cluster. Flags, or POSTGREGENT_… in the environment."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from controller.options import Options
from shared.errors import PostgRegentError
from shared.printable import printable_lines

ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
LEVELS = ("debug", "info", "warning", "error")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the flags, set up the log, run until SIGTERM."""
    options = read_options(sys.argv[1:] if arguments is None else arguments, os.environ)
    # Late: what is wrong with the flags is said without loading everything.
    from controller.process import run  # noqa: PLC0415
    from shared.garbage import look_for_cycles_rarely  # noqa: PLC0415
    from shared.logging import configure_logging  # noqa: PLC0415

    configure_logging(options.log_level)
    look_for_cycles_rarely()
    try:
        asyncio.run(run(options))
    except PostgRegentError as error:
        sys.stderr.write(f"{printable_lines(str(error))}\n")
        return 1
    return 0


def read_options(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """A flag comes before its variable; lists are repeated, or separated by commas."""

    def variable(name: str, default: str = "") -> str:
        return environment.get(f"POSTGREGENT_{name}", default)

    parser = argparse.ArgumentParser(
        prog="python -m controller",
        description="Watches Permissions, Roles, Users and Regents, and runs one Regent each.",
    )
    add = parser.add_argument
    add("--namespace", default=variable("NAMESPACE"), help="where Regents run; default: our own")
    add("--watch-namespace", action="append", help="watched instead of the whole cluster")
    add("--regent-image", default=variable("REGENT_IMAGE"), help="the image of Regents")
    add(
        "--regent-image-pull-policy",
        default=variable("REGENT_IMAGE_PULL_POLICY", "IfNotPresent"),
        choices=("Always", "IfNotPresent", "Never"),
    )
    add("--lease-name", default=variable("LEASE_NAME", "postgregent-controller"))
    add("--metrics-port", type=int, default=int(variable("METRICS_PORT", "8080")))
    add("--api-port", type=int, default=int(variable("API_PORT", "0")), help="0: no views")
    add("--api-cert-file", type=Path, default=_path(variable("API_CERT_FILE")))
    add("--api-key-file", type=Path, default=_path(variable("API_KEY_FILE")))
    add("--leases", action="store_true", default=variable("LEASES") == "true", help="give leases")
    add("--kubeconfig", default=variable("KUBECONFIG") or None)
    add("--log-level", default=variable("LOG_LEVEL", "info"), choices=LEVELS)
    add("--allowed-hosts", action="append", help="patterns of hosts that Regents may connect to")
    found = parser.parse_args(arguments)
    if not found.regent_image:
        parser.error("--regent-image (POSTGREGENT_REGENT_IMAGE) is required")
    if found.api_port and not (found.api_cert_file and found.api_key_file):
        parser.error("--api-port needs --api-cert-file and --api-key-file: views are served by TLS")
    if found.leases and not found.api_port:
        parser.error("--leases needs --api-port: leases are asked for there")
    return Options(
        namespace=found.namespace or _own_namespace(),
        watch_namespaces=_list(found.watch_namespace, variable("WATCH_NAMESPACE")),
        regent_image=found.regent_image,
        regent_image_pull_policy=found.regent_image_pull_policy,
        lease_name=found.lease_name,
        metrics_port=found.metrics_port,
        api_port=found.api_port,
        api_cert_file=found.api_cert_file,
        api_key_file=found.api_key_file,
        leases=found.leases,
        kubeconfig=found.kubeconfig,
        log_level=found.log_level,
        allowed_hosts=_list(found.allowed_hosts, variable("ALLOWED_HOSTS")),
    )


def _list(given: Sequence[str] | None, variable: str) -> tuple[str, ...]:
    written = given if given is not None else [variable]
    parts = (part.strip() for text in written for part in text.split(","))
    return tuple(dict.fromkeys(part for part in parts if part))


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def _own_namespace() -> str:
    try:
        return ACCOUNT_NAMESPACE.read_text().strip()
    except OSError:
        return "default"


if __name__ == "__main__":
    sys.exit(main())
