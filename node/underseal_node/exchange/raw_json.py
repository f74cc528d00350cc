"""Cutting the raw bytes of a member out of a JSON object, so that they are kept as received."""

from __future__ import annotations

import re
from json import JSONDecodeError, JSONDecoder

from underseal_protocol.errors import JsonError

__all__ = ["object_member"]

_DECODER = JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")


def object_member(data: bytes, name: str) -> bytes:
    """The bytes of the value of a member.

    Args:
        data: a JSON object that `strict_json.loads` has accepted, so depth and names are in order.
        name: of the member.

    Raises:
        JsonError: it has no such member, or is no object.
    """
    try:
        text = data.decode("utf-8-sig")  # without a byte order mark, as `loads` reads it
        at = _skip(text, 0)
        if text[at] != "{":
            raise JsonError("a JSON object was expected")
        at = _skip(text, at + 1)
        while text[at] == '"':
            key, at = _DECODER.raw_decode(text, at)
            start = _skip(text, _skip(text, at) + 1)  # after the colon
            _, end = _DECODER.raw_decode(text, start)
            if key == name:
                return text[start:end].encode("utf-8")
            at = _skip(text, _skip(text, end) + 1)  # after the comma, or past the end
    except (IndexError, JSONDecodeError, UnicodeDecodeError):
        pass
    raise JsonError(f'the JSON object has no member "{name}"')


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()
