"""Reading what an operator hands in: JSON, a workbook or CSV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from underseal_node.node import Node
from underseal_node.publishing.results import Problem

__all__ = ["Documents", "PlacedDocument", "read_file"]


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

    Args:
        name: of the file, for messages and to tell the formats apart.
        content: all of it.
        node: whose limits hold.
    """
    raise NotImplementedError
