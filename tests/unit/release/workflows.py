"""The workflows as data, and what is in their steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yml"))


@dataclass(frozen=True, slots=True)
class Job:
    """One job of a workflow."""

    workflow: str
    name: str
    content: dict[str, Any]

    @property
    def steps(self) -> list[dict[str, Any]]:
        """None, where it calls another workflow."""
        return list(self.content.get("steps", ()))

    @property
    def uses(self) -> list[str]:
        """The actions and workflows that it takes from elsewhere."""
        own = [self.content["uses"]] if "uses" in self.content else []
        return own + [step["uses"] for step in self.steps if "uses" in step]

    @property
    def scripts(self) -> list[str]:
        """What it gives to the shell."""
        return [step["run"] for step in self.steps if "run" in step]

    def __str__(self) -> str:
        return f"{self.workflow} {self.name}"


def read(path: Path) -> dict[str, Any]:
    """YAML 1.1 reads `on` as true; nobody asks for it here."""
    found: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


def jobs() -> Iterator[Job]:
    """Of all workflows."""
    for path in FILES:
        for name, content in read(path)["jobs"].items():
            yield Job(path.stem, name, content)
