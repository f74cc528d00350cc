"""How a company becomes a member: it applies, the issuer admits it, and it joins.

    member                                     issuer
    apply -> Application, and a Wish to keep
                    Application  ->
                                               admit: who it is, and that it has no credential yet
                    <-  Admission
    join -> Membership

The issuer learns who the member is, and nothing by which it could know its endorsements again: the
secret of its pseudonyms is the sum of a part that the member keeps and a part that the issuer adds.
Application and admission travel between nodes that have authenticated each other. A membership is
as secret as a key: whoever has it, endorses.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from underseal_protocol.bbs.blind import blind_sign, finish
from underseal_protocol.bbs.commitment import Commitment, commit, commitment_bytes
from underseal_protocol.bbs.keys import SecretKey
from underseal_protocol.bbs.signature import SIGNATURE_BYTES, Signature, verify
from underseal_protocol.bbs.suite import PSEUDONYM, random_scalars
from underseal_protocol.errors import RosterError, SealEncodingError, SealError
from underseal_protocol.roster.roster import BLINDING, SECRET, Member, Roster
from underseal_protocol.seal.scalars import (
    SCALAR_BYTES,
    RandomBytes,
    Scalar,
    decode_scalars,
    encode_scalars,
    require_bytes,
)

__all__ = ["Admission", "Application", "Membership", "Wish", "admit", "apply", "join"]

APPLICATION_BYTES = commitment_bytes(1)
ADMISSION_BYTES = SIGNATURE_BYTES + SCALAR_BYTES

MEMBERSHIP_BYTES = SIGNATURE_BYTES + 2 * SCALAR_BYTES


@dataclass(frozen=True, slots=True)
class Application:
    """What the issuer gets: a commitment to the member's part of the secret."""

    commitment: Commitment

    def encode(self) -> bytes:
        """144 bytes."""
        return self.commitment.encode()

    @classmethod
    def decode(cls, data: bytes) -> Application:
        """The inverse.

        Raises:
            SealEncodingError: it is none.
        """
        require_bytes(data, APPLICATION_BYTES, "an application")
        return cls(Commitment.decode(data))


@dataclass(frozen=True, slots=True)
class Wish:
    """What a member keeps until it is admitted. Secret."""

    part: Scalar = field(repr=False)
    blinding: Scalar = field(repr=False)

    def encode(self) -> bytes:
        """64 secret bytes."""
        return encode_scalars((self.part, self.blinding))

    @classmethod
    def decode(cls, data: bytes) -> Wish:
        """The inverse.

        Raises:
            SealEncodingError: it is none.
        """
        return cls(*decode_scalars(data, 2))


@dataclass(frozen=True, slots=True)
class Admission:
    """What the member gets: the signature, and the issuer's part of the secret."""

    signature: Signature
    entropy: Scalar = field(repr=False)

    def encode(self) -> bytes:
        """112 bytes."""
        return self.signature.encode() + self.entropy.encode()

    @classmethod
    def decode(cls, data: bytes) -> Admission:
        """The inverse.

        Raises:
            SealEncodingError: it is none.
        """
        require_bytes(data, ADMISSION_BYTES, "an admission")
        entropy = Scalar.decode(data[SIGNATURE_BYTES:])
        return cls(Signature.decode(data[:SIGNATURE_BYTES]), entropy)


@dataclass(frozen=True, slots=True)
class Membership:
    """The credential of a member with its secrets.

    Args:
        roster: in its epoch.
        member: who it is.
        signature: of the issuer.
        blinding, secret: the messages that the issuer did not see.

    Raises:
        RosterError: it is not signed so.
    """

    roster: Roster
    member: Member
    signature: Signature = field(repr=False)
    blinding: Scalar = field(repr=False)
    secret: Scalar = field(repr=False)

    def __post_init__(self) -> None:
        try:
            if not self.secret:
                raise SealError("its secret is 0")
            verify(self.roster.setup, self.signature, self.messages)
        except SealError as error:
            raise RosterError(
                f"the credential of {self.member.url} in the roster {self.roster.name} does not "
                f"hold: {error.message}",
                hint="Apply to the roster again.",
            ) from None

    @property
    def messages(self) -> tuple[Scalar, ...]:
        """All that is signed, in its order."""
        return self.member.message, self.blinding, self.secret

    def encode(self) -> bytes:
        """144 secret bytes, without roster and member."""
        return self.signature.encode() + encode_scalars((self.blinding, self.secret))

    @classmethod
    def decode(cls, data: bytes, roster: Roster, member: Member) -> Membership:
        """The inverse.

        Raises:
            RosterError: it is none of this member in this roster.
        """
        try:
            require_bytes(data, MEMBERSHIP_BYTES, "a membership")
            blinding, secret = decode_scalars(data[SIGNATURE_BYTES:], 2)
            signature = Signature.decode(data[:SIGNATURE_BYTES])
        except SealEncodingError as error:
            raise RosterError(error.message) from None
        return cls(roster, member, signature, blinding, secret)


def apply(random_bytes: RandomBytes = secrets.token_bytes) -> tuple[Application, Wish]:
    """Apply to a roster.

    Args:
        random_bytes: of the operating system, but in tests.
    """
    (part,) = random_scalars(1, random_bytes)
    commitment, blinding = commit([part], PSEUDONYM, random_bytes)
    return Application(commitment), Wish(part, blinding)


def admit(
    key: SecretKey,
    roster: Roster,
    member: Member,
    application: Application,
    *,
    admitted: Iterable[Member],
    random_bytes: RandomBytes = secrets.token_bytes,
) -> Admission:
    """Admit a member, as the issuer, which has checked who it is.

    Args:
        key: of the roster.
        roster: in its epoch.
        member: who it is.
        application: of this member, authenticated.
        admitted: all that have a credential of this epoch, also those that have lost it.
        random_bytes: of the operating system, but in tests.

    Raises:
        RosterError: it has a credential already, or the application does not hold.
    """
    for other in admitted:
        for what, same in (
            ("the URL", other.url == member.url),
            ("the legal entity", other.entity == member.entity),
        ):
            if same:
                raise RosterError(
                    f"{what} {member.url if what == 'the URL' else member.entity} has a credential "
                    f"of this epoch of the roster {roster.name}, and with two it could endorse "
                    "its own figures",
                    hint="Admit it to the next epoch.",
                )
    (entropy,) = random_scalars(1, random_bytes)
    try:
        signature = blind_sign(key, roster.setup, application.commitment, [member.message], entropy)
    except SealError as error:
        raise RosterError(f"the application of {member.url}: {error.message}") from None
    return Admission(signature, entropy)


def join(roster: Roster, member: Member, wish: Wish, admission: Admission) -> Membership:
    """Make a membership of an admission, as the member.

    Args:
        roster: in its epoch.
        member: itself.
        wish: kept from the application.
        admission: as received.

    Raises:
        RosterError: the admission is to something else.
    """
    try:
        messages = finish(
            roster.setup,
            admission.signature,
            [member.message],
            wish.blinding,
            [wish.part],
            admission.entropy,
        )
    except SealError as error:
        raise RosterError(
            f"the admission to the roster {roster.name} does not hold: {error.message}",
            hint="Apply to the roster again.",
        ) from None
    return Membership(roster, member, admission.signature, messages[BLINDING], messages[SECRET])
