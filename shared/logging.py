"""One log for all of a process: structured, readable on a terminal, JSON elsewhere, no secrets.

What uvicorn, asyncpg and other libraries log through the standard library goes the same way.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import structlog

from shared.censor import censor, censor_text, is_secret_key
from shared.printable import printable, printable_lines

Style = Literal["auto", "json", "readable"]
Level = Literal["debug", "info", "warning", "error"]

_OF_SEVERAL_LINES = frozenset({"exception", "stack"})
_TALKATIVE = ("httpx", "httpcore", "uvicorn.access", "watchfiles", "asyncio")
"""They log every request or file at INFO; they are heard at debug only."""
_OF_CLOUDS = ("azure", "botocore", "google", "msal", "requests", "urllib3")
"""At debug they log answers that hold credentials, and how a token was signed: never heard."""


def configure_logging(
    level: Level = "info", *, style: Style = "auto", stream: TextIO | None = None
) -> None:
    """Set up structlog and the standard library's root logger; called once by each entry point.

    Give uvicorn `log_config=None`, so that its loggers reach the root.
    """
    out = sys.stderr if stream is None else stream
    readable = style == "readable" or (style == "auto" and out.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        censor_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *(_readable(colours=out.isatty()) if readable else _json()),
                _censor_line,
            ],
        )
    )
    _install(handler, logging.getLevelNamesMapping()[level.upper()])


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger that takes key-value pairs: `log.info("pass ended", changes=3)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def censor_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A processor: values of secret types, under secret keys or of a secret's form are replaced."""
    for key, value in event.items():
        if not key.startswith("_"):
            event[key] = "(hidden)" if is_secret_key(key) else censor(value)
    return event


def _censor_line(_logger: Any, _method: str, line: Any) -> str:
    """Once more over the finished line: an object's repr is only made by the renderer."""
    return censor_text(str(line))


def _show_event(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """What is not printable in names is shown, before the renderer adds colours of its own."""
    for key, value in event.items():
        if key in _OF_SEVERAL_LINES:
            event[key] = printable_lines(str(value))
        elif isinstance(value, str):
            event[key] = printable(value)
        elif not isinstance(value, int | float | None):
            event[key] = _Repr(printable(repr(value)))
    return event


class _Repr(str):
    """A finished repr, which the renderer shall not quote."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _readable(*, colours: bool) -> list[structlog.typing.Processor]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=colours, exception_formatter=structlog.dev.plain_traceback
    )
    return [_show_event, renderer]


def _json() -> list[structlog.typing.Processor]:
    return [structlog.processors.JSONRenderer(sort_keys=False)]


def _install(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(level if level <= logging.DEBUG else logging.WARNING)
    for name in _OF_CLOUDS:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
