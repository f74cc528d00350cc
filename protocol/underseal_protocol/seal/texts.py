"""Texts and URLs of nodes as sealed documents have them."""

from __future__ import annotations

from underseal_protocol.errors import SealEncodingError
from underseal_protocol.seal import codec

__all__ = ["shortened", "text_bytes", "whole"]

_SCHEME = "https://"  # of most nodes; left out


def text_bytes(text: str) -> bytes:
    """UTF-8 with its length of two bytes in front."""
    data = text.encode("utf-8")
    return codec.little_endian(len(data), 2) + data


def shortened(url: str) -> str:
    """The URL of a node without the scheme that most have, where that is no loss."""
    rest = url.removeprefix(_SCHEME)
    return url if "://" in rest else rest


def whole(text: str) -> str:
    """The inverse of `shortened`.

    Raises:
        SealEncodingError: it is not shortened.
    """
    url = text if "://" in text else _SCHEME + text
    if shortened(url) != text:
        raise SealEncodingError(f"a URL begins with {_SCHEME}, expected it without")
    return url
