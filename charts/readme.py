"""Write the table of values into the chart's README, from the comments in values.yaml.

`python charts/readme.py`; a test says when the table is stale.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).with_name("postgregent")
BEGIN, END = "<!-- values: written by make crds -->", "<!-- end of values -->"
_KEY = re.compile(r"(?P<indent> *)(?P<key>[A-Za-z]+):")
_TEXT = re.compile(r" *# -- (?P<text>.+)")


def described(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each value that has a comment, as its path and the comment."""
    path: list[str] = []
    said = ""
    for line in text.splitlines():
        if comment := _TEXT.fullmatch(line):
            said = comment["text"]
        elif key := _KEY.match(line):
            path[len(key["indent"]) // 2 :] = [key["key"]]
            if said:
                yield tuple(path), said
            said = ""


def table(text: str) -> str:
    """The values as a table of Markdown."""
    values = yaml.safe_load(text)
    rows = ["| value | default | |", "|---|---|---|"]
    for path, said in described(text):
        default = json.dumps(_at(values, path), ensure_ascii=False)
        words = said.replace("|", "\\|").replace("<", "&lt;")
        rows.append(f"| `{'.'.join(path)}` | `{default}` | {words} |")
    return "\n".join(rows)


def filled_in(readme: str, text: str) -> str:
    """The README with its table of values as values.yaml has them."""
    before, _, rest = readme.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{table(text)}\n{END}{after}"


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        values = values[step]
    return values


def main() -> int:
    """Write it."""
    readme = CHART / "README.md"
    values = (CHART / "values.yaml").read_text("utf-8")
    readme.write_text(filled_in(readme.read_text("utf-8"), values), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
