"""Each rule that is switched off is missed by a test (docs/rules.md, docs/facts.md).

The packages are copied once, one fragment at a time is changed in the copy, and the one test that
is to miss it runs there, in a process of its own. `make test` runs a few that are always the same,
`make test-long` all of them.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.mutants.table import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
COPIED = ("cli", "controller", "docs", "regent", "shared", "sql", "tests")
FILES = ("pyproject.toml",)
NOT_COPIED = shutil.ignore_patterns("__pycache__")
SOME_TESTS_FAILED = 1
"""pytest's exit status: not one for a test that is not there, or that could not be read."""
IN_EACH_RUN = 3
LONG_AGO = 1_000_000_000
PATIENCE_SECONDS = 300.0


@dataclass
class Copy:
    """The packages in a folder of their own, whole but for one fragment at a time."""

    root: Path
    _moments: Iterator[int] = field(default_factory=lambda: itertools.count(LONG_AGO, 10))

    def fails(self, mutant: Mutant) -> tuple[int, str]:
        """The exit status of its test with the fragment changed, and what pytest said."""
        path = self.root / mutant.file
        text = path.read_text("utf-8")
        self._write(path, text.replace(mutant.fragment, mutant.instead))
        try:
            return self._run(mutant)
        finally:
            self._write(path, text)

    def _write(self, path: Path, text: str) -> None:
        """With another time each: what was compiled is known by the second, and by its length."""
        path.write_text(text, "utf-8")
        moment = next(self._moments)
        os.utime(path, (moment, moment))

    def _run(self, mutant: Mutant) -> tuple[int, str]:
        on = [] if mutant.on is None else ["--pg", str(mutant.on)]
        options = ["-q", "--tb=short", "-p", "no:cacheprovider", "-p", "no:xdist"]
        # pytest tells its children who runs them; this one is nobody's worker.
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *on, mutant.killer],
            cwd=self.root,
            env=clean,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    root = tmp_path_factory.mktemp("mutated")
    for name in COPIED:
        shutil.copytree(ROOT / name, root / name, ignore=NOT_COPIED)
    for name in FILES:
        shutil.copy2(ROOT / name, root / name)
    return Copy(root)


def _chosen() -> Iterator[object]:
    """The quick ones of each run are spread over the table: all others are for `make test-long`."""
    quick = [one for one in MUTANTS if one.on is None]
    step = max(1, len(quick) // IN_EACH_RUN)
    now = quick[::step][:IN_EACH_RUN]
    for one in MUTANTS:
        yield pytest.param(one, id=one.name, marks=() if one in now else pytest.mark.slow)


def test_each_fragment_stands_in_its_file_once_and_each_killer_is_there() -> None:
    """Else a mutant is of code that is gone, and proves nothing."""
    trouble = []
    for one in MUTANTS:
        found = (ROOT / one.file).read_text("utf-8").count(one.fragment)
        if found != 1:
            trouble.append(f"{one.name}: its fragment stands {found} times in {one.file}")
        file, _, test = one.killer.partition("::")
        name = test.partition("[")[0].rpartition("::")[2] or test.partition("[")[0]
        if f"def {name}(" not in (ROOT / file).read_text("utf-8"):
            trouble.append(f"{one.name}: {one.killer} is not there")
    assert not trouble, "\n".join(trouble)
    assert len({one.name for one in MUTANTS}) == len(MUTANTS)


@pytest.mark.timeout(360)
@pytest.mark.parametrize("mutant", tuple(_chosen()))
def test_what_is_switched_off_is_missed(mutant: Mutant, copy: Copy) -> None:
    status, said = copy.fails(mutant)
    assert status == SOME_TESTS_FAILED, f"{mutant.killer} bears it, or did not run:\n{said}"
