"""The types of names, patterns and small values that specs are made of, with their limits.

The schema of a type states what a schema can; its validator states the whole of it (bytes rather
than characters, words that PostgreSQL keeps for itself) and says the way out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from shared.names import MAX_BYTES, role_name_problem
from shared.patterns import empty_range
from shared.resources.base import refuse
from shared.signatures import NotASignatureError, is_signature, signature_of
from shared.utc import utc

_DNS = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_SECRET_KEY = re.compile(r"[-._A-Za-z0-9]+")
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_SPAN = re.compile(r"([1-9][0-9]{0,5})([smhdw])", re.ASCII)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 30, tzinfo=UTC)
"""What is observed outside of Python's years is read as this: sql/inspect/roles.sql."""

KUBERNETES_NAME = "a name that Kubernetes takes"
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def _limits(minimum: int, maximum: int, *rules: dict[str, str], **more: Any) -> WithJsonSchema:
    """`rules` are CEL rules, for what the words of a JSON schema cannot say."""
    if rules:
        more["x-kubernetes-validations"] = list(rules)
    return WithJsonSchema({"type": "string", "minLength": minimum, "maxLength": maximum, **more})


_FITS_IN_BYTES = {
    "rule": f"size(bytes(self)) <= {MAX_BYTES}",
    "message": f"is longer than {MAX_BYTES} bytes, and PostgreSQL would cut it silently; "
    "shorten it",
}
_IS_FREE = {
    "rule": "!self.startsWith('pg_') && !(self in ['public', 'none'])",
    "message": "is a name that PostgreSQL keeps for itself; choose another one",
}


def _sized(minimum: int, maximum: int) -> Callable[[str], str]:
    def check(value: str) -> str:
        if len(value) < minimum:
            raise refuse("is empty", "write at least one character, or leave the field out")
        if len(value) > maximum:
            raise refuse(f"is {len(value)} characters long", f"shorten it to {maximum}")
        return value

    return check


def _matching(
    expression: re.Pattern[str], maximum: int, what: str, way_out: str
) -> Callable[[str], str]:
    sized = _sized(0, maximum)

    def check(value: str) -> str:
        if not expression.fullmatch(sized(value)):
            raise refuse(f"is not {what}", way_out)
        return value

    return check


