"""Which column a heading means, and what is wrong with a header."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from underseal_node.sheets.cells import Cell, is_empty, text_of_cell
from underseal_node.sheets.columns import MARK, Column
from underseal_node.sheets.problems import CellError, Problem
from underseal_node.sheets.tables import Row

__all__ = ["UNNAMED", "UNNAMED_HINT", "Header", "Headings", "letters_of"]

UNNAMED = "the column has no name"
UNNAMED_HINT = f"Name it in the header, or begin its name there with {MARK} to have it ignored."

_IN_BRACKETS = re.compile(r"\([^)]*\)|（[^）]*）")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")

ColumnT = TypeVar("ColumnT", bound=Column)


@dataclass(frozen=True, slots=True)
class Header(Generic[ColumnT]):
    """What the columns of a sheet are.

    Attributes:
        columns: by their position from 0.
        ignored: positions of columns for people.
        problems: what is wrong with it.
    """

    columns: Mapping[int, ColumnT]
    ignored: frozenset[int]
    problems: tuple[Problem, ...]


class Headings(Generic[ColumnT]):
    """What the columns of a kind of sheet are called.

    Args:
        columns: all there are.
        titles: by the names of the columns; for people.
        others: other headings, by the names of the columns. What two columns are called is no
            heading of either.
    """

    def __init__(
        self,
        columns: Iterable[ColumnT],
        titles: Mapping[str, str],
        others: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        self.titles = titles
        self._columns: dict[str, ColumnT] = {}
        for column in columns:
            more = () if others is None else others.get(column.name, ())
            for heading in (column.name, titles[column.name], *more):
                self._columns[_folded(heading)] = column

    def column_of(self, heading: str) -> ColumnT | None:
        """The column that a heading means, whatever its case, spaces, punctuation and brackets."""
        return self._columns.get(_folded(heading))

    def knows(self, cell: Cell) -> bool:
        """Whether a cell is the heading of a column."""
        return isinstance(cell, str) and self.column_of(cell) is not None

    def header(self, name: str, row: Row, place: str) -> Header[ColumnT]:
        """The columns of a sheet.

        Args:
            name: of the file.
            row: with the headings.
            place: of the row.
        """
        columns: dict[int, ColumnT] = {}
        ignored: set[int] = set()
        problems: list[Problem] = []
        for position, cell in enumerate(row.cells):
            if is_empty(cell):
                continue
            if isinstance(cell, str) and cell.strip().startswith(MARK):
                ignored.add(position)
                continue
            try:
                columns[position] = self._column(text_of_cell(cell), columns.values())
            except CellError as error:
                problems.append(Problem(name, place, error.message, error.hint))
        return Header(columns, frozenset(ignored), tuple(problems))

    def _column(self, heading: str, before: Iterable[ColumnT]) -> ColumnT:
        column = self.column_of(heading)
        if column is None:
            raise self._unknown(heading)
        if column in before:
            raise CellError(f"the column {column.name} is there twice", hint="Remove one.")
        return column

    def _unknown(self, heading: str) -> CellError:
        titles = {title.casefold(): title for title in self.titles.values()}
        titles |= {name.casefold(): name for name in self.titles}
        close = difflib.get_close_matches(heading.casefold()[:100], titles, n=1)
        suggestion = f"Did you mean {titles[close[0]]}? " if close else ""
        return CellError(
            f"the column {heading[:60]!r} is unknown",
            hint=f"{suggestion}A column whose name begins with {MARK} is ignored.",
        )


def letters_of(position: int) -> str:
    """The name of a column in a spreadsheet: A for 0, AA for 26."""
    letters = ""
    while position >= 0:
        position, rest = divmod(position, 26)
        letters = chr(ord("A") + rest) + letters
        position -= 1
    return letters


def _folded(heading: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", _IN_BRACKETS.sub("", heading)).casefold()
