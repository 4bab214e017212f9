"""Many grants become few Permissions that say the same; a star says nothing new (ADR 59)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from regent.export.fold import Fold, fold
from regent.export.held import holding
from regent.export.later import Later
from regent.export.names import permission_name, slug
from regent.observed import (
    AclItem,
    ObjectGroup,
    Observed,
    ObservedColumn,
    ObservedDatabase,
    ObservedDefault,
    ObservedMembership,
    ObservedServer,
)
from shared.privileges import ObjectKind
from tests.declared import role

TABLE, SEQUENCE, SCHEMA = ObjectKind.TABLE, ObjectKind.SEQUENCE, ObjectKind.SCHEMA
OWNER = "owner"


def item(grantee: str | None, privileges: str, *, option: bool = False) -> AclItem:
    given = frozenset(privileges.split())
    return AclItem(grantee, OWNER, given, given if option else frozenset())


def tables(schema: str, names: str, *items: AclItem, kind: ObjectKind = TABLE) -> ObjectGroup:
    called = tuple(names.split())
    return ObjectGroup(kind, schema, OWNER, items, called, tuple(map(hash, called)))


def schemas(names: str, *items: AclItem) -> ObjectGroup:
    called = tuple(names.split())
    return ObjectGroup(SCHEMA, None, OWNER, items, called, tuple(range(len(called))))


def given(schema: str | None, *items: AclItem, creator: str = OWNER) -> ObservedDefault:
    return ObservedDefault(creator, schema, TABLE, items)


def observed(
    *groups: ObjectGroup,
    columns: Iterable[ObservedColumn] = (),
    defaults: Iterable[ObservedDefault] = (),
    memberships: Iterable[ObservedMembership] = (),
    draws: dict[int, tuple[int, ...]] | None = None,
) -> Observed:
    names = ("r", "w", OWNER, "dev")
    server = ObservedServer(
        180_003,
        "7",
        "boss",
        admin_is_superuser=True,
        roles={name: role(name) for name in names},
        memberships=tuple(memberships),
    )
    reading = ObservedDatabase(
        "mydb", groups, tuple(columns), tuple(defaults), default_sequences=draws or {}
    )
    return Observed(server, {"mydb": reading})


def folded(seen: Observed, *, is_wide: bool = False) -> list[str]:
    """Each Permission in a line."""
    held = holding(seen, {"r", "w"}, frozenset(), frozenset())
    return [line(one) for one in fold(held, Later(seen, held, is_wide), ("r", "w"))]


def line(one: Fold) -> str:
    words = [
        " ".join(one.actions),
        f"{one.kind.value} {','.join(one.schemas)}",
        ",".join((*one.things.names, *one.things.columns)),
        "+".join(str(name) for name in one.grantees),
        "option" if one.is_grantable else "",
        "" if one.is_implied else "not implied",
    ]
    return " | ".join(filter(None, words))


USED = schemas("a b", item("r", "USAGE"), item("w", "USAGE"))


def test_what_roles_share_is_said_once_and_what_one_has_besides_by_itself() -> None:
    """Overlapping sets of tables stay what they are; USAGE comes along."""
    both = tables("a", "t1 t2", item("r", "SELECT"), item("w", "SELECT INSERT UPDATE"))
    assert folded(observed(USED, both, tables("a", "t3", item("r", "SELECT")))) == [
        "SELECT INSERT UPDATE | TABLE a | t1,t2 | w",
        "SELECT | TABLE a | t1,t2,t3 | r",
        "USAGE | SCHEMA b | r+w",
    ]


@pytest.mark.parametrize(
    ("seen", "names"),
    [
        pytest.param(observed(USED, tables("a", "t u", item("r", "SELECT"))), "t,u", id="none"),
        pytest.param(
            observed(
                USED,
                tables("a", "t u", item("r", "SELECT")),
                defaults=[given("a", item("r", "SELECT"))],
            ),
            "*",
            id="in the schema",
        ),
        pytest.param(
            observed(
                USED,
                tables("a", "t u", item("r", "SELECT")),
                defaults=[given(None, item("r", "SELECT"))],
            ),
            "*",
            id="everywhere",
        ),
        pytest.param(
            observed(
                USED,
                tables("a", "t u", item("r", "SELECT")),
                defaults=[given("b", item("r", "SELECT"))],
            ),
            "t,u",
            id="in another schema",
        ),
        pytest.param(
            observed(
                USED,
                tables("a", "t u", item("r", "SELECT")),
                replace(tables("a", "v", item("r", "SELECT")), owner="dev"),
                defaults=[given("a", item("r", "SELECT"))],
            ),
            "t,u,v",
            id="another one makes tables there, too",
        ),
        pytest.param(
            observed(
                USED,
                tables("a", "t u", item("r", "SELECT")),
                defaults=[given("a", item("r", "SELECT"))],
                memberships=[ObservedMembership(OWNER, "dev", "boss", admin=False)],
            ),
            "t,u",
            id="a member of the owner may",
        ),
        pytest.param(
            observed(
                USED,
                tables("a", "t u", item("r", "SELECT")),
                defaults=[given("a", item("r", "SELECT"))],
                memberships=[ObservedMembership(OWNER, "boss", "boss", admin=True)],
            ),
            "*",
            id="the admin is no maker",
        ),
        pytest.param(
            observed(
                schemas("a", item("r", "USAGE"), item(None, "CREATE")),
                tables("a", "t u", item("r", "SELECT")),
                defaults=[given("a", item("r", "SELECT"))],
            ),
            "t,u",
            id="everybody may",
        ),
        pytest.param(
            observed(
                USED,
                tables("a", "t", item("r", "SELECT")),
                tables("a", "u"),
                defaults=[given("a", item("r", "SELECT"))],
            ),
            "t",
            id="one table has it not",
        ),
    ],
)
def test_a_star_stands_only_where_later_tables_get_the_same(seen: Observed, names: str) -> None:
    assert folded(seen)[0] == f"SELECT | TABLE a | {names} | r"


def test_wildcards_on_request_need_no_defaults_but_still_every_table() -> None:
    seen = observed(USED, tables("a", "t u", item("r", "SELECT")))
    assert folded(seen, is_wide=True)[0] == "SELECT | TABLE a | * | r"
    some = observed(USED, tables("a", "t", item("r", "SELECT")), tables("a", "u"))
    assert folded(some, is_wide=True)[0] == "SELECT | TABLE a | t | r"


def test_equal_names_in_several_schemas_are_one_permission() -> None:
    alike = [tables(schema, "t u", item("r", "SELECT")) for schema in ("a", "b")]
    assert folded(observed(USED, *alike))[0] == "SELECT | TABLE a,b | t,u | r"


def test_grant_options_and_columns_are_permissions_of_their_own() -> None:
    """Columns of tables that have the same ones stand together."""
    column = ObservedColumn("a", "t", 1, "r", OWNER, "c", (item("r", "SELECT"),))
    seen = observed(
        USED,
        tables("a", "t u", item("r", "SELECT", option=True)),
        columns=[column, replace(column, relation="u"), replace(column, relation="u", column="d")],
    )
    assert folded(seen)[:3] == [
        "SELECT | TABLE a | t,u | r | option",
        "SELECT | COLUMN a | t,c | r",
        "SELECT | COLUMN a | u,c,d | r",
    ]


def test_what_would_come_along_and_is_not_held_is_not_implied() -> None:
    """Neither USAGE on the schema nor on the sequence of a default is given by the way."""
    table = tables("a", "t", item("r", "SELECT"), item("w", "INSERT"))
    sequence = tables("a", "s", kind=SEQUENCE)
    draws = {table.oids[0]: sequence.oids}
    only_w = schemas("a", item("w", "USAGE"))
    assert folded(observed(only_w, table, sequence, draws=draws)) == [
        "SELECT | TABLE a | t | r | not implied",
        "INSERT | TABLE a | t | w | not implied",
        "USAGE | SCHEMA a | w",
    ]
    drawn = tables("a", "s", item("w", "USAGE"), kind=SEQUENCE)
    assert folded(observed(only_w, table, drawn, draws=draws)) == [
        "SELECT | TABLE a | t | r | not implied",
        "INSERT | TABLE a | t | w",
    ]


def test_what_is_owned_is_not_declared_and_in_no_stars_way() -> None:
    own = replace(tables("a", "mine", item("r", "SELECT")), owner="r")
    seen = observed(
        USED,
        own,
        tables("a", "t u", item("r", "SELECT")),
        defaults=[given("a", item("r", "SELECT"))],
    )
    assert folded(seen)[0] == "SELECT | TABLE a | * | r"


def test_more_names_than_a_permission_takes_are_two() -> None:
    many = tables("a", " ".join(f"t{number}" for number in range(2_001)), item("r", "SELECT"))
    found = [one for one in folded(observed(USED, many)) if "TABLE" in one]
    assert [one.count(",") + 1 for one in found] == [2_000, 1]


def test_names_of_permissions_say_what_they_give() -> None:
    seen = observed(
        USED, tables("a", "t u", item("r", "SELECT INSERT")), tables("b", "x", item("w", "DELETE"))
    )
    held = holding(seen, {"r", "w"}, frozenset(), frozenset())
    found = [slug(permission_name(one)) for one in fold(held, Later(seen, held), ("r", "w"))]
    assert found == ["select-insert-a-2-tables", "delete-b-x", "usage-on-a", "usage-on-b"]
