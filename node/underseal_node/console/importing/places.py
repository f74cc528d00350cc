"""Problems of a file at their rows: from what the node says of a place to cells to look at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from underseal_node.console.importing.columns import folded
from underseal_node.console.importing.mapping import Mapped, Spot
from underseal_node.console.importing.reading import SheetView, text_shown, view_of
from underseal_node.publishing.columns import HEADINGS
from underseal_node.sheets.headings import letters_of
from underseal_node.sheets.tables import Row, Table

__all__ = ["Flawed", "FlawedRow", "FlawedSheet", "Source", "flawed_of", "spot_of"]

MAX_ROWS = 2_000  # with problems, that are shown
MAX_GENERAL = 200
SHOWN_COLUMNS = 100
IDENTIFYING = 3  # first columns, by which people know a row

# "row 7, column X"; "cell D7 (X)"; each perhaps after the sheet.
PLACE = re.compile(
    r"(?:cell (?P<letters>[A-Z]{1,3})(?P<cell_row>[0-9]{1,7})(?: \((?P<head>.*)\))?"
    r"|row (?P<row>[0-9]{1,7})(?:, column (?P<column>.+))?)",
    re.DOTALL,
)
LETTERS = re.compile("[A-Z]{1,3}")


@dataclass(frozen=True)
class Source:
    """A file that problems may be of.

    Attributes:
        file: its name.
        tables: its sheets.
    """

    file: str
    tables: Sequence[Table]


@dataclass(frozen=True)
class FlawedRow:
    """A row of a sheet, with what is wrong with it.

    Attributes:
        number: as the spreadsheet counts.
        cells: texts by position.
        wrong: positions of the cells that are.
        problems: `column`, `letters`, `message`, `hint`; of the rows beside it, none.
    """

    number: int
    cells: tuple[str, ...]
    wrong: frozenset[int]
    problems: tuple[Mapping[str, Any], ...]

    def only(self, positions: Set[int]) -> FlawedRow:
        """Without the texts of other columns."""
        cells = (text if at in positions else "" for at, text in enumerate(self.cells))
        return replace(self, cells=tuple(cells))


@dataclass(frozen=True)
class FlawedSheet:
    """The rows of a sheet that have problems, and those beside them.

    Attributes:
        file: that it is in.
        name: of it; empty for CSV.
        heads: its headings by position.
        rows: in their order.
    """

    file: str
    name: str
    heads: tuple[str, ...]
    rows: tuple[FlawedRow, ...]

    @property
    def shown(self) -> list[int]:
        """Positions of the columns to show: those by which a row is known, and the wrong ones."""
        filled = [at for at in range(len(self.heads)) if any(_at(row, at) for row in self.rows)]
        wrong = {at for row in self.rows for at in row.wrong}
        return sorted({*filled[:IDENTIFYING], *wrong})

    def letters(self, position: int) -> str:
        """What spreadsheets call a column."""
        return letters_of(position)

    def text(self, row: FlawedRow, position: int) -> str:
        """What is in a cell."""
        return _at(row, position)


@dataclass(frozen=True)
class Flawed:
    """What is wrong with a file.

    Attributes:
        count: of all problems.
        general: those that are at no row: `place`, `message`, `hint`.
        sheets: those that are.
        kinds: how often there is which: `count`, `column`, `message`, `hint`; the most frequent
            first.
        rows: how many rows have problems.
    """

    count: int = 0
    general: tuple[Mapping[str, Any], ...] = ()
    sheets: tuple[FlawedSheet, ...] = ()
    kinds: tuple[Mapping[str, Any], ...] = ()
    rows: int = 0

    @property
    def most_rows(self) -> int:
        """How many rows with problems are shown."""
        return MAX_ROWS

    @property
    def shown_rows(self) -> int:
        """How many rows are at hand, those beside the wrong ones included."""
        return sum(len(one.rows) for one in self.sheets)

    def page(self, number: int, size: int) -> list[FlawedSheet]:
        """A part of the rows, sheet by sheet.

        Args:
            number: of the page, from 1.
            size: rows on a page.
        """
        skip, left, found = (number - 1) * size, size, []
        for sheet in self.sheets:
            rows = sheet.rows[skip : skip + left]
            skip = max(0, skip - len(sheet.rows))
            left -= len(rows)
            if rows:
                found.append(FlawedSheet(sheet.file, sheet.name, sheet.heads, rows))
        return found


def flawed_of(
    problems: Sequence[Mapping[str, Any]], sources: Sequence[Source], mapped: Mapped | None
) -> Flawed:
    """Put problems to their rows.

    Args:
        problems: as the node says them: `file`, `place`, `message`, `hint`.
        sources: the files, as they were handed in.
        mapped: what was made of the first one and sent in its place, if anything.
    """
    views = [[view_of(table) for table in source.tables] for source in sources]
    placed: dict[tuple[int, int, int], list[tuple[Spot, Mapping[str, Any]]]] = {}
    general: list[Mapping[str, Any]] = []
    known = () if mapped is None else mapped.problems
    for where, message, hint in known:
        _put(placed, 0, _named(where, views[0]), {"message": message, "hint": hint})
    said_already = {spot for spot, _, _ in known}
    for one in problems:
        number, spot = _found(one, sources, views, mapped)
        if spot is None:
            general.append(one)
        elif spot not in said_already:
            _put(placed, number, _named(spot, views[number]), one)
    count = len(general) + sum(map(len, placed.values()))
    sheets = tuple(_sheets(placed, sources, views))
    return Flawed(count, tuple(general[:MAX_GENERAL]), sheets, _kinds(placed), len(placed))


def spot_of(place: str, views: Sequence[SheetView]) -> Spot | None:
    """The cell or row that the node means by a place.

    Args:
        place: as the reader of sheets writes it.
        views: the sheets of the file.
    """
    for number, view in enumerate(views):
        for beginning in (f"sheet {view.name}, ", f"sheet {view.name!r}, ") if view.name else ("",):
            if place.startswith(beginning):
                found = PLACE.fullmatch(place[len(beginning) :])
                if found is not None:
                    return _spot(found, number, view)
    # Of workbooks with footprints in one sheet only, the sheet is not named.
    found = PLACE.fullmatch(place)
    if found is None or not views:
        return None
    number = next((at for at, one in enumerate(views) if _has_footprints(one)), 0)
    return _spot(found, number, views[number])


def _has_footprints(view: SheetView) -> bool:
    return sum(map(HEADINGS.knows, view.heads)) >= IDENTIFYING


def _spot(found: re.Match[str], sheet: int, view: SheetView) -> Spot:
    if found["letters"]:
        at = _position(found["letters"])
        return Spot(sheet, int(found["cell_row"]), at, found["head"] or found["letters"])
    column = found["column"] or ""
    return Spot(sheet, int(found["row"]), _position_of(column, view) if column else None, column)


def _position_of(column: str, view: SheetView) -> int | None:
    """Where a column is that is called by its heading, by our name for it, or by its letters."""
    wanted = folded(column)
    for position, head in enumerate(view.heads):
        meant = HEADINGS.column_of(head) if head else None
        if head and (folded(head) == wanted or (meant is not None and meant.name == column)):
            return position
    return _position(column) if LETTERS.fullmatch(column) else None


def _position(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def _found(
    problem: Mapping[str, Any],
    sources: Sequence[Source],
    views: Sequence[Sequence[SheetView]],
    mapped: Mapped | None,
) -> tuple[int, Spot | None]:
    """The number of the source, and the place in it."""
    number = next((at for at, one in enumerate(sources) if one.file == problem["file"]), None)
    if number is None:
        return 0, None
    place = str(problem["place"])
    if mapped is None or number:
        return number, spot_of(place, views[number])
    found = PLACE.fullmatch(place)
    if found is None or found["row"] is None:
        return number, None
    return number, mapped.spot(int(found["row"]), found["column"] or "")


def _named(spot: Spot, views: Sequence[SheetView]) -> Spot:
    """With the heading of the column as it stands in the file, if it has one."""
    heads = views[spot.sheet].heads
    head = heads[spot.at] if spot.at is not None and spot.at < len(heads) else ""
    return replace(spot, column=head) if head else spot


def _put(
    placed: dict[tuple[int, int, int], list[tuple[Spot, Mapping[str, Any]]]],
    source: int,
    spot: Spot,
    problem: Mapping[str, Any],
) -> None:
    said = placed.setdefault((source, spot.sheet, spot.row), [])
    # One column of theirs may be several of ours; what is wrong is said once.
    if not any(
        one.at == spot.at and other["message"] == problem["message"]
        for one, other in said
        if spot.at is not None
    ):
        said.append((spot, problem))


def _sheets(
    placed: Mapping[tuple[int, int, int], list[tuple[Spot, Mapping[str, Any]]]],
    sources: Sequence[Source],
    views: Sequence[Sequence[SheetView]],
) -> Iterable[FlawedSheet]:
    by_sheet: dict[tuple[int, int], dict[int, list[tuple[Spot, Mapping[str, Any]]]]] = {}
    for source, sheet, row in sorted(placed)[:MAX_ROWS]:
        by_sheet.setdefault((source, sheet), {})[row] = placed[source, sheet, row]
    for (source, sheet), problems in by_sheet.items():
        table, view = sources[source].tables[sheet], views[source][sheet]
        near = _with_neighbours(table.rows, problems, view.heads_row)
        rows = [_flawed_row(number, row, problems.get(number, ())) for number, row in near]
        made = FlawedSheet(
            sources[source].file, table.name, view.heads[:SHOWN_COLUMNS], tuple(rows)
        )
        shown = set(made.shown)  # what is not shown is not remembered
        yield replace(made, rows=tuple(one.only(shown) for one in rows))


def _with_neighbours(
    rows: Sequence[Row], problems: Mapping[int, Any], heads_row: int
) -> list[tuple[int, Row | None]]:
    """The rows with problems, and one before and after each, where something is in it."""
    found: dict[int, Row | None] = dict.fromkeys(problems)
    for at, row in enumerate(rows):
        if row.number in problems:
            for near in rows[max(0, at - 1) : at + 2]:
                if near.number > heads_row or near.number in problems:
                    found[near.number] = near
    return sorted(found.items(), key=lambda one: one[0])


def _flawed_row(
    number: int, row: Row | None, problems: Iterable[tuple[Spot, Mapping[str, Any]]]
) -> FlawedRow:
    said = list(problems)
    return FlawedRow(
        number,
        tuple(text_shown(cell) for cell in row.cells[:SHOWN_COLUMNS]) if row else (),
        frozenset(spot.at for spot, _ in said if spot.at is not None),
        tuple(
            {
                "column": spot.column,
                "cell": "" if spot.at is None else f"{letters_of(spot.at)}{number}",
                "message": one["message"],
                "hint": one.get("hint"),
            }
            for spot, one in said
        ),
    )


def _kinds(
    placed: Mapping[tuple[int, int, int], list[tuple[Spot, Mapping[str, Any]]]],
) -> tuple[Mapping[str, Any], ...]:
    counts: dict[tuple[str, str, str | None], int] = {}
    for said in placed.values():
        for spot, one in said:
            key = (spot.column, str(one["message"]), one.get("hint"))
            counts[key] = counts.get(key, 0) + 1
    ordered = sorted(counts.items(), key=lambda one: -one[1])
    return tuple(
        {"column": column, "message": message, "hint": hint, "count": count}
        for (column, message, hint), count in ordered[:10]
    )


def _at(row: FlawedRow, position: int) -> str:
    return row.cells[position] if position < len(row.cells) else ""
