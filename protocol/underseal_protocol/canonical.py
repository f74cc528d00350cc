"""The canonical form of JSON (RFC 8785) and its digest: what signatures bind.

Two ways lead to the same bytes. `rfc8785` is the reference; the encoder of the standard library is
several times faster and writes the same bytes unless the value holds one of the few things on
which the two differ. Such values, rare where decimals are text, take the slower way.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from typing import Any

import rfc8785

from underseal_protocol.errors import JsonError
from underseal_protocol.strict_json import JsonValue

__all__ = ["canonical_bytes", "digest", "digest_of_bytes"]

_ENCODER = json.JSONEncoder(
    ensure_ascii=False,
    sort_keys=True,
    separators=(",", ":"),
    allow_nan=False,
    check_circular=False,  # what was read from JSON is a tree; a circle ends in RecursionError
)
DIGEST_CHARACTERS = 43  # of base64url for 32 bytes; the 44th is padding

_MAX_INTEGER = 2**53 - 1  # beyond it, integers are not all exact doubles (RFC 8785 section 3.2.2.3)

# Member names are sorted by UTF-16 code units (RFC 8785 section 3.2.3); below the surrogates that
# is the order of code points, by which Python sorts. Looked for in the whole text: names or not.
_DOUBTFUL_ORDER = re.compile("[\ud800-\U0010ffff]")


def canonical_bytes(value: JsonValue) -> bytes:
    """The RFC 8785 form of a JSON value, in UTF-8.

    Args:
        value: as read by `strict_json.loads`.

    Raises:
        JsonError: it holds what has no canonical form: a number that is no exact IEEE double, a
            lone surrogate, or something that is not JSON.
    """
    try:
        if _is_plain(value):
            text = _ENCODER.encode(value)
            if text.isascii() or not _DOUBTFUL_ORDER.search(text):
                return text.encode()
        return rfc8785.dumps(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise JsonError(f"this has no canonical JSON form: {_reason(error)}") from error


def digest(value: JsonValue) -> str:
    """SHA-256 of the canonical form, base64url without padding (43 characters).

    Raises:
        JsonError: as `canonical_bytes`.
    """
    return digest_of_bytes(canonical_bytes(value))


def digest_of_bytes(data: bytes) -> str:
    """SHA-256 of bytes, base64url without padding (43 characters)."""
    text = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
    return text[:DIGEST_CHARACTERS].decode("ascii")


def _is_plain(value: Any) -> bool:
    """Whether there is no number in it that the two ways could write differently.

    Loops rather than `all`, exact types rather than `isinstance`: this runs for all that is signed.
    """
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is dict:
        return _are_plain(value.values())
    if kind is list:
        return _are_plain(value)
    if kind is int:
        return bool(-_MAX_INTEGER <= value <= _MAX_INTEGER)
    # In this range, both write the shortest digits that make the same double, without exponent.
    return kind is float and 1e-4 <= abs(value) < 1e16 and not value.is_integer()


def _are_plain(values: Iterable[Any]) -> bool:
    for value in values:  # noqa: SIM110
        if type(value) is not str and not _is_plain(value):
            return False
    return True


def _reason(error: Exception) -> str:
    if isinstance(error, rfc8785.IntegerDomainError):
        return "an integer is beyond 2^53 - 1, so it is not an exact IEEE double"
    if isinstance(error, rfc8785.FloatDomainError):
        return "a number is not finite"
    if isinstance(error, UnicodeError) or isinstance(error.__context__, UnicodeError):
        return "a text holds a lone surrogate"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error)
