"""From sheets with other headings to one table with ours, which the node then checks as any other.

Figures go from text to text, exactly. What cannot be understood is not sent as something else: it
is a problem at its cell, and nothing is imported.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from hashlib import sha256
from typing import Any

from underseal_node.console.importing.columns import OurColumn, columns_of_rows
from underseal_node.console.importing.kinds import FOOTPRINTS, MIXED, PRODUCTS, SPEND
from underseal_node.console.importing.reading import SheetView, view_of
from underseal_node.sheets.cells import Cell, Percentage, is_empty, seen, text_of_cell, value_of
from underseal_node.sheets.columns import MARK, Column, Kind
from underseal_node.sheets.formulas import plain
from underseal_node.sheets.numbers import decimal_mark
from underseal_node.sheets.problems import CellError
from underseal_node.sheets.tables import Row, Table

__all__ = [
    "Chosen",
    "FileMapping",
    "Mapped",
    "SheetMapping",
    "Spot",
    "key_of",
    "mapped",
    "text_for",
]

# Stands before what cannot be understood, so that the node takes it for nothing else.
UNREADABLE = "? "
MAX_PROBLEMS = 10_000
ONLY_PERCENT = Column("", Kind.IN_PERCENT, "")


@dataclass(frozen=True)
class Chosen:
    """Where the values of a column of ours are.

    Attributes:
        at: position of their column; `None`: there is none.
        fixed: what is the same in all rows, if there is no column.
        form: how the values are written, such as a unit.
    """

    at: int | None = None
    fixed: str = ""
    form: str = ""


@dataclass(frozen=True)
class SheetMapping:
    """What is where in a sheet.

    Attributes:
        rows: what its rows are; empty: it is left out.
        heads_row: number of the row with the headings; 0: as it was found.
        mark: between whole numbers and fractions; empty: as the numbers show.
        columns: by the names of ours.
    """

    rows: str = ""
    heads_row: int = 0
    mark: str = ""
    columns: Mapping[str, Chosen] = field(default_factory=dict)


@dataclass(frozen=True)
class FileMapping:
    """What is where in a file.

    Attributes:
        sheets: as many as the file has, in their order.
    """

    sheets: tuple[SheetMapping, ...]

    def with_sheet(self, number: int, sheet: SheetMapping) -> FileMapping:
        """The same with one sheet changed."""
        return replace(self, sheets=(*self.sheets[:number], sheet, *self.sheets[number + 1 :]))


@dataclass(frozen=True)
class Spot:
    """A place in the file that was handed in.

    Attributes:
        sheet: number of the sheet, from 0.
        row: as the spreadsheet counts.
        at: position of the column; `None`: the whole row.
        column: what people call the column; empty for the whole row.
    """

    sheet: int
    row: int
    at: int | None = None
    column: str = ""


@dataclass(frozen=True)
class Mapped:
    """A table of ours.

    Attributes:
        content: CSV.
        origins: sheet and row that each row below the headings is from.
        positions: for each sheet, of what stands in our columns.
        problems: what could not be understood: where, why, what helps.
    """

    content: bytes = field(repr=False)
    origins: Sequence[tuple[int, int]] = field(repr=False)
    positions: Sequence[Mapping[str, int | None]]
    problems: Sequence[tuple[Spot, str, str | None]]

    def spot(self, row: int, column: str) -> Spot | None:
        """Where something of the table is in the file that was handed in.

        Args:
            row: of the table, from 1.
            column: name of ours; empty for the whole row.
        """
        if not 2 <= row < len(self.origins) + 2:
            return None
        sheet, number = self.origins[row - 2]
        title = _title(column)
        return Spot(sheet, number, self.positions[sheet].get(column), title)


def key_of(kind: str, sheets: Sequence[SheetView]) -> str:
    """The headings of a file in few characters."""
    said = repr((kind, [one.heads for one in sheets]))
    return sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def mapped(tables: Sequence[Table], mapping: FileMapping, kind: str, host: str) -> Mapped:
    """Make one table of ours.

    Args:
        tables: the sheets of the file.
        mapping: of them.
        kind: of the file.
        host: of the node.
    """
    parts = [
        _Part(number, table, sheet, kind, host)
        for number, (table, sheet) in enumerate(zip(tables, mapping.sheets, strict=True))
        if sheet.rows
    ]
    first = ["kind"] if kind == PRODUCTS else []
    names = list(dict.fromkeys([*first, *(name for part in parts for name in part.names)]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    origins: list[tuple[int, int]] = []
    for part in parts:
        for number, values in part.rows():
            if part.rows_are != MIXED:
                values["kind"] = part.rows_are
            writer.writerow([values.get(name, "") for name in names])
            origins.append((part.number, number))
    positions: list[Mapping[str, int | None]] = [{} for _ in tables]
    for part in parts:
        positions[part.number] = {name: one.at for name, one in part.chosen.items()}
    problems = [problem for part in parts for problem in part.problems]
    return Mapped(text.getvalue().encode(), origins, positions, problems)


class _Part:
    """A sheet that is made a part of the table."""

    def __init__(
        self, number: int, table: Table, mapping: SheetMapping, kind: str, host: str
    ) -> None:
        self.number, self.rows_are = number, mapping.rows
        self.problems: list[tuple[Spot, str, str | None]] = []
        known = {one.name: one for one in columns_of_rows(mapping.rows)}
        self.chosen = {
            name: one
            for name, one in mapping.columns.items()
            if name in known and (one.at is not None or one.fixed)
        }
        self.names = list(self.chosen)
        self._columns = known
        self._has_marks = kind != FOOTPRINTS  # an apostrophe before what looks like a formula
        self._host = host
        heads_row = mapping.heads_row or view_of(table).heads_row
        self._rows = [row for row in table.rows if row.number > heads_row and self._is_meant(row)]
        self._mark = mapping.mark or decimal_mark(self._numeric(), separator=table.separator)

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Number of each row, and its values by the names of our columns."""
        for row in self._rows:
            yield row.number, {name: self._value(row, name) for name in self.names}

    def _is_meant(self, row: Row) -> bool:
        """Whether it holds something that is mapped, and is not for people."""
        used = {one.at for one in self.chosen.values() if one.at is not None}
        first = row.cells[0] if row.cells else ""
        if 0 not in used and isinstance(first, str) and first.strip().startswith(MARK):
            return False
        return any(at < len(row.cells) and not is_empty(row.cells[at]) for at in used)

    def _numeric(self) -> Iterator[str]:
        numeric = [
            one.at
            for name, one in self.chosen.items()
            if one.at is not None and self._columns[name].column.kind.is_numeric
        ]
        for row in self._rows:
            for at in numeric:
                cell = row.cells[at] if at < len(row.cells) else ""
                if isinstance(cell, str):
                    yield cell.strip().removesuffix("%")

    def _value(self, row: Row, name: str) -> str:
        chosen, ours = self.chosen[name], self._columns[name]
        cell: Cell = chosen.fixed
        if chosen.at is not None:
            cell = row.cells[chosen.at] if chosen.at < len(row.cells) else ""
        if self._has_marks and ours.column.kind.is_said_once:
            cell = seen(cell)
        if is_empty(cell):
            return ""
        mark = self._mark if chosen.at is not None else None
        if self._has_marks and isinstance(cell, str) and ours.column.kind.is_numeric:
            cell = plain(cell.strip())
        try:
            return text_for(cell, ours, chosen.form, mark, self._host)
        except CellError as error:
            if len(self.problems) < MAX_PROBLEMS:
                spot = Spot(self.number, row.number, chosen.at, ours.title)
                self.problems.append((spot, error.message, error.hint))
            return UNREADABLE + (cell.strip() if isinstance(cell, str) else "")


