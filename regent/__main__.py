"""`python -m regent`: one Regent. Its settings come from a descriptor or a file."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path

from pydantic import ValidationError

from regent.settings import RegentSettings, read_fd
from shared.printable import printable_lines


def main() -> int:
    """Read the settings, set up the log, run the daemon."""
    parser = argparse.ArgumentParser(
        prog="python -m regent",
        description="Keeps one PostgreSQL server as declared. Started by the controller or by"
        " `postgregent local`; settings are JSON and hold secrets, so they are never arguments.",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--config-fd", type=int, metavar="N", help="inherited descriptor to read")
    source.add_argument("--config", type=Path, metavar="FILE", help="file to read")
    arguments = parser.parse_args()
    try:
        settings = _read(arguments.config_fd, arguments.config)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        lines = (f"{'.'.join(map(str, p['loc']))}: {p['msg']}" for p in problems)
        return _refuse("\n  ".join(("The settings are not valid:", *lines)))
    except OSError as error:
        return _refuse(f"The settings cannot be read: {error.strerror}.")
    return _run(settings)


def _refuse(message: str) -> int:
    sys.stderr.write(f"{printable_lines(message)}\n")
    return 2


def _read(descriptor: int | None, file: Path) -> RegentSettings:
    if descriptor is not None:
        return read_fd(descriptor)
    return RegentSettings.model_validate_json(file.read_bytes()).beside(file.parent)


def _run(settings: RegentSettings) -> int:
    # Late: what is wrong with the settings is said without loading a web framework.
    from regent.daemon import Daemon  # noqa: PLC0415
    from shared.garbage import look_for_cycles_rarely  # noqa: PLC0415
    from shared.logging import configure_logging  # noqa: PLC0415

    configure_logging()
    look_for_cycles_rarely()
    asyncio.run(Daemon(settings).run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
