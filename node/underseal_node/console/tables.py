"""Lists that are searched, filtered, sorted, paged and exported; each state of one has an address.

Rows are what the management endpoints answer, or rows made of it. Of short lists, what the
endpoints gave is searched and sorted here, so that every column can be; long ones are in
`node_lists`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from babel.dates import ParseError, parse_date

from underseal_node.console.pages import Visit

__all__ = [
    "PAGE_ROWS",
    "Column",
    "Cut",
    "Filter",
    "Row",
    "Table",
    "as_the_node_writes",
    "cut",
    "found_rows",
    "page_of",
    "table_of",
    "text_of",
    "whole",
]

Row = Mapping[str, Any]
PAGE_ROWS = 50


@dataclass(frozen=True)
class Column:
    """A column of a list.

    Attributes:
        key: of the value in a row; also in the address when it is sorted by.
        label: its head, marked for the catalogues.
        kind: `text`; `number`, a decimal as text; `percent`, a share of 1 as text; `time`; `date`;
            `word`, one of ours, which the catalogues translate.
        link: the address behind a value, if there is one.
        by: what the node calls it when it sorts by it, if that is not `key`.
        is_sorted: whether a list can be sorted by it.
    """

    key: str
    label: str
    kind: Literal["text", "number", "percent", "time", "date", "word"] = "text"
    link: Callable[[Row], str | None] | None = None
    by: str | None = None
    is_sorted: bool = True


@dataclass(frozen=True)
class Filter:
    """A choice above a list; what is chosen stands in the query under its name.

    Attributes:
        name: in the query.
        label: marked for the catalogues.
        options: value and text of each.
    """

    name: str
    label: str
    options: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """The part of a list that is shown.

    Attributes:
        columns: of it.
        filters: above it.
        rows: of this page.
        found: how many rows there are on all pages.
        all: how many there are without the search.
        is_filtered: whether a filter or a search is set.
        page: number of this one, from 1.
        pages: how many there are.
        sort: key of the column that it is sorted by, with `-` in front when downwards; or nothing.
        search: what was searched for.
        most: how many were asked for, if there are more than that.
    """

    columns: Sequence[Column]
    filters: Sequence[Filter]
    rows: Sequence[Row]
    found: int
    all: int
    is_filtered: bool
    page: int
    pages: int
    sort: str
    search: str
    most: int | None


def table_of(
    visit: Visit,
    rows: Sequence[Row],
    columns: Sequence[Column],
    filters: Sequence[Filter] = (),
    most: int | None = None,
) -> Table:
    """The part of a list that a request asks for.

    Args:
        visit: with `q`, `sort` and `page` in its query.
        rows: all that the filters let through.
        columns: of them.
        filters: above the list.
        most: how many rows the endpoint was asked for: as many of them mean that there may be more.
    """
    search = visit.asked("q")
    found = found_rows(visit, rows, columns)
    page, pages = page_of(visit.asked("page"), len(found), PAGE_ROWS)
    return Table(
        columns=columns,
        filters=filters,
        rows=found[(page - 1) * PAGE_ROWS : page * PAGE_ROWS],
        found=len(found),
        all=len(rows),
        is_filtered=bool(search) or any(visit.asked(one.name) for one in filters),
        page=page,
        pages=pages,
        sort=visit.asked("sort"),
        search=search,
        most=most if most is not None and len(rows) >= most else None,
    )


def found_rows(visit: Visit, rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """The rows on all pages of what a request asks for, in its order."""
    found = _searched(visit, rows, columns) if visit.asked("q") else list(rows)
    return _sorted(found, columns, visit.asked("sort"))


def text_of(row: Row, column: Column) -> str:
    """A value as text, as the node writes it; nothing is an empty text."""
    value = row.get(column.key)
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _searched(visit: Visit, rows: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """The rows that have every word, as the node writes it or as the reader sees it."""
    words = [{one, as_the_node_writes(visit, one)} for one in visit.asked("q").casefold().split()]
    shown = [_shown(visit, rows, column) for column in columns]
    texts = (" ".join(cells).casefold() for cells in zip(*shown, strict=True))
    return [
        row
        for row, text in zip(rows, texts, strict=True)
        if all(any(form in text for form in forms) for forms in words)
    ]


def _shown(visit: Visit, rows: Sequence[Row], column: Column) -> list[str]:
    """The texts of a column; of our own words, what they are called as well."""
    texts = [text_of(row, column) for row in rows]
    if column.kind != "word":
        return texts
    called = {one: visit.text(one) for one in {*texts} if one}
    return [f"{one} {called.get(one, '')}" for one in texts]


def as_the_node_writes(visit: Visit, word: str) -> str:
    """A figure or a date of the reader's language as the node writes it; else the word itself."""
    symbols = visit.language.locale.number_symbols["latn"]
    if word and not word.strip(f"0123456789{symbols['decimal']}{symbols['group']}"):
        try:
            return parse_date(word, locale=visit.language.locale).isoformat()
        except (ParseError, ValueError, IndexError):
            plain = word.replace(symbols["group"], "").replace(symbols["decimal"], ".")
            return plain or word
    return word


def _sorted(rows: list[Row], columns: Sequence[Column], sort: str) -> list[Row]:
    column = next((one for one in columns if one.key == sort.removeprefix("-")), None)
    if column is None:
        return rows
    with_value = [row for row in rows if text_of(row, column)]
    without = [row for row in rows if not text_of(row, column)]
    with_value.sort(key=lambda row: _order(row, column), reverse=sort.startswith("-"))
    return with_value + without


def _order(row: Row, column: Column) -> tuple[Decimal, str]:
    text = text_of(row, column)
    if column.kind in ("number", "percent"):
        try:
            number = Decimal(text)
        except InvalidOperation:
            return Decimal("Infinity"), text
        return (Decimal("Infinity") if number.is_nan() else number), text
    return Decimal(0), text.casefold()


def whole(text: str, most_digits: int = 8) -> int | None:
    """A whole number that was typed, from 0; `None` if it is none, or has more digits."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= most_digits else None


@dataclass(frozen=True)
class Cut:
    """A page of the rows of a table that stands beside others on a page.

    Attributes:
        rows: of it.
        page: number of this page, from 1.
        pages: how many there are.
        found: how many rows there are on all of them.
        name: of the page in the query.
    """

    rows: Sequence[Any]
    page: int
    pages: int
    found: int
    name: str


def cut(visit: Visit, rows: Sequence[Any], name: str, size: int = PAGE_ROWS) -> Cut:
    """The page of a table that a request asks for.

    Args:
        visit: with the number in its query.
        rows: of all pages.
        name: in the query.
        size: so many rows on a page.
    """
    page, pages = page_of(visit.asked(name), len(rows), size)
    return Cut(rows[(page - 1) * size : page * size], page, pages, len(rows), name)


def page_of(text: str, count: int, size: int) -> tuple[int, int]:
    """Which page of a list an address asks for, and how many there are, both from 1.

    Args:
        text: what it says; the first or the last page for what is none of it.
        count: of what there is.
        size: so many on a page.
    """
    pages = max(1, -(-count // size))
    return min(max(1, whole(text) or 1), pages), pages
