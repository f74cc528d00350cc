"""From the rows of a sheet to parts of documents, each with its place."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from underseal_node.products.columns import RowColumn
from underseal_node.products.words import CHOICE_WORDS, kind_of_word
from underseal_node.sheets.cells import Cell, is_empty, seen, text_of_cell, value_of
from underseal_node.sheets.columns import EXAMPLE_MARK, MARK
from underseal_node.sheets.formulas import plain
from underseal_node.sheets.headings import UNNAMED, UNNAMED_HINT, Header, letters_of
from underseal_node.sheets.numbers import decimal_mark
from underseal_node.sheets.problems import CellError, Problem
from underseal_node.sheets.tables import Row, Table

__all__ = ["ReadRow", "RowPlace", "Sheet"]

EXAMPLE_COLUMNS = ("product", "id", "name")

Example = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RowPlace:
    """Where a row stands.

    Attributes:
        sheet: that it is in.
        number: as the spreadsheet counts.
        kind: of row.
    """

    sheet: Sheet = field(repr=False)
    number: int
    kind: str

    def __call__(self, pointer: str = "") -> str:
        """From a JSON pointer into the document of the row to its cell, as people find it."""
        return self.sheet.place(self.number, self.sheet.position(pointer, self.kind))

    def of(self, column: str) -> str:
        """The cell of a column, by its name."""
        found = (at for at, one in self.sheet.header.columns.items() if one.name == column)
        return self.sheet.place(self.number, next(found, None))


@dataclass(frozen=True, slots=True)
class ReadRow:
    """A row.

    Attributes:
        document: its part of the JSON; not checked.
        asides: values that do not stand in the document as they were read, by column.
        place: where it stands.
        flawed: places of cells that could not be read.
    """

    document: dict[str, Any]
    asides: dict[str, Any]
    place: RowPlace
    flawed: frozenset[str]

    @property
    def kind(self) -> str:
        """Of row."""
        return self.place.kind


class Sheet:
    """A sheet and what its columns mean.

    Args:
        file: its name.
        table: with all rows.
        header: the row with the headings.
        columns: what they mean.
        kind: of its rows; None if a column says it.
        examples: rows of the template, which are ignored as long as they are what they were.
    """

    def __init__(
        self,
        file: str,
        table: Table,
        header: Row,
        columns: Header[RowColumn],
        kind: str | None,
        examples: Sequence[Example] = (),
    ) -> None:
        self.file, self.kind, self.header = file, kind, columns
        self._table, self._examples, self._headings = table, examples, header.cells
        self._below = [row for row in table.rows if row.number > header.number]
        self._positions: dict[str, dict[str, int]] = {}

    def place(self, number: int, position: int | None = None) -> str:
        """Where a row, or a cell of it, is."""
        name = self._table.name
        where = f"sheet {name}, " if name else ""
        if position is None:
            return f"{where}row {number}"
        title = str(self._headings[position]).strip().removesuffix("*").strip()
        if not name:
            return f"row {number}, column {title}"
        return f"{where}cell {letters_of(position)}{number} ({title})"

    def position(self, pointer: str, kind: str) -> int | None:
        """The column of what a JSON pointer leads to, in rows of a kind."""
        if kind not in self._positions:
            columns = self.header.columns.items()
            self._positions[kind] = {
                column.pointer(kind): at for at, column in columns if kind in column.paths
            }
        steps = pointer.split("/")
        prefixes = ("/".join(steps[:end]) for end in range(len(steps), 1, -1))
        known = self._positions[kind]
        inside = (one for one in known if one.startswith(f"{pointer}/"))
        found = next((one for one in prefixes if one in known), None) or next(inside, None)
        return None if found is None or not pointer else known[found]

    def rows(self) -> tuple[list[ReadRow], list[Problem]]:
        """All rows but those for people, and everything that is wrong with their cells."""
        problems: list[Problem] = []
        rows: list[tuple[Row, str]] = []
        for row in self._below:
            try:
                if not self._is_for_people(row):
                    rows.append((row, self._kind_of(row)))
            except CellError as error:
                place = self.place(row.number, self._kind_position() if self.kind is None else None)
                problems.append(Problem(self.file, place, error.message, error.hint))
        mark = decimal_mark(self._numeric_texts(rows), separator=self._table.separator)
        read = []
        for row, kind in rows:
            one, of_row = self._read(row, kind, mark)
            read.append(one)
            problems += of_row
        return read, problems

    # --- which rows there are ---------------------------------------------------------------------

    def _is_for_people(self, row: Row) -> bool:
        """Whether a row is no part of a product: marked, or part of the template.

        Raises:
            CellError: it began as an example of the template, and is something else.
        """
        mark = "" if 0 in self.header.columns else str(row.cells[0]).strip()
        if not mark.startswith(MARK):
            return self._is_explanation(row)
        if mark.startswith(EXAMPLE_MARK):
            texts = self._texts(row, EXAMPLE_COLUMNS)
            known = [{name: one.get(name) for name in texts} for one in self._examples]
            if texts and texts not in known:
                raise CellError(
                    "the row is marked as an example, and is none any more",
                    hint="Clear its first cell to import it, or delete the row.",
                )
        return True

    def _is_explanation(self, row: Row) -> bool:
        columns = self.header.columns
        texts = {columns[at].name: columns[at].text for at in columns}
        found = self._texts(row, ("name", "product", "id"))
        return any(text == texts[name] for name, text in found.items())

    def _texts(self, row: Row, names: Collection[str]) -> dict[str, str]:
        return {
            column.name: cell.strip()
            for at, column in self.header.columns.items()
            if column.name in names
            for cell in row.cells[at : at + 1]
            if isinstance(cell, str) and cell.strip()
        }

    def _kind_position(self) -> int | None:
        return next((at for at, one in self.header.columns.items() if one.name == "kind"), None)

    def _kind_of(self, row: Row) -> str:
        at = self._kind_position()
        cell = seen(row.cells[at]) if at is not None and at < len(row.cells) else ""
        if is_empty(cell) and self.kind is not None:
            return self.kind
        text = text_of_cell(cell)
        kind = kind_of_word(text)
        if kind is None or (self.kind is not None and kind != self.kind):
            expected = self.kind or "product, material, energy, transport, packaging, waste, direct"
            raise CellError(
                f"{text[:60]!r} is no kind of row" if text else "the kind of the row is missing",
                hint=f"Write {'' if self.kind else 'one of '}{expected}.",
            )
        return kind

    def _numeric_texts(self, rows: Sequence[tuple[Row, str]]) -> list[str]:
        at = [position for position, one in self.header.columns.items() if one.kind.is_numeric]
        cells = (row.cells[one] for row, _ in rows for one in at if one < len(row.cells))
        return [cell.strip().removesuffix("%") for cell in cells if isinstance(cell, str)]

    # --- cells ------------------------------------------------------------------------------------

    def _read(self, row: Row, kind: str, mark: str | None) -> tuple[ReadRow, list[Problem]]:
        document: dict[str, Any] = {}
        asides: dict[str, Any] = {}
        problems: list[Problem] = []
        for at, cell in enumerate(row.cells):
            column = self.header.columns.get(at)
            if column is not None and column.kind.is_said_once:
                cell = seen(cell)
            if is_empty(cell) or at in self.header.ignored or (column and column.name == "kind"):
                continue
            try:
                if column is None:
                    raise CellError(UNNAMED, hint=UNNAMED_HINT)
                if kind not in column.paths:
                    raise _not_of(kind, column)
                value = _value(cell, column, mark)
                if column.is_copied(kind):
                    _set(document, column.paths[kind].split("."), value)
                else:
                    asides[column.name] = value
            except CellError as error:
                place = self.place(row.number, at) if column else self._unnamed(row.number, at)
                problems.append(Problem(self.file, place, error.message, error.hint))
        flawed = frozenset(one.place for one in problems)
        return ReadRow(document, asides, RowPlace(self, row.number, kind), flawed), problems

    def _unnamed(self, number: int, position: int) -> str:
        return f"{self.place(number)}, column {letters_of(position)}"


def _value(cell: Cell, column: RowColumn, mark: str | None) -> Any:
    if isinstance(cell, str):
        cell = plain(cell.strip())
    value = value_of(cell, column, mark)
    words = CHOICE_WORDS.get(column.name)
    if words is None:
        return value
    chosen = words.get(str(value).casefold())
    if chosen is None:
        raise CellError(
            f"{str(value)[:60]!r} is none of the choices",
            hint=f"Write one of {', '.join(column.choices)}.",
        )
    return chosen


def _not_of(kind: str, column: RowColumn) -> CellError:
    return CellError(
        f"a row of kind {kind} has no {column.title}",
        hint="Clear the cell; a column whose name begins with # is ignored.",
    )


def _set(document: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for step in path[:-1]:
        document = document.setdefault(step, {})
    document[path[-1]] = value
