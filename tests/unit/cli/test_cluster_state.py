"""What `uninstall --kubernetes` makes of what it finds."""

from __future__ import annotations

from typing import Any

import pytest

from cli.cluster_state import (
    ClusterState,
    Farewell,
    Patience,
    command_for,
    farewells,
    of_namespaces,
)
from controller.lifecycle.finalizers import FINALIZER
from controller.names import REGENT_NAMESPACE
from shared.keys import ResourceKey
from shared.resources import UNINSTALL_ANNOTATION
from tests.unit.cluster.objects import REGENT_SPEC, raw

pytestmark = pytest.mark.rule("28")
ASKED = {UNINSTALL_ANNOTATION: "true"}


def regent(reason: str = "Running", accepted: int | None = 3, **metadata: Any) -> dict[str, Any]:
    found = raw("Regent", "my-regent", REGENT_SPEC, **metadata)
    ready = "True" if reason == "Running" else "False"
    found["status"] = {"conditions": [{"type": "Ready", "status": ready, "reason": reason}]}
    if accepted is not None:
        found["status"]["acceptedRevision"] = accepted
    return found


def state(*found: dict[str, Any], workloads: Any = ()) -> ClusterState:
    keys = (ResourceKey(o["kind"], "default", o["metadata"]["name"]) for o in found)
    return ClusterState(dict(zip(keys, found, strict=True)), workloads)


def test_only_regents_that_nobody_asked_to_go_are_annotated() -> None:
    assert state(regent()).to_annotate == (regent(),)
    assert state(regent(annotations=ASKED)).to_annotate == ()
    assert state(regent(deletionTimestamp="2026-01-01T00:00:00Z")).to_annotate == ()
    assert state(raw("Role", "a", {})).to_annotate == ()


def test_it_is_off_without_finalizers_and_without_what_runs_regents() -> None:
    assert state(regent(), raw("Role", "a", {}, finalizers=["other/one"])).is_off
    assert not state(raw("Role", "a", {}, finalizers=[FINALIZER])).is_off
    assert not state(regent(), workloads=({},)).is_off
    assert state(regent(), workloads=None).is_off


def test_an_answer_of_the_controller_is_seen_and_an_old_one_is_none() -> None:
    held = [FINALIZER]
    assert state(regent("Uninstalling", finalizers=held)).shows_a_controller
    assert not state(regent("Running", finalizers=held)).shows_a_controller
    assert not state(regent("Uninstalled")).shows_a_controller


def test_a_controller_that_has_answered_may_wait_for_its_server() -> None:
    patience = Patience(30)
    assert patience.seconds(has_answered=False) == 30
    assert patience.seconds(has_answered=True) == 75


@pytest.mark.parametrize(
    ("found", "became"),
    [
        (regent("Uninstalled", None), "Uninstalled"),
        (regent("LeftInstalled", None), "LeftInstalled"),
        (regent("Running"), "LeftInstalled"),
        (regent("Uninstalling"), "LeftInstalled"),
        (regent("AdminSecretMissing", None), "NothingInstalled"),
    ],
)
def test_what_was_not_said_to_be_off_has_left_something(found: dict[str, Any], became: str) -> None:
    """A Regent that never accepted anything has installed nothing."""
    said = Farewell.of(ResourceKey("Regent", "default", "my-regent"), found)
    assert said.became == became
    assert bool(said.command) == (became == "LeftInstalled")


def test_a_regent_that_was_deleted_meanwhile_left_nothing_unless_that_was_us() -> None:
    before = state(regent()).regents
    (seen,) = farewells(before, {}, forced=False)
    assert (seen.became, seen.command) == ("Deleted", "")
    (forced,) = farewells(before, {}, forced=True)
    assert forced.became == "LeftInstalled"


@pytest.mark.parametrize(
    ("more", "command"),
    [
        ({}, "postgregent uninstall --dsn postgresql://my-admin@db.example.org:5432/mydb"),
        (
            {"port": 5433, "homeDatabase": "the home", "tls": {"mode": "verify-full"}},
            (
                "postgregent uninstall --dsn"
                " 'postgresql://my-admin@db.example.org:5433/mydb?sslmode=verify-full'"
                " --home-database 'the home'"
            ),
        ),
        (
            {"adminUser": "a@b $(x)", "databaseHost": "fd00::1", "databaseName": "my db"},
            "postgregent uninstall --dsn 'postgresql://a%40b%20%24%28x%29@[fd00::1]:5432/my%20db'",
        ),
    ],
)
def test_the_command_can_be_pasted_into_a_shell(more: dict[str, Any], command: str) -> None:
    assert command_for({**REGENT_SPEC, **more}) == command


def test_workloads_of_other_namespaces_are_left_alone() -> None:
    one, other = ({"metadata": {"labels": {REGENT_NAMESPACE: name}}} for name in ("a", "b"))
    assert of_namespaces((one, other), frozenset({"a"})) == (one,)
    assert of_namespaces((one, other), frozenset()) == (one, other)
