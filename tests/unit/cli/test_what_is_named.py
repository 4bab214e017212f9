"""Messages name what they speak of."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.local import ContradictionError, Options
from cli.targets import DeclaredServers, NoAdminPasswordError, read_tree, regents_of
from controller.status.board import StatusFolder, StatusFolderUnusable
from tests.unit.local.manifests import regent, role, secret, write

pytestmark = pytest.mark.found("E136")


def test_an_empty_secret_is_named(tmp_path: Path) -> None:
    empty = secret().replace("canary-of-the-tests", '""')
    tree = read_tree(write(tmp_path, regent(), empty), None, allow_empty=False)
    [found] = regents_of(tree).values()
    with pytest.raises(NoAdminPasswordError, match=r"the Secret default/s, key admin: .* is empty"):
        DeclaredServers().server(found, tree.secrets)


def test_a_variable_is_named_where_no_option_was_given(tmp_path: Path) -> None:
    options = Options(tmp_path, dsn="postgresql://boss@db/mydb", embedded=True)
    with pytest.raises(ContradictionError, match="unset POSTGREGENT_DSN"):
        options.servers()


def test_a_status_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StatusFolderUnusable, match=r"file/x cannot be made: Not a directory"):
        StatusFolder.outside(tmp_path / "file" / "x", tmp_path / "other")


def test_an_item_that_has_fields_is_told_how_to_write_them(tmp_path: Path) -> None:
    tree = read_tree(write(tmp_path, role(more="memberOf: [dev]")), None, allow_empty=False)
    [problem] = tree.problems
    assert problem.way_out == "write its fields, as `- name: value`"
