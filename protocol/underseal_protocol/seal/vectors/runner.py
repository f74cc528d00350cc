"""Vectors of a file, each with its verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from underseal_protocol import strict_json
from underseal_protocol.errors import JsonError, SealError
from underseal_protocol.seal.vectors.checks import CHECKS, NotReproducedError
from underseal_protocol.seal.vectors.record import Record, UnsupportedError

__all__ = ["MAX_FILE_BYTES", "Outcome", "check_vectors"]

MAX_FILE_BYTES = 16 * 1024 * 1024
SHOWN_CHARACTERS = 200
ACCEPT, REJECT = "accept", "reject"

_LIMITS = strict_json.JsonLimits(max_bytes=MAX_FILE_BYTES, max_depth=8)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a vector.

    Attributes:
        name: its `Id`, or which one of the file it is.
        as_expected: whether it is what the vector says.
        found: the verdict, and why.
    """

    name: str
    as_expected: bool
    found: str

    def __str__(self) -> str:
        """One line."""
        line = f"{'as expected' if self.as_expected else 'NOT'}: {self.name}: {self.found}"
        return "".join(one if one.isprintable() else "?" for one in line)


def check_vectors(data: bytes, file_name: str) -> Iterator[Outcome]:
    """Check the vectors of a file.

    Args:
        data: the file: a JSON list of vectors.
        file_name: for what cannot be read at all, which is one outcome, and not as expected.
    """
    try:
        vectors = strict_json.loads(data, limits=_LIMITS)
    except JsonError as error:
        yield Outcome(file_name, False, error.message)
        return
    if not isinstance(vectors, list):
        yield Outcome(file_name, False, "this is no list of vectors")
        return
    for number, vector in enumerate(vectors, 1):
        yield _outcome(vector, f"{file_name}, vector {number}")


def _outcome(vector: Any, place: str) -> Outcome:
    if not isinstance(vector, dict):
        return Outcome(place, False, "this is no object")
    identifier, expected = vector.get("Id"), vector.get("Expected", ACCEPT)
    name = identifier if isinstance(identifier, str) and identifier else place
    if expected not in (ACCEPT, REJECT):
        return Outcome(name, False, "Expected is neither accept nor reject")
    record = Record(vector)
    try:
        found = CHECKS[record.require_one_of("Function", CHECKS)](record)
    except (NotReproducedError, UnsupportedError) as error:
        return Outcome(name, False, _short(error.message))
    except SealError as error:
        return Outcome(name, expected == REJECT, f"{REJECT}, {_short(error.message)}")
    return Outcome(name, expected == ACCEPT, f"{ACCEPT}, {found}")


def _short(message: str) -> str:
    return message if len(message) <= SHOWN_CHARACTERS else message[:SHOWN_CHARACTERS] + "..."
