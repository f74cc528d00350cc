"""The status statement: what a node says, signed and dated, about the status of a footprint.

The status is the one property that changes after publication, so the credential leaves it out. A
statement of its own says it: a JWS served at `/extensions/status/{id}` under the same grants,
bound to the footprint and to its credential. Offline a reader can say "Deprecated as of T" or
"status not proven", never more.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from underseal_protocol import jws
from underseal_protocol.claims import expected_issuers, issue_time
from underseal_protocol.criteria import STATUSES
from underseal_protocol.errors import CredentialError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

__all__ = ["STATUS_TYPE", "StatusStatement", "issue_status", "verify_status"]

STATUS_TYPE = "underseal-status+jwt"

_CLAIMS = frozenset({"iss", "sub", "iat", "status", "credential"})


@dataclass(frozen=True, slots=True)
class StatusStatement:
    """What a verified statement proves.

    Attributes:
        status: `Active` or `Deprecated`. Deprecated is final; Active holds as of `issued_at`.
        issued_at: when the issuer says it signed.
        issuer: the URL of the node that signed.
        kid: the key it signed with.
        credential_digest: the credential of the footprint that is meant.
    """

    status: str
    issued_at: datetime
    issuer: str
    kid: str
    credential_digest: str


def issue_status(
    *,
    footprint_id: str,
    status: str,
    credential_digest: str,
    key: SigningKey,
    issuer: str,
    issued_at: datetime,
) -> str:
    """Sign a statement.

    Args:
        footprint_id: the footprint.
        status: `Active` or `Deprecated`.
        credential_digest: `digest` of its credential.
        key: the footprint key of the node.
        issuer: the URL of the node.
        issued_at: aware; the fraction of a second is dropped.

    Raises:
        CredentialError: an unknown status, or the key is for something else.
        ValueError: `issued_at` is naive.
    """
    if status not in STATUSES:
        raise CredentialError(f"the status is {status!r}, expected one of {', '.join(STATUSES)}")
    if key.purpose is not KeyPurpose.FOOTPRINT:
        raise CredentialError(f"a key for {key.purpose} was used to sign a status")
    if issued_at.tzinfo is None:
        raise ValueError("issued_at has no time zone")
    payload = {
        "iss": issuer.rstrip("/"),
        "sub": footprint_id,
        "iat": int(issued_at.timestamp()),
        "status": status,
        "credential": credential_digest,
    }
    return jws.sign(payload, typ=STATUS_TYPE, key=key)


def verify_status(
    token: str,
    *,
    keys: PublicKeySet,
    issuer: str | Collection[str] | None,
    footprint_id: str,
    credential_digest: str | None = None,
) -> StatusStatement:
    """Check a statement.

    Args:
        token: as received; white space around it does not count.
        keys: the only keys trusted.
        issuer: the URL of the node that must have signed, or several if it has moved; None if the
            keys alone say whom to trust.
        footprint_id: the footprint that is asked about.
        credential_digest: of the credential that the reader holds; None if it holds none.

    Raises:
        KeySetError: the key is not trusted, or not for footprints.
        SignatureMismatchError: the signature is not of this key.
        CredentialError: it is malformed, from another issuer, about another footprint or about
            another credential of it.
    """
    parsed = jws.verify(token.strip(), typ=STATUS_TYPE, purpose=KeyPurpose.FOOTPRINT, keys=keys)
    claims = parsed.payload
    if claims.keys() != _CLAIMS:
        raise CredentialError(
            f"the status statement has the claims {sorted(claims)}, expected {sorted(_CLAIMS)}"
        )
    issued_at = issue_time(claims["iat"])
    issuers = expected_issuers(issuer)
    expected = {
        "iss": None if issuers is None or claims["iss"] in issuers else " or ".join(issuers),
        "sub": footprint_id,
        "credential": credential_digest,
    }
    for name, value in expected.items():
        if not isinstance(claims[name], str) or value not in (None, claims[name]):
            raise CredentialError(
                f"the status statement has the claim {name} = {claims[name]!r}, expected {value!r}"
            )
    if claims["status"] not in STATUSES:
        raise CredentialError(
            f"the status statement says {claims['status']!r}, expected {' or '.join(STATUSES)}"
        )
    return StatusStatement(
        status=claims["status"],
        issued_at=issued_at,
        issuer=claims["iss"],
        kid=parsed.header["kid"],
        credential_digest=claims["credential"],
    )
