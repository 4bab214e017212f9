"""`postgregent uninstall --kubernetes`: free a cluster of us, resources still there (rule 28).

A controller that runs does it: asked by an annotation, it has each Regent take off what it
installed. Where none acts, the finalizers and what runs the Regents are taken off from here, and
for each server it is said what is still there: from here only the Kubernetes API is reached.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from cli.cluster_removal import MayNot, Removal
from cli.cluster_state import ClusterState, Farewell, Patience, farewells
from cli.printing import Output, messages, print_data, results
from cli.terminal import Shown
from cli.uninstall import NotConfirmedError
from controller.kube.api import KubeApi
from controller.kube.errors import ApiError

DONE, SERVERS_LEFT = 0, 3
LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ClusterRemoval:
    """What `uninstall --kubernetes` was asked for."""

    kubeconfig: str | None = None
    context: str | None = None
    namespaces: tuple[str, ...] = ()
    is_confirmed: bool = False
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class _Done:
    by: str
    regents: tuple[Farewell, ...]
    finalizers: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()

    @property
    def commands(self) -> tuple[str, ...]:
        """Each once, though several Regents may be on one server."""
        return tuple(dict.fromkeys(one.command for one in self.regents if one.command))


async def run_cluster_removal(
    asked: ClusterRemoval, output: Output, ask: Callable[[str], bool]
) -> int:
    """0 when all is off, 3 when servers are left to be cleaned."""
    try:
        async with KubeApi.connect(asked.kubeconfig, asked.context) as api:
            removal = Removal(api, asked.namespaces, _say)
            done = await _remove(removal, asked, ask)
    except ApiError as error:
        if error.is_forbidden:
            raise MayNot.of(error) from error
        raise
    _print(done, output)
    return SERVERS_LEFT if done.commands else DONE


async def _remove(removal: Removal, asked: ClusterRemoval, ask: Callable[[str], bool]) -> _Done:
    before = await removal.look()
    if before.is_off and not before.to_annotate:
        return _Done("nobody", farewells(before.regents, before.regents, forced=True))
    if not asked.is_confirmed:
        _confirm(before, asked.namespaces, ask)
    await removal.annotate(before)
    finalizers = tuple(str(key) for key in sorted(before.held))
    if await _watch(removal, before, asked.patience):
        after = await removal.look()
        regents = farewells(before.regents, after.regents, forced=False)
        return _Done("controller", regents, finalizers)
    last = await removal.look()
    await removal.take_finalizers_off(last)
    workloads = await removal.delete_workloads()
    await removal.check_that_all_stays_off()
    regents = farewells(before.regents, last.regents, forced=True)
    return _Done("command", regents, finalizers, tuple(workloads))


async def _watch(removal: Removal, before: ClusterState, patience: Patience) -> bool:
    """Until all is off; False where no controller does anything for too long."""
    state, has_answered, changed = before, False, time.monotonic()
    while not (state.is_off or (state.workloads is None and not state.held)):
        quiet = time.monotonic() - changed
        limit = patience.seconds(has_answered=has_answered)
        if quiet >= limit:
            _say(f"No controller has done anything for {limit:.0f} s: it is done from here.")
            return False
        await asyncio.sleep(LOOK_SECONDS)
        state, earlier = await removal.look(), state
        if state.progress != earlier.progress:
            changed = time.monotonic()
            has_answered = has_answered or state.shows_a_controller or state.held < earlier.held
            _tell(earlier, state)
    return True


def _tell(before: ClusterState, after: ClusterState) -> None:
    for key in after.regents:
        if after.reason(key) != before.reason(key):
            _say(f"{key}: {after.reason(key)}")
    for key in sorted(before.held - after.held):
        _say(f"{key}: finalizer taken off")


def _confirm(state: ClusterState, namespaces: tuple[str, ...], ask: Callable[[str], bool]) -> None:
    """A script must say --yes, a person is asked. Raises NotConfirmedError."""
    if not sys.stdin.isatty():
        raise NotConfirmedError(
            "Nobody can be asked: standard input is no terminal.", way_out="Say --yes."
        )
    place = f"namespaces {', '.join(namespaces)}" if namespaces else "all namespaces"
    regents = ", ".join(f"{key.namespace}/{key.name}" for key in state.regents) or "none"
    others = sum(1 for key in state.held if key.kind != "Regent")
    if not ask(
        f"Of {place}, take these Regents off their servers: {regents};"
        f" and finalizers off {others} Roles and Users?"
        " No resource is deleted, and roles in PostgreSQL stay as they are."
    ):
        raise NotConfirmedError(way_out="Answer y, or say --yes.")


def _print(done: _Done, output: Output) -> None:
    console = results()
    if output != "table":
        data = {
            "by": done.by,
            "regents": [one.to_json() for one in done.regents],
            "finalizersOff": list(done.finalizers),
            "workloadsDeleted": list(done.workloads),
            "commands": list(done.commands),
        }
        print_data(console, data, output)
        return
    if done.by == "nobody":
        console.print("Nothing to do: no finalizer of ours is on anything, and no Regent runs.")
    for one in done.regents:
        console.print(Shown(f"{one.regent} on {one.server}: {one.became}"))
    for key in done.finalizers:
        console.print(Shown(f"{key}: finalizer off"))
    if done.commands:
        console.print(
            "\nTriggers, schema and marks are still on servers, as far as can be seen from here."
            " Run, where they can be reached, with the admin's password in PGPASSWORD:\n"
        )
        for command in done.commands:
            console.print(Shown(f"  {command}"))


def _say(line: str) -> None:
    """Progress, for people."""
    messages().print(Shown(line))
