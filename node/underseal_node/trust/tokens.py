"""Access tokens that this node issues to its peers: ES256 JWTs in the shape of RFC 9068."""

from __future__ import annotations

import json
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from threading import Lock
from typing import Any, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from underseal_node.errors import NodeError
from underseal_node.trust.own_keys import TokenKeys
from underseal_protocol import base64url
from underseal_protocol.errors import SignatureMismatchError
from underseal_protocol.jws import Jws, check_signature

__all__ = [
    "AccessTokens",
    "Claims",
    "KeySource",
    "TokenError",
    "TokenExpiredError",
    "TokenInvalidError",
]

ALGORITHM = "ES256"
TOKEN_TYPE = "at+jwt"  # RFC 9068 section 2.1
MAX_TOKEN_CHARACTERS = 4096
MAX_SKEW = timedelta(seconds=60)
SIGNATURE_BYTES = 64  # r and s of P-256
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
        kid: the key that signed it.
        usable_from: `iat`, or `nbf` if that is later, less the skew that is allowed for.
    """

    client_id: str
    issued_at: datetime
    expires_at: datetime
    token_id: str
    kid: str
    usable_from: datetime


class KeySource(Protocol):
    """Says what tokens are signed and checked with at present."""

    def __call__(self, *, look: bool = False) -> TokenKeys:
        """The same object while nothing changes; with `look`, what is true at this moment."""


class AccessTokens:
    """Issues and verifies the access tokens of one node.

    The cache holds results of signature checks only. Whether the peer is still known, and what it
    may see, is asked of the database for every request, so a revocation needs no cache clearing.
    When keys change, tokens that were signed with a rotated key stay valid, and the cache is
    cleared: those of a revoked key end. Until this process has noticed that, the same question to
    the database tells (`Claims.kid`).

    Args:
        source: says which keys there are.
        lifetime_seconds: from issue to expiry.
        cache_size: how many verified tokens are remembered.
    """

    def __init__(
        self, source: KeySource, lifetime_seconds: int, *, cache_size: int = 10_000
    ) -> None:
        self.lifetime_seconds = lifetime_seconds
        self._source = source
        self._keys = source()
        self._checks = _checks(self._keys)
        self._cache: OrderedDict[bytes, Claims] = OrderedDict()
        self._cache_size = cache_size
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"AccessTokens(issuer={self._keys.issuers[0]!r}, kids={list(self._keys.keys)!r})"

    def issue(self, client_id: str, now: datetime) -> str:
        """Sign a token for a client whose secret has been checked.

        Args:
            client_id: the client.
            now: aware; the fraction of a second is dropped.
        """
        keys = self._current()
        issuer, key = keys.issuers[0], list(keys.keys.values())[-1]
        issued_at = int(now.timestamp())
        claims = {
            "iss": issuer,
            "sub": client_id,
            "aud": issuer,
            "client_id": client_id,
            "iat": issued_at,
            "exp": issued_at + self.lifetime_seconds,
            "jti": secrets.token_urlsafe(16),
        }
        return jwt.encode(claims, key.private_key, algorithm=ALGORITHM, headers=_header(key.kid))

    def verify(self, token: str, now: datetime) -> Claims:
        """Check a token from an `Authorization` header.

        The clock that issued it is the one that checks it, so nothing is allowed for at its end; at
        its beginning a minute is, because that clock may have been set back.

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
        self._current()
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
        if now < claims.usable_from:
            raise TokenInvalidError(
                f"the access token is not valid before {claims.usable_from:%Y-%m-%dT%H:%M:%SZ}",
                hint="The clock of this node may have been set back.",
            )
        return claims

    def _current(self, *, look: bool = False) -> TokenKeys:
        """The keys of this moment; what was checked with others is forgotten."""
        keys = self._source(look=look)
        if keys is not self._keys:
            with self._lock:
                self._keys = keys
                self._checks = _checks(keys)
                self._cache.clear()
        return keys

    def _check(self, token: str) -> Claims:
        """Signature, header and claims, whatever the time (RFC 8725 sections 3.1 to 3.11)."""
        header = token.partition(".")[0]
        keys = self._keys
        if header not in self._checks:
            keys = self._current(look=True)  # another process may have begun with a new one
        # Which key does not matter for one that is not ours: no signature fits.
        kid, public_key = self._checks.get(header) or list(self._checks.values())[-1]
        payload = _own_payload(token, kid, public_key) if header in self._checks else None
        if payload is None:
            payload = _any_payload(token, kid, public_key)
        if payload["iss"] not in keys.issuers:
            keys = self._current(look=True)  # another process may know that the node has moved
        if payload["iss"] not in keys.issuers or payload["aud"] != payload["iss"]:
            raise TokenInvalidError(
                "the access token is not valid: it was issued by or for another node"
            )
        return _claims(payload, kid)

    def _remember(self, digest: bytes, claims: Claims, now: datetime) -> None:
        if now >= claims.expires_at:
            return
        with self._lock:
            self._cache[digest] = claims
            while len(self._cache) > self._cache_size:
                self._cache.popitem(last=False)


