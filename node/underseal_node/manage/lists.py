"""How lists are asked for: what is searched, what they are ordered by, which part is wanted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Annotated

from fastapi import Query
from pydantic import StringConstraints
from sqlmodel import Session
from starlette.responses import Response, StreamingResponse

from underseal_node.manage.context import JSON
from underseal_node.manage.shapes.base import Shape
from underseal_node.node import Node
from underseal_node.store.batches import batches
from underseal_node.store.searching import MAX_OFFSET, Part, Word

__all__ = [
    "LINES",
    "Count",
    "Offset",
    "Search",
    "answered",
    "line_of",
    "part_of",
    "sorts_of",
    "streamed",
    "words_of",
]

LINES = "application/x-ndjson"
MAX_WORDS = 50
MAX_WORD_CHARACTERS = 2_000
STATE = "="  # in front of a word of the node that is meant as a whole

Made = Callable[[Session, list[int]], Iterable[Shape]]

Search = Annotated[
    list[Annotated[str, StringConstraints(max_length=MAX_WORD_CHARACTERS)]],
    Query(max_length=MAX_WORDS, description="each has to be found; of its lines, one"),
]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET, description="rows before that are left out")]
Count = Annotated[bool, Query(description="say how many there are of all")]


def sorts_of(columns: Collection[str]) -> Callable[[str | None], str | None]:
    """Checks what a list is to be sorted by: a name that it has, `-` in front: from the highest."""

    def check(sort: str | None) -> str | None:
        if sort is not None and sort.removeprefix("-") not in columns:
            names = ", ".join(columns)
            raise ValueError(f"the list cannot be sorted by this, but by {names}; - in front: down")
        return sort

    return check


def part_of(
    sort: str | None, limit: int | None, offset: int = 0, *, is_counted: bool = False
) -> Part:
    """The part of a list that is asked for.

    Args:
        sort: checked by `sorts_of`.
        limit: at most so many rows; None: all.
        offset: rows before that are left out.
        is_counted: whether to count all of them.
    """
    name = None if sort is None else sort.removeprefix("-")
    return Part(name, (sort or "").startswith("-"), limit, offset, is_counted)


def words_of(search: Sequence[str]) -> list[Word]:
    """What has to be found.

    Args:
        search: of each, one of its lines; a line after the first that begins with `=` is a word of
            the node, such as a state, that is meant as a whole.
    """
    found = []
    for one in search:
        first, *others = one.split("\n")
        states = frozenset(line[1:] for line in others if line.startswith(STATE))
        forms = [first, *(line for line in others if not line.startswith(STATE))]
        word = Word([line for line in forms if line], states)
        if word.forms or word.states:
            found.append(word)
    return found


def answered(shape: Shape) -> Response:
    """A long list as it is written; the framework would check and copy each row once more."""
    return Response(shape.model_dump_json(by_alias=True, exclude_none=True), media_type=JSON)


def streamed(node: Node, numbers: Iterable[int], made: Made) -> Response:
    """An answer with the rows of a list, a line of JSON for each, that is made while it is sent.

    Args:
        node: whose database it is.
        numbers: of the rows, in their order.
        made: makes some of them.
    """

    async def lines() -> AsyncIterator[bytes]:
        for part in batches(numbers):
            yield await node.store.read(partial(_lines, made, part))

    return StreamingResponse(lines(), media_type=LINES)


def line_of(shape: Shape) -> bytes:
    """A row of a list, as a line of JSON."""
    return shape.model_dump_json(by_alias=True, exclude_none=True).encode() + b"\n"


def _lines(made: Made, part: list[int], session: Session) -> bytes:
    return b"".join(map(line_of, made(session, part)))
