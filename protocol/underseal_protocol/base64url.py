"""Base64url without padding (RFC 7515 section 2), read strictly.

Strictly means: one text for one sequence of bytes. The lenient decoders of the standard library
drop foreign characters and ignore trailing bits, so that many texts would carry one signature.
"""

from __future__ import annotations

import base64
import binascii

__all__ = ["decode", "encode"]


def encode(data: bytes) -> str:
    """Bytes as base64url text without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The bytes that `encode` makes this text of.

    Raises:
        ValueError: it is not the base64url text of anything.
    """
    try:
        raw = text.encode("ascii")
        data = base64.urlsafe_b64decode(raw + b"=" * (-len(raw) % 4))
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("it is not base64url") from error
    if base64.urlsafe_b64encode(data).rstrip(b"=") != raw:
        raise ValueError("it is not canonical base64url without padding")
    return data
