"""What `validate` reads: directories, files and standard input, together one declaration."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from io import BytesIO
from pathlib import Path

import pytest

from cli.sources import read_sources
from controller.local.check import check
from controller.local.directory import Tree
from controller.local.files import UnsyncedError
from tests.command import postgregent
from tests.unit.local.manifests import permission, regent, role, secret


def split(folder: Path) -> tuple[str, str]:
    """Two places that make sense together only: a Role, and what it names."""
    (folder / "base").mkdir()
    (folder / "base/all.yaml").write_text(permission() + regent() + secret())
    (folder / "role.yml").write_text(role("viewer", "read"))
    return str(folder / "base"), str(folder / "role.yml")


def said(tree: Tree) -> list[str]:
    return [f"{one.place} {one.sentence}" for one in (*tree.problems, *check(tree))]


def test_several_places_are_one_declaration(tmp_path: Path) -> None:
    base, file = split(tmp_path)
    tree = read_sources((base, file))
    assert (len(tree.resources), said(tree)) == (3, [])
    assert tree.files == (f"{base}/all.yaml", file)
    alone = said(read_sources((file,)))
    assert [one for one in alone if one.startswith(f"{file}:7 spec.permissions[0]")], alone


def test_of_one_directory_files_are_called_as_they_are_in_it(tmp_path: Path) -> None:
    base, _ = split(tmp_path)
    assert read_sources((base,)).files == ("all.yaml",)


def test_standard_input_may_hold_many_documents_and_stand_beside_a_directory(
    tmp_path: Path,
) -> None:
    base, _ = split(tmp_path)
    piped = (role("viewer", "read") + role("other", "raed")).encode()
    tree = read_sources((base, "-"), stdin=BytesIO(piped))
    assert len(tree.resources) == 4
    [problem] = said(tree)
    assert problem.startswith('<stdin>:15 spec.permissions[0] "raed"'), problem


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    base, file = split(tmp_path)
    tree = read_sources((base, f"{base}/all.yaml", file, f"{base}/../role.yml", base))
    assert (len(tree.files), said(tree)) == (2, [])


def test_what_cannot_be_read_is_said_with_all_the_rest(tmp_path: Path) -> None:
    base, file = split(tmp_path)
    (tmp_path / "base/wrong.yaml").write_text(role("other", "raed"))
    tree = read_sources((base, file, "gone.yaml"))
    assert not tree.is_whole
    gone, wrong = said(tree)
    assert gone == "gone.yaml does not exist"
    assert wrong.startswith(f"{base}/wrong.yaml:7 ")


def test_what_declares_nothing_is_no_valid_declaration() -> None:
    with pytest.raises(UnsyncedError, match=r"What is given has no manifest"):
        read_sources(("-",), stdin=BytesIO(b"kind: Pod\napiVersion: v1\n"))
    tree = read_sources(("-",), stdin=BytesIO(b""), allow_empty=True)
    assert tree.files == ("<stdin>",)


def test_a_pipe_is_a_file(tmp_path: Path) -> None:
    """As the shell's `<(kubectl kustomize deploy)` is."""
    base, _ = split(tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(role("viewer", "read"),), daemon=True)
    writer.start()
    tree = read_sources((base, str(pipe)))
    writer.join()
    assert (len(tree.resources), said(tree)) == (3, [])


def test_more_than_a_file_may_hold_is_refused_before_it_is_understood() -> None:
    tree = read_sources(("-",), stdin=BytesIO(b"#" * (8 * 2**20 + 1)))
    assert said(tree) == ["<stdin> is larger than 8 MiB"]


async def test_the_command_takes_them(tmp_path: Path) -> None:
    base, file = split(tmp_path)
    ended = await postgregent("validate", base, file)
    assert (ended.status, ended.out) == (0, "3 resources are valid\n"), ended.err
    nothing = await postgregent("validate")
    assert nothing.status == 1
    assert "PATH..." in nothing.err


def test_the_command_reads_its_standard_input(tmp_path: Path) -> None:
    base, _ = split(tmp_path)
    piped = subprocess.run(
        [sys.executable, "-m", "cli", "validate", base, "-"],
        input=role("viewer", "read").encode(),
        capture_output=True,
        check=True,
    )
    assert piped.stdout == b"3 resources are valid\n"
