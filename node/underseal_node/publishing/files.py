"""Reading what an operator hands in: JSON, a workbook or CSV.

A file gives documents that may be footprints, each with its place in the file. Nothing is judged
here but whether it can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from underseal_node.errors import RefusedError
from underseal_node.node import Node
from underseal_node.publishing.json_reading import items_of, problems_of, read_json
from underseal_node.settings import Settings
from underseal_node.sheets.files import Form, form_of
from underseal_node.sheets.problems import Problem
from underseal_protocol.errors import JsonError
from underseal_protocol.strict_json import JsonLimits, array_values

__all__ = ["Documents", "PlacedDocument", "read_file", "stream_file"]

NOTHING = "there is no footprint in it"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
FIRST_BYTES = 1024  # in which the first character is


@dataclass(frozen=True, slots=True)
class PlacedDocument:
    """A footprint as it stands in a file.

    Attributes:
        document: as it was read; incomplete perhaps, not checked.
        place_of: from a JSON pointer into the document to the place in the file.
        is_row: whether it is a row of a sheet.
    """

    document: dict[str, Any]
    place_of: Callable[[str], str] = field(repr=False)
    is_row: bool = False


@dataclass(frozen=True, slots=True)
class Documents:
    """What a file holds.

    Attributes:
        file: its name.
        documents: in the order of the file.
        problems: what cannot be read; then nothing of the file may be published.
    """

    file: str
    documents: tuple[PlacedDocument, ...]
    problems: tuple[Problem, ...]


def read_file(name: str, content: bytes, node: Node) -> Documents:
    """The footprints in a file: JSON (one, a list, a PACT response), .xlsx or .csv.

    Which it is follows from the content; the name only helps with what has none.

    Args:
        name: of the file, for messages and to tell the formats apart.
        content: all of it.
        node: whose limits hold.
    """
    settings = node.settings
    try:
        form = form_of(name, content, settings)
    except RefusedError as error:
        return _unreadable(name, error.message, error.hint)
    if form is Form.JSON:
        return _read_json(name, content, settings)
    # The libraries for sheets take time to load.
    from underseal_node.publishing.sheet_reading import read_csv, read_workbook

    read = read_workbook if form is Form.WORKBOOK else read_csv
    return read(name, content, settings)


def stream_file(name: str, content: bytes, node: Node) -> Iterator[PlacedDocument | Problem]:
    """What `read_file` reads; a list in JSON, which may be long, item by item.

    Args:
        name: of the file.
        content: all of it.
        node: whose limits hold.
    """
    if not content[:FIRST_BYTES].removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"["):
        read = read_file(name, content, node)
        yield from read.problems
        documents = list(reversed(read.documents))
        del read  # so that what has been dealt with is freed
        while documents:
            yield documents.pop()
        return
    number = 0
    try:
        items = array_values(content, limits=_limits(node.settings), exact_numbers=True)
        for number, item in enumerate(items, 1):
            yield _placed(name, f"/{number - 1}", item)
    except JsonError as error:
        yield from problems_of(name, content, error)
        return
    if number == 0:
        yield Problem(name, "", NOTHING)


def _limits(settings: Settings) -> JsonLimits:
    return JsonLimits(max_bytes=settings.max_import_bytes, max_depth=settings.max_json_depth)


def _read_json(name: str, content: bytes, settings: Settings) -> Documents:
    limits = _limits(settings)
    try:
        items, base = items_of(read_json(content, limits))
    except JsonError as error:
        return Documents(name, (), tuple(problems_of(name, content, error)))
    if not items:
        return _unreadable(name, NOTHING, place=base)
    documents: list[PlacedDocument] = []
    problems: list[Problem] = []
    for place, item in items:
        placed = _placed(name, place, item)
        if isinstance(placed, Problem):
            problems.append(placed)
        else:
            documents.append(placed)
    return Documents(name, tuple(documents), tuple(problems))


def _placed(name: str, place: str, item: Any) -> PlacedDocument | Problem:
    if isinstance(item, dict):
        return PlacedDocument(item, _inside(place))
    return Problem(name, place, f"{str(item)[:60]!r} is no footprint")


def _inside(place: str) -> Callable[[str], str]:
    return lambda pointer: place + pointer


def _unreadable(name: str, message: str, hint: str | None = None, *, place: str = "") -> Documents:
    return Documents(name, (), (Problem(name, place, message, hint),))
