"""What a release would give to a user works when it is installed as a user installs it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from docs.release.distributions import CHECKSUMS, ROOT, DistFailed, build_all, build_python
from docs.release.version import Version

PACKAGES = ("shared", "sql", "regent", "controller", "cli")
INSTALL_SECONDS = 600


def run(*command: str | Path, cwd: Path, status: int = 0) -> str:
    """What a command prints, where nothing of the tree is in its way."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    answer = subprocess.run(
        [str(part) for part in command],
        cwd=cwd, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == status, answer.stdout + answer.stderr
    return answer.stdout + answer.stderr


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a fresh environment with the wheel and what it asks for, nothing else."""
    place = tmp_path_factory.mktemp("installed")
    venv.create(place)
    pip = (sys.executable, "-m", "pip", "--python", place / "bin/python")
    flags = ("--quiet", "--disable-pip-version-check", "--no-compile")
    run(*pip, "install", *flags, "-c", ROOT / "constraints.txt", wheel, cwd=place)
    return place / "bin"


@pytest.mark.timeout(INSTALL_SECONDS)
def test_the_installed_command_says_its_version_and_validates_the_example(
    installed: Path, version: Version, tmp_path: Path
) -> None:
    said = run(installed / "postgregent", "--version", cwd=tmp_path)
    assert said.strip() == f"postgregent {version.python}"
    run(installed / "postgregent", "validate", ROOT / "examples/flights", cwd=tmp_path)


@pytest.mark.timeout(INSTALL_SECONDS)
@pytest.mark.parametrize("program", ["regent", "controller"])
def test_both_daemons_start_without_an_extra(installed: Path, program: str, tmp_path: Path) -> None:
    """What the controller needs beside (the extra `kubernetes`) it asks for when it runs."""
    said = run(installed / "python", "-m", program, "--help", cwd=tmp_path)
    assert f"python -m {program}" in said


@pytest.mark.timeout(INSTALL_SECONDS)
def test_every_query_is_found_where_it_is_installed(installed: Path, tmp_path: Path) -> None:
    """Each file of sql/ is in the wheel, and each package says that it is typed."""
    expected = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("sql/**/*.sql")}
    expected |= {f"{package}/py.typed" for package in PACKAGES}
    program = (
        "import pathlib, sql; root = pathlib.Path(sql.__file__).parents[1];"
        "print(*(path.relative_to(root).as_posix() for path in root.glob('*/**/*')), sep='\\n')"
    )
    found = set(run(installed / "python", "-c", program, cwd=tmp_path).split("\n"))
    assert len(expected) > len(PACKAGES)
    assert expected - found == set()


def test_the_wheel_holds_our_packages_and_nothing_of_the_house(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as content:
        tops = {name.partition("/")[0] for name in content.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_the_sdist_builds_the_same_wheel(dist: Path, wheel: Path, tmp_path: Path) -> None:
    """Byte by byte, so that whoever builds from it has what we have tested."""
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as content:
        # Python 3.11.0 to 3.11.3 know no filters, and this archive is ours.
        content.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        content.extractall(tmp_path)  # noqa: S202
    (tree,) = tmp_path.iterdir()
    build_python(tree, tmp_path / "again")
    (again,) = (tmp_path / "again").glob("*.whl")
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def test_the_checksums_name_every_file_and_fit(dist: Path, version: Version) -> None:
    run("sha256sum", "--check", "--strict", CHECKSUMS, cwd=dist)
    lines = (dist / CHECKSUMS).read_text("utf-8").splitlines()
    named = {line.split("  ")[1] for line in lines}
    assert named == {path.name for path in dist.iterdir()} - {CHECKSUMS}
    name = f"postgregent-{version.semantic}"
    beside = {f"{name}.tgz", f"{name}-crds.yaml", f"{name}-sbom.cdx.json"}
    python = {f"postgregent-{version.python}{end}" for end in ("-py3-none-any.whl", ".tar.gz")}
    assert named == beside | python


def test_what_an_earlier_build_left_gets_no_checksum(version: Version, tmp_path: Path) -> None:
    (tmp_path / "postgregent-0.0.1.tgz").touch()
    with pytest.raises(DistFailed, match=r"is not empty: postgregent-0\.0\.1\.tgz"):
        build_all(tmp_path, version)


def test_a_release_is_refused_with_every_reason(tmp_path: Path) -> None:
    """As the workflow calls it: one that is not meant ends before anything is built."""
    command = (sys.executable, "-m", "docs.release", "check", "--tag", "v999.0.0")
    said = run(*command, cwd=ROOT, status=1)
    assert "The tag is v999.0.0" in said
