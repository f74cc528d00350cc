"""Tables: on a terminal as wide as that, elsewhere each row in a line, as wide as it has to be."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from underseal_cli.output import LINE, console, is_terminal, say, visible, write

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

__all__ = ["details", "figure_columns", "footprint_figure", "table"]

UNLIMITED = 100_000
GAP = "   "
# Words up to this length, such as a UUID, are not broken over lines; in cells of a terminal.
WORD_CELLS = 36
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

# The lines of a cell.
Cell = list[str]


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    empty: str,
    narrow: Sequence[Sequence[int]] | None = None,
) -> None:
    """A table; a sentence if there is nothing in it.

    Args:
        columns: their headings.
        rows: texts, or lists of them; None is shown as nothing.
        empty: what is said without rows.
        narrow: numbers of columns that are shown below each other on a narrow terminal.
    """
    found = [[_cell(value) for value in row] for row in rows]
    if not found:
        say(empty)
    elif is_terminal(sys.stdout):
        _print(_fitting([[one] for one in columns], found, narrow))
    else:
        heading, *lines = _aligned([[[one] for one in columns], *found])
        _write_lines([heading, LINE * max(map(_width, [heading, *lines])), *lines])


def details(members: Iterable[tuple[str, Any]]) -> None:
    """Names and values below each other; what has no value is left out."""
    found = [(name, _cell(value)) for name, value in members if value not in (None, "", [])]
    if not is_terminal(sys.stdout):
        _write_lines(_aligned([[[name], cell] for name, cell in found]))
        return
    from rich.table import Table

    made = Table.grid(padding=(0, 2))
    made.add_column(style="bold", no_wrap=True)
    made.add_column(overflow="fold")
    for name, cell in found:
        made.add_row(name, _text(cell))
    _print(made)


def figure_columns(item: Mapping[str, Any]) -> tuple[str | None, str]:
    """The figure of a footprint and what it is per, for the columns `kgCO2e` and `per`."""
    amount, unit = item.get("declaredUnitAmount"), item.get("declaredUnitOfMeasurement")
    per = " ".join(filter(None, (amount, unit)))
    return item.get("pcfExcludingBiogenicUptake"), per


def footprint_figure(item: Mapping[str, Any]) -> str:
    """The figure of a footprint with its unit, such as `14.28 kgCO2e / 1 kilogram`."""
    figure = item.get("pcfExcludingBiogenicUptake")
    if figure is None:
        return ""
    unit = f"{item.get('declaredUnitAmount', '?')} {item.get('declaredUnitOfMeasurement', '?')}"
    return f"{figure} kgCO2e / {unit}"


def _cell(value: Any) -> Cell:
    texts = value if isinstance(value, list) else ["" if value is None else value]
    return [visible(str(one)) for one in texts] or [""]


def _width(line: str) -> int:
    """In cells of a terminal: wide characters have two."""
    from rich.cells import cell_len

    return cell_len(line)


def _aligned(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """Rows as lines in which the columns stand below each other, without spaces at the ends."""
    widths = [
        max(_width(line) for cell in column for line in cell) for column in zip(*rows, strict=True)
    ]
    lines = []
    for row in rows:
        for number in range(max(map(len, row))):
            parts = [cell[number] if number < len(cell) else "" for cell in row]
            padded = [
                part + " " * (width - _width(part))
                for part, width in zip(parts, widths, strict=True)
            ]
            lines.append(GAP.join(padded).rstrip())
    return lines


def _write_lines(lines: Iterable[str]) -> None:
    write(sys.stdout, "".join(f"{line}\n" for line in lines))


def _fitting(
    columns: Sequence[Cell], rows: Sequence[Sequence[Cell]], narrow: Sequence[Sequence[int]] | None
) -> Table:
    """A table that fits the terminal: columns below each other, or words broken, if need be."""
    width = console(sys.stdout).width
    made = _table(columns, rows)
    if narrow is not None and _widths(made).maximum > width:
        columns = _stacked(columns, narrow)
        rows = [_stacked(row, narrow) for row in rows]
        made = _table(columns, rows)
    if _widths(made).minimum > width:
        made = _table(columns, rows, is_tight=True)
    return made


def _stacked(row: Sequence[Cell], groups: Sequence[Sequence[int]]) -> list[Cell]:
    return [[line for one in group for line in row[one]] for group in groups]


def _table(
    columns: Sequence[Cell], rows: Sequence[Sequence[Cell]], *, is_tight: bool = False
) -> Table:
    """
    Args:
        columns: headings.
        rows: cells.
        is_tight: words may be broken, because otherwise something would be cut.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, heading in enumerate(columns):
        words = (word for row in rows for line in row[number] for word in line.split())
        longest = min(max(map(_width, words), default=1), WORD_CELLS)
        made.add_column(
            "\n".join(heading), overflow="fold", min_width=None if is_tight else longest
        )
    for row in rows:
        made.add_row(*map(_text, row))
    return made


def _text(cell: Cell) -> Text:
    from rich.text import Text

    return Text("\n").join([Text(line, style=STYLES.get(line, "")) for line in cell])


def _widths(made: Table) -> Measurement:
    """The least width in which a table can be shown, and that in which it is not broken."""
    terminal = console(sys.stdout)
    return terminal.measure(made, options=terminal.options.update(width=UNLIMITED))


def _print(made: RenderableType) -> None:
    terminal = console(sys.stdout)
    with terminal.capture() as captured:
        terminal.print(made)
    write(sys.stdout, captured.get())
