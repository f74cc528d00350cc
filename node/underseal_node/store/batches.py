"""Long lists go to the database in portions: it takes no more than some thousand parameters in one
statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

__all__ = ["batches"]

T = TypeVar("T")

IDS_PER_QUERY = 500


def batches(items: Iterable[T], size: int | None = None) -> Iterator[list[T]]:
    """The items in their order, in lists of no more than `size`, if given, or `IDS_PER_QUERY`."""
    rest = iter(items)
    while some := list(islice(rest, size or IDS_PER_QUERY)):
        yield some
