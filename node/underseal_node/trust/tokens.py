"""Access tokens that this node issues to its peers: ES256 JWTs in the shape of RFC 9068."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from threading import Lock
from typing import Any

import jwt

from underseal_node.errors import NodeError
from underseal_protocol.keys import SigningKey

__all__ = ["AccessTokens", "Claims", "TokenError", "TokenExpiredError", "TokenInvalidError"]

ALGORITHM = "ES256"
TOKEN_TYPE = "at+jwt"  # RFC 9068 section 2.1
MAX_TOKEN_CHARACTERS = 4096
REQUIRED_CLAIMS = ("iss", "sub", "aud", "exp", "iat", "jti")


class TokenError(NodeError):
    """An access token is not accepted."""


class TokenExpiredError(TokenError):
    """It was a good token, and its time is over."""


class TokenInvalidError(TokenError):
    """It is not a token of this node."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified access token says.

    Attributes:
        client_id: to whom it was issued (`sub`).
        issued_at: `iat`; whole seconds.
        expires_at: `exp`; whole seconds; from this instant on it is expired.
        token_id: `jti`.
    """

    client_id: str
    issued_at: datetime
    expires_at: datetime
    token_id: str


class AccessTokens:
    """Issues and verifies the access tokens of one node.

    The cache holds results of signature checks only. Whether the peer is still known, and what it
    may see, is asked of the database for every request, so a revocation needs no cache clearing.

    Args:
        key: the access-token key.
        issuer: the URL of the node; also the audience.
        lifetime_seconds: from issue to expiry.
        cache_size: how many verified tokens are remembered.
    """

    def __init__(
        self, key: SigningKey, issuer: str, lifetime_seconds: int, *, cache_size: int = 10_000
    ) -> None:
        self.lifetime_seconds = lifetime_seconds
        self._issuer = issuer
        self._private_key = key.private_key
        self._public_key = key.private_key.public_key()
        self._header = {"alg": ALGORITHM, "kid": key.kid, "typ": TOKEN_TYPE}
        self._cache: OrderedDict[bytes, Claims] = OrderedDict()
        self._cache_size = cache_size
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"AccessTokens(issuer={self._issuer!r}, kid={self._header['kid']!r})"

    def issue(self, client_id: str, now: datetime) -> str:
        """Sign a token for a client whose secret has been checked.

        Args:
            client_id: the client.
            now: aware; the fraction of a second is dropped.
        """
        issued_at = int(now.timestamp())
        claims = {
            "iss": self._issuer,
            "sub": client_id,
            "aud": self._issuer,
            "client_id": client_id,
            "iat": issued_at,
            "exp": issued_at + self.lifetime_seconds,
            "jti": secrets.token_urlsafe(16),
        }
        return jwt.encode(claims, self._private_key, algorithm=ALGORITHM, headers=self._header)

    def verify(self, token: str, now: datetime) -> Claims:
        """Check a token from an `Authorization` header.

        No clock skew is allowed for: the clock that issued it is the one that checks it.

        Args:
            token: without the word `Bearer`.
            now: aware.

        Raises:
            TokenExpiredError: its time is over.
            TokenInvalidError: anything else; the message never contains the token.
        """
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise TokenInvalidError("the access token is too long to be one of this node")
        # surrogatepass: odd header bytes are refused below, they must not crash here.
        digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
        try:
            self._cache.move_to_end(digest)  # the least recently used is forgotten first
            claims = self._cache[digest]
        except KeyError:
            claims = self._check(token)
            self._remember(digest, claims, now)
        if now >= claims.expires_at:
            self._cache.pop(digest, None)
            raise TokenExpiredError(
                f"the access token expired at {claims.expires_at:%Y-%m-%dT%H:%M:%SZ}",
                hint="Ask the token endpoint for a new one.",
            )
        return claims

    def _check(self, token: str) -> Claims:
        """Signature, header and claims, whatever the time (RFC 8725 sections 3.1 to 3.11)."""
        try:
            decoded = jwt.decode_complete(
                token,
                self._public_key,
                algorithms=[ALGORITHM],
                audience=self._issuer,
                issuer=self._issuer,
                options={
                    "require": list(REQUIRED_CLAIMS),
                    "verify_exp": False,  # against `now`, by the caller
                    "verify_iat": False,
                    "verify_nbf": False,
                    "strict_aud": True,
                },
            )
        except (jwt.InvalidTokenError, ValueError) as error:
            raise TokenInvalidError(f"the access token is not valid: {_reason(error)}") from None
        # This node issues every token it accepts, so the header is exactly the one it writes.
        if decoded["header"] != self._header:
            raise TokenInvalidError(
                f"the access token is not valid: its header is not that of a {TOKEN_TYPE}"
            )
        return _claims(decoded["payload"])

    def _remember(self, digest: bytes, claims: Claims, now: datetime) -> None:
        if now >= claims.expires_at:
            return
        with self._lock:
            self._cache[digest] = claims
            while len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)


def _claims(payload: dict[str, Any]) -> Claims:
    times = payload["iat"], payload["exp"]
    if any(isinstance(time, bool) or not isinstance(time, int) for time in times):
        raise TokenInvalidError("the access token is not valid: iat and exp are not whole seconds")
    if not isinstance(payload["sub"], str) or not isinstance(payload["jti"], str):
        raise TokenInvalidError("the access token is not valid: sub and jti are not text")
    try:
        issued_at, expires_at = (datetime.fromtimestamp(time, UTC) for time in times)
    except (OverflowError, ValueError, OSError):
        raise TokenInvalidError("the access token is not valid: iat or exp out of range") from None
    return Claims(payload["sub"], issued_at, expires_at, payload["jti"])


def _reason(error: Exception) -> str:
    """A reason without anything of the token in it."""
    if isinstance(error, jwt.InvalidSignatureError):
        return "its signature was not made with the key of this node"
    if isinstance(error, jwt.InvalidAlgorithmError):
        return f"it is not signed with {ALGORITHM}"
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"it has no {error.claim}"
    if isinstance(error, jwt.InvalidIssuerError | jwt.InvalidAudienceError):
        return "it was issued by or for another node"
    return "it is malformed"
