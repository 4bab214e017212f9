"""What `access-review` found, for a person: a line each, or one in full; and as one HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape

from cli.access_text import AFTER, places_in_words
from cli.review_data import Told
from cli.sheet import Sheet
from regent.access.places import Place
from regent.access.powers import LOGIN
from regent.access.review import Entry, Reviewed, counts_of
from regent.access.rights import Way
from shared.listing import first_of
from shared.printable import printable
from shared.utc import utc

MOST_PERSONS = 40
NAMES = 3
MOST_WORDS = 6
MOST_POWERS = 5
HOW_TO_SEE_ALL = "These are sums. --role NAME shows one person in full, --all everybody."
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ddd;padding:.3rem;"
    "text-align:left;vertical-align:top}code{font-size:.9em;word-break:break-all}"
    ".bad{color:#a00}.dim{color:#666}summary{cursor:pointer}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def summary_sheet(told: Told) -> Sheet:
    """A line for all persons that have alike; about a page."""
    sheet = _head(told)
    alike: dict[tuple[object, ...], list[Reviewed]] = {}
    for one in told.review.persons:
        key = (tuple(sorted(one.powers.items())), one.entries)
        alike.setdefault(key, []).append(one)
    lines = list(alike.values())
    for persons in lines[:MOST_PERSONS]:
        names = first_of([one.name for one in persons], NAMES)
        sheet.add_pieces((f"  {names}", "bold"), (f"  {_in_sum(persons[0])}", ""))
    if len(lines) > MOST_PERSONS:
        more = sum(map(len, lines[MOST_PERSONS:]))
        sheet.add(f"  and {more} more persons; --all shows them.", "dim")
    sheet.add_pieces(("  PUBLIC", "bold"), (f"  {_counted(told.review.everybody)}", ""))
    sheet.add(HOW_TO_SEE_ALL, "dim")
    return sheet


def full_sheet(told: Told, role: str | None) -> Sheet:
    """Every entry of one person, or of everybody."""
    sheet = _head(told)
    for one in told.persons(role):
        sheet.add()
        sheet.add_pieces((one.name, "bold"), (f"  {_by(told, one)}", "dim"))
        for line in _lines(one):
            sheet.add(f"  {line}")
    sheet.add()
    sheet.add("PUBLIC: everybody has it, each of them besides", "bold")
    for entry in told.review.everybody:
        sheet.add(f"  {_entry(entry)}")
    return sheet


def _head(told: Told) -> Sheet:
    sheet = Sheet()
    count = len(told.review.persons)
    roles = f"{count} role{' that may' if count == 1 else 's that may'} log in"
    sheet.add(f"Access on {told.address}: {roles}", "bold")
    for key, text in _facts(told):
        sheet.add(f"  {key:<8} {text}", "dim")
    for database, why in sorted(told.unread.items()):
        sheet.add(f"  {database} could not be read: {why}", "bold red")
    for one in told.illegible:
        sheet.add(f"  Left out, as the name is not UTF-8: {one}.", "yellow")
    return sheet


def _facts(told: Told) -> Iterator[tuple[str, str]]:
    server = told.server
    yield "digest", told.digest
    identity = server.system_identifier or "not readable"
    yield "server", f"PostgreSQL {server.major}, system identifier {identity}"
    yield "read", f"{utc(told.at)} by {server.login}"


def _by(told: Told, one: Reviewed) -> str:
    if told.directory is None:
        return ""
    found = told.declared_by.get(one.name, ())
    return f"declared by {', '.join(found)}" if found else "declared by no resource"


def _in_sum(one: Reviewed) -> str:
    powers = first_of(_powers(one), MOST_POWERS)
    if one.is_superuser:
        return f"everything, as a superuser ({powers})"
    counted = _counted(one.entries)
    return "; ".join(text for text in (powers, counted) if text) or "nothing but what PUBLIC has"


def _counted(entries: Iterable[Entry]) -> str:
    counts = sorted(counts_of(entries).items(), key=lambda each: (-each[1], each[0]))
    return first_of([f"{word} on {count:,}" for word, count in counts], MOST_WORDS)


def _powers(one: Reviewed) -> list[str]:
    return [
        word if way is Way.AT_ONCE else f"{word} {AFTER}"
        for word, way in sorted(one.powers.items())
        if word != LOGIN
    ]


def _lines(one: Reviewed) -> Iterator[str]:
    if one.is_superuser:
        yield "everything, as a superuser"
    if powers := _powers(one):
        yield ", ".join(powers)
    yield from map(_entry, one.entries)
    if not (one.entries or powers or one.is_superuser):
        yield "nothing but what PUBLIC has"


def _entry(entry: Entry) -> str:
    what = f"{', '.join(entry.words)} on {places_in_words(entry.places, everything=True)}"
    return f"{what}{_way(entry)}{_lacks(entry)}"


def _way(entry: Entry) -> str:
    via = entry.via
    if via.principal is None:
        return ""
    by = f", by {' → '.join(via.through)}" if via.through else ""
    return f"{by}, {AFTER} {via.set_role}" if via.set_role else by


def _lacks(entry: Entry) -> str:
    return f" (of no use without {' and '.join(entry.lacks)})" if entry.lacks else ""


def html_page(told: Told, role: str | None) -> str:
    """Everything on one page that needs nothing else: no script, no font, no picture."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{_text(f'Access on {told.address}')}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{_text(f'Access on {told.address}')}</h1><table>",
    ]
    parts += [
        f"<tr><th>{key}</th><td><code>{_text(said)}</code></td></tr>" for key, said in _facts(told)
    ]
    parts.append("</table>")
    for database, why in sorted(told.unread.items()):
        parts.append(f'<p class="bad">{_text(f"{database} could not be read: {why}")}</p>')
    for one in told.illegible:
        parts.append(f'<p class="bad">{_text(f"Left out, as the name is not UTF-8: {one}.")}</p>')
    for person in told.persons(role):
        parts.append(
            f"<details><summary><b>{_text(person.name)}</b> {_text(_in_sum(person))}</summary>"
        )
        parts.append(f'<p class="dim">{_text(_by(told, person))}</p>')
        parts += _table(person.entries, _powers(person))
        parts.append("</details>")
    parts.append("<details><summary><b>PUBLIC</b> everybody has it besides</summary>")
    parts += _table(told.review.everybody, [])
    parts.append("</details></body></html>")
    return "\n".join(parts) + "\n"


def _table(entries: Iterable[Entry], powers: Iterable[str]) -> Iterator[str]:
    yield "<table><tr><th>what</th><th>on</th><th>by</th></tr>"
    for power in powers:
        yield f"<tr><td>{_text(power)}</td><td></td><td></td></tr>"
    for one in entries:
        places = "<br>".join(f"<code>{_text(_where(place))}</code>" for place in one.places)
        by = _text(f"{_way(one)}{_lacks(one)}".removeprefix(", "))
        yield f"<tr><td>{_text(', '.join(one.words))}</td><td>{places}</td><td>{by}</td></tr>"
    yield "</table>"


def _where(place: Place) -> str:
    return places_in_words((place,), everything=True)


def _text(text: str) -> str:
    """In ASCII: the same page, however standard output is encoded."""
    return escape(printable(text)).encode("ascii", "xmlcharrefreplace").decode()
