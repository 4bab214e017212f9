"""docs/reasons.md names every reason that the code can say, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from regent.clouds.asking import CloudTokenError
from regent.home.locks import LockHeld, LockLost
from regent.report.bodies import FOR_A_PERSON
from regent.resolve.situation import WAITS, state_of
from regent.server.connect import CannotConnectError
from regent.server.credential_command import CredentialCommandError
from shared.http import Reason
from tests.unit.docs.said import errors_of, reasons_of

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reasons.md").read_text("utf-8")
MODULES = sorted(
    path
    for package in ("shared", "regent", "controller")
    for path in (ROOT / package).rglob("*.py")
    if path != ROOT / "controller/kube/errors.py"  # the API server's own words, kept inside
)
STARTING = [
    ROOT / place
    for place in (
        "shared/secret_text.py",
        "controller/workloads/admins.py",
        "controller/pki/authorities.py",
        "controller/observe/connection_secrets.py",
        "controller/workloads/apply.py",
        "controller/kube/errors.py",
        "cli/targets.py",
        "cli/embedded.py",
        "cli/postgres/account.py",
        "cli/postgres/binaries.py",
        "cli/postgres/cluster.py",
        "cli/postgres/process.py",
    )
]
"""What may go wrong before a Regent runs: the error's name becomes the reason (NotReached.of)."""
ROWS = re.findall(r"^\| `([A-Z]\w+)` \|", PAGE, re.MULTILINE)


def documented(heading: str) -> set[str]:
    """The reasons in the tables below one heading."""
    _, _, below = PAGE.partition(f"\n## {heading}\n")
    section = below.partition("\n## ")[0]
    return set(re.findall(r"^\| `([A-Z]\w+)` \|", section, re.MULTILINE))


FROM_OUTSIDE = (CloudTokenError, CredentialCommandError)
"""What gives a token, and gave none."""
NOT_CONNECTED = {
    kind.__name__.removesuffix("Error")
    for kind in (*FOR_A_PERSON, CannotConnectError, *FROM_OUTSIDE, LockHeld, LockLost)
}
"""Why a Regent has no connection to its server, as its status says it."""


def said() -> set[str]:
    return {*reasons_of(MODULES), *errors_of(STARTING), *get_args(Reason), *NOT_CONNECTED}


def test_every_reason_that_the_code_says_is_documented() -> None:
    missing = {reason: str(path) for reason, path in reasons_of(MODULES).items()}
    missing |= dict.fromkeys(errors_of(STARTING), "an error that keeps a Regent from starting")
    missing |= dict.fromkeys(get_args(Reason), "shared/http.py")
    missing |= dict.fromkeys(NOT_CONNECTED, "regent/report/bodies.py")
    assert {k: v for k, v in missing.items() if k not in ROWS} == {}


def test_no_reason_is_documented_that_the_code_does_not_say() -> None:
    assert set(ROWS) - said() == set()


def test_every_problem_of_the_api_is_in_its_own_table() -> None:
    assert documented("The Regent's API") >= set(get_args(Reason))


@pytest.mark.rule("29")
def test_the_page_says_of_each_resources_reason_whether_it_waits() -> None:
    rows = dict(re.findall(r"^\| `([A-Z]\w+)` \| (Stalled|Reconciling) \|", PAGE, re.MULTILINE))
    wrong = {reason for reason in WAITS if rows.get(reason) != state_of(reason)}
    assert wrong == set()


def test_the_reader_of_the_code_sees_every_shape(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        'CONSTANT = "ByName"\n'
        'WAITS = frozenset({"InASet"})\n'
        "def say(key, reason, message): ...\n"
        "class Words:\n"
        "    reason: str\n"
        "    def tell(self, key, reason): ...\n"
        'say(1, "ByPlace", "")\n'
        'Words("ByField")\n'
        'Words(1).tell(2, "OfOne" if True else "OrOther")\n'
        "Words(reason=CONSTANT)\n"
        "def three():\n"
        '    return "Stalled", "AfterAState", f"x"\n'
        "def two():\n"
        '    return "BeforeWords", f"because {two}"\n'
        'reason = "AsAVariable"\n'
        'say(1, "no reason", "")\n',
        "utf-8",
    )
    assert set(reasons_of([module])) == {
        "ByName", "InASet", "ByPlace", "ByField", "OfOne", "OrOther", "AfterAState", "BeforeWords",
        "AsAVariable",
    }  # fmt: skip
