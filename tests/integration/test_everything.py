"""examples/everything is held in force: applied, settled, and each kind of drift corrected."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from cli.declared import Request, declare
from regent.accept.merge import accept
from regent.foundation import Foundation, founded
from regent.gate.brake_memory import released
from regent.settings import connector_of
from shared.privileges import PARAMETER_SINCE, PROPERTY_GRAPH_SINCE
from shared.state import etag
from shared.unsupported import REASON
from tests.integration.facts.held import held
from tests.postgres.database import flights
from tests.postgres.server import PostgresServer

EVERYTHING = Path(__file__).parents[2] / "examples/everything"
OURS = "SELECT array_agg(rolname) FROM pg_roles WHERE rolname ~ '^(shop-|reports-)'"


@dataclass(frozen=True, slots=True)
class Break:
    """What somebody does behind our back."""

    name: str
    statements: str
    since: int = 14


BREAKS = (
    Break("database", 'REVOKE CONNECT ON DATABASE shop FROM "shop-connects"'),
    Break("database, too much", 'GRANT CREATE ON DATABASE shop TO "shop-clerks"'),
    Break("schema", 'REVOKE USAGE ON SCHEMA orders FROM "shop-clerks"'),
    Break("schema, too much", 'GRANT CREATE ON SCHEMA orders TO "shop-clerks"'),
    Break("table", 'REVOKE INSERT ON orders.purchases FROM "shop-clerks"'),
    Break("table, too much", 'GRANT TRUNCATE ON ALL TABLES IN SCHEMA orders TO "shop-batch"'),
    Break("grant option", 'REVOKE GRANT OPTION FOR SELECT ON stock.items FROM "shop-clerks"'),
    Break(
        "passed on",
        'SET ROLE "shop-clerks"; GRANT SELECT ON stock.items TO "shop-batch"; RESET ROLE',
    ),
    Break("column", 'REVOKE UPDATE (note) ON orders.purchases FROM "shop-clerks"'),
    Break("column, too much", 'GRANT SELECT (item) ON stock.items TO "reports-readers"'),
    Break("sequence", 'REVOKE USAGE ON SEQUENCE orders.invoice_numbers FROM "shop-clerks"'),
    Break("implied sequence", 'REVOKE ALL ON SEQUENCE orders.purchases_id_seq FROM "shop-batch"'),
    Break("function", 'REVOKE EXECUTE ON FUNCTION orders.price(integer) FROM "shop-clerks"'),
    Break("procedure", 'REVOKE EXECUTE ON PROCEDURE orders.tidy_up() FROM "shop-clerks"'),
    Break("type", 'REVOKE USAGE ON TYPE orders.state FROM "shop-clerks"'),
    Break("domain", 'GRANT USAGE ON DOMAIN orders.amount TO "reports-readers"'),
    Break("language", 'REVOKE USAGE ON LANGUAGE plpgsql FROM "shop-engineers"'),
    Break(
        "foreign-data wrapper",
        'REVOKE USAGE ON FOREIGN DATA WRAPPER warehouse_wrapper FROM "shop-engineers"',
    ),
    Break("foreign server", 'GRANT USAGE ON FOREIGN SERVER warehouse_north TO "shop-clerks"'),
    Break("large object", 'REVOKE SELECT ON LARGE OBJECT 424242 FROM "shop-clerks"'),
    Break("tablespace", 'REVOKE CREATE ON TABLESPACE pg_default FROM "shop-engineers"'),
    Break("parameter", 'REVOKE SET ON PARAMETER log_duration FROM "shop-engineers"', since=15),
    Break("parameter, too much", 'GRANT SET ON PARAMETER log_statement TO "shop-clerks"', since=15),
    Break(
        "default privilege",
        "ALTER DEFAULT PRIVILEGES FOR ROLE shop_app IN SCHEMA orders"
        ' REVOKE SELECT ON TABLES FROM "shop-clerks"',
    ),
    Break(
        "default privilege, too much",
        'ALTER DEFAULT PRIVILEGES FOR ROLE shop_app GRANT ALL ON SEQUENCES TO "shop-batch"',
    ),
    Break("what PUBLIC may do", "GRANT EXECUTE ON FUNCTION orders.price(integer) TO PUBLIC"),
    Break("what PUBLIC is to do", "REVOKE USAGE ON TYPE orders.state FROM PUBLIC"),
    Break("owner of a schema", "ALTER SCHEMA stock OWNER TO shop_app"),
    Break("owner of a database", "ALTER DATABASE shop_archive OWNER TO shop_app"),
    Break("owner of a table", "ALTER TABLE stock.items OWNER TO shop_app"),
    Break("a table of another owner", "CREATE TABLE stock.more (); CREATE TABLE orders.more ()"),
    Break("membership", 'REVOKE "shop-clerks" FROM "shop-alice"'),
    Break("membership, too much", 'GRANT pg_read_all_data TO "shop-clerks"'),
    Break("member", 'GRANT "shop-clerks" TO shop_app'),
    Break("ADMIN", 'REVOKE ADMIN OPTION FOR "shop-clerks" FROM "shop-batch"'),
    Break(
        "options of a membership",
        'GRANT "shop-connects" TO "shop-clerks" WITH INHERIT FALSE',
        since=16,
    ),
    Break("attributes", 'ALTER ROLE "shop-engineers" NOCREATEDB CREATEROLE NOINHERIT'),
    Break("LOGIN", 'ALTER ROLE "shop-alice" NOLOGIN'),
    Break("LOGIN of a Role", 'ALTER ROLE "shop-legacy" LOGIN'),
    Break("password", "ALTER ROLE \"shop-alice\" PASSWORD 'another one'"),
    Break("expiry", "ALTER ROLE \"shop-alice\" VALID UNTIL 'infinity'"),
    Break("connection limit", 'ALTER ROLE "shop-alice" CONNECTION LIMIT -1'),
    Break("setting", "ALTER ROLE \"shop-clerks\" SET work_mem = '1GB'"),
    Break("settings", 'ALTER ROLE "shop-clerks" RESET ALL'),
    Break(
        "setting in a database",
        'ALTER ROLE "shop-batch" IN DATABASE shop RESET lock_timeout',
    ),
    Break("a role dropped", 'DROP OWNED BY "shop-connects"; DROP ROLE "shop-connects"'),
    Break("a role renamed", 'ALTER ROLE "shop-clerks" RENAME TO hidden'),
)


@pytest.mark.rule("8", "9", "11", "13")
@pytest.mark.every_version
@pytest.mark.slow_versions(14, 16, 17)
async def test_the_tree_of_everything_holds_and_each_drift_is_corrected(
    server: PostgresServer,
) -> None:
    """What does not hold is listed by the break's name, all of it at once."""
    async with flights(server, "shop") as database:
        look = await database.connect()
        await look.execute((EVERYTHING / "database.sql").read_text("utf-8"))
        declared = await declare(Request(EVERYTHING, dsn=database.dsn(), regent="shop"))
        async with founded(declared.settings, connector_of(declared.settings.server)) as stand:
            memory = stand.passes.memory
            memory.accepted = accept(None, declared.state, etag(declared.state), datetime.now(UTC))
            await stand.home.store_accepted(memory.accepted)
            first = await stand.passes.full()
            # What PUBLIC had is a loss that a person agrees to, once (rule 20).
            memory.brake = released(memory.brake, first.verdict.digest)
            await stand.passes.full()  # and makes the database that is missing
            one = await stand.passes.full()
            assert not one.verdict.is_pulled, one.verdict.why
            unfit = {key: o.message for key, o in one.outcomes.items() if not o.is_ready}
            expected = {f"Permission/platform/{name}" for name in too_new_for(server.version)}
            assert unfit.keys() == expected, unfit
            assert all(one.outcomes[key].reason == REASON for key in expected)
            assert not await still_planned(stand)
            whole = await whole_of(look)
            trouble: list[str] = []
            for broken in BREAKS:
                if broken.since <= server.version:
                    trouble += await broken_and_whole(broken, stand, look, whole)
            assert not trouble, "\n".join(trouble)


