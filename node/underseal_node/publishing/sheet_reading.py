"""From the rows of a sheet to footprints that are still to be checked.

The first row that names known columns is the header. Rows that begin with `#` are for people: the
explanations and the example of the template. What is written under no column, or under one that is
unknown, would be lost without a word, so it is an error, unless the header begins with `#`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from underseal_node.errors import RefusedError
from underseal_node.publishing.columns import COLUMNS, EXAMPLES, HEADINGS, Column, title_of
from underseal_node.publishing.files import Documents, PlacedDocument
from underseal_node.settings import Settings
from underseal_node.sheets.cells import is_empty, value_of
from underseal_node.sheets.columns import EXAMPLE_MARK, MARK
from underseal_node.sheets.headings import UNNAMED, UNNAMED_HINT, Header, letters_of
from underseal_node.sheets.numbers import decimal_mark
from underseal_node.sheets.problems import CellError, Problem
from underseal_node.sheets.tables import (
    Row,
    Table,
    header_of,
    table_of_csv,
    tables_of_workbook,
)

__all__ = ["read_csv", "read_workbook"]

TEMPLATE_HINT = "`underseal footprint template FILE.xlsx` writes an empty sheet to fill in."

EXAMPLE_NAMES = ("productNameCompany", "productIds")
EXPLANATION_OF_IDS = next(column.text for column in COLUMNS if column.name == "productIds")

_BY_POINTER = {column.pointer: column for column in COLUMNS}


def read_workbook(name: str, content: bytes, settings: Settings) -> Documents:
    """The footprints in an .xlsx workbook.

    Args:
        name: of the file.
        content: of the file.
        settings: whose limits hold.
    """
    try:
        tables = tables_of_workbook(content, max_bytes=settings.max_import_bytes)
        return _documents(name, *_only_table(tables))
    except RefusedError as error:
        return _unreadable(name, "", error)


def read_csv(name: str, content: bytes, settings: Settings) -> Documents:
    """The footprints in a sheet that was saved as text.

    Args:
        name: of the file.
        content: of the file.
        settings: whose limits hold.
    """
    try:
        return _documents(name, *_only_table([table_of_csv(content, HEADINGS.knows)]))
    except RefusedError as error:
        return _unreadable(name, "", error)


def _only_table(tables: Sequence[Table]) -> tuple[Table, Row]:
    """The one sheet with footprints in it, and its header."""
    found = [
        (table, header)
        for table in tables
        if (header := header_of(table, HEADINGS.knows)) is not None
    ]
    if len(found) > 1:
        names = ", ".join(repr(table.name) for table, _ in found)
        raise RefusedError(
            f"there are footprints in several sheets: {names}", hint="Leave one of them in a file."
        )
    if found:
        return found[0]
    if not any(table.rows for table in tables):
        raise RefusedError("there is nothing in it", hint=TEMPLATE_HINT)
    required = [title_of(column) for column in COLUMNS if column.is_required][:3]
    where = ", ".join(repr(table.name) for table in tables if table.name)
    raise RefusedError(
        f"there is no row with the names of the columns{f' in {where}' if where else ''}; "
        f"expected are {', '.join(required)} and others",
        hint=TEMPLATE_HINT,
    )


def _documents(name: str, table: Table, header: Row) -> Documents:
    read = HEADINGS.header(name, header, _row(header))
    problems = list(read.problems)
    problems += (Problem(name, _row(header), one, TEMPLATE_HINT) for one in _missing(read))
    if problems:
        return Documents(name, (), tuple(problems))
    columns = read.columns
    below = [row for row in table.rows if row.number > header.number]
    rows: list[Row] = []
    for row in below:
        try:
            if not _is_for_people(row, columns):
                rows.append(row)
        except CellError as error:
            problems.append(Problem(name, _row(row), error.message, error.hint))
    mark = decimal_mark(_numeric_texts(rows, columns), separator=table.separator)
    documents: list[PlacedDocument] = []
    for row in rows:
        document, of_row = _document(name, row, read, mark)
        problems += of_row
        documents.append(PlacedDocument(document, _place_in(row.number), is_row=True))
    if not documents and not problems:
        problems.append(Problem(name, "", "there is no footprint in it", _no_rows_hint(below)))
    return Documents(name, tuple(documents), tuple(problems))


def _no_rows_hint(rows: Sequence[Row]) -> str:
    if rows:
        return f"Rows that begin with {MARK} are ignored; clear their first cell to publish them."
    return "Fill in one row for each footprint."


# --- columns ----------------------------------------------------------------------------------


def _missing(header: Header[Column]) -> Iterator[str]:
    for column in COLUMNS:
        if column.is_required and column not in header.columns.values():
            yield f"the column {column.name} is missing"


def _numeric_texts(rows: Sequence[Row], columns: Mapping[int, Column]) -> Iterator[str]:
    positions = [position for position, column in columns.items() if column.kind.is_numeric]
    for row in rows:
        for position in positions:
            if position < len(row.cells):
                cell = row.cells[position]
                if isinstance(cell, str):
                    yield cell.removesuffix("%")


# --- rows -------------------------------------------------------------------------------------


def _is_for_people(row: Row, columns: Mapping[int, Column]) -> bool:
    """Whether a row is no footprint: marked, or part of the template.

    Raises:
        CellError: it began as the example of the template, and is half something else.
    """
    mark = "" if 0 in columns else str(row.cells[0]).strip()
    texts = {
        column.name: cell.strip()
        for position, column in columns.items()
        if column.name in EXAMPLE_NAMES
        for cell in row.cells[position : position + 1]
        if isinstance(cell, str)
    }
    has_id_of_example = texts.get("productIds") == EXAMPLES["productIds"]
    if has_id_of_example and all(texts.get(name) == EXAMPLES[name] for name in EXAMPLE_NAMES):
        return True
    if has_id_of_example:
        raise CellError("the product ID is that of the example", hint="Write that of your product.")
    if mark.startswith(EXAMPLE_MARK) and any(texts.values()):
        raise CellError(
            "the row is marked as the example, and is none any more",
            hint="Clear its first cell to publish it, or delete the row.",
        )
    return mark.startswith(MARK) or texts.get("productIds") == EXPLANATION_OF_IDS


def _document(
    name: str, row: Row, header: Header[Column], mark: str | None
) -> tuple[dict[str, Any], list[Problem]]:
    """The footprint of a row, and every cell of it that cannot be understood."""
    document: dict[str, Any] = {"pcf": {}}
    problems: list[Problem] = []
    for position, cell in enumerate(row.cells):
        if is_empty(cell) or position in header.ignored:
            continue
        column = header.columns.get(position)
        if column is None:
            place = f"{_row(row)}, column {letters_of(position)}"
            problems.append(Problem(name, place, UNNAMED, UNNAMED_HINT))
            continue
        try:
            _set(document, column.path, value_of(cell, column, mark))
        except CellError as error:
            problems.append(Problem(name, _row(row, column), error.message, error.hint))
    return document, problems


def _set(document: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for step in path[:-1]:
        document = document.setdefault(step, {})
    document[path[-1]] = value


def _place_in(number: int) -> Callable[[str], str]:
    """From a JSON pointer into the footprint of a row to its cell."""

    def place_of(pointer: str) -> str:
        steps = pointer.split("/")
        for end in range(len(steps), 1, -1):
            column = _BY_POINTER.get("/".join(steps[:end]))
            if column is not None:
                return f"row {number}, column {column.name}"
        return f"row {number}"

    return place_of


def _row(row: Row, column: Column | None = None) -> str:
    return f"row {row.number}" + ("" if column is None else f", column {column.name}")


def _unreadable(name: str, place: str, error: RefusedError) -> Documents:
    return Documents(name, (), (Problem(name, place, error.message, error.hint),))
