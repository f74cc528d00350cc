"""Reads bytes from front to back, and says where something is that should not be there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import TypeVar

from underseal_protocol.errors import ProtocolError, SealEncodingError
from underseal_protocol.seal import codec
from underseal_protocol.seal.group import POINT_BYTES, Point

__all__ = ["Reader", "located", "require_sorted"]

MAX_TEXT_BYTES = 4_000
_T = TypeVar("_T")


class Reader:
    """Takes a document apart. Every method names what it takes, for messages, and raises
    `SealEncodingError` where that is not there or in another form.

    Args:
        data: the document.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def take(self, length: int, what: str) -> bytes:
        end = self.at + length
        if end > len(self._data):
            raise SealEncodingError(f"it ends within {what}, at byte {len(self._data)}")
        taken, self.at = self._data[self.at : end], end
        return taken

    def finish(self) -> None:
        more = len(self._data) - self.at
        if more:
            raise SealEncodingError(f"{more} bytes follow the document, expected none")

    def since(self, start: int) -> bytes:
        """What was taken since a position."""
        return self._data[start : self.at]

    def byte(self, what: str) -> int:
        return self.take(1, what)[0]

    def integer(self, length: int, what: str) -> int:
        return codec.from_little_endian(self.take(length, what))

    def text(self, what: str) -> str:
        length = self.integer(2, what)
        if length > MAX_TEXT_BYTES:
            raise SealEncodingError(f"{what} has {length} bytes, expected at most {MAX_TEXT_BYTES}")
        try:
            return self.take(length, what).decode("utf-8")
        except UnicodeDecodeError:
            raise SealEncodingError(f"{what} is no text in UTF-8") from None

    def point(self, what: str) -> Point:
        return located(what, lambda: Point.decode(self.take(POINT_BYTES, what)))

    def table(
        self,
        what: str,
        most: int,
        read: Callable[[Reader], _T],
        key: Callable[[bytes], bytes] = bytes,
    ) -> tuple[_T, ...]:
        """As many as a byte says, sorted by their bytes."""
        count = self.byte(f"the table of {what}")
        if count > most:
            raise SealEncodingError(
                f"the table of {what} has {count} entries, expected at most {most}"
            )
        items, keys = [], []
        for number in range(1, count + 1):
            start = self.at
            items.append(located(f"{what} {number}", partial(read, self)))
            keys.append(key(self.since(start)))
        require_sorted(keys, what)
        return tuple(items)


def located(what: str, read: Callable[[], _T]) -> _T:
    """What is read, or an error that says what could not be.

    Raises:
        SealEncodingError: it cannot be read.
    """
    try:
        return read()
    except SealEncodingError as error:
        if error.message.startswith(what):
            raise
        raise SealEncodingError(f"{what}: {error.message}", hint=error.hint) from None
    except ProtocolError as error:
        raise SealEncodingError(f"{what}: {error.message}", hint=error.hint) from None


def require_sorted(items: Sequence[bytes], what: str) -> None:
    """Whether each comes after the one before it.

    Raises:
        SealEncodingError: one does not, or is there twice.
    """
    for number, (one, other) in enumerate(pairwise(items), 2):
        if one == other:
            raise SealEncodingError(f"{what} {number} is there twice")
        if one > other:
            raise SealEncodingError(f"{what} {number} is not in its place, expected them sorted")
