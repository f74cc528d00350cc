"""A vector: a JSON object whose values are texts, integers and lists of them.

Values are written as the appendix Test Vectors of draft-irtf-cfrg-fiat-shamir says: byte strings in
lower-case hexadecimal, integers in decimal or with `0x` in front.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from underseal_protocol.errors import SealEncodingError, SealError

__all__ = ["MAX_SQUEEZED_BYTES", "Record", "UnsupportedError"]

MAX_SQUEEZED_BYTES = 1 << 20
MAX_DIGITS = 1000

_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_INTEGER = re.compile(rf"0x[0-9a-f]{{1,{MAX_DIGITS}}}|[0-9]{{1,{MAX_DIGITS}}}")


class UnsupportedError(SealError):
    """The vector is of something that is not implemented here."""


class Record:
    """Reads the fields of a vector.

    Args:
        fields: as they are in the file.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def text(self, name: str) -> str:
        """A field that is text.

        Raises:
            SealEncodingError: it is not there, or is no text.
        """
        value = self._get(name)
        if not isinstance(value, str):
            raise SealEncodingError(f"{name} is {type(value).__name__}, expected text")
        return value

    def ascii(self, name: str) -> bytes:
        """A field that is a text of ASCII characters, as bytes."""
        text = self.text(name)
        if not text.isascii():
            raise SealEncodingError(f"{name} is not ASCII, expected it to be")
        return text.encode("ascii")

    def bytes(self, name: str) -> bytes:
        """A field that is bytes."""
        return bytes_of(name, self.text(name))

    def integer(self, name: str) -> int:
        """A field that is an integer, at least 0."""
        return _integer_of(name, self._get(name))

    def integers(self, name: str) -> list[int]:
        """A field that is a list of integers, each at least 0."""
        return [_integer_of(name, one) for one in self._list(name)]

    def require_one_of(self, name: str, supported: Mapping[str, Any] | tuple[str, ...]) -> str:
        """A field that says what the vector is of.

        Raises:
            UnsupportedError: it is of something else.
            SealEncodingError: it is not there, or is no text.
        """
        value = self.text(name)
        if value not in supported:
            raise UnsupportedError(f"{name} {value} is not supported, only {', '.join(supported)}")
        return value

    def operations(self) -> list[Record]:
        """The field `Operations`: objects."""
        found = self._list("Operations")
        if not all(isinstance(one, dict) for one in found):
            raise SealEncodingError("Operations are not objects, expected a list of them")
        return [Record(one) for one in found]

    def _list(self, name: str) -> list[Any]:
        value = self._get(name)
        if not isinstance(value, list):
            raise SealEncodingError(f"{name} is {type(value).__name__}, expected a list")
        return value

    def _get(self, name: str) -> Any:
        if name not in self._fields:
            raise SealEncodingError(f"{name} is not there, expected it to be")
        return self._fields[name]


def bytes_of(name: str, text: str) -> bytes:
    """Bytes of lower-case hexadecimal."""
    if not _HEX.fullmatch(text):
        raise SealEncodingError(f"{name} is not lower-case hexadecimal, two digits a byte")
    return bytes.fromhex(text)


def _integer_of(name: str, value: Any) -> int:
    if type(value) is int and value >= 0:
        return value
    if not isinstance(value, str) or not _INTEGER.fullmatch(value):
        raise SealEncodingError(f"{name} is no integer, expected decimal digits or 0x with more")
    return int(value, 16 if value.startswith("0x") else 10)
