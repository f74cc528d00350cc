"""Pages that have been read before and are still true.

Many peers read the same list: everything, at the same level, from the first page on. Who asks and
what it may see is read from the database for every request, together with the change counter; only
then is a page taken from here, and only if nothing has changed since it was read. So neither a
revocation nor a publication needs the cache to be told.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

__all__ = ["PageCache"]


class Sized(Protocol):
    """A page: what matters is how large it is, and what number of changes it is from."""

    @property
    def body(self) -> bytes:
        """What is kept."""

    @property
    def watermark(self) -> int:
        """The change counter when it was read."""


P = TypeVar("P", bound=Sized)


class PageCache(Generic[P]):
    """The pages asked for last, up to a total size.

    Args:
        max_bytes: of all bodies together; 0 keeps nothing.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._pages: OrderedDict[Hashable, P] = OrderedDict()

    def get(self, key: Hashable, watermark: int) -> P | None:
        """The page, if it is here and nothing has changed since.

        Args:
            key: everything that decides what is in the page, but for changes.
            watermark: the change counter now.
        """
        page = self._pages.get(key)
        if page is None or page.watermark != watermark:
            return None
        self._pages.move_to_end(key)
        return page

    def put(self, key: Hashable, page: P) -> None:
        """Keep a page; the ones not asked for longest go."""
        size = len(page.body)
        if size > self._max_bytes:
            return
        before = self._pages.pop(key, None)
        if before is not None:
            self._bytes -= len(before.body)
        self._pages[key] = page
        self._bytes += size
        while self._bytes > self._max_bytes:
            _, oldest = self._pages.popitem(last=False)
            self._bytes -= len(oldest.body)
