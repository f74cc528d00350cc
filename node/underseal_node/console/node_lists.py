"""Lists that the node filters, searches, sorts and cuts, as there may be a million rows of them.

A word that is searched for is looked for as it was typed, as the node writes it, and among the
words of the node that the reader's language calls so.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from starlette.responses import Response

from underseal_node.console.api import Query
from underseal_node.console.exports import file_kind, sent
from underseal_node.console.pages import Visit
from underseal_node.console.tables import (
    PAGE_ROWS,
    Column,
    Filter,
    Row,
    Table,
    as_the_node_writes,
    page_of,
    whole,
)

__all__ = ["UNTIL", "NodeList", "as_shown", "end_of"]

UNTIL = "until"
"""In the query of a page: a day on which the validity of what it lists is over."""

# What the endpoints take at most.
MAX_WORDS = 50
MAX_WORD_CHARACTERS = 1_000
MAX_PAGES = 10_000_000 // PAGE_ROWS

Shown = Callable[[Row], Row]


@dataclass(frozen=True)
class NodeList:
    """A list of the management endpoints.

    Attributes:
        path: of the endpoint; with `/export` behind it, that of all rows.
        columns: of the page.
        in_files: columns of its file.
        words: of the node, that its rows have as words, each with the text that it is shown as.
        name: of its file, without its extension.
        export: path of the endpoint of all rows, if it is another.
        also: further words, some of which may be shown as several texts.
    """

    path: str
    columns: Sequence[Column]
    in_files: Sequence[Column]
    words: Mapping[str, str]
    name: str
    export: str | None = None
    also: Sequence[tuple[str, str]] = ()

    async def table(
        self,
        visit: Visit,
        query: Query,
        shown: Shown,
        filters: Sequence[Filter],
        *,
        is_narrowed: bool = False,
    ) -> Table:
        """The page of it that a request asks for.

        Args:
            visit: with `q`, `sort` and `page` in its query.
            query: filters of the endpoint.
            shown: makes a row of the page of one of the node.
            filters: above the list.
            is_narrowed: whether something else but these restricts it.
        """
        search = visit.asked("q")
        wanted = min(max(1, whole(visit.asked("page")) or 1), MAX_PAGES)
        rows, found = await self._page(visit, query, wanted)
        page, pages = page_of(str(wanted), found, PAGE_ROWS)
        if page != wanted:
            rows, found = await self._page(visit, query, page)
        is_filtered = bool(search) or any(visit.asked(one.name) for one in filters)
        return Table(
            columns=self.columns,
            filters=filters,
            rows=[shown(one) for one in rows],
            found=found,
            all=found,
            is_filtered=is_filtered or is_narrowed,
            page=page,
            pages=pages,
            sort=visit.asked("sort"),
            search=search,
            most=None,
        )

    async def file(self, visit: Visit, query: Query, shown: Shown) -> Response | None:
        """All of it as a file, if the request asks for one.

        Args:
            visit: with `as`, and what the list is searched and sorted by.
            query: filters of the endpoint.
            shown: makes a row of the page of one of the node.
        """
        kind = file_kind(visit)
        if kind is None:
            return None
        path = self.export or f"{self.path}/export"
        pieces = await visit.api.pieces(path, {**query, **self._order(visit)})
        return sent(visit, kind, _portions(pieces, shown), self.in_files, self.name)

    async def _page(self, visit: Visit, query: Query, page: int) -> tuple[Sequence[Row], int]:
        part = {"limit": PAGE_ROWS, "offset": (page - 1) * PAGE_ROWS, "count": True}
        found = await visit.api.get(self.path, {**query, **self._order(visit), **part})
        return found["data"], found["total"]

    def _order(self, visit: Visit) -> dict[str, str | list[str] | None]:
        """What it is searched and sorted by."""
        sort = visit.asked("sort")
        sign = "-" if sort.startswith("-") else ""
        known = (*self.columns, *self.in_files)
        column = next((one for one in known if one.key == sort.removeprefix("-")), None)
        words = visit.asked("q").split()[:MAX_WORDS]
        return {
            "sort": f"{sign}{column.by or column.key}" if column and column.is_sorted else None,
            "search": [self._search(visit, word[:MAX_WORD_CHARACTERS]) for word in words],
        }

    def _search(self, visit: Visit, word: str) -> str:
        folded = word.casefold()
        plain = as_the_node_writes(visit, folded)
        words = (*self.words.items(), *self.also)
        called = [one for one, shown in words if folded in visit.text(shown).casefold()]
        return "\n".join(dict.fromkeys([word, plain, *(f"={one}" for one in called)]))


def as_shown(*words: str) -> dict[str, str]:
    """Words of the node that are shown as they are, translated."""
    return {one: one for one in words}


def end_of(visit: Visit) -> str | None:
    """The instant before which the validity of what a page lists ends; None if it names no day."""
    try:
        day = date.fromisoformat(visit.asked(UNTIL))
    except ValueError:
        return None
    return f"{day.isoformat()}T00:00:00Z"


async def _portions(pieces: AsyncIterator[bytes], shown: Shown) -> AsyncIterator[Sequence[Row]]:
    """Rows, of the lines of an export as they come."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        if lines:
            rows: list[Mapping[str, object]] = [json.loads(line) for line in lines if line]
            yield [shown(one) for one in rows]