def _header(kid: str) -> dict[str, str]:
    return {"alg": ALGORITHM, "kid": kid, "typ": TOKEN_TYPE}


def _checks(keys: TokenKeys) -> dict[str, tuple[str, EllipticCurvePublicKey]]:
    """Name and public key, by the header of the tokens that are signed with it (the text before the
    first dot, which is always the same); that of the key in use is last."""
    checks = {}
    for kid, key in keys.keys.items():
        token = jwt.encode({}, key.private_key, algorithm=ALGORITHM, headers=_header(kid))
        checks[token.partition(".")[0]] = kid, key.private_key.public_key()
    return checks


def _own_payload(token: str, kid: str, key: EllipticCurvePublicKey) -> dict[str, Any] | None:
    """The claims of a token whose header is the one that this node writes, in half of the time that
    reading any JWT takes; None if there is anything to object to: then `_any_payload` says what."""
    signing_input, _, signature = token.rpartition(".")
    try:
        parts = Jws({}, {}, signing_input.encode("ascii"), base64url.decode(signature))
        if len(parts.signature) != SIGNATURE_BYTES:
            return None
        check_signature(parts, key, kid=kid)
        payload = json.loads(base64url.decode(signing_input.partition(".")[2]))
    except (ValueError, SignatureMismatchError):
        return None
    is_whole = isinstance(payload, dict) and all(
        payload.get(name) is not None for name in REQUIRED_CLAIMS
    )
    return payload if is_whole else None


def _any_payload(token: str, kid: str, key: EllipticCurvePublicKey) -> dict[str, Any]:
    """The claims of whatever comes.

    Raises:
        TokenInvalidError: it is no token of this node.
    """
    try:
        decoded = jwt.decode_complete(
            token,
            key,
            algorithms=[ALGORITHM],
            options={
                "require": list(REQUIRED_CLAIMS),
                "verify_exp": False,  # against `now`, by the caller
                "verify_iat": False,
                "verify_nbf": False,
                "verify_aud": False,  # by the caller, too
                "verify_iss": False,
            },
        )
    except (jwt.InvalidTokenError, ValueError) as error:
        raise TokenInvalidError(f"the access token is not valid: {_reason(error)}") from None
    # This node issues every token it accepts, so the header is exactly the one it writes.
    if decoded["header"] != _header(kid):
        raise TokenInvalidError(
            f"the access token is not valid: its header is not that of a {TOKEN_TYPE}"
        )
    payload: dict[str, Any] = decoded["payload"]
    return payload


def _claims(payload: dict[str, Any], kid: str) -> Claims:
    times = payload["iat"], payload["exp"], payload.get("nbf", payload["iat"])
    if any(isinstance(time, bool) or not isinstance(time, int) for time in times):
        raise TokenInvalidError("the access token is not valid: its times are not whole seconds")
    if not isinstance(payload["sub"], str) or not isinstance(payload["jti"], str):
        raise TokenInvalidError("the access token is not valid: sub and jti are not text")
    try:
        issued_at, expires_at, not_before = (datetime.fromtimestamp(time, UTC) for time in times)
        usable_from = max(issued_at, not_before) - MAX_SKEW
    except (OverflowError, ValueError, OSError):
        raise TokenInvalidError("the access token is not valid: a time is out of range") from None
    return Claims(payload["sub"], issued_at, expires_at, payload["jti"], kid, usable_from)


def _reason(error: Exception) -> str:
    """A reason without anything of the token in it."""
    if isinstance(error, jwt.InvalidSignatureError):
        return "its signature was not made with the key of this node"
    if isinstance(error, jwt.InvalidAlgorithmError):
        return f"it is not signed with {ALGORITHM}"
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"it has no {error.claim}"
    return "it is malformed"