def _fits_an_identifier(value: str) -> str:
    size = len(_sized(1, 10_000)(value).encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise refuse(
            f"is {size} bytes long and PostgreSQL would cut it silently at {MAX_BYTES}",
            "shorten it",
        )
    return value


def _fits_a_pattern(value: str) -> str:
    if backwards := empty_range(_sized(1, 190)(value)):
        raise refuse(
            f"has the range {backwards}, which runs backwards and holds nothing",
            f"write {backwards[::-1]}, or a backslash before the bracket if it is part of the name",
        )
    return value


def _fits_a_routine(value: str) -> str:
    if not is_signature(_sized(1, 500)(value)):
        return _fits_a_pattern(value)
    try:
        signature_of(value)
    except NotASignatureError as error:
        raise refuse(
            str(error),
            "write it like find_flight(integer, text[]), or a pattern over names alone; a backslash"
            " before the bracket makes it part of the name",
        ) from None
    return value


def _fits_a_role(value: str) -> str:
    if problem := role_name_problem(value):
        message, _, way_out = problem.rpartition("; ")
        raise refuse(message, way_out)
    return value


def _fits_a_label_key(value: str) -> str:
    prefix, slash, name = value.rpartition("/")
    prefix_fits = len(prefix) <= 253 and _DNS.fullmatch(prefix) if slash else True
    if not (prefix_fits and len(name) <= 63 and _LABEL_NAME.fullmatch(name)):
        raise refuse("is not a label's key", "write it like `team` or `example.org/team`")
    return value


def _as_setting_text(value: object) -> object:
    if isinstance(value, bool):
        raise refuse(
            "is a boolean, and PostgreSQL's settings are texts or whole numbers",
            f'quote it: "{"on" if value else "off"}"',
        )
    if isinstance(value, float):
        raise refuse("is a fraction, which Kubernetes refuses here", f'quote it: "{value}"')
    return str(value) if isinstance(value, int) else value


def _as_date_time(value: object) -> object:
    """A time with its zone; a bare date could mean either of its ends, so it is refused."""
    if isinstance(value, str) and not _DATE_TIME.fullmatch(value):
        raise refuse(
            "is not a date and time with a time zone", "write it like 2026-12-31T23:59:59Z"
        )
    if isinstance(value, datetime) and value.tzinfo is None:
        raise refuse("has no time zone", "write it like 2026-12-31T23:59:59Z")
    if not isinstance(value, str | datetime):
        raise refuse("is not a date and time", "write it like 2026-12-31T23:59:59Z")
    return value


def _within_reach(value: datetime) -> datetime:
    """Compared as it is: what lies outside of Python's years cannot be turned into UTC."""
    if not EARLIEST <= value <= LATEST:
        raise refuse(
            f"is {value.isoformat()}, which is not between {utc(EARLIEST)} and {utc(LATEST)}",
            "give a time between them, or leave validUntil out for one that never ends",
        )
    return value


Identifier = Annotated[
    str, AfterValidator(_fits_an_identifier), _limits(1, MAX_BYTES, _FITS_IN_BYTES)
]
"""A database, schema, column or other name of PostgreSQL, exactly as it is there."""

RoleName = Annotated[
    str,
    AfterValidator(_fits_a_role),
    _limits(1, MAX_BYTES, _FITS_IN_BYTES, _IS_FREE),
]
"""The name of a role that may be declared."""

AnyRoleName = Annotated[
    str, AfterValidator(_fits_an_identifier), _limits(1, MAX_BYTES, _FITS_IN_BYTES)
]
"""The name of any role there is, built-in ones included."""

NamePattern = Annotated[str, AfterValidator(_fits_a_pattern), _limits(1, 190)]
"""A shell pattern over names: `*`, `?`, `[a-z]`, and a backslash that escapes."""

Routine = Annotated[str, AfterValidator(_fits_a_routine), _limits(1, 500)]
"""`name(argument types)`, or a shell pattern over names."""

ResourceName = Annotated[
    str,
    AfterValidator(
        _matching(
            _DNS,
            253,
            KUBERNETES_NAME,
            "use lower-case letters, digits, '-' and '.', such as read-flights",
        )
    ),
    _limits(1, 253),
]
"""The metadata.name of a Permission, a Role, a Secret."""

SecretKey = Annotated[
    str,
    AfterValidator(
        _matching(_SECRET_KEY, 253, "a key of a Secret", "use letters, digits, '-', '_' and '.'")
    ),
    _limits(1, 253),
]

LabelKey = Annotated[str, AfterValidator(_fits_a_label_key), _limits(1, 317)]
LabelValue = Annotated[
    str,
    AfterValidator(
        _matching(_LABEL_VALUE, 63, "a label's value", "use letters, digits, '-', '_' and '.'")
    ),
    _limits(0, 63),
]

SettingName = Annotated[
    str,
    AfterValidator(
        _matching(_SETTING, 127, "a setting's name", "write it like work_mem or myapp.tenant")
    ),
    _limits(1, 127),
]
SettingValue = Annotated[
    str,
    BeforeValidator(_as_setting_text),
    AfterValidator(_sized(0, 4_096)),
    WithJsonSchema({"x-kubernetes-int-or-string": True}),
]
"""The value of a setting: written as text or as a whole number, kept as text."""

DateTime = Annotated[datetime, BeforeValidator(_as_date_time), AfterValidator(_within_reach)]
"""A moment, with its time zone, that PostgreSQL and Python hold alike."""

Span = Annotated[
    str,
    AfterValidator(
        _matching(_SPAN, 7, "a length of time", "write a number and s, m, h, d or w, such as 30d")
    ),
    _limits(2, 7, pattern="^[1-9][0-9]*[smhdw]$"),
]
"""A length of time such as `90s`, `1h`, `30d`."""


def seconds_of(span: str) -> int:
    """`30d` is 2,592,000. Raises ValueError for what is not a Span."""
    match = _SPAN.fullmatch(span)
    if match is None:
        raise ValueError(f"{span!r} is not a length of time such as 30d")
    return int(match[1]) * _SECONDS[match[2]]
