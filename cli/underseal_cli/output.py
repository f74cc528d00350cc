"""What commands print: for people as tables and sentences, with `--json` one document.

Standard output has what was asked for, standard error has messages. Where nobody looks at a
terminal, tables are as wide as they have to be, so that no id or figure is cut.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

__all__ = ["console", "details", "footprint_figure", "say", "show", "table", "warn"]

UNLIMITED = 100_000
STYLES = {
    "verified": "green",
    "ok": "green",
    "active": "green",
    "Active": "green",
    "fulfilled": "green",
    "delivered": "green",
    "unsigned": "yellow",
    "pending": "yellow",
    "warning": "yellow",
    "paused": "yellow",
    "suspended": "yellow",
    "invalid": "bold red",
    "problem": "bold red",
    "error": "bold red",
    "dead": "bold red",
    "failed": "bold red",
    "rejected": "red",
    "revoked": "red",
}


def console(*, stderr: bool = False) -> Console:
    """A console for standard output or error of this moment (tests replace them)."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else UNLIMITED
    return Console(file=stream, width=width, highlight=False, soft_wrap=not stream.isatty())


def show(document: Any) -> None:
    """The one JSON document of `--json`."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def say(*lines: str) -> None:
    """Sentences on standard output."""
    for line in lines:
        console().print(escape(line), soft_wrap=True)


def warn(*lines: str) -> None:
    """Sentences on standard error."""
    for line in lines:
        console(stderr=True).print(escape(line), soft_wrap=True)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str, total: str | None = None
) -> None:
    """A table; a sentence if there is nothing in it.

    Args:
        columns: their headings.
        rows: texts; None is shown as nothing.
        empty: what is said without rows.
        total: a line below the table.
    """
    found = list(rows)
    if not found:
        say(empty)
        return
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in found:
        made.add_row(*(_cell(value) for value in row))
    console().print(made)
    if total is not None:
        say(total)


def details(members: Iterable[tuple[str, Any]]) -> None:
    """Names and values below each other; what has no value is left out."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="bold")
    made.add_column(overflow="fold")
    for name, value in members:
        if value not in (None, "", []):
            made.add_row(name, _cell(value))
    console().print(made)


def footprint_figure(item: Mapping[str, Any]) -> str:
    """The figure of a footprint with its unit, such as `14.28 kgCO2e / 1 kilogram`."""
    figure = item.get("pcfExcludingBiogenicUptake")
    if figure is None:
        return ""
    unit = f"{item.get('declaredUnitAmount', '?')} {item.get('declaredUnitOfMeasurement', '?')}"
    return f"{figure} kgCO2e / {unit}"


def _cell(value: Any) -> Text:
    if isinstance(value, list):
        value = "\n".join(map(str, value))
    text = "" if value is None else str(value)
    return Text(text, style=STYLES.get(text, ""))
