"""Whether the publisher stands by a sealed document: its signature on the digest of the statement.

A document is not signed itself. Anybody who has the openings could make one, and whoever likes one
without endorsed inputs. So a reader asks for one of two signatures, each over the digest:

- in the credential of the footprint, where it was sealed before it was signed: the claim
  `sealedSum` has the digest of the disclosure (RFC 9901) `[salt, "sealedSum", digest]`. Its salt is
  derived from the salt of the document. So whoever has the document can calculate the disclosure,
  and nobody else can test a guess: what the credential shows tells only that there is a seal;
- beside it, where the seal was made later: a JWS of a footprint key with `iss`, `sub` (the id of
  the footprint), `iat`, `credential` (the digest of its credential) and `sealedSum` (the digest).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from underseal_protocol import base64url, jws, sd_jwt
from underseal_protocol.claims import expected_issuers, issue_time
from underseal_protocol.credential import VerifiedCredential
from underseal_protocol.errors import CredentialError, KeySetError, SealRefusedError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.seal.document import SealedDocument

__all__ = [
    "SEAL_TYPE",
    "SealStatement",
    "bound_digest",
    "issue_seal_statement",
    "require_bound",
    "verify_seal_statement",
]

SEAL_TYPE = "underseal-seal+jwt"
CLAIM_NAME = "sealedSum"
DOMAIN = b"UNDERSEAL-SEAL-V01-binding"

_CLAIMS = frozenset({"iss", "sub", "iat", "credential", CLAIM_NAME})


@dataclass(frozen=True, slots=True)
class SealStatement:
    """What a verified statement about a seal says.

    Attributes:
        issuer: the URL of the node that signed.
        kid: the key it signed with.
        issued_at: by its clock.
        credential_digest: of the footprint that is meant.
    """

    issuer: str
    kid: str
    issued_at: datetime
    credential_digest: str


def bound_digest(sealed: SealedDocument) -> str:
    """What the credential of the footprint bears of a sealed document.

    Args:
        sealed: read (`document_format.read_document`).
    """
    salt = base64url.encode(hashlib.sha256(DOMAIN + sealed.header.salt).digest())
    return sd_jwt.Disclosure.of_claim(salt, CLAIM_NAME, sealed.digest).digest


def require_bound(sealed: SealedDocument, proven: VerifiedCredential) -> None:
    """Whether the credential of a footprint bears this very sealed document.

    Args:
        sealed: read.
        proven: what the credential proves.

    Raises:
        SealRefusedError: it bears another one or none; the message begins with `binding`.
    """
    if proven.sealed_sum is None:
        raise SealRefusedError(
            "binding: the credential of the footprint bears no sealed sum",
            hint="A seal that was made later comes with a signed statement of its own.",
        )
    if proven.sealed_sum != bound_digest(sealed):
        raise SealRefusedError(
            f"binding: the credential of the footprint bears another seal than {sealed.digest}"
        )


def issue_seal_statement(
    sealed: SealedDocument,
    *,
    credential_digest: str,
    key: SigningKey,
    issuer: str,
    issued_at: datetime,
) -> str:
    """Stand by a sealed document for a footprint that is published already.

    Args:
        sealed: read.
        credential_digest: `digest` of the credential of the footprint.
        key: the footprint key of the publisher's node.
        issuer: the URL of the publisher's node.
        issued_at: aware; the fraction of a second is dropped.

    Raises:
        CredentialError: the key is for something else, or the document of another publisher.
        ValueError: `issued_at` is naive.
    """
    if key.purpose is not KeyPurpose.FOOTPRINT:
        raise CredentialError(f"a key for {key.purpose} was used to sign a seal")
    if issued_at.tzinfo is None:
        raise ValueError("issued_at has no time zone")
    if sealed.header.publisher != issuer.rstrip("/"):
        raise CredentialError(f"the seal is of {sealed.header.publisher}, not of {issuer}")
    payload = {
        "iss": issuer.rstrip("/"),
        "sub": sealed.header.footprint_id,
        "iat": int(issued_at.timestamp()),
        "credential": credential_digest,
        CLAIM_NAME: sealed.digest,
    }
    return jws.sign(payload, typ=SEAL_TYPE, key=key)


def verify_seal_statement(
    token: str,
    sealed: SealedDocument,
    *,
    keys: PublicKeySet,
    issuer: str | Collection[str],
    credential_digest: str,
) -> SealStatement:
    """Whether the publisher stands by a sealed document.

    Args:
        token: as received; white space around it does not count.
        sealed: read.
        keys: of the publisher; the only ones trusted.
        issuer: the URL of its node, or several if it has moved.
        credential_digest: of the footprint, whose credential is verified.

    Raises:
        SealRefusedError: it does not; the message begins with `binding`.
    """
    try:
        parsed = jws.verify(token.strip(), typ=SEAL_TYPE, purpose=KeyPurpose.FOOTPRINT, keys=keys)
        claims = parsed.payload
        if claims.keys() != _CLAIMS:
            raise CredentialError(
                f"the statement has the claims {sorted(claims)}, expected {sorted(_CLAIMS)}"
            )
        issued_at = issue_time(claims["iat"])
        expected: tuple[tuple[str, Collection[str]], ...] = (
            ("iss", expected_issuers(issuer) or []),
            ("sub", [sealed.header.footprint_id]),
            ("credential", [credential_digest]),
            (CLAIM_NAME, [sealed.digest]),
        )
        for name, known in expected:
            if claims[name] not in known:
                raise CredentialError(
                    f"the statement has {name} = {claims[name]!r:.80}, expected "
                    f"{' or '.join(known)}"
                )
    except (CredentialError, KeySetError) as error:
        raise SealRefusedError(f"binding: {error.message}", hint=error.hint) from None
    return SealStatement(claims["iss"], parsed.header["kid"], issued_at, claims["credential"])
