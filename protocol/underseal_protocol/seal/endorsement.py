"""An endorsement: what a supplier signs about one figure, for one footprint of one customer.

The figure itself is not in it, only a commitment `C = v G + r H`. The opening (v, r) goes to the
customer beside it, and to nobody else.

It is a JWS (`jws`) of a footprint key of the supplier. Its payload is the RFC 8785 form of exactly
the claims below, so that whoever has the values has the signed bytes; a sealed document holds the
values and the signature (`document`).

| claim | says |
|---|---|
| `iss`, and `kid` in the header | the supplier: URL of its node, and thumbprint of the key |
| `aud` | the customer: URL of its node |
| `context` | `context.context_of`: for which footprint of the customer |
| `commitment` | C |
| `property` | which figure of the supplier's footprint v is |
| `credential` | the digest of the credential of that footprint |
| `crossSectoralStandards`, `declaredUnitAmount`, `declaredUnitOfMeasurement`,
  `ipccCharacterizationFactors`, `mass`, `referencePeriodEnd`, `referencePeriodStart` | `terms` |
| `nbf`, `exp` | from when until before when the customer's footprint may be created, in seconds |
| `named` | whether the supplier consents to be named to whoever reads the sealed document |
| `version` | 1 |

Domain and version are in what is signed: `typ` in the header, and `version`. `endorsement_checks`
has the rules by which one is accepted.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from underseal_protocol import base64url, jws
from underseal_protocol.errors import CredentialError, EndorsementError, SealError
from underseal_protocol.keys import ALGORITHM, KeyPurpose, PublicKey, SigningKey
from underseal_protocol.seal.context import CONTEXT_BYTES
from underseal_protocol.seal.endorsed_value import ValueOpening, value_in
from underseal_protocol.seal.group import POINT_BYTES, Point, RandomBytes, random_scalar
from underseal_protocol.seal.numbers import SealedProperty
from underseal_protocol.seal.terms import Terms, require_second
from underseal_protocol.times import format_time
from underseal_protocol.uris import as_uri

__all__ = [
    "DIGEST_BYTES",
    "ENDORSEMENT_TYPE",
    "MAX_ID_CHARACTERS",
    "SIGNATURE_BYTES",
    "Endorsement",
    "check_party",
    "endorse",
    "read_endorsement",
]

ENDORSEMENT_TYPE = "underseal-endorsement+jwt"
VERSION = 1
MAX_ID_CHARACTERS = 200  # of the URL of a node
DIGEST_BYTES, SIGNATURE_BYTES = 32, 64

_OWN_CLAIMS = frozenset(
    [
        *("aud", "commitment", "context", "credential", "exp", "iss", "named", "nbf"),
        *("property", "version"),
    ]
)


@dataclass(frozen=True, slots=True)
class Endorsement:
    """What an endorsement says. Whether it is signed is another matter (`require_signed`).

    Args:
        commitment: `C`.
        supplier: the URL of its node.
        kid: the thumbprint of the key, base64url.
        customer: the URL of its node.
        context: 32 bytes.
        credential: the digest of the supplier's credential, base64url.
        sealed: the property.
        terms: unit, mass, method, period.
        not_before, not_after: in seconds since 1970; the second is exclusive.
        is_named: the supplier consents to be named.
        signature: r and s of ES256, 64 bytes.

    Raises:
        EndorsementError: one of them is not in its one form.
    """

    commitment: Point
    supplier: str
    kid: str
    customer: str
    context: bytes
    credential: str
    sealed: SealedProperty
    terms: Terms
    not_before: int
    not_after: int
    is_named: bool
    signature: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.commitment.is_identity:
            raise EndorsementError("the commitment of an endorsement is the identity")
        check_party(self.supplier, "the supplier")
        check_party(self.customer, "the customer")
        if self.supplier == self.customer:
            raise EndorsementError(f"{self.supplier} endorses a figure for itself")
        _bytes(self.credential, DIGEST_BYTES, "credential")
        _bytes(self.kid, DIGEST_BYTES, "kid")
        if len(self.context) != CONTEXT_BYTES:
            raise EndorsementError(
                f"the context has {len(self.context)} bytes, expected {CONTEXT_BYTES}"
            )
        for second in (self.not_before, self.not_after):
            require_second(second, "an end of the validity")
        if self.not_before >= self.not_after:
            raise EndorsementError("the validity of the endorsement ends before it begins")

    @property
    def claims(self) -> dict[str, Any]:
        """What is signed, sorted by name as RFC 8785 has it."""
        claims = {
            "aud": self.customer,
            "commitment": base64url.encode(self.commitment.encode()),
            "context": base64url.encode(self.context),
            "credential": self.credential,
            "exp": self.not_after,
            "iss": self.supplier,
            "named": self.is_named,
            "nbf": self.not_before,
            "property": self.sealed.value,
            "version": VERSION,
            **self.terms.to_json(),
        }
        return dict(sorted(claims.items()))

    @property
    def token(self) -> str:
        """The JWS: the only one that says this with this signature."""
        return jws.compact(
            self.claims, typ=ENDORSEMENT_TYPE, kid=self.kid, signature=self.signature
        )

    def require_signed(self, key: PublicKey) -> None:
        """Whether a key has signed this.

        Args:
            key: whoever it is of; whether it is trusted is not asked here.

        Raises:
            EndorsementError: the key is another one than it names.
            SignatureMismatchError: the signature is not of this key.
        """
        if key.thumbprint() != self.kid:
            raise EndorsementError(
                f"the endorsement names the key {self.kid}, expected {key.thumbprint()}"
            )
        signed = jws.signing_input(self.claims, ENDORSEMENT_TYPE, self.kid).encode("ascii")
        jws.check_signature(jws.Jws({}, {}, signed, self.signature), key.key, kid=self.kid)

    def require_valid_for(self, created: datetime) -> None:
        """Whether it may stand behind a footprint that was created then.

        Args:
            created: `created` of the customer's footprint, aware.

        Raises:
            EndorsementError: that was too early or too late.
        """
        if not self.not_before <= created.timestamp() < self.not_after:
            first, last = (
                format_time(datetime.fromtimestamp(second, UTC))
                for second in (self.not_before, self.not_after)
            )
            raise EndorsementError(
                f"the endorsement is for footprints created from {first} until before {last}, this "
                f"one was created {format_time(created)}"
            )


def endorse(
    document: Mapping[str, Any],
    *,
    credential_digest: str,
    sealed: SealedProperty,
    customer: str,
    context: bytes,
    not_before: datetime,
    not_after: datetime,
    is_named: bool,
    key: SigningKey,
    issuer: str,
    random_bytes: RandomBytes = secrets.token_bytes,
) -> tuple[Endorsement, ValueOpening]:
    """Endorse a figure of a footprint, with a fresh blinding.

    Args:
        document: the supplier's own footprint.
        credential_digest: `digest` of its credential.
        sealed: which figure.
        customer: the URL of its node.
        context: as the customer gave it, 32 bytes; it does not tell what it is for.
        not_before, not_after: aware; between them the customer's footprint has to be created. As
            that may have been before it asked, the first is best the `created` of the document.
        is_named: whether the supplier consents to be named in the sealed document.
        key: the footprint key of the supplier's node.
        issuer: the URL of the supplier's node.
        random_bytes: of the operating system, but in tests.

    Raises:
        SealNumberError: the figure is none that is sealed.
        EndorsementError: something else is not in its form.
        CredentialError: the key is for something else.
        ValueError: an instant is naive.
    """
    _require_signer(key)
    opening = ValueOpening(value_in(document, sealed), random_scalar(random_bytes))
    unsigned = Endorsement(
        commitment=opening.commitment,
        supplier=issuer.rstrip("/"),
        kid=key.kid,
        customer=customer.rstrip("/"),
        context=context,
        credential=credential_digest,
        sealed=sealed,
        terms=Terms.of_footprint(document),
        not_before=_seconds(not_before),
        not_after=_seconds(not_after),
        is_named=is_named,
        signature=bytes(SIGNATURE_BYTES),
    )
    return read_endorsement(jws.sign(unsigned.claims, typ=ENDORSEMENT_TYPE, key=key)), opening


def read_endorsement(token: str) -> Endorsement:
    """What an endorsement says, without a check of its signature: nothing of it is proven.

    Args:
        token: as received.

    Raises:
        CredentialError: it is malformed: no JWS, or (as `EndorsementError`) none of this form.
    """
    parsed = jws.parse(token)
    for name, value in (("alg", ALGORITHM), ("typ", ENDORSEMENT_TYPE)):
        if parsed.header.get(name) != value:
            raise EndorsementError(
                f"the token has {name} = {parsed.header.get(name)!r:.60}, expected {value!r}"
            )
    claims = parsed.payload
    _require_names(claims)
    found = Endorsement(
        commitment=_point(claims["commitment"]),
        supplier=claims["iss"],
        kid=str(parsed.header.get("kid")),
        customer=claims["aud"],
        context=_bytes(claims["context"], CONTEXT_BYTES, "context"),
        credential=claims["credential"],
        sealed=_property(claims["property"]),
        terms=Terms.of_claims(claims),
        not_before=claims["nbf"],
        not_after=claims["exp"],
        is_named=_flag(claims["named"]),
        signature=parsed.signature,
    )
    if found.token != token:
        raise EndorsementError(
            "the endorsement says what it says in other bytes, expected header and payload in the "
            "form of RFC 8785"
        )
    return found


def check_party(value: Any, what: str) -> None:
    """Whether it is the URL of a node, as all that we sign names it.

    Raises:
        EndorsementError: it is none, or too long.
    """
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= MAX_ID_CHARACTERS
        or as_uri(value) != value
        or value.endswith("/")
    ):
        raise EndorsementError(
            f"{what} is {value!r:.80}, expected the URL of a node, without a slash at its end, of "
            f"at most {MAX_ID_CHARACTERS} characters"
        )


def _require_signer(key: SigningKey) -> None:
    if key.purpose is not KeyPurpose.FOOTPRINT:
        raise CredentialError(f"a key for {key.purpose} was used to sign an endorsement")


def _seconds(instant: datetime) -> int:
    if instant.tzinfo is None:
        raise ValueError("an instant has no time zone")
    return int(instant.timestamp())


def _require_names(claims: Mapping[str, Any]) -> None:
    known = _OWN_CLAIMS | Terms.MEMBERS
    missing, unknown = sorted(known - claims.keys()), sorted(claims.keys() - known)
    if missing or unknown:
        what = f"{missing[0]} is missing" if missing else f"{unknown[0]!r:.60} is not known"
        raise EndorsementError(f"the claims of an endorsement are not as expected: {what}")
    if type(claims["version"]) is not int or claims["version"] != VERSION:
        raise EndorsementError(
            f"the endorsement has the version {claims['version']!r:.60}, expected {VERSION}",
            hint="One of the two nodes needs a newer version of Underseal.",
        )


def _point(text: Any) -> Point:
    try:
        return Point.decode(_bytes(text, POINT_BYTES, "commitment"))
    except SealError as error:
        raise EndorsementError(f"the commitment of the endorsement: {error.message}") from None


def _bytes(text: Any, length: int, name: str) -> bytes:
    """Bytes in base64url, in their one encoding."""
    try:
        data = base64url.decode(text) if isinstance(text, str) else b""
    except ValueError:
        data = b""
    if len(data) != length:
        raise EndorsementError(
            f"the endorsement has {name} = {text!r:.80}, expected {length} bytes in base64url"
        )
    return data


def _property(value: Any) -> SealedProperty:
    try:
        return SealedProperty(value)
    except ValueError:
        known = " or ".join(SealedProperty)
        raise EndorsementError(
            f"the endorsement is of {value!r:.60}, and version 1 seals {known}"
        ) from None


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise EndorsementError(f"the endorsement has named = {value!r:.60}, expected true or false")
    return value
