"""`postgregent access-review`: the same report in four forms, and one digest for one state."""

from __future__ import annotations

import csv
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.command import flights, postgregent
from tests.postgres.database import Database

ODD = "<script>alert(1)</script>"
FORMULA = "=1+1"


class Tags(HTMLParser):
    """What a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links.update(name for name, _ in attrs if name in ("src", "href"))


async def test_a_report_is_the_same_in_every_form_and_has_the_digest_of_its_state(
    database: Database, tmp_path: Path
) -> None:
    directory, dsn = str(flights(tmp_path)), database.dsn()
    await postgregent("apply", directory, "--dsn", dsn)
    await database.execute(
        f'CREATE ROLE "{ODD}" LOGIN; CREATE ROLE "{FORMULA}" LOGIN NOINHERIT;'
        f' CREATE ROLE chief SUPERUSER LOGIN; GRANT "mydb-viewer" TO "{ODD}";'
        f' CREATE SCHEMA hidden; CREATE TABLE hidden."{ODD}" (a int);'
        f' GRANT SELECT (a) ON hidden."{ODD}" TO "{FORMULA}"'
    )
    asked = ("access-review", directory, "--dsn", dsn)
    data = (await postgregent(*asked, "-o", "json")).data()
    persons = {one["name"]: one for one in data["persons"]}
    assert persons["summer-intern-2"]["declaredBy"] == [
        "User/default/summer-intern-2 (users.yaml:1)"
    ]
    assert persons[ODD]["declaredBy"] == []
    assert (persons["chief"]["superuser"], persons["chief"]["access"]) == (True, [])
    reads = [
        one
        for one in persons[ODD]["access"]
        if "SELECT" in one["words"] and one["grantee"] == "mydb-viewer"
    ]
    assert {"table schema1.flights"} <= {thing["name"] for one in reads for thing in one["objects"]}
    assert {tuple(one["through"]) for one in reads} == {("mydb-viewer",)}
    [part] = [one for one in persons[FORMULA]["access"] if one["words"] == ["SELECT"]]
    assert part["lacks"] == ["USAGE on schema hidden"]
    assert data["server"]["systemIdentifier"].isdecimal()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", data["at"])

    again = (await postgregent("access-review", "--dsn", dsn, "-o", "json")).data()
    assert again["digest"] == data["digest"]
    shown = await postgregent(*asked)
    assert (shown.status, data["digest"] in shown.out) == (0, True), shown.err
    assert re.search("chief.*everything, as a superuser", shown.out)
    one = await postgregent(*asked, "--role", "summer-intern-2")
    assert "by mydb-viewer" in one.out
    assert "CONNECT on database mydb" in one.out

    text = (await postgregent(*asked, "-o", "csv")).out
    rows = list(csv.DictReader(text.splitlines()))
    assert {row["word"] for row in rows if row["person"] == f"'{FORMULA}"} >= {"LOGIN", "SELECT"}
    page = (await postgregent(*asked, "-o", "html")).out
    tags = Tags()
    tags.feed(page)
    assert "details" in tags.seen
    assert not tags.seen & {"script", "link", "img", "iframe"}
    assert not tags.links
    assert data["digest"] in page

    await database.execute("CREATE DATABASE shut ALLOW_CONNECTIONS false")
    partly = await postgregent("access-review", "--dsn", dsn, "-o", "json")
    assert (partly.status, [one["database"] for one in partly.data()["unread"]]) == (1, ["shut"])
    assert partly.data()["digest"] != data["digest"]
    await database.execute("DROP DATABASE shut")
    await database.execute(f'REVOKE "mydb-viewer" FROM "{ODD}"')
    changed = (await postgregent("access-review", "--dsn", dsn, "-o", "json")).data()
    assert changed["digest"] != data["digest"]


@pytest.mark.found("E500")
async def test_what_a_right_is_of_no_use_without_is_what_the_server_says(
    database: Database,
) -> None:
    """Also in a system schema: that nobody was given anything there is no want of USAGE."""
    await database.execute(
        "CREATE ROLE ann LOGIN; CREATE SCHEMA hidden; CREATE TABLE hidden.t (a int);"
        " GRANT SELECT ON hidden.t, pg_catalog.pg_authid, information_schema.sql_features TO ann;"
        " GRANT EXECUTE ON FUNCTION pg_catalog.pg_read_file(text) TO ann"
    )
    look = await database.connect()
    for sealed in (False, True):
        if sealed:
            await database.execute("REVOKE USAGE ON SCHEMA information_schema FROM PUBLIC")
        data = (await postgregent("access-review", "--dsn", database.dsn(), "-o", "json")).data()
        [ann] = [one for one in data["persons"] if one["name"] == "ann"]
        found = {
            thing["name"].split(" ")[-1]: one["lacks"]
            for one in ann["access"]
            for thing in one["objects"]
        }
        lacking = {
            row["nspname"]: [] if row["may"] else [f"USAGE on schema {row['nspname']}"]
            for row in await look.fetch(
                "SELECT nspname, has_schema_privilege('ann', oid, 'USAGE') AS may"
                " FROM pg_catalog.pg_namespace"
            )
        }
        assert found["pg_catalog.pg_read_file(text)"] == lacking["pg_catalog"] == []
        assert found["pg_catalog.pg_authid"] == lacking["pg_catalog"]
        of_standard = lacking["information_schema"]
        assert found["information_schema.sql_features"] == of_standard
        assert bool(of_standard) is sealed
        assert found["hidden.t"] == ["USAGE on schema hidden"]
        who = await postgregent(
            "who-can", "EXECUTE", "pg_catalog.pg_read_file(text)", "--dsn", database.dsn(),
            "-o", "json",
        )  # fmt: skip
        assert [one["lacks"] for one in who.data()["holders"] if one["role"] == "ann"] == [[]]


@pytest.mark.found("E534")
async def test_a_column_of_a_system_table_is_told_though_its_table_was_given_to_nobody(
    database: Database,
) -> None:
    await database.execute(
        "CREATE ROLE ann LOGIN; GRANT SELECT (rolname, rolpassword) ON pg_catalog.pg_authid TO ann"
    )
    data = (await postgregent("access-review", "--dsn", database.dsn(), "-o", "json")).data()
    [ann] = [one for one in data["persons"] if one["name"] == "ann"]
    named = {thing["name"] for one in ann["access"] for thing in one["objects"]}
    assert {one for one in named if "pg_authid" in one} == {
        "column of table pg_catalog.pg_authid.rolname",
        "column of table pg_catalog.pg_authid.rolpassword",
    }  # fmt: skip


@pytest.mark.found("E535")
async def test_two_objects_whose_names_have_dots_are_told_apart(database: Database) -> None:
    """Another access has another digest."""
    await database.execute(
        'CREATE ROLE ann LOGIN; CREATE SCHEMA "public.a"; CREATE TABLE "public.a".b ();'
        ' CREATE TABLE public."a.b" (); GRANT SELECT ON "public.a".b TO ann'
    )
    review = ("access-review", "--dsn", database.dsn(), "-o", "json")
    one = (await postgregent(*review)).data()
    await database.execute(
        'REVOKE SELECT ON "public.a".b FROM ann; GRANT SELECT ON public."a.b" TO ann'
    )
    other = (await postgregent(*review)).data()
    assert one["digest"] != other["digest"]
    assert 'public."a.b"' in str(other["persons"])
