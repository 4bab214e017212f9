"""Rows of the home database as values, and values as they are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast

import asyncpg

from regent.remembered import Census, Mark, Noticed, Pause, Unmanageable
from shared.json_text import json_text
from shared.keys import ResourceKey
from shared.outcomes import Actor, Drift


def mark_of(row: asyncpg.Record) -> Mark:
    """One row of postgregent.marks."""
    return Mark(
        role=row["role"],
        regent=row["regent"],
        holder=ResourceKey.parse(row["holder"]),
        origin=cast(Literal["created", "adopted"], row["origin"]),
        role_oid=row["role_oid"],
        released=row["released"],
        verifier_digest=row["verifier_digest"],
    )


HELPED = "\n"
"""Ends a message that has the statement that helps: a message is one line, whoever named things."""


def unmanageable_of(rows: Sequence[asyncpg.Record]) -> Mapping[str, Unmanageable]:
    """By digest."""
    return {
        row["digest"]: Unmanageable(
            row["digest"],
            row["sqlstate"],
            row["message"].removesuffix(HELPED),
            row["found_at"],
            is_helped=row["message"].endswith(HELPED),
        )
        for row in rows
    }


def kept_message(one: Unmanageable) -> str:
    """As it is written into a row."""
    return f"{one.message}{HELPED}" if one.is_helped else one.message


def census_of(rows: Sequence[asyncpg.Record], doubtful: frozenset[str]) -> Census:
    """The rows of sql/home/unmanaged.sql."""
    noticed = tuple(
        Noticed(
            role_oid=row["role_oid"],
            role=row["role"],
            appeared_at=row["appeared_at"],
            actor=_actor_of(row["actor"]),
            disabled_at=row["disabled_at"],
        )
        for row in rows
        if row["role_oid"] is not None
    )
    since = next((row["since"] for row in rows if row["role_oid"] is None), None)
    return Census(since, noticed, doubtful)


def pauses_of(rows: Sequence[asyncpg.Record]) -> tuple[Pause, ...]:
    """The rows of sql/home/pauses.sql."""
    return tuple(
        Pause(
            role_oid=row["role_oid"],
            role=row["role"],
            until=row["until"],
            reason=row["reason"],
            by=row["paused_by"],
            since=row["paused_at"],
            left_seconds=row["left_seconds"],
        )
        for row in rows
    )


def _actor_of(text: str | None) -> Actor | None:
    """None too of what cannot be read: that a role was disabled counts all the same."""
    try:
        return None if text is None else Actor.model_validate_json(text)
    except ValueError:
        return None


def text_of(drift: Drift) -> str:
    """As it is kept: its id is a column."""
    return json_text(drift, by_alias=True, exclude={"id"}, exclude_none=True)


def drift_of(row: asyncpg.Record) -> Drift:
    """As it was kept, with its id."""
    return Drift.model_validate_json(row["drift"]).model_copy(update={"id": row["id"]})
