"""What travels between issuer, members and customers, as JSON.

A roster, for members and readers, in a statement that its issuer signs:

    {"version": 1, "issuer": URL, "name": TEXT, "key": 96 bytes, "notBefore": SECONDS,
     "notAfter": SECONDS}

The answer of a supplier to a customer that asks for an endorsement, where it is not to be named:

    {"version": 2, "claims": {...}, "pseudonym": 48 bytes, "proof": 368 bytes,
     "opening": {"value": DIGITS, "blinding": 32 bytes}, "salt": 32 bytes}

with the claims of `hidden`. Bytes are in base64url. Each message has exactly these members, each in
its one form. The answer holds secrets: it goes over an authenticated channel only, is stored
encrypted, and never logged. Applications and admissions are bytes of their own (`membership`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from underseal_protocol import base64url
from underseal_protocol.bbs.proof import Proof
from underseal_protocol.errors import EndorsementError, RosterError, SealError
from underseal_protocol.roster.hidden import (
    ORIGIN_BYTES,
    SALT_BYTES,
    HiddenEndorsement,
    HiddenOpening,
)
from underseal_protocol.roster.presentation import HIDDEN_PROOF_BYTES, verify_presentation
from underseal_protocol.roster.roster import Roster
from underseal_protocol.seal.context import CONTEXT_BYTES
from underseal_protocol.seal.endorsed_value import ValueOpening
from underseal_protocol.seal.endorsement_exchange import opening_from_json, opening_to_json
from underseal_protocol.seal.group import POINT_2_BYTES, POINT_BYTES, Point, Point2
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.seal.terms import Terms

__all__ = ["HiddenAnswer", "roster_from_json", "roster_to_json"]

ROSTER_VERSION, ANSWER_VERSION = 1, 2
_ROSTER = ("version", "issuer", "name", "key", "notBefore", "notAfter")
_ANSWER = ("version", "claims", "pseudonym", "proof", "opening", "salt")


def roster_to_json(roster: Roster) -> dict[str, Any]:
    """A roster in its epoch."""
    return {
        "version": ROSTER_VERSION,
        "issuer": roster.issuer,
        "name": roster.name,
        "key": base64url.encode(roster.key.encode()),
        "notBefore": roster.not_before,
        "notAfter": roster.not_after,
    }


def roster_from_json(value: Any) -> Roster:
    """The inverse.

    Args:
        value: as read by `strict_json.loads`.

    Raises:
        RosterError: it is none; the message says which member.
    """
    try:
        members = _members(value, _ROSTER, ROSTER_VERSION, "roster")
        key = Point2.decode(_bytes(members["key"], POINT_2_BYTES, "key"))
    except (EndorsementError, SealError) as error:
        raise RosterError(error.message, hint=error.hint) from None
    return Roster(
        members["issuer"], members["name"], key, members["notBefore"], members["notAfter"]
    )


@dataclass(frozen=True, slots=True)
class HiddenAnswer:
    """What a supplier answers that is not to be named.

    Args:
        endorsement: not verified yet.
        opening: of its commitment and its origin.

    Raises:
        EndorsementError: the opening is not of its commitment.
    """

    endorsement: HiddenEndorsement
    opening: HiddenOpening = field(repr=False)

    def __post_init__(self) -> None:
        if self.opening.value.commitment != self.endorsement.commitment:
            raise EndorsementError(
                "value and blinding do not open the commitment of the endorsement",
                hint="Ask the supplier for another endorsement.",
            )

    def to_json(self) -> dict[str, Any]:
        """The body of the answer: it holds secrets."""
        said = self.endorsement
        return {
            "version": ANSWER_VERSION,
            "claims": said.claims,
            "pseudonym": base64url.encode(said.pseudonym.encode()),
            "proof": base64url.encode(said.proof.encode()),
            "opening": opening_to_json(self.opening.value),
            "salt": base64url.encode(self.opening.salt),
        }

    @classmethod
    def from_json(cls, value: Any) -> HiddenAnswer:
        """Read the body of an answer.

        Args:
            value: as read by `strict_json.loads`.

        Raises:
            EndorsementError: it is none; the message says which member, and no secret.
        """
        members = _members(value, _ANSWER, ANSWER_VERSION, "answer")
        endorsement = _endorsement(members)
        opening: ValueOpening = opening_from_json(members["opening"])
        try:
            salt = _bytes(members["salt"], SALT_BYTES, "salt")
        except EndorsementError:  # whose message shows it
            raise EndorsementError("the salt is not 32 bytes in base64url") from None
        return cls(endorsement, HiddenOpening(opening, salt))

    def require_asked_for(
        self, roster: Roster, *, customer: str, context: bytes, sealed: SealedProperty
    ) -> None:
        """Whether a member of a roster has endorsed what the customer has asked for.

        Args:
            roster: that the customer and its readers trust.
            customer: the URL of its node.
            context: of its footprint.
            sealed: the property that it has asked for.

        Raises:
            EndorsementError: it is something else, or of nobody in this roster.
        """
        said = self.endorsement
        for name, found, expected in (
            ("customer", said.customer, customer.rstrip("/")),
            ("context", base64url.encode(said.context), base64url.encode(context)),
            ("property", said.sealed, sealed),
        ):
            if found != expected:
                raise EndorsementError(
                    f"the {name} of the endorsement is {found}, expected {expected}"
                )
        try:
            verify_presentation(roster, said.presentation)
        except SealError as error:
            raise EndorsementError(
                f"the endorsement is not of a member of the roster {roster.name} of "
                f"{roster.issuer} in this epoch: {error.message}"
            ) from None


def _endorsement(members: Mapping[str, Any]) -> HiddenEndorsement:
    claims = members["claims"]
    if not isinstance(claims, Mapping):
        raise EndorsementError("claims is no JSON object, expected one")
    known = {"aud", "commitment", "context", "origin", "property", "version", *Terms.MEMBERS}
    _require_names(claims, known, "claims")
    if claims["property"] not in list(SealedProperty):
        raise EndorsementError(f"the endorsement is of {claims['property']!r:.60}")
    try:
        found = HiddenEndorsement(
            Point.decode(_bytes(claims["commitment"], POINT_BYTES, "commitment")),
            claims["aud"],
            _bytes(claims["context"], CONTEXT_BYTES, "context"),
            _bytes(claims["origin"], ORIGIN_BYTES, "origin"),
            SealedProperty(claims["property"]),
            Terms.of_claims(claims),
            Point.decode(_bytes(members["pseudonym"], POINT_BYTES, "pseudonym")),
            Proof.decode(_bytes(members["proof"], HIDDEN_PROOF_BYTES, "proof")),
        )
    except SealError as error:
        raise EndorsementError(f"the endorsement: {error.message}") from None
    if found.claims != dict(claims) or type(claims["version"]) is not int:
        raise EndorsementError("the claims of the endorsement are not in their one form")
    return found


def _members(value: Any, names: tuple[str, ...], version: int, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise EndorsementError(f"the {what} is {type(value).__name__}, expected a JSON object")
    _require_names(value, set(names), what)
    if type(value["version"]) is not int or value["version"] != version:
        raise EndorsementError(
            f"version is {value['version']!r:.60}, expected {version}",
            hint="One of the two nodes needs a newer version of Underseal.",
        )
    return value


def _require_names(value: Mapping[str, Any], names: set[str], what: str) -> None:
    missing, unknown = sorted(names - value.keys()), sorted(value.keys() - names)
    if missing or unknown:
        which = f"{missing[0]} is missing" if missing else f"{unknown[0]!r:.60} is not known"
        raise EndorsementError(f"the {what} does not have exactly its members: {which}")


def _bytes(text: Any, length: int, name: str) -> bytes:
    try:
        data = base64url.decode(text) if isinstance(text, str) else b""
    except ValueError:
        data = b""
    if len(data) != length or base64url.encode(data) != text:
        raise EndorsementError(f"{name} is {text!r:.60}, expected {length} bytes in base64url")
    return data
