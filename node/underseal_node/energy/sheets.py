"""The sheets of an export: found by the names of their columns, read row by row."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

from underseal_node.energy.mapping import SheetPart
from underseal_node.errors import RefusedError
from underseal_node.publishing.results import UnpublishableError
from underseal_node.settings import Settings
from underseal_node.sheets.cells import Cell, Flaw, Percentage, is_empty, seen, text_of_cell
from underseal_node.sheets.files import Form, form_of
from underseal_node.sheets.headings import letters_of
from underseal_node.sheets.numbers import decimal_mark, number_of_text, text_of_number
from underseal_node.sheets.problems import CellError, Problem
from underseal_node.sheets.tables import (
    Row,
    Table,
    table_of_csv,
    tables_of_workbook,
)

__all__ = [
    "Attempts",
    "ColumnError",
    "InColumn",
    "Problems",
    "Sheet",
    "folded",
    "number_in",
    "sheet_of",
    "text_in",
]

T = TypeVar("T")

HEADER_WITHIN = 20  # rows from the top
MAX_PROBLEMS = 1_000  # of one import
MAX_DIGITS = 30
MAX_TEXT_CHARACTERS = 200
SHOWN_CHARACTERS = 60


class ColumnError(CellError):
    """A cell of a column that is known cannot be understood.

    Args:
        what: is in the column.
        error: says why.
    """

    def __init__(self, what: str, error: CellError) -> None:
        super().__init__(error.message, hint=error.hint)
        self.what = what


class InColumn:
    """Add to what goes wrong inside in which column it was.

    A class, because it is used for each cell, and a generator takes four times as long.
    """

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        """
        Raises:
            ColumnError: something went wrong.
        """
        if isinstance(error, CellError) and not isinstance(error, ColumnError):
            raise ColumnError(self._what, error) from None


class Attempts:
    """Reads the cells of a row, one after the other, so that all that is wrong is said at once."""

    def __init__(self) -> None:
        self.errors: list[CellError] = []

    def __call__(self, read: Callable[..., T], *arguments: Any) -> T | None:
        """What is read; None if it cannot be, and then why is kept."""
        try:
            return read(*arguments)
        except CellError as error:
            self.errors.append(error)
            return None


class Problems:
    """Collects what is wrong, up to a number that nobody reads any more."""

    def __init__(self) -> None:
        self.all: list[Problem] = []

    def add(self, problem: Problem) -> None:
        """Note a problem.

        Raises:
            UnpublishableError: there are too many.
        """
        self.all.append(problem)
        if len(self.all) >= MAX_PROBLEMS:
            more = f"there are more than {MAX_PROBLEMS} problems; these are the first"
            raise UnpublishableError([*self.all, Problem(problem.file, "", more)])

    def refuse(self) -> None:
        """
        Raises:
            UnpublishableError: there is one.
        """
        if self.all:
            raise UnpublishableError(self.all)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with the columns that are looked for.

    Attributes:
        file: its name.
        name: of the sheet; empty for CSV.
        columns: positions by what is in them.
        rows: below the header, without those that are ignored.
        header: the names of all columns, by position.
        numeric: what is in the columns that hold numbers.
        mark: the decimal mark, if the numbers show it.
    """

    file: str
    name: str
    columns: Mapping[str, int]
    rows: Sequence[Row] = field(repr=False)
    header: Sequence[str]
    numeric: frozenset[str]
    mark: str | None

    def place(self, row: Row | int, position: int | None = None) -> str:
        """Where something is: sheet and cell."""
        number = row if isinstance(row, int) else row.number
        sheet = f"sheet {self.name!r}, " if self.name else ""
        if position is None:
            return f"{sheet}row {number}"
        head = self.header[position] if position < len(self.header) else ""
        cell = f"cell {letters_of(position)}{number}"
        return f"{sheet}{cell}" + (f" ({head})" if head else "")

    def cell(self, row: Row, what: str) -> Cell:
        """The cell of a column, or what it is merged with, if that may be said once for several
        rows; an empty text if there is none."""
        position = self.columns.get(what)
        if position is None or position >= len(row.cells):
            return ""
        cell = row.cells[position]
        return cell if what in self.numeric else seen(cell)

    def problem(self, row: Row, error: CellError) -> Problem:
        """What is wrong with a row, or a cell of it."""
        position = self.columns.get(error.what) if isinstance(error, ColumnError) else None
        return Problem(self.file, self.place(row, position), error.message, error.hint)


