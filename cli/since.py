"""`--since`: `yesterday`, `2h`, or a time. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from cli.pausing import span_of

DAYS = {"today": 0, "yesterday": 1}


def since_of(text: str, now: datetime) -> datetime:
    """The moment that is meant. `now` has the zone in which a day begins, and a time without one.

    Raises ValueError for anything else, and for what is to come.
    """
    asked = text.strip()
    if (days := DAYS.get(asked.lower())) is not None:
        return _midnight(now - timedelta(days=days))
    try:
        return now - span_of(asked)
    except ValueError:
        moment = _moment(asked, now)
    except OverflowError:
        moment = None
    if moment is None:
        raise ValueError(
            f"{text!r} is no time: write it as yesterday, 2h, 1d12h, 2026-11-27 or"
            " 2026-11-27T11:00:18Z."
        )
    if moment > now:
        raise ValueError(f"{text!r} is still to come.")
    return moment


def _moment(text: str, now: datetime) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=now.tzinfo)).astimezone(now.tzinfo)
    except (ValueError, OverflowError):
        return None


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
