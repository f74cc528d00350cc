"""Client authentication by a signed assertion: `private_key_jwt` (RFC 7523, RFC 7521).

The client proves that it has the private half of a pinned key, for one token endpoint, once, now;
nothing that is sent could be used again or elsewhere. What RFC 7523 leaves open is settled as in
draft-ietf-oauth-rfc7523bis: `aud` is the issuer of the authorization server, one text and nothing
else, and the type is explicit.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from underseal_protocol import jws
from underseal_protocol.claims import issue_time
from underseal_protocol.errors import AssertionRefusedError, CredentialError, KeySetError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

__all__ = [
    "ASSERTION_TYPE",
    "CLIENT_ASSERTION_TYPE",
    "UNAUTHENTICATED",
    "ClientAssertion",
    "UnknownKeyError",
    "assert_client",
    "client_of",
    "verify_assertion",
]

ASSERTION_TYPE = "client-authentication+jwt"
CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
# The error_description with which a node refuses a client id that it does not have; what is wrong
# with the assertion of one that it has is said in other words (RFC 6749 section 5.2).
UNAUTHENTICATED = "the client could not be authenticated"
LIFETIME_SECONDS = 60
MAX_LIFETIME_SECONDS = 600
SKEW_SECONDS = 60
MAX_ASSERTION_CHARACTERS = 8 * 1024
MAX_JTI_CHARACTERS = 256

_REQUIRED = ("iss", "sub", "aud", "jti", "iat", "exp")


class UnknownKeyError(AssertionRefusedError):
    """The key is not one of those pinned for the client; it may have new ones."""


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    """What a verified assertion says.

    Attributes:
        client_id: who authenticates.
        jti: its name; to be accepted once.
        expires_at: from when on its name need not be remembered.
        claims: all of them.
    """

    client_id: str
    jti: str
    expires_at: datetime
    claims: Mapping[str, Any] = field(repr=False)


def assert_client(
    client_id: str,
    *,
    audience: str,
    key: SigningKey,
    now: datetime,
    typ: str = ASSERTION_TYPE,
    more: Mapping[str, Any] | None = None,
) -> str:
    """Sign an assertion, good for a minute.

    Args:
        client_id: that the other node issued to this one.
        audience: the issuer of the other node.
        key: the client key of this node.
        now: aware.
        typ: what it is good for; a token request by default.
        more: claims that it carries beside those that authenticate.

    Raises:
        AssertionRefusedError: the key is for something else.
    """
    if key.purpose is not KeyPurpose.CLIENT:
        raise AssertionRefusedError(f"a key for {key.purpose} was used to sign a client assertion")
    issued_at = int(now.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": str(uuid.uuid4()),
        "iat": issued_at,
        "exp": issued_at + LIFETIME_SECONDS,
    }
    return jws.sign({**(more or {}), **claims}, typ=typ, key=key)


def client_of(assertion: str) -> str:
    """Who an assertion says it is from, unverified: to find the keys to verify it with.

    Raises:
        AssertionRefusedError: it is malformed.
    """
    try:
        claims = jws.parse(assertion, max_characters=MAX_ASSERTION_CHARACTERS).payload
    except CredentialError as error:
        raise AssertionRefusedError(f"the client assertion is malformed: {error.message}") from None
    client_id = claims.get("sub")
    if not isinstance(client_id, str) or not client_id or claims.get("iss") != client_id:
        raise AssertionRefusedError(
            "the client assertion has not the client id as iss and as sub (RFC 7523 section 3)"
        )
    return client_id


def verify_assertion(
    assertion: str,
    *,
    keys: PublicKeySet,
    client_id: str,
    audience: str | Collection[str],
    now: datetime,
    typ: str = ASSERTION_TYPE,
) -> ClientAssertion:
    """Check an assertion, but for its being used once: the caller has a memory for that.

    Args:
        assertion: as received.
        keys: pinned for the client.
        client_id: of the client.
        audience: the issuer of this node; under each of its names where it has just moved.
        now: aware.
        typ: what it has to be good for.

    Raises:
        UnknownKeyError: the client has signed with a key that is not pinned.
        AssertionRefusedError: it does not authenticate this client here and now.
    """
    kid = jws.named_key(assertion)
    if kid is not None and kid not in {key.kid for key in keys}:
        raise UnknownKeyError(
            f"the client assertion is signed with the key {kid!r}, which is not pinned"
        )
    try:
        token = jws.verify(
            assertion,
            typ=typ,
            purpose=KeyPurpose.CLIENT,
            keys=keys,
            max_characters=MAX_ASSERTION_CHARACTERS,
        )
    except (CredentialError, KeySetError) as error:
        raise AssertionRefusedError(f"the client assertion is not valid: {error.message}") from None
    claims = token.payload
    missing = [name for name in _REQUIRED if name not in claims]
    if missing:
        raise AssertionRefusedError(f"the client assertion has no {missing[0]}")
    if (claims["iss"], claims["sub"]) != (client_id, client_id):
        raise AssertionRefusedError(
            f"the client assertion is from {claims['iss']!r} about {claims['sub']!r}, "
            f"expected {client_id!r}"
        )
    names = (audience,) if isinstance(audience, str) else tuple(audience)
    if claims["aud"] not in names:
        raise AssertionRefusedError(
            f"the client assertion is for {claims['aud']!r}, expected {names[0]!r}"
        )
    jti = claims["jti"]
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI_CHARACTERS:
        raise AssertionRefusedError("the client assertion has a jti that is no short text")
    return ClientAssertion(client_id, jti, _times(claims, now), claims)


def _times(claims: dict[str, Any], now: datetime) -> datetime:
    """Check `iat`, `nbf` and `exp`; returns until when the assertion could be accepted."""
    try:
        issued_at, expires_at = issue_time(claims["iat"]), issue_time(claims["exp"])
        not_before = issue_time(claims.get("nbf", claims["iat"]))
    except CredentialError as error:
        raise AssertionRefusedError(
            f"the client assertion has a time that is none: {error.message}"
        ) from None
    skew = timedelta(seconds=SKEW_SECONDS)
    if now >= expires_at + skew:
        raise AssertionRefusedError(
            f"the client assertion expired at {expires_at:%Y-%m-%dT%H:%M:%SZ}",
            hint="Set both clocks by NTP.",
        )
    if max(issued_at, not_before) > now + skew:
        raise AssertionRefusedError(
            "the client assertion is from the future", hint="Set both clocks by NTP."
        )
    if expires_at - issued_at > timedelta(seconds=MAX_LIFETIME_SECONDS):
        raise AssertionRefusedError(
            f"the client assertion is good for more than {MAX_LIFETIME_SECONDS} seconds"
        )
    return expires_at + skew
