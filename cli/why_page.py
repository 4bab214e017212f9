"""What `why` and `who-can` found, in words and as data. What the data looks like is promised.

As JSON or YAML:

    server        "db.example.com:5432/mydb"
    privilege     "SELECT"
    object        "table schema1.flights"
    holders       list of {role, login, atOnce, lacks, chains}: of `why` the role that was asked
                  about, also where it has no chain; of `who-can` everybody who has one. `lacks` is
                  what is needed beside it: CONNECT on the database, USAGE on the schema
    notes         list of texts
    seconds       how long it took

A chain is {atOnce, setRole, how, grantee, grantor, grantable, onColumn, through, declaredBy,
comesWith}; `how` is Superuser, BuiltIn or Grant, `grantee` is null for PUBLIC, `through` a list of
{role, group, inherit, set, admin, grantor, declaredBy}, from the role on. `declaredBy` and
`comesWith` (what implies it, rule 15) are lists of {resource, place}, empty where no directory was
given. Fields may be added; none changes its meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from cli.declared import Declared
from cli.sheet import Sheet
from regent.desired import Desired
from regent.observed import ObservedMembership, ObservedRole
from regent.settings import ServerSettings
from regent.why.chains import Chain, How, Source
from regent.why.declared import declarers, givers, implied_by
from regent.why.reading import Answered
from regent.why.target import Target
from shared.keys import ResourceKey

_Found = Callable[[Desired, str, Target, Source, str], tuple[ResourceKey, ...]]


@dataclass(frozen=True, slots=True)
class Where:
    """The server, the database to look into, and what is declared where that is known."""

    server: ServerSettings
    database: str
    declared: Declared | None = None
    desired: Desired | None = None

    def __str__(self) -> str:
        return f"{self.server.host}:{self.server.port}/{self.database}"


@dataclass(frozen=True, slots=True)
class WhyPage:
    """An answer, and what turns it into lines or data."""

    where: Where
    answer: Answered
    chains: Sequence[Chain]
    notes: Sequence[str] = ()

    def declared_by(self, keys: Callable[[Desired], Iterable[ResourceKey]]) -> list[dict[str, Any]]:
        """The resources, with the places that they stand at."""
        declared = self.where.declared
        if self.where.desired is None or declared is None:
            return []
        return [
            {"resource": str(key), "place": declared.places.get(key)}
            for key in keys(self.where.desired)
        ]

    def of_grant(self, chain: Chain) -> list[dict[str, Any]]:
        """What gives the privilege."""
        return self._by(givers, chain)

    def implying(self, chain: Chain) -> list[dict[str, Any]]:
        """What the privilege comes with, where nothing gives it by itself."""
        return [] if self.of_grant(chain) else self._by(implied_by, chain)

    def _by(self, found: _Found, chain: Chain) -> list[dict[str, Any]]:
        if chain.source.how is not How.GRANT:
            return []
        target, privilege = self.answer.target, self.answer.chains.privilege
        return self.declared_by(
            lambda desired: found(desired, self.where.database, target, chain.source, privilege)
        )

    def of_link(self, link: ObservedMembership) -> list[dict[str, Any]]:
        """What makes a member."""
        return self.declared_by(lambda desired: declarers(desired, link))

    def data(self, chain: Chain) -> dict[str, Any]:
        """One chain, as it is promised above."""
        source = chain.source
        grantable = (
            source.item is not None and self.answer.chains.privilege in source.item.grantable
        )
        return {
            "atOnce": chain.is_at_once,
            "setRole": chain.set_role or None,
            "how": source.how.value,
            "grantee": source.principal,
            "grantor": source.item.grantor if source.item else None,
            "grantable": grantable,
            "onColumn": source.is_on_column,
            "through": [
                {
                    "role": link.member,
                    "group": link.group,
                    "inherit": link.inherit,
                    "set": link.set_role,
                    "admin": link.admin,
                    "grantor": link.grantor or None,
                    "declaredBy": self.of_link(link),
                }
                for link in chain.links
            ],
            "declaredBy": self.of_grant(chain),
            "comesWith": self.implying(chain),
        }


def why_sheet(page: WhyPage, role: ObservedRole, *, may: bool) -> Sheet:
    """Every chain of one role, and what narrows them."""
    sheet = Sheet()
    privilege, shown = page.answer.chains.privilege, page.answer.target.shown
    ways = [one for one in page.chains if one.is_at_once == may]
    if may:
        sheet.add(f"{role.name} has {privilege} on {shown}.", "bold green")
    elif ways:
        sheet.add(f"{role.name} has {privilege} on {shown} only after SET ROLE.", "bold yellow")
    else:
        sheet.add(f"{role.name} has no {privilege} on {shown}.", "bold red")
    for number, chain in enumerate(page.chains, 1):
        sheet.add()
        sheet.add_pieces((f"  {number}. ", "dim"), (_in_words(chain, privilege), ""))
        for link in chain.links:
            sheet.add(
                f"       {_link_words(link)}{_places(page, page.of_link(link), link.grantor)}"
            )
        if chain.source.how is How.GRANT:
            sheet.add(f"       {_grant_words(page, chain)}")
    if page.notes:
        sheet.add()
        for note in page.notes:
            sheet.add(f"  note: {note}", "yellow")
    return sheet


def who_sheet(page: WhyPage, hidden: int) -> Sheet:
    """A line for each; `hidden` are left out."""
    sheet = Sheet()
    privilege, shown = page.answer.chains.privilege, page.answer.target.shown
    count = len(page.chains)
    sheet.add(f"{count} role{'' if count == 1 else 's'} can {privilege} on {shown}:", "bold")
    width = max((len(one.role) for one in page.chains), default=0)
    for one in page.chains:
        lacks = page.answer.lacks(one.role)
        less = f" (without {' and '.join(lacks)})" if lacks else ""
        sheet.add(f"  {one.role:<{width}}  {_in_words(one, privilege, short=True)}{less}")
    for note in page.notes:
        sheet.add(f"  note: {note}", "yellow")
    if hidden:
        sheet.add(f"  {hidden} more may not log in; --all shows them.", "dim")
    return sheet


def _in_words(chain: Chain, privilege: str, *, short: bool = False) -> str:
    way = " → ".join([chain.role, *(link.group for link in chain.links)])
    if short:
        way = " → ".join(["", *(link.group for link in chain.links)]).removeprefix(" → ")
    match chain.source.how:
        case How.SUPERUSER:
            what = "a superuser"
        case How.BUILT_IN:
            what = f"{privilege} comes with {chain.source.principal}"
        case How.GRANT:
            what = "everybody has it (PUBLIC)" if chain.source.principal is None else "granted"
            if chain.source.is_on_column:
                what = f"{what}, on the column"
        case _:
            assert_never(chain.source.how)
    becomes = "" if chain.is_at_once else f", after SET ROLE {chain.set_role}"
    return f"{way}: {what}{becomes}" if way else f"{what}{becomes}"


def _link_words(link: ObservedMembership) -> str:
    options = [
        *(() if link.inherit else ("not inherited",)),
        *(() if link.set_role else ("without SET",)),
        *(("ADMIN",) if link.admin else ()),
    ]
    said = f" ({', '.join(options)})" if options else ""
    if not link.grantor:
        return f"{link.member} in {link.group}{said}, as the owner of the database"
    return f"{link.member} in {link.group}{said}"


def _grant_words(page: WhyPage, chain: Chain) -> str:
    source, item = chain.source, chain.source.item
    if item is None:
        return ""
    privilege = page.answer.chains.privilege
    option = " WITH GRANT OPTION" if privilege in item.grantable else ""
    to = item.grantee or "PUBLIC"
    on = " on the column" if source.is_on_column else ""
    own = item.grantee == item.grantor == page.answer.target.owner
    if own:
        return f"{privilege}{on} of {to}, who owns it"
    given = f"{privilege}{on} to {to}{option}"
    if with_it := page.implying(chain):
        return f"{given}, granted by {item.grantor}, comes with {_named(with_it)}"
    return f"{given}{_places(page, page.of_grant(chain), item.grantor)}"


def _places(page: WhyPage, found: Sequence[dict[str, Any]], grantor: str) -> str:
    """Who declares it, and where; without a directory, who granted it."""
    by = f", granted by {grantor}" if grantor else ""
    if page.where.desired is None:
        return by
    if not found:
        return f"{by}, declared by no resource"
    return f"{by}, declared by {_named(found)}"


def _named(found: Sequence[dict[str, Any]]) -> str:
    return " and ".join(
        f"{one['resource']} ({one['place']})" if one["place"] else one["resource"] for one in found
    )


def document(
    page: WhyPage, holders: Iterable[tuple[ObservedRole, Sequence[Chain]]]
) -> dict[str, Any]:
    """As it is promised above, without `seconds`."""
    return {
        "server": str(page.where),
        "privilege": page.answer.chains.privilege,
        "object": page.answer.target.shown,
        "holders": [
            {
                "role": role.name,
                "login": role.login,
                "atOnce": any(one.is_at_once for one in chains),
                "lacks": list(page.answer.lacks(role.name)),
                "chains": [page.data(one) for one in chains],
            }
            for role, chains in holders
        ],
        "notes": list(page.notes),
    }
