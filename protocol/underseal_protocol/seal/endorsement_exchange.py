"""The two messages of `POST /extensions/endorsements`, between customer and supplier.

Request:

    {"version": 1, "footprintId": UUID, "property": NAME, "context": 32 bytes in base64url}

`footprintId` is the supplier's footprint. Answer:

    {"version": 1, "endorsement": JWS,
     "opening": {"value": DIGITS, "blinding": 32 bytes in base64url}}

The value is an integer of 10^-9 kg CO2e as text, as JSON has no integers of 56 bits; the blinding
is a scalar, big-endian. Both messages have exactly these members, each in its one form. The answer
holds a secret: it goes over an authenticated channel only, is stored encrypted, and never logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from underseal_protocol import base64url
from underseal_protocol.errors import EndorsementError, SealError
from underseal_protocol.seal.context import CONTEXT_BYTES
from underseal_protocol.seal.endorsed_value import ValueOpening
from underseal_protocol.seal.endorsement import Endorsement, read_endorsement
from underseal_protocol.seal.endorsement_checks import require_opening
from underseal_protocol.seal.group import SCALAR_BYTES, Scalar
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.uuids import is_uuid

__all__ = [
    "ENDORSEMENTS_PATH",
    "MAX_MESSAGE_BYTES",
    "EndorsementAnswer",
    "EndorsementRequest",
    "opening_from_json",
    "opening_to_json",
]

ENDORSEMENTS_PATH = "/extensions/endorsements"
MAX_MESSAGE_BYTES = 32 * 1024
VERSION = 1
MAX_DIGITS = 17  # of 2^56


@dataclass(frozen=True, slots=True)
class EndorsementRequest:
    """What a customer asks for.

    Args:
        footprint_id: of the supplier's footprint, a UUID in lower case.
        sealed: which figure of it.
        context: of the customer's footprint, 32 bytes.

    Raises:
        EndorsementError: one of them is not in its form.
    """

    footprint_id: str
    sealed: SealedProperty
    context: bytes

    def __post_init__(self) -> None:
        if not is_uuid(self.footprint_id) or self.footprint_id != self.footprint_id.lower():
            raise EndorsementError(
                f"footprintId is {self.footprint_id!r:.60}, expected a UUID in lower case"
            )
        if len(self.context) != CONTEXT_BYTES:
            raise EndorsementError(f"context has {len(self.context)} bytes, expected 32")

    def to_json(self) -> dict[str, Any]:
        """The body of the request."""
        return {
            "version": VERSION,
            "footprintId": self.footprint_id,
            "property": self.sealed.value,
            "context": base64url.encode(self.context),
        }

    @classmethod
    def from_json(cls, value: Any) -> EndorsementRequest:
        """Read the body of a request.

        Args:
            value: as read by `strict_json.loads`.

        Raises:
            EndorsementError: it is none; the message says which member.
        """
        members = _members(value, ("version", "footprintId", "property", "context"))
        sealed = members["property"]
        if sealed not in list(SealedProperty):
            raise EndorsementError(
                f"property is {sealed!r:.60}, expected {' or '.join(SealedProperty)}"
            )
        return cls(
            members["footprintId"],
            SealedProperty(sealed),
            _bytes(members["context"], CONTEXT_BYTES, "context"),
        )


@dataclass(frozen=True, slots=True)
class EndorsementAnswer:
    """What a supplier answers.

    Args:
        endorsement: not verified yet.
        opening: of its commitment.

    Raises:
        EndorsementError: the opening is not of this endorsement.
    """

    endorsement: Endorsement
    opening: ValueOpening = field(repr=False)

    def __post_init__(self) -> None:
        require_opening(self.endorsement, self.opening)

    def to_json(self) -> dict[str, Any]:
        """The body of the answer: it holds a secret."""
        return {
            "version": VERSION,
            "endorsement": self.endorsement.token,
            "opening": opening_to_json(self.opening),
        }

    @classmethod
    def from_json(cls, value: Any) -> EndorsementAnswer:
        """Read the body of an answer.

        Args:
            value: as read by `strict_json.loads`.

        Raises:
            CredentialError: it is none; the message says which member, and no secret.
        """
        members = _members(value, ("version", "endorsement", "opening"))
        token = members["endorsement"]
        if not isinstance(token, str):
            raise EndorsementError("the answer holds no endorsement, expected a JWS as text")
        return cls(read_endorsement(token), opening_from_json(members["opening"]))


def opening_to_json(opening: ValueOpening) -> dict[str, str]:
    """An opening as it travels and is stored: a secret."""
    return {
        "value": str(opening.value),
        "blinding": base64url.encode(opening.blinding.encode()),
    }


def opening_from_json(value: Any) -> ValueOpening:
    """The inverse of `opening_to_json`.

    Raises:
        EndorsementError: it is none; the message tells nothing of it.
    """
    if not isinstance(value, Mapping) or value.keys() != {"value", "blinding"}:
        raise EndorsementError("the opening does not have exactly the members value and blinding")
    digits = value["value"]
    is_number = isinstance(digits, str) and digits.isascii() and digits.isdigit()
    if not is_number or len(digits) > MAX_DIGITS or str(int(digits)) != digits:
        raise EndorsementError("the value of the opening is no integer as text")
    try:
        data = base64url.decode(value["blinding"]) if isinstance(value["blinding"], str) else b""
        if len(data) != SCALAR_BYTES or base64url.encode(data) != value["blinding"]:
            raise ValueError("another length")
        return ValueOpening(int(digits), Scalar.decode(data))
    except (ValueError, SealError):  # whose messages may show it
        raise EndorsementError(
            "the opening is none: value or blinding is out of range or not in its one form"
        ) from None


def _members(value: Any, names: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise EndorsementError(f"the body is {type(value).__name__}, expected a JSON object")
    missing = [name for name in names if name not in value]
    unknown = sorted(value.keys() - set(names))
    if missing or unknown:
        what = f"{missing[0]} is missing" if missing else f"{unknown[0]!r:.60} is not known"
        raise EndorsementError(
            f"the body does not have exactly the members {', '.join(names)}: {what}"
        )
    if type(value["version"]) is not int or value["version"] != VERSION:
        raise EndorsementError(
            f"version is {value['version']!r:.60}, expected {VERSION}",
            hint="One of the two nodes needs a newer version of Underseal.",
        )
    return value


def _bytes(text: Any, length: int, name: str) -> bytes:
    try:
        data = base64url.decode(text) if isinstance(text, str) else b""
    except ValueError:
        data = b""
    if len(data) != length:
        raise EndorsementError(f"{name} is {text!r:.60}, expected {length} bytes in base64url")
    return data
