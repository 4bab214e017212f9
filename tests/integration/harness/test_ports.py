"""A port that a test names is its own."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from tests.ports import HANDED_OUT, give_back, own_port

ROOT = Path(__file__).parents[3]
IN_ANOTHER_PROCESS = "from tests.ports import own_port, _take; print(_take({port}))"


def test_a_port_is_nobody_elses_until_it_is_given_back() -> None:
    port = own_port()
    assert port != own_port()
    ask = [sys.executable, "-c", IN_ANOTHER_PROCESS.format(port=port)]
    assert subprocess.check_output(ask, cwd=ROOT, text=True).strip() == "None"
    give_back(port)
    assert subprocess.check_output(ask, cwd=ROOT, text=True).strip() != "None"


def test_no_connection_is_ever_given_it_by_the_kernel() -> None:
    first_handed_out = int(HANDED_OUT.read_text().split()[0])
    port = own_port()
    assert port < first_handed_out
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        listening.bind(("127.0.0.1", port))
    give_back(port)
