"""`python -m tests.kubernetes_harness build|up|down`: a Kubernetes for tests and for people."""

from __future__ import annotations

import argparse
import sys

from tests.kubernetes_harness.images import TARGETS, coredns_image, pause_image, program_image
from tests.kubernetes_harness.packages import install_missing
from tests.kubernetes_harness.programs import (
    ACTIONLINT,
    ALERTS,
    CONTROL_PLANE,
    FLUX,
    HEALTH,
    NODE,
    REGISTRY,
    programs,
)
from tests.kubernetes_harness.standing import down, up
from tests.kubernetes_harness.tools import tools
from tests.kubernetes_harness.unavailable import ClusterFailed, ClusterUnavailable

SETS = {
    "control-plane": (CONTROL_PLANE,),
    "node": NODE,
    "flux": (FLUX, HEALTH),
    "release": (ACTIONLINT, REGISTRY, ALERTS),
}
USE = """
A Kubernetes with one node is up at {server}, a PostgreSQL 17 at {postgres}.
PostgRegent is installed in the namespace {namespace} and reads the Secrets of "default".

In any shell:   . {environment}
then:           kubectl apply -f {example}
                kubectl wait pgregent,pgperm,pgrole,pguser --all --for=condition=Ready
                kubectl get postgregent     psql -c '\\du'     helm list -A

The manifests there are those of examples/flights, made to fit this PostgreSQL.
To end it:      make cluster-down
"""


def main() -> int:
    """One of the three; the status is not 0 when it did not work."""
    parser = argparse.ArgumentParser(prog="python -m tests.kubernetes_harness", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="build or find the programs, ahead of the tests")
    build.add_argument("sets", nargs="+", choices=SETS)
    build.add_argument("--images", action="store_true", help="the container images too")
    build.add_argument("--if-possible", action="store_true", help="else say why not: status 0")
    commands.add_parser("up", help="a node, the chart and a PostgreSQL, left up for you")
    commands.add_parser("down", help="end what `up` started")
    arguments = parser.parse_args()
    try:
        match arguments.command:
            case "build":
                _build(arguments.sets, images=arguments.images)
            case "up":
                _up()
            case "down":
                _say("The cluster is down." if down() else "No cluster was up.")
    except (ClusterUnavailable, ClusterFailed) as trouble:
        sys.stderr.write(f"{trouble}\n")
        lenient = getattr(arguments, "if_possible", False)
        return 0 if lenient and isinstance(trouble, ClusterUnavailable) else 1
    return 0


def _build(names: list[str], *, images: bool) -> None:
    _say(f"kubectl and helm: {tools()}")
    if "node" in names:
        install_missing()
    for one in dict.fromkeys(one for name in names for one in SETS[name]):
        _say(f"{', '.join(one.packages)}: {programs(one)}")
    if images:
        for image in (pause_image(), coredns_image(), *map(program_image, TARGETS)):
            _say(f"{image.name}: {image.archive}")


def _up() -> None:
    _say(USE.format(**up()))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
