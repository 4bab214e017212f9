"""Programs that do not run are told with the package that is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.postgres.binaries import Binaries, UnusableBinariesError, cache_folder, usable

MISSING = (
    "#!/bin/sh\necho 'postgres: error while loading shared libraries: libxml2.so.2: "
    "cannot open shared object file: No such file or directory' >&2\nexit 127\n"
)


def installation(root: Path, script: str) -> Binaries:
    (root / "bin").mkdir()
    for name in ("initdb", "postgres"):
        (root / "bin" / name).write_text(script)
        (root / "bin" / name).chmod(0o755)
    return Binaries(root, root / "bin", (".",))


def test_a_missing_library_is_named_with_its_package(tmp_path: Path) -> None:
    with pytest.raises(UnusableBinariesError, match="package libxml2"):
        usable(installation(tmp_path, MISSING), None)


def test_programs_that_run_are_used_where_they_are(tmp_path: Path) -> None:
    good = installation(tmp_path, "#!/bin/sh\nexit 0\n")
    assert usable(good, None) == good


def test_a_program_is_found_below_a_moved_root(tmp_path: Path) -> None:
    moved = Binaries(tmp_path, tmp_path / "bin", (".",)).moved_to(Path("/elsewhere"))
    assert moved.program("initdb") == "/elsewhere/bin/initdb"


def test_the_cache_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/postgregent")