def text_for(cell: Cell, ours: OurColumn, form: str, mark: str | None, host: str) -> str:
    """What is written into a column of ours, so that the reader understands it as this cell.

    Args:
        cell: of theirs, not empty.
        ours: the column.
        form: how the value is written, one of its `written`.
        mark: the decimal mark, if it is known.
        host: of the node.

    Raises:
        CellError: it cannot be understood.
    """
    column, written = ours.column, ours.in_form(form)
    if column.kind.is_numeric:
        # Of a share, the reader expects percent.
        known = ONLY_PERCENT if column.kind is Kind.SHARE else column
        number = str(value_of(cell, known, mark))
        if isinstance(cell, Percentage) or (isinstance(cell, str) and cell.strip().endswith("%")):
            return number
        if "/" in number:
            return str(Fraction(number) * Fraction(written.factor))
        return written.number(number)
    if column.kind is Kind.AMOUNTS:
        return " | ".join(value_of(cell, column, mark))
    if column.kind in (Kind.TIME, Kind.FLAG):
        return _of_value(value_of(cell, column, mark))
    text = text_of_cell(cell)
    if column.kind is Kind.URNS and written.prefix:
        items = (one.strip() for one in text.replace("\n", "|").split("|"))
        return " | ".join(written.urn(one, host) for one in items if one)
    return text


def _of_value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _title(name: str) -> str:
    for rows in ("footprints", MIXED, "factor", SPEND):
        for one in columns_of_rows(rows):
            if one.name == name:
                return one.title
    return name
