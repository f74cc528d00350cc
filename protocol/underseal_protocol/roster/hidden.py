"""An endorsement that does not tell whose it is, but that it is of a member of a roster.

It says what an endorsement of a node says (`seal.endorsement`), with these differences:

- who endorses is not in it. In place of signature and key there is a proof of a member, and its
  pseudonym for this footprint;
- in place of the digest of the supplier's credential, by which other customers of the supplier
  would know it again, there is `origin = SHA-256(domain, digest, salt)`. The salt goes to the
  customer with the opening, so that supplier or customer can show to an auditor what it was;
- it has no validity of its own: it is for footprints that are created in the epoch of the roster.
  A time of its own would tell endorsers apart.

The proof is bound to SHA-256 of a domain string and of the RFC 8785 form of `claims`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from underseal_protocol import base64url, canonical
from underseal_protocol.bbs.proof import Proof
from underseal_protocol.errors import EndorsementError, RosterError
from underseal_protocol.roster.membership import Membership
from underseal_protocol.roster.presentation import Presentation, present
from underseal_protocol.seal import codec
from underseal_protocol.seal.context import CONTEXT_BYTES
from underseal_protocol.seal.endorsed_value import ValueOpening, value_in
from underseal_protocol.seal.endorsement import DIGEST_BYTES, check_party
from underseal_protocol.seal.group import Point
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.seal.scalars import RandomBytes, random_scalar
from underseal_protocol.seal.terms import Terms

__all__ = ["ORIGIN_BYTES", "HiddenEndorsement", "HiddenOpening", "endorse_hidden", "origin_of"]

DOMAIN = b"UNDERSEAL-ROSTER-V01-endorsement"
ORIGIN_DOMAIN = b"UNDERSEAL-ROSTER-V01-origin"
VERSION = 2
ORIGIN_BYTES, SALT_BYTES = 32, 32


@dataclass(frozen=True, slots=True)
class HiddenEndorsement:
    """What it says, and the proof that a member says it.

    Args:
        commitment: `C`.
        customer: the URL of its node.
        context: 32 bytes.
        origin: 32 bytes.
        sealed: the property.
        terms: unit, mass, method, period.
        pseudonym: of the endorser.
        proof: that a member of the roster says so.

    Raises:
        EndorsementError: one of them is not in its one form.
    """

    commitment: Point
    customer: str
    context: bytes
    origin: bytes
    sealed: SealedProperty
    terms: Terms
    pseudonym: Point
    proof: Proof = field(repr=False)

    def __post_init__(self) -> None:
        if self.commitment.is_identity or self.pseudonym.is_identity:
            raise EndorsementError("a point of an endorsement is the identity")
        check_party(self.customer, "the customer")
        for data, length, what in (
            (self.context, CONTEXT_BYTES, "context"),
            (self.origin, ORIGIN_BYTES, "origin"),
        ):
            if type(data) is not bytes or len(data) != length:
                raise EndorsementError(f"the {what} is not {length} bytes, expected so many")

    @property
    def claims(self) -> dict[str, Any]:
        """What it says, sorted by name as RFC 8785 has it."""
        return _claims(
            self.commitment, self.customer, self.context, self.origin, self.sealed, self.terms
        )

    @property
    def presentation(self) -> Presentation:
        """What is to be verified of it."""
        return Presentation(
            self.customer, self.context, _bound(self.claims), self.pseudonym, self.proof
        )


@dataclass(frozen=True, slots=True)
class HiddenOpening:
    """What goes to the customer with it, and to nobody else.

    Attributes:
        value: opens the commitment.
        salt: opens the origin.
    """

    value: ValueOpening = field(repr=False)
    salt: bytes = field(repr=False)


def origin_of(credential_digest: str, salt: bytes) -> bytes:
    """`origin`.

    Args:
        credential_digest: of the supplier's credential, base64url.
        salt: 32 random bytes.

    Raises:
        EndorsementError: one of them is not in its form.
    """
    try:
        digest = base64url.decode(credential_digest)
    except ValueError:
        digest = b""
    if len(digest) != DIGEST_BYTES or len(salt) != SALT_BYTES:
        raise EndorsementError("the origin of an endorsement is of a digest and a salt of 32 bytes")
    return hashlib.sha256(b"".join(map(codec.write_string, (ORIGIN_DOMAIN, digest, salt)))).digest()


def endorse_hidden(
    document: Mapping[str, Any],
    *,
    membership: Membership,
    credential_digest: str,
    sealed: SealedProperty,
    customer: str,
    context: bytes,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> tuple[HiddenEndorsement, HiddenOpening]:
    """Endorse a figure of a footprint without being named, with fresh secrets.

    Args:
        document: the supplier's own footprint.
        membership: of the supplier.
        credential_digest: of the credential of the footprint, base64url.
        sealed: which figure.
        customer: the URL of its node, as it has authenticated itself, not as it says.
        context: as the customer gave it, 32 bytes.
        random_bytes: of the operating system, but in tests.

    Raises:
        SealNumberError: the figure is none that is sealed.
        EndorsementError: something else is not in its form.
        RosterError: the supplier would endorse for itself.
    """
    customer = customer.rstrip("/")
    if customer == membership.member.url:
        raise RosterError(f"{customer} endorses a figure for itself")
    opening = ValueOpening(value_in(document, sealed), random_scalar(random_bytes))
    salt = random_bytes(SALT_BYTES)
    origin, terms = origin_of(credential_digest, salt), Terms.of_footprint(document)
    claims = _claims(opening.commitment, customer, context, origin, sealed, terms)
    shown = present(
        membership,
        customer=customer,
        context=context,
        bound=_bound(claims),
        is_named=False,
        random_bytes=random_bytes,
    )
    endorsement = HiddenEndorsement(
        opening.commitment,
        customer,
        context,
        origin,
        sealed,
        terms,
        shown.pseudonym,
        shown.proof,
    )
    return endorsement, HiddenOpening(opening, salt)


def _claims(
    commitment: Point,
    customer: str,
    context: bytes,
    origin: bytes,
    sealed: SealedProperty,
    terms: Terms,
) -> dict[str, Any]:
    claims = {
        "aud": customer,
        "commitment": base64url.encode(commitment.encode()),
        "context": base64url.encode(context),
        "origin": base64url.encode(origin),
        "property": sealed.value,
        "version": VERSION,
        **terms.to_json(),
    }
    return dict(sorted(claims.items()))


def _bound(claims: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(
        codec.write_string(DOMAIN) + canonical.canonical_bytes(dict(claims))
    ).digest()
