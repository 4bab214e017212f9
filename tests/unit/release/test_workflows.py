"""What the workflows may do, and that what they call is there; actionlint judges the rest."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from docs.release.__main__ import parser
from tests.unit.release.workflows import FILES, ROOT, Job, jobs, read

JOBS = list(jobs())
EVERY_WORKFLOW = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
EVERY_JOB = pytest.mark.parametrize("job", JOBS, ids=str)
# What a job may write, and what it is for. All others read.
WRITERS = {
    "release images": {"packages", "id-token"},
    "release chart": {"packages", "id-token"},
    "release pypi": {"id-token"},
    "release release": {"contents"},
}
PINNED = re.compile(r"^ +- uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
STAND_INS = {
    "GITHUB_REF_NAME": "v1.2.3",
    "REGISTRY": "ghcr.io/somebody",
    "REPOSITORY": "https://example.org/somebody/it",
    "VERSION": "1.2.3",
}


def test_both_workflows_are_there() -> None:
    assert [path.name for path in FILES] == ["ci.yml", "release.yml"]


@EVERY_WORKFLOW
def test_nothing_is_allowed_but_reading_where_a_job_does_not_ask_for_more(path: Path) -> None:
    assert read(path)["permissions"] in ({}, {"contents": "read"})


@EVERY_JOB
def test_a_job_writes_only_what_it_is_for(job: Job) -> None:
    asked: dict[str, str] = job.content.get("permissions", {})
    assert set(asked.values()) <= {"read", "write"}
    assert {name for name, may in asked.items() if may == "write"} == WRITERS.get(str(job), set())


@EVERY_WORKFLOW
def test_actions_of_others_are_pinned_by_commit_with_the_version_beside(path: Path) -> None:
    lines = [line for line in path.read_text("utf-8").splitlines() if "- uses: " in line]
    assert lines
    assert [line for line in lines if not PINNED.match(line)] == []


def test_one_action_has_one_version_everywhere() -> None:
    used = {one for job in JOBS for one in job.uses if "@" in one}
    assert len({one.partition("@")[0] for one in used}) == len(used)


def test_only_our_own_workflow_is_called_without_a_pin() -> None:
    assert {one for job in JOBS for one in job.uses if "@" not in one} == {
        "./.github/workflows/ci.yml"
    }


@EVERY_JOB
def test_no_expression_is_pasted_into_a_script(job: Job) -> None:
    """A tag or a branch may be called `$(…)`; as a variable it stays text."""
    assert [script for script in job.scripts if "${{" in script] == []


@EVERY_JOB
def test_a_secret_reaches_a_script_as_a_variable_that_is_only_read_from_standard_input(
    job: Job,
) -> None:
    for step in job.steps:
        secret = {name for name, value in step.get("env", {}).items() if _is_secret(value)}
        assert not _is_secret(step.get("with", {})), "an action gets no token of ours"
        script = step.get("run", "")
        for name in secret - {"GH_TOKEN"}:  # gh reads it by itself
            assert f'--password-stdin <<< "${name}"' in script
            assert script.count(f"${name}") == 1
        assert "set -x" not in script
    assert not _is_secret(job.content.get("env", {})), "a step that needs no secret sees none"


def _is_secret(value: Any) -> bool:
    return "secrets." in str(value) or "github.token" in str(value)


@EVERY_JOB
def test_a_checkout_leaves_no_token_behind(job: Job) -> None:
    for step in job.steps:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"] == {"persist-credentials": False}


@EVERY_JOB
def test_every_job_ends_by_itself(job: Job) -> None:
    assert "uses" in job.content or job.content["timeout-minutes"] <= 120


@EVERY_JOB
def test_what_is_released_is_made_without_a_cache(job: Job) -> None:
    """Whoever fills a cache from a pull request must not reach a release by it."""
    if job.workflow == "release":
        assert not [one for one in job.uses if one.startswith("actions/cache@")]
        assert not [step for step in job.steps if step.get("with", {}).get("cache")]


def test_every_target_of_make_that_is_called_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8").replace("$(DEV)", ".venv/.dev")
    called = {
        target
        for job in JOBS
        for script in job.scripts
        for target in re.findall(r"\bmake ([\w./-]+)", script)
    }
    assert called == {"demo", "test", "test-postgres", "dist", ".venv/.dev"}
    there = set(re.findall(r"^([\w./-]+):", makefile, re.MULTILINE))
    assert called <= there


def test_every_command_of_ours_that_is_called_is_understood() -> None:
    called = [
        shlex.split(command)
        for job in JOBS
        for script in job.scripts
        for command in re.findall(r"python -m docs.release ([^>\n]+(?:\n--[^>\n]+)?)", script)
    ]
    assert {name for name, *_ in called} == {"check", "notes", "bake", "images", "push-chart"}
    for arguments in called:
        filled = [re.sub(r"\$(\w+)", lambda found: STAND_INS[found[1]], one) for one in arguments]
        assert parser().parse_args(filled).command == arguments[0]


def test_make_dist_takes_what_the_workflow_hands_it() -> None:
    (job,) = (one for one in JOBS if str(one) == "release dist")
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\ndist:")[2].partition("\n\n")[0]
    assert job.content["env"].keys() == {"CONTROLLER_IMAGE", "REGENT_IMAGE", "SBOM"}
    assert [name for name in job.content["env"] if f"$({name})" not in recipe] == []


def test_nobody_owns_a_release_but_the_repository_it_is_made_in() -> None:
    """A fork's tag makes a fork's release."""
    text = (ROOT / ".github/workflows/release.yml").read_text("utf-8")
    places = set(re.findall(r"ghcr\.io/([^\s\"]+)", text))
    assert places == {"${GITHUB_REPOSITORY_OWNER,,}"}
    assert "github.com/" not in text.replace("GitHub", "")
