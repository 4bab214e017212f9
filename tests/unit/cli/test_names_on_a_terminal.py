"""Whatever stands in a name, everything that reaches a terminal shows it and obeys none of it."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
import yaml

from cli.asking import confirm
from cli.printing import print_data, print_error, print_problems, yaml_text
from cli.sheet import Sheet
from cli.terminal import Shown, Terminal
from shared.errors import PostgRegentError
from shared.logging import configure_logging, get_logger
from shared.problems import Problem

pytestmark = pytest.mark.found("C28")
NAME = "a\x1b[2Jb\x07c\x08d\re\u202ef[bold]g"
SHOWN = "a\\x1b[2Jb\\x07c\\x08d\\re\\u202ef[bold]g"


class Terminally(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def readable_log() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    configure_logging("info", style="readable", stream=out)
    yield out
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def assert_only_a_name(said: str) -> None:
    assert SHOWN in said, repr(said)
    assert said.replace("\n", "").isprintable(), repr(said)


def test_a_name_is_shown_by_a_console_and_a_sheet() -> None:
    for shown in (NAME, Shown(NAME), Shown("x").append(NAME, "bold")):
        out = io.StringIO()
        Terminal(out).print(shown)
        assert_only_a_name(out.getvalue())
    sheet, out = Sheet(), io.StringIO()
    sheet.add(NAME, "bold red")
    sheet.write(Terminal(out))
    assert_only_a_name(out.getvalue())


def test_a_name_is_shown_in_an_error_a_problem_and_a_question(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    print_error(PostgRegentError(f"No {NAME}.", way_out=f"Make {NAME}."))
    assert_only_a_name(capsys.readouterr().err)
    print_problems([Problem(f"{NAME}.yaml", 1, NAME, "spec", None, NAME, NAME)])
    assert_only_a_name(capsys.readouterr().err)
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert not confirm(f"Drop {NAME}?")
    assert_only_a_name(capsys.readouterr().err)


def test_a_name_is_shown_in_a_readable_log_line(readable_log: io.StringIO) -> None:
    """In the event, in a value, within a value, and in the words of an exception."""
    log = get_logger("test")
    log.info(NAME)
    log.info("a value", role=NAME)
    log.info("within", roles=[NAME])
    logging.getLogger("asyncpg").warning("of a library: %s", NAME)
    try:
        Path(NAME).joinpath("nothing").read_text()
    except OSError:
        log.exception("it failed")
    said = readable_log.getvalue()
    assert said.count(SHOWN) >= 5, said
    assert_only_a_name(said)


def test_a_log_on_a_terminal_keeps_its_own_colours(readable_log: io.StringIO) -> None:
    """Twin: the colours are the renderer's own, and no name brings one."""
    out = Terminally()
    configure_logging("info", stream=out)
    get_logger("test").info("here", role=NAME)
    assert "\x1b[" in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()
    assert SHOWN in out.getvalue()


def test_documents_say_the_same_without_what_a_terminal_would_obey() -> None:
    for output in ("json", "yaml"):
        out = io.StringIO()
        print_data(Terminal(out), {"name": NAME}, output)
        assert out.getvalue().replace("\n", "").isprintable()
        assert yaml.safe_load(out.getvalue()) == {"name": NAME}
    assert yaml_text({"name": "Zoë"}) == "name: Zoë\n"


def test_nothing_but_this_module_uses_the_text_of_rich() -> None:
    """rich's Text leaves BEL, BS and CR out, so that one name looks like another."""
    modules = Path("cli").rglob("*.py")
    users = {str(one) for one in modules if "from rich.text import" in one.read_text()}
    assert users == {"cli/terminal.py"}
