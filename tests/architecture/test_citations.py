"""What code and pages cite is in this repository: rules, interfaces, facts, decisions, pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("shared", "sql", "regent", "controller", "cli", "charts", "docs", "benchmarks", "tests")
ENDINGS = {".py", ".sql", ".md", ".yaml", ".tpl", ".toml"}
NUMBER = r"\d+[a-z]?"
CITED = re.compile(rf"\b(rule|interface)s?\s+({NUMBER}(?:(?:, | and | to ){NUMBER})*)\b")
PAGE = re.compile(r"(?<![\w./])docs/[\w/-]+\.(?:md|json)")
ENTRY = re.compile(rf"^- \*{{1,2}}({NUMBER})\*{{1,2}} ", re.MULTILINE)
ELSEWHERE = re.compile(
    r"\bsemantics \d|\barchitecture \d|(?:kubernetes|postgres)-facts|detection\.md|style\.md"
)


def texts() -> Iterator[tuple[str, str]]:
    """Every text that we wrote, with its place."""
    for path in sorted([*ROOT.glob("*.md"), *(p for f in FOLDERS for p in (ROOT / f).rglob("*"))]):
        if path.suffix in ENDINGS and path != Path(__file__) and "build" not in path.parts:
            yield str(path.relative_to(ROOT)), path.read_text("utf-8")


TEXTS = dict(texts())


def ids(page: str) -> set[str]:
    return set(ENTRY.findall((ROOT / "docs" / page).read_text("utf-8")))


def numbers(text: str) -> list[str]:
    """`3, 7 and 9` and `1 to 4`, each number of it."""
    found: list[str] = []
    for part in re.split(r", | and ", text):
        first, _, last = part.partition(" to ")
        if last and first.isdigit() and last.isdigit():
            found += map(str, range(int(first), int(last) + 1))
        else:
            found += [first, *([last] if last else [])]
    return found


@pytest.mark.parametrize(("kind", "page"), [("rule", "rules.md"), ("interface", "interfaces.md")])
def test_every_number_that_is_cited_is_in_its_list(kind: str, page: str) -> None:
    known = ids(page)
    assert len(known) > 10
    wrong = [
        f"{place}: {match[0]}"
        for place, text in TEXTS.items()
        for match in CITED.finditer(text)
        if match[1] == kind and not set(numbers(match[2])) <= known
    ]
    assert wrong == []


def test_every_decision_that_is_cited_was_taken() -> None:
    known = {int(path.name[:4]) for path in (ROOT / "docs" / "adr").glob("[0-9]*.md")}
    cited = {
        (place, int(number))
        for place, text in TEXTS.items()
        for number in re.findall(r"\bADRs? (\d+)\b|adr/(\d{4})", text)
        for number in number
        if number
    }
    assert cited
    assert [one for one in sorted(cited) if one[1] not in known] == []


def test_every_fact_that_is_cited_is_in_the_list() -> None:
    known = set(re.findall(r"\*\*(PG-[A-Z]+-\d+)\*\*", TEXTS["docs/facts.md"]))
    wrong = {
        place: missing
        for place, text in TEXTS.items()
        if place != "tests/architecture/test_evidence.py"
        and (missing := set(re.findall(r"\bPG-[A-Z]+-\d+\b", text)) - known)
    }
    assert wrong == {}


def test_every_page_that_is_cited_exists() -> None:
    wrong = {
        f"{place}: {page}"
        for place, text in TEXTS.items()
        for page in PAGE.findall(text)
        if not (ROOT / page).exists() and page != "docs/page.md"  # a test of release notes
    }
    assert wrong == set()


def test_nothing_cites_a_document_of_somewhere_else() -> None:
    wrong = {place: found for place, text in TEXTS.items() if (found := ELSEWHERE.findall(text))}
    assert wrong == {}
