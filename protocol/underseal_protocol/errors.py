"""What can go wrong between two companies. One base.

ProtocolError
 ├─ JsonError                    not JSON, or JSON that two readers may understand differently
 ├─ DecimalError                 a text that is no decimal number
 ├─ TimeError                    a text that is no point in time
 ├─ UrnError                     a text that is no URN, or an identifier that cannot be one
 ├─ SchemaError                  a footprint that does not have the form of PACT 3.0
 ├─ CriteriaError                filters that cannot be understood
 ├─ EventError                   a message that is no event of PACT 3.0
 ├─ TermsError                   a grant with its usage terms that cannot be read
 ├─ KeySetError                  a key set, or a key of it, that cannot be used
 ├─ DraftError                   a draft whose parts do not agree
 ├─ UnitError                    a unit that is none, or a conversion that cannot be made
 ├─ RollUpError                  a bill of materials, or what it uses, that cannot be calculated
 │   └─ BillError                its JSON that has another form
 ├─ ReleaseError                 figures that the release gate cannot judge
 ├─ ReleaseRefusedError          figures that a peer could solve for a supplier's number
 ├─ MerkleError                  a tree, or a proof about it, that does not hold
 ├─ AuditError                   an entry of an audit log that is none
 ├─ SealError                    a part of a sealed sum that cannot be used
 │   ├─ SealEncodingError        bytes that are not the one encoding of what they stand for
 │   ├─ RelationError            a linear relation, or a witness, of which nothing can be proved
 │   ├─ ProofRefusedError        a proof that does not show its statement
 │   ├─ SealNumberError          a figure that version 1 of sealed sums does not seal
 │   └─ SealRefusedError         a sealed sum of which some part does not hold
 └─ CredentialError              a signed statement that does not hold
     ├─ AssertionRefusedError    a client assertion that does not authenticate the client
     ├─ InvitationError          an invitation, or the reply to one, that is not accepted
     ├─ KeyLogError              an entry of a key log that does not follow from what is pinned
     ├─ MissingCredentialError   there is none
     ├─ SignatureMismatchError   its signature is not of the key that it names
     ├─ CommitmentError          what is opened is not what was committed to
     ├─ EndorsementError         an endorsement, or what goes with it, that is not accepted
     ├─ RosterError              a roster, or a membership in one, that is not accepted
     └─ AttestationError         what a verifier attests is not what is there
         └─ AttestationExpiredError   it is, and it is not valid at this time
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "AssertionRefusedError",
    "AttestationError",
    "AttestationExpiredError",
    "AuditError",
    "BillError",
    "CommitmentError",
    "CredentialError",
    "CriteriaError",
    "DecimalError",
    "DraftError",
    "EndorsementError",
    "ErrorCode",
    "EventError",
    "InvitationError",
    "JsonError",
    "KeyLogError",
    "KeySetError",
    "MerkleError",
    "MissingCredentialError",
    "ProofRefusedError",
    "ProtocolError",
    "RelationError",
    "ReleaseError",
    "ReleaseRefusedError",
    "RollUpError",
    "RosterError",
    "SchemaError",
    "SealEncodingError",
    "SealError",
    "SealNumberError",
    "SealRefusedError",
    "SignatureMismatchError",
    "TermsError",
    "TimeError",
    "UnitError",
    "UrnError",
    "Violation",
    "error_object",
]

SHOWN_VIOLATIONS = 3
SHOWN_CHARACTERS = 80


class ErrorCode(StrEnum):
    """The codes of the object `Error` (PACT 3.0, Error Handling)."""

    BAD_REQUEST = "BadRequest"
    ACCESS_DENIED = "AccessDenied"
    TOKEN_EXPIRED = "TokenExpired"
    NOT_FOUND = "NotFound"
    INTERNAL_ERROR = "InternalError"
    NOT_IMPLEMENTED = "NotImplemented"


def error_object(code: ErrorCode | str, message: str) -> dict[str, str]:
    """The object `Error` of PACT 3.0: the body of every refusal, and why a request is rejected."""
    return {"code": str(code), "message": message}


class ProtocolError(Exception):
    """Base of all errors of the protocol.

    Args:
        message: one sentence saying what was got and what was expected.
        hint: what the person at the terminal can do about it.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def diagnosis(self) -> str:
        """The message and, on further lines, what to do."""
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class JsonError(ProtocolError):
    """It is not JSON, or it is JSON that two readers may understand differently."""


class DecimalError(ProtocolError):
    """It is not a decimal number."""


class TimeError(ProtocolError):
    """It is not a point in time."""


