"""A routine is named so that the server knows which is meant, wherever it is named (rule 27)."""

from __future__ import annotations

import pytest

from regent.changes import DropRole, HandOnOwned
from regent.desired import Listed
from tests.integration.test_apply import Bench, bench, create

__all__ = ["bench"]

pytestmark = pytest.mark.every_version

ROUTINES = """
CREATE AGGREGATE schema1.cnt(*) (sfunc = int8inc, stype = int8, initcond = '0');
CREATE AGGREGATE schema1.total(int) (sfunc = int4_sum, stype = int8);
CREATE PROCEDURE schema1.p(IN i int) LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION schema1."odd, name"("char", VARIADIC text[]) RETURNS int LANGUAGE sql
    AS 'SELECT 1'
"""
WITH_OUT = "; CREATE PROCEDURE schema1.p(OUT i int) LANGUAGE sql AS 'SELECT 1'"
OWNERS = "SELECT count(*) FROM pg_proc WHERE proowner = 'heir'::regrole"
HELD = """
SELECT count(*) FROM pg_proc AS p CROSS JOIN LATERAL aclexplode(p.proacl) AS a
WHERE p.pronamespace = 'schema1'::regnamespace AND a.grantee = 'bystander'::regrole
"""


async def made(bench: Bench, by: str) -> None:
    await bench.look.execute(
        f"GRANT USAGE, CREATE ON SCHEMA schema1 TO {by}; SET ROLE {by};{ROUTINES}{WITH_OUT};"
        "RESET ROLE"
    )


@pytest.mark.found("E102")
@pytest.mark.rule("27")
async def test_every_routine_of_a_leaver_goes_to_its_heir_and_the_leaver_is_dropped(
    bench: Bench,
) -> None:
    """An aggregate without arguments was a syntax error, an overloaded procedure not unique."""
    await bench.apply(create("leaver"), create("heir"))
    await made(bench, "leaver")
    [moved, dropped] = await bench.apply(
        HandOnOwned("mydb", "leaver", "heir", listed=Listed.BY_NAME), DropRole("leaver")
    )
    assert moved.done, moved
    assert dropped.done, dropped
    assert await bench.look.fetchval(OWNERS) == 5


@pytest.mark.found("E102")
@pytest.mark.rule("27")
async def test_what_a_leaver_gave_on_any_routine_outlives_it(bench: Bench) -> None:
    await bench.apply(create("leaver"))
    await made(bench, "app_owner")
    await bench.look.execute(
        "CREATE ROLE bystander; SET ROLE app_owner;"
        "GRANT ALL ON ALL ROUTINES IN SCHEMA schema1 TO leaver WITH GRANT OPTION;"
        "GRANT USAGE ON SCHEMA schema1 TO leaver; SET ROLE leaver;"
        "GRANT ALL ON ALL ROUTINES IN SCHEMA schema1 TO bystander; RESET ROLE"
    )
    before = await bench.look.fetchval(HELD)
    [dropped] = await bench.apply(DropRole("leaver"))
    assert dropped.done, dropped
    assert await bench.look.fetchval(HELD) == before >= 5


@pytest.mark.found("E103")
@pytest.mark.rule("21")
@pytest.mark.versions(15)
async def test_an_error_without_words_keeps_one_object_and_ends_nothing(bench: Bench) -> None:
    """Somebody's event trigger can raise an empty message: that ended the whole apply."""
    await bench.apply(create("leaver"), create("heir"))
    await bench.look.execute(
        "CREATE FUNCTION public.no() RETURNS event_trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION ''; END $$; GRANT USAGE, CREATE ON SCHEMA schema1 TO leaver;"
        "SET ROLE leaver; CREATE TABLE schema1.mine (i int); RESET ROLE;"
        "CREATE EVENT TRIGGER no ON ddl_command_end WHEN TAG IN ('ALTER TABLE')"
        " EXECUTE FUNCTION public.no()"
    )
    change = HandOnOwned("mydb", "leaver", "heir", listed=Listed.BY_NAME)
    [stays] = await bench.apply(change)
    assert not stays.done
    assert "schema1.mine" in stays.message
    # The twin: once it raises no more, the table moves.
    await bench.look.execute("DROP EVENT TRIGGER no")
    [moved] = await bench.apply(change)
    assert moved.done, moved