def sheet_of(
    name: str,
    content: bytes,
    settings: Settings,
    *,
    wanted: Mapping[str, str],
    numeric: Collection[str],
    part: SheetPart,
) -> Sheet:
    """The sheet of a file that has some columns.

    Args:
        name: of the file.
        content: of the file, a workbook or CSV.
        settings: whose limits hold.
        wanted: names of columns by what is in them.
        numeric: those of them that hold numbers.
        part: of the mapping: name of the sheet, rows to leave out, decimal mark.

    Raises:
        UnpublishableError: it cannot be read, or columns are missing.
    """
    heads = {folded(one) for one in wanted.values()}
    try:
        form = form_of(name, content, settings)
        rows = settings.max_energy_values
        tables = (
            tables_of_workbook(content, max_bytes=settings.max_import_bytes, max_rows=rows)
            if form is Form.WORKBOOK
            else [table_of_csv(content, _among(heads), max_rows=rows)]
        )
        table, header = _found(_named(tables, part.sheet), wanted)
    except RefusedError as error:
        raise UnpublishableError([Problem(name, "", error.message, error.hint)]) from None
    names = [_head(cell) for cell in header.cells]
    columns = _columns(name, table.name, header, wanted)
    below = [row for row in table.rows if row.number > header.number]
    rows_kept = [row for row in below if not _is_ignored(row, part.ignore_rows)]
    positions = [columns[one] for one in numeric if one in columns]
    return Sheet(
        name,
        table.name,
        columns,
        rows_kept,
        names,
        frozenset(numeric),
        part.decimal_mark or decimal_mark(_texts(rows_kept, positions), separator=table.separator),
    )


def folded(text: str) -> str:
    """A name as it is compared: without case, with single spaces."""
    return " ".join(text.split()).casefold()


def text_in(cell: Cell) -> str | None:
    """What is written in a cell; None if it is empty.

    Raises:
        CellError: it holds no text, or one that names nothing.
    """
    if is_empty(cell):
        return None
    text = text_of_cell(cell)
    if len(text) > MAX_TEXT_CHARACTERS or "\0" in text:
        raise CellError(
            f"{text[:SHOWN_CHARACTERS]!r}... is no name",
            hint=f"Names have at most {MAX_TEXT_CHARACTERS} characters.",
        )
    return text


def number_in(cell: Cell, mark: str | None) -> Decimal | None:
    """The number in a cell; None if it is empty.

    Args:
        cell: of a text or a number.
        mark: the decimal mark of the sheet, if it is known.

    Raises:
        CellError: it is none, negative, or has more digits than anybody measures.
    """
    if is_empty(cell):
        return None
    if isinstance(cell, Flaw):
        raise CellError(cell.message, hint=cell.hint)
    if isinstance(cell, str):
        text = number_of_text(cell, mark)
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        text = text_of_number(cell)
    else:
        what = {bool: "true or false", Percentage: "a percentage"}.get(type(cell), "a date")
        raise CellError(f"the cell holds {what}, expected a number", hint="Format it as a number.")
    if len(text) > MAX_DIGITS:
        raise CellError(f"{text[:SHOWN_CHARACTERS]!r} has more than {MAX_DIGITS} digits")
    if text.startswith("-") and text.strip("-0."):
        raise CellError(
            f"{text} is negative, expected 0 or more",
            hint="What is fed in, or given back, is another meter; corrections are imported as the "
            "corrected value.",
        )
    return Decimal(text.removeprefix("-"))


def _among(heads: Collection[str]) -> Callable[[Cell], bool]:
    return lambda cell: isinstance(cell, str) and folded(cell) in heads