class UrnError(ProtocolError):
    """It is not a URN."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a document does not have the form of PACT 3.0.

    Attributes:
        pointer: to the value (RFC 6901); for a property that is missing, to where it belongs.
        value: what is there; None if nothing is.
        expected: what has to be there, as the end of a sentence: "expected ...".
        hint: what usually helps.
    """

    pointer: str
    value: object
    expected: str
    hint: str | None = None

    def __str__(self) -> str:
        """One sentence."""
        if self.value is None:
            return f"{self.pointer or '/'}: expected {self.expected}"
        shown = repr(self.value)
        if len(shown) > SHOWN_CHARACTERS:
            shown = shown[:SHOWN_CHARACTERS] + "..."
        return f"{self.pointer or '/'} is {shown}, expected {self.expected}"


class SchemaError(ProtocolError):
    """A footprint does not have the form of PACT 3.0.

    Args:
        violations: all of them, at least one.
    """

    def __init__(self, violations: Sequence[Violation]) -> None:
        shown = "; ".join(map(str, violations[:SHOWN_VIOLATIONS]))
        more = len(violations) - SHOWN_VIOLATIONS
        super().__init__(
            shown + (f"; and {more} more" if more > 0 else ""),
            hint=next((one.hint for one in violations if one.hint), None),
        )
        self.violations = tuple(violations)

    def __reduce__(self) -> tuple[type[SchemaError], tuple[tuple[Violation, ...]]]:
        """Errors travel between processes."""
        return (type(self), (self.violations,))

    def diagnosis(self) -> str:
        """Every violation on a line of its own, its hint below it."""
        lines: list[str] = []
        for violation in self.violations:
            lines.append(str(violation))
            if violation.hint:
                lines.append(f"  {violation.hint}")
        return "\n".join(lines)


class CriteriaError(ProtocolError):
    """The filters cannot be understood."""


class EventError(ProtocolError):
    """It is not an event of PACT 3.0."""


class TermsError(ProtocolError):
    """It is not a grant with its usage terms."""


class KeySetError(ProtocolError):
    """A key set, or a key of it, cannot be used."""


class DraftError(ProtocolError):
    """The parts of a draft do not agree, or it is none."""


class UnitError(ProtocolError):
    """It is not a unit, or an amount cannot be converted into another unit."""


class RollUpError(ProtocolError):
    """A bill of materials, or what it uses, cannot be calculated."""


class BillError(RollUpError):
    """The JSON of a product, a factor or a source has another form.

    Args:
        what: of which it is the JSON.
        violations: all of them, at least one.
    """

    def __init__(self, what: str, violations: Sequence[Violation]) -> None:
        more = len(violations) - SHOWN_VIOLATIONS
        super().__init__(
            f"the {what} cannot be read: "
            + "; ".join(map(str, violations[:SHOWN_VIOLATIONS]))
            + (f"; and {more} more" if more > 0 else ""),
            hint=next((one.hint for one in violations if one.hint), None),
        )
        self.what = what
        self.violations = tuple(violations)

    def __reduce__(self) -> tuple[type[BillError], tuple[str, tuple[Violation, ...]]]:
        """Errors travel between processes."""
        return (type(self), (self.what, self.violations))


class ReleaseError(ProtocolError):
    """The release gate cannot judge figures: it cannot read them, or they are too many."""


class ReleaseRefusedError(ProtocolError):
    """A peer could solve figures for a supplier's number, and nobody has answered for it."""


class MerkleError(ProtocolError):
    """A tree, or a proof about it, does not hold."""


class AuditError(ProtocolError):
    """An entry of an audit log is none."""


class SealError(ProtocolError):
    """A part of a sealed sum cannot be used."""


class SealEncodingError(SealError):
    """These bytes are not the one encoding of what they stand for."""


class RelationError(SealError):
    """Of this linear relation, or of this witness, nothing can be proved."""


class ProofRefusedError(SealError):
    """A proof does not show its statement."""


class SealNumberError(SealError):
    """Version 1 of sealed sums does not seal this figure."""


class SealRefusedError(SealError):
    """A part of a sealed sum does not hold. The message begins with the part, and a colon."""

    @property
    def part(self) -> str:
        """Which one: `file`, `core`, `endorsement 2`, `sum` and so on."""
        return self.message.partition(":")[0]


class CredentialError(ProtocolError):
    """A signed statement does not hold."""


class AssertionRefusedError(CredentialError):
    """A client assertion does not authenticate the client."""


class InvitationError(CredentialError):
    """An invitation, or the reply to one, is not accepted."""


class AttestationError(CredentialError):
    """What a verifier attests is not what is there."""


class AttestationExpiredError(AttestationError):
    """What a verifier attests is what is there, but no longer, or not yet, valid."""


class CommitmentError(CredentialError):
    """What is opened is not what was committed to, or nothing can be committed to like that."""


class EndorsementError(CredentialError):
    """An endorsement of a supplier, or what goes with it, is not accepted."""


class RosterError(CredentialError):
    """A roster, or a membership in one, is not accepted."""


class KeyLogError(CredentialError):
    """An entry of a key log does not follow from what is pinned."""


class MissingCredentialError(CredentialError):
    """There is no credential."""


class SignatureMismatchError(CredentialError):
    """The signature is not of the key that the statement names."""
