"""The pages for users lead somewhere, and what they show can be used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from cli.main import app
from controller.local.directory import read_directory

ROOT = Path(__file__).parents[3]
PAGES = sorted((ROOT / "docs").glob("*.md")) + sorted(ROOT.glob("*.md"))
LINK = re.compile(r"\[[^\]]+\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")


def anchors(page: Path) -> set[str]:
    """As GitHub makes them from headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def dead_links(page: Path) -> Iterator[str]:
    for place, anchor in LINK.findall(page.read_text("utf-8")):
        target = (page.parent / place) if place else page
        if not target.exists():
            yield place
        elif anchor and anchor not in anchors(target):
            yield f"{place}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    assert list(dead_links(page)) == []


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text("utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {name for name in pages if f"({name})" not in index} == set()


def examples(page: Path) -> Iterator[str]:
    """The blocks of YAML that hold resources of ours."""
    for block in re.findall(
        r"^```yaml\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    ):
        documents = [one for one in yaml.safe_load_all(block) if isinstance(one, dict)]
        if any("apiVersion" in one for one in documents):
            yield block


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_resource_that_a_page_shows_is_valid(page: Path, tmp_path: Path) -> None:
    for number, block in enumerate(examples(page)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "example.yaml").write_text(block, "utf-8")
        assert [str(problem) for problem in read_directory(folder).problems] == []


def test_the_commands_that_getting_started_shows_exist() -> None:
    text = (ROOT / "docs/getting-started.md").read_text("utf-8")
    commands = set(re.findall(r"^\$ (?:\w+=\S+ )?postgregent ([\w-]+)", text, re.MULTILINE))
    there = cast("TyperGroup", get_command(app)).commands
    assert commands >= {"validate", "plan", "apply", "local", "uninstall"}
    assert commands - set(there) == set()
    known = {name for one in there.values() for parameter in one.params for name in parameter.opts}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - known == set()


def test_every_metric_of_operations_is_counted_and_every_counted_one_is_there() -> None:
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    table = text.partition("## Metrics")[2]
    written = {
        name.removesuffix("_total") for name in re.findall(r"`(postgregent_\w+?)(?:\{|`)", table)
    }
    assert written == set(counted())


def counted() -> Iterator[str]:
    """What both sides' registries hold."""
    from controller.metrics import ControllerMetrics, Counted  # noqa: PLC0415
    from regent.health.metrics import Metrics  # noqa: PLC0415

    for metric in Metrics().registry.collect():
        yield metric.name
    for metric in ControllerMetrics(Counted).collect():
        yield metric.name
