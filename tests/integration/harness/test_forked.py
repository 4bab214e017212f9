"""A forked Regent is as one that `python -m regent` starts."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests import forked
from tests.eventually import PATIENCE_SECONDS, eventually


def test_its_exit_status_and_what_it_said_are_its_own(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.json")
    log_path = tmp_path / "log"
    with log_path.open("ab") as log:
        one = forked.regent("--config", missing, log=log)
        assert one.wait(PATIENCE_SECONDS) == 2
        assert one.poll() == 2
        one.kill()
    assert log_path.read_text() == "The settings cannot be read: No such file or directory.\n"


async def test_it_has_no_descriptor_but_those_that_it_was_given_and_ends_by_a_signal(
    tmp_path: Path,
) -> None:
    """It waits for its settings meanwhile."""
    reader, writer = os.pipe()
    with (tmp_path / "log").open("ab") as log:
        one = forked.regent("--config-fd", str(reader), log=log, pass_fds=[reader])
    os.close(reader)

    async def it_has_these_alone() -> bool:
        return {int(n.name) for n in Path(f"/proc/{one.pid}/fd").iterdir()} == {0, 1, 2, reader}

    await eventually(it_has_these_alone)
    assert one.poll() is None
    one.kill()
    assert one.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    os.close(writer)