def _named(tables: Sequence[Table], sheet: str | None) -> Sequence[Table]:
    """
    Raises:
        RefusedError: there is no sheet of this name.
    """
    if sheet is None or [one.name for one in tables] == [""]:
        return tables
    found = [one for one in tables if folded(one.name) == folded(sheet)]
    if not found:
        names = ", ".join(repr(one.name) for one in tables)
        raise RefusedError(
            f"there is no sheet {sheet!r}, but {names}",
            hint="Correct the name of the sheet in the mapping; hidden sheets are not read.",
        )
    return found


def _found(tables: Sequence[Table], wanted: Mapping[str, str]) -> tuple[Table, Row]:
    """The sheet and row that have all columns.

    Raises:
        RefusedError: there is none, or more than one.
    """
    heads = {folded(one) for one in wanted.values()}
    found: list[tuple[Table, Row]] = []
    best: tuple[int, set[str], Sequence[str]] = (-1, set(), ())
    for table in tables:
        for row in table.rows[:HEADER_WITHIN]:
            names = [_head(cell) for cell in row.cells]
            missing = heads - {folded(one) for one in names}
            if not missing:
                found.append((table, row))
                break
            if len(heads) - len(missing) > best[0]:
                best = len(heads) - len(missing), missing, [one for one in names if one]
    if len(found) > 1:
        raise RefusedError(
            f"several sheets have the columns: {', '.join(repr(one.name) for one, _ in found)}",
            hint="Name the one that is meant in the mapping: sheet = ...",
        )
    if found:
        return found[0]
    if not any(table.rows for table in tables):
        raise RefusedError("there is nothing in it")
    raise _without(sorted(best[1]), best[2], wanted)


def _without(
    missing: Sequence[str], there: Sequence[str], wanted: Mapping[str, str]
) -> RefusedError:
    names = [repr(one) for one in wanted.values() if folded(one) in missing]
    listed = ", ".join(dict.fromkeys(names))
    columns = ", ".join(repr(one[:SHOWN_CHARACTERS]) for one in there[:20]) or "none"
    close = difflib.get_close_matches(missing[0], [folded(one) for one in there], n=1)
    likely = [one for one in there if close and folded(one) == close[0]]
    suggestion = f"Did you mean {likely[0]!r}? " if likely else ""
    return RefusedError(
        f"no row has the {'column' if len(names) == 1 else 'columns'} {listed}; "
        f"the most similar one has {columns}",
        hint=f"{suggestion}Correct the names of the columns in the mapping.",
    )


def _columns(file: str, sheet: str, header: Row, wanted: Mapping[str, str]) -> dict[str, int]:
    """
    Raises:
        UnpublishableError: a column is there twice.
    """
    positions: dict[str, list[int]] = {}
    for position, cell in enumerate(header.cells):
        positions.setdefault(folded(_head(cell)), []).append(position)
    for head in wanted.values():
        if len(positions[folded(head)]) > 1:
            where = " and ".join(map(letters_of, positions[folded(head)]))
            place = f"{f'sheet {sheet!r}, ' if sheet else ''}row {header.number}"
            message = f"the column {head!r} is there more than once: {where}"
            raise UnpublishableError([Problem(file, place, message, "Rename one of them.")])
    return {what: positions[folded(head)][0] for what, head in wanted.items()}


def _head(cell: Cell) -> str:
    """The text of a header; empty for what is none."""
    if isinstance(cell, str):
        return " ".join(cell.split())
    return text_of_number(cell) if type(cell) in (int, float) else ""  # type: ignore[arg-type]


def _is_ignored(row: Row, beginnings: Sequence[str]) -> bool:
    """Whether a row is for people."""
    first = next((cell for cell in row.cells if not is_empty(cell)), "")
    return isinstance(first, str) and any(
        folded(first).startswith(folded(one)) for one in beginnings
    )


def _texts(rows: Iterable[Row], positions: Sequence[int]) -> Iterator[str]:
    for row in rows:
        for position in positions:
            if position < len(row.cells):
                cell = row.cells[position]
                if isinstance(cell, str):
                    yield cell
