"""A name that a role does not give up is not written to as if another one had it (rule 7)."""

from __future__ import annotations

import pytest

from regent.one_shot import apply_once
from shared import scram
from tests.attacks.test_turns import PASSWORDS
from tests.declared import state
from tests.postgres.database import Database
from tests.settings import settings_for

pytestmark = pytest.mark.rule("7")
SECRET = "passwordSecretRef: {name: s, key: k}"
BEFORE = f"Role/g: {{database: mydb}}\nUser/u1: {{database: mydb, userName: bb, {SECRET}}}\n"
AFTER = (
    f"Role/g: {{database: mydb}}\nUser/u1: {{database: mydb, userName: cc, {SECRET}}}\n"
    f"User/u2: {{userName: bb, roles: [g], {SECRET}}}\n"
)
NEW = scram.build("pw newcomer").value


@pytest.mark.found("E179")
@pytest.mark.versions(15, 18)
async def test_who_holds_his_own_row_does_not_get_what_the_next_one_of_his_name_gets(
    database: Database,
) -> None:
    """The rename waits for him, and so does all that is for the newcomer; then both have theirs."""
    settings, verifiers = settings_for(database), {"User/u1": {"verifier": PASSWORDS["old"]}}
    await apply_once(settings, state(BEFORE, revision=1, passwords=verifiers), consents=[])
    look = await database.connect()
    oid = await look.fetchval("SELECT oid FROM pg_roles WHERE rolname = 'bb'")
    his = await database.connect("bb", "pw old")
    await his.execute("BEGIN; ALTER ROLE bb SET work_mem = '8MB'; ALTER ROLE bb PASSWORD 'mine'")
    verifiers["User/u2"] = {"verifier": NEW}
    await apply_once(settings, state(AFTER, revision=2, passwords=verifiers), consents=[])
    assert await look.fetchval("SELECT count(*) FROM pg_auth_members WHERE member = $1", oid) == 0
    await his.execute("ROLLBACK")
    await apply_once(settings, state(AFTER, revision=2, passwords=verifiers), consents=[])
    names = await look.fetch(
        "SELECT rolname, oid = $1 AS is_his, pg_has_role(oid, 'g', 'MEMBER') AS is_in"
        " FROM pg_roles WHERE rolname IN ('bb', 'cc') ORDER BY 1",
        oid,
    )
    assert [tuple(row) for row in names] == [("bb", False, True), ("cc", True, False)]