def too_new_for(major: int) -> set[str]:
    """The Permissions on what this server does not have."""
    since = {"time-statements": PARAMETER_SINCE, "walk-the-network": PROPERTY_GRAPH_SINCE}
    return {name for name, first in since.items() if major < first}


async def broken_and_whole(
    one: Break, stand: Foundation, look: asyncpg.Connection, whole: frozenset[str]
) -> list[str]:
    """What is wrong with its correction; nothing where all is well."""
    await look.execute(one.statements)
    if not await still_planned(stand):
        return [f"{one.name}: nothing is planned"]
    await stand.passes.full()
    found = await whole_of(look)
    trouble = [f"{one.name}: left {left}"] if (left := await still_planned(stand)) else []
    if found != whole and "more" not in one.statements:
        trouble.append(
            f"{one.name}: missing {sorted(whole - found)}, spurious {sorted(found - whole)}"
        )
    if "more" in one.statements:
        await look.execute("DROP TABLE stock.more, orders.more")
    return trouble


async def still_planned(stand: Foundation) -> list[str]:
    one = await stand.passes.observe(stand.passes.accepted())
    return [str(change) for change in (*one.plan.changes, *one.verdict.waiting)]


async def whole_of(look: asyncpg.Connection) -> frozenset[str]:
    names = await look.fetchval(OURS)
    return await held(look, [*names, "hidden", "shop_app"])
