"""JSON, read so that no two readers can understand it differently (RFC 8259, RFC 7493).

Beyond the grammar, refused are: names that occur twice in an object, lone surrogates, numbers
that are infinite, and texts that exceed a limit of size or depth. Decimals are text in PACT, so
JSON numbers stay the ints and floats of Python.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from json import JSONDecodeError
from typing import Any, NoReturn, TypeAlias

from underseal_protocol.errors import JsonError

__all__ = ["JsonLimits", "JsonValue", "array_items", "array_values", "dumps", "loads"]

# What `loads` gives: dict, list, str, int, float, bool or None.
JsonValue: TypeAlias = Any

MAX_EXACT_INTEGER = 2**53 - 1  # beyond it, integers are not all exact doubles (RFC 7493, 2.2)
SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class JsonLimits:
    """How much is read.

    Attributes:
        max_bytes: of the text in UTF-8.
        max_depth: arrays and objects inside one another; 1 for `[]`.
        allow_nul: whether a text may hold U+0000, which not every database takes.
    """

    max_bytes: int = 64 * 1024 * 1024
    max_depth: int = 64
    allow_nul: bool = True


DEFAULT_LIMITS = JsonLimits()

_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
# Not behind a backslash that is itself escaped.
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_SPACE = re.compile(r"[ \t\n\r]*")


def loads(
    data: bytes | str, *, limits: JsonLimits = DEFAULT_LIMITS, exact_numbers: bool = False
) -> JsonValue:
    """Read JSON.

    Args:
        data: the text, in UTF-8 if it is bytes; a byte order mark in front is skipped.
        limits: of size and depth.
        exact_numbers: refuse numbers of which a double would be another number, as one must before
            signing (RFC 8785 section 3.2.2.3).

    Raises:
        JsonError: it is not JSON, or ambiguous, or too much.
    """
    text = _text(data, limits)
    decoder = _EXACT if exact_numbers else _DECODER
    try:
        value = decoder.decode(text)
    except JSONDecodeError as error:
        raise JsonError(
            f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise _too_deep(limits) from None
    except ValueError:  # more digits than Python converts (sys.set_int_max_str_digits)
        raise JsonError("a number has too many digits") from None
    _check(text, value, limits)
    return value


def _check(text: str, value: JsonValue, limits: JsonLimits, *, inside: int = 0) -> None:
    """Refuse what the grammar allows, and we do not.

    Args:
        inside: how many arrays and objects the value is in.
    """
    _check_depth(text, value, limits, inside)
    if not limits.allow_nul and _ESCAPED_NUL.search(text):
        raise JsonError("the JSON holds the character U+0000")
    if _ESCAPED_SURROGATE.search(text):
        dumps(value)


def dumps(value: JsonValue) -> bytes:
    """Write JSON in UTF-8, without spaces, names in the order of the dict.

    Raises:
        JsonError: it holds something that is not JSON: NaN, a lone surrogate, a Decimal.
    """
    try:
        return _ENCODER.encode(value).encode("utf-8")
    except UnicodeEncodeError:
        raise _lone_surrogate() from None
    except (TypeError, ValueError) as error:
        raise JsonError(f"this cannot be written as JSON: {error}") from None
    except RecursionError:
        raise JsonError("this cannot be written as JSON: it is nested too deeply") from None


def array_items(data: bytes, member: str = "data") -> list[bytes]:
    """The items of an array inside an object, each as the bytes that were received.

    Of the items, only the grammar is looked at; everything else is left to whoever reads each with
    `loads`, so that a bad item does not take the others with it.

    Args:
        data: a JSON object in UTF-8.
        member: the name of the array.

    Raises:
        JsonError: it is no JSON object, or has no array of this name.
    """
    try:
        return _array_items(_text(data, DEFAULT_LIMITS), member)
    except (IndexError, ValueError):  # JSONDecodeError is a ValueError
        raise JsonError("not JSON: it ends or goes on unexpectedly") from None
    except RecursionError:
        raise _too_deep(DEFAULT_LIMITS) from None


def array_values(
    data: bytes | str, *, limits: JsonLimits = DEFAULT_LIMITS, exact_numbers: bool = False
) -> Iterator[JsonValue]:
    """The items of a JSON array, read when they are asked for, so that not all are in memory.

    Args:
        data: the text, in UTF-8 if it is bytes; a byte order mark in front is skipped.
        limits: of size and depth, of the array.
        exact_numbers: as for `loads`.

    Raises:
        JsonError: it is no JSON array, or ambiguous, or too much; after the items before.
    """
    text = _text(data, limits)
    decoder = _EXACT if exact_numbers else _DECODER
    try:
        at = _skip(text, 0)
        if text[at] != "[":
            raise JsonError("a JSON array was expected")
        at = _skip(text, at + 1)
        while text[at] != "]":
            value, end = decoder.raw_decode(text, at)
            _check(text[at:end], value, limits, inside=1)
            yield value
            at = _next(text, end, "]")
        if _skip(text, at + 1) != len(text):
            raise JsonError("not JSON: something follows the array")
    except (IndexError, ValueError, RecursionError):
        loads(data, limits=limits, exact_numbers=exact_numbers)  # says what it is
        raise JsonError("not JSON") from None


def _array_items(text: str, member: str) -> list[bytes]:
    found: list[bytes] | None = None
    names: set[str] = set()
    at = _skip(text, 0)
    if text[at] != "{":
        raise JsonError("a JSON object was expected")
    at = _skip(text, at + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, at)
        if not isinstance(name, str) or text[at] != ":":
            raise JsonError("not JSON: a name and a colon were expected")
        at = _skip(text, at + 1)
        if name in names:
            raise _repetition(name)
        names.add(name)
        if name == member:
            found, at = _items(text, at, member)
        else:
            _, at = _DECODER.raw_decode(text, at)
        at = _next(text, at, "}")
    if _skip(text, at + 1) != len(text):
        raise JsonError("not JSON: something follows the object")
    if found is None:
        raise JsonError(f'the JSON object has no member "{member}"')
    return found


def _items(text: str, at: int, member: str) -> tuple[list[bytes], int]:
    """The items of the array that starts here, and where it ends."""
    if text[at] != "[":
        raise JsonError(f'the member "{member}" is not an array')
    items: list[bytes] = []
    at = _skip(text, at + 1)
    while text[at] != "]":
        _, end = _LENIENT.raw_decode(text, at)
        items.append(text[at:end].encode("utf-8"))
        at = _next(text, end, "]")
    return items, at + 1


def _next(text: str, at: int, end: str) -> int:
    """Behind the comma, or at the end of the object or array."""
    at = _skip(text, at)
    if text[at] == end:
        return at
    if text[at] != ",":
        raise JsonError("not JSON: a comma was expected")
    at = _skip(text, at + 1)
    if text[at] == end:
        raise JsonError("not JSON: nothing follows a comma")
    return at


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _text(data: bytes | str, limits: JsonLimits) -> str:
    """The text, checked for size and encoding."""
    try:
        encoded = data.encode("utf-8") if isinstance(data, str) else data
    except UnicodeEncodeError:
        raise _lone_surrogate() from None
    if len(encoded) > limits.max_bytes:
        raise JsonError(f"the JSON has {len(encoded)} bytes, expected at most {limits.max_bytes}")
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonError(f"not JSON: byte {error.start} is not UTF-8") from None
    return text.removeprefix("\ufeff")


def _check_depth(text: str, value: JsonValue, limits: JsonLimits, inside: int) -> None:
    # Most texts have too few brackets to be too deep; the others are walked level by level.
    if text.count("[") + text.count("{") <= limits.max_depth - inside:
        return
    level = [value]
    for _ in range(limits.max_depth - inside + 1):
        if not level:
            return
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
    raise _too_deep(limits)


def _too_deep(limits: JsonLimits) -> JsonError:
    return JsonError(f"the JSON is nested more than {limits.max_depth} levels deep")


def _lone_surrogate() -> JsonError:
    return JsonError("the JSON holds a lone surrogate, which is not a character")


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise _repetition(twice)
    return members


def _repetition(name: str) -> JsonError:
    return JsonError(f'not JSON: the name "{_shown(name)}" occurs twice in an object')


def _refuse_constant(name: str) -> NoReturn:
    raise JsonError(f"not JSON: {name} is not a number")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise JsonError(f"the number {_shown(text)} is too large")
    return value


def _exact_float(text: str) -> float:
    value = _float(text)
    try:
        if Decimal(text) == Decimal(repr(value)):
            return value
    except InvalidOperation:  # an exponent that not even Decimal has
        pass
    raise JsonError(
        f"the number {_shown(text)} is not exact as an IEEE double, which is {value!r}",
        hint="Write it as text, in quotes.",
    )


def _exact_int(text: str) -> int:
    value = int(text)
    if abs(value) > MAX_EXACT_INTEGER:
        raise JsonError(
            f"the integer {_shown(text)} is beyond 2^53 - 1, so it is not exact as an IEEE double",
            hint="Write it as text, in quotes.",
        )
    return value


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_refuse_constant, parse_float=_float
)
_LENIENT = json.JSONDecoder()
_EXACT = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_constant=_refuse_constant,
    parse_float=_exact_float,
    parse_int=_exact_int,
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
