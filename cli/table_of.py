"""Lists as CSV: a header, and a line for each. What is not printable is escaped, as everywhere."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from rich.console import Console

from cli.printing import Output
from shared.printable import printable

ListOutput = Literal["table", "json", "yaml", "csv"]


def of_errors(output: ListOutput) -> Output:
    """How an error is told where a list was asked for as CSV."""
    return "table" if output == "csv" else output


def csv_text(
    columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, header: bool = True
) -> str:
    """RFC 4180, but for the line ends, which are those of other commands."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(columns)
    writer.writerows([_cell(row.get(name)) for name in columns] for row in rows)
    return text.getvalue()


def print_csv(
    console: Console,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
    *,
    header: bool = True,
) -> None:
    """Written at once."""
    console.file.write(csv_text(columns, rows, header=header))
    console.file.flush()


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list() | tuple():
            return " ".join(printable(str(one)) for one in value)
        case _:
            return printable(str(value))
