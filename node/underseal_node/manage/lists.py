"""How lists are asked for: what is searched, what they are ordered by, which part is wanted."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import IO, Annotated

from fastapi import Query
from pydantic import StringConstraints
from sqlmodel import Session
from starlette.responses import Response, StreamingResponse

from underseal_node.errors import RefusedError
from underseal_node.manage.shapes.base import Shape
from underseal_node.node import Node
from underseal_node.store.searching import MAX_OFFSET, Order, Part, Word

__all__ = [
    "LINES",
    "Count",
    "Offset",
    "Search",
    "download",
    "line_of",
    "part_of",
    "sorts_of",
    "words_of",
]

LINES = "application/x-ndjson"
CHUNK_BYTES = 256 * 1024
MAX_WORDS = 50
MAX_WORD_CHARACTERS = 2_000
STATE = "="  # in front of a word of the node that is meant as a whole

Search = Annotated[
    list[Annotated[str, StringConstraints(max_length=MAX_WORD_CHARACTERS)]],
    Query(max_length=MAX_WORDS, description="each has to be found; of its lines, one"),
]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET, description="rows before that are left out")]
Count = Annotated[bool, Query(description="say how many there are of all")]


def sorts_of(order: Order) -> Callable[[str | None], str | None]:
    """Checks what a list is to be sorted by: a name that it has, `-` in front: from the highest."""

    def check(sort: str | None) -> str | None:
        if sort is not None and sort.removeprefix("-") not in order.columns:
            names = ", ".join(order.columns)
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


def line_of(shape: Shape) -> bytes:
    """A row of a list, as a line of JSON."""
    return shape.model_dump_json(by_alias=True, exclude_none=True).encode() + b"\n"


async def download(node: Node, lines: Callable[[Session], Iterator[bytes]]) -> Response:
    """An answer made of lines, all of one snapshot of the database.

    Args:
        node: whose database it is.
        lines: makes them.

    Raises:
        RefusedError: there is no room for them on the disk.
    """
    stream, size = await asyncio.to_thread(_written, node, lines)
    headers = {"content-length": str(size)}
    return StreamingResponse(_chunks(stream), media_type=LINES, headers=headers)


def _written(node: Node, lines: Callable[[Session], Iterator[bytes]]) -> tuple[IO[bytes], int]:
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(tempfile.TemporaryFile(dir=node.home.backups))
            node.store.read_sync(lambda session: stream.writelines(lines(session)))
            size = stream.tell()
            stream.seek(0)
        except OSError as error:
            raise RefusedError(
                f"the export cannot be made in {node.home.backups}: {error.strerror or error}",
                hint="Check the free space and the permissions; nothing was left behind.",
            ) from error
        stack.pop_all()  # it is closed when it has been sent
    return stream, size


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk
