"""Who asks whether a local writes into a status folder is not taken for one that does."""

from __future__ import annotations

import fcntl
from pathlib import Path
from threading import Thread

import pytest

from controller.status.presence import NAME, asking_alone, be_present, is_anybody_present

LONG_ENOUGH_TO_ASK = 2.0


@pytest.mark.found("E387")
def test_two_who_ask_at_once_do_not_see_each_other(tmp_path: Path) -> None:
    """The one holds for a moment what the other asks for."""
    (tmp_path / NAME).touch()
    answers: list[bool] = []
    other = Thread(target=lambda: answers.append(is_anybody_present(tmp_path)))
    with asking_alone(tmp_path), (tmp_path / NAME).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        other.start()
        other.join(LONG_ENOUGH_TO_ASK)
    other.join()
    assert answers == [False]


def test_who_writes_is_there_until_its_file_is_closed(tmp_path: Path) -> None:
    """Of several one is enough."""
    assert not is_anybody_present(tmp_path)
    assert not is_anybody_present(tmp_path / "nowhere")
    first, second = be_present(tmp_path), be_present(tmp_path)
    assert first is not None
    assert second is not None
    first.close()
    assert is_anybody_present(tmp_path)
    second.close()
    assert not is_anybody_present(tmp_path)
