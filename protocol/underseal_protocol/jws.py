"""Compact JWS with ES256 (RFC 7515, RFC 7518 section 3.4): the signature on all our statements.

The header of each kind of statement is exactly `alg`, `kid` and `typ` (RFC 8725 sections 3.1 and
3.11): nothing in a token chooses the algorithm, brings its own key or says where to fetch one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from underseal_protocol import base64url, strict_json
from underseal_protocol.canonical import digest_of_bytes
from underseal_protocol.errors import CredentialError, JsonError, SignatureMismatchError
from underseal_protocol.keys import ALGORITHM, KeyPurpose, PublicKeySet, SigningKey

__all__ = [
    "Jws",
    "compact",
    "named_key",
    "parse",
    "sign",
    "signing_input",
    "statement_digest",
    "verify",
]

MAX_CHARACTERS = 16_384
MAX_DEPTH = 16

_NUMBER_BYTES = 32  # r and s of P-256, RFC 7518 section 3.4
_SIGNATURE = ec.ECDSA(hashes.SHA256())
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, check_circular=False
)
_HEADER_MEMBERS = frozenset({"alg", "kid", "typ"})


@dataclass(frozen=True, slots=True)
class Jws:
    """The parts of a compact JWS, decoded but not believed.

    Attributes:
        header: the protected header.
        payload: the claims.
        signing_input: what the signature covers.
        signature: r and s, 32 bytes each.
    """

    header: dict[str, Any]
    payload: dict[str, Any]
    signing_input: bytes
    signature: bytes


def sign(payload: Mapping[str, Any], *, typ: str, key: SigningKey) -> str:
    """Sign claims.

    Args:
        payload: JSON values.
        typ: the kind of statement, as media subtype (RFC 8725 section 3.11).
        key: of the purpose that this kind of statement needs; the caller has checked that.
    """
    signed = signing_input(payload, typ, key.kid)
    der = key.private_key.sign(signed.encode("ascii"), _SIGNATURE)
    r, s = decode_dss_signature(der)
    raw = r.to_bytes(_NUMBER_BYTES, "big") + s.to_bytes(_NUMBER_BYTES, "big")
    return f"{signed}.{base64url.encode(raw)}"


def compact(payload: Mapping[str, Any], *, typ: str, kid: str, signature: bytes) -> str:
    """The token that `sign` made, from what it was made of and the signature.

    Args:
        payload: the claims, in the order in which they were signed.
        typ: the kind of statement.
        kid: the name of the key.
        signature: r and s, 32 bytes each; not checked here.
    """
    return f"{signing_input(payload, typ, kid)}.{base64url.encode(signature)}"


def verify(
    token: str,
    *,
    typ: str,
    purpose: KeyPurpose,
    keys: PublicKeySet,
    max_characters: int = MAX_CHARACTERS,
) -> Jws:
    """Check header and signature of a compact JWS.

    Args:
        token: as received.
        typ: the only kind of statement accepted.
        purpose: what the signing key has to be for.
        keys: the only keys trusted; the token names one of them and brings none.
        max_characters: of the token.

    Raises:
        CredentialError: malformed, or the header is not exactly the expected one.
        KeySetError: the key is not in the set, or is for another purpose.
        SignatureMismatchError: the signature was not made over this content with that key.
    """
    jws = parse(token, max_characters=max_characters)
    header = jws.header
    if header.get("alg") != ALGORITHM:
        raise CredentialError(
            f"the signature algorithm is {header.get('alg')!r}, expected {ALGORITHM!r}"
        )
    if header.get("typ") != typ:
        raise CredentialError(f"the token is of the type {header.get('typ')!r}, expected {typ!r}")
    surplus = sorted(header.keys() - _HEADER_MEMBERS)
    if surplus:
        raise CredentialError(
            f"the token header holds {surplus[0]!r}, expected only alg, kid and typ"
        )
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise CredentialError(f"the token header names no key: kid is {kid!r}, expected a text")
    check_signature(jws, keys.get(kid, purpose), kid=kid)
    return jws


def check_signature(jws: Jws, key: ec.EllipticCurvePublicKey, *, kid: str) -> None:
    """Check the signature alone.

    Args:
        jws: parsed.
        key: the key to check with.
        kid: its name, for the message.

    Raises:
        SignatureMismatchError: it was not made over this content with this key.
    """
    r, s = (
        int.from_bytes(part, "big")
        for part in (jws.signature[:_NUMBER_BYTES], jws.signature[_NUMBER_BYTES:])
    )
    try:
        key.verify(encode_dss_signature(r, s), jws.signing_input, _SIGNATURE)
    except InvalidSignature:
        raise SignatureMismatchError(
            f"the signature was not made over this content with the key {kid!r}",
            hint="It was altered on the way, or signed by somebody else. Do not use it.",
        ) from None


def parse(token: str, *, max_characters: int = MAX_CHARACTERS) -> Jws:
    """Take a compact JWS apart (RFC 7515 section 5.2, steps 1 to 7).

    Raises:
        CredentialError: it is not one, or longer than `max_characters`.
    """
    if len(token) > max_characters:
        raise CredentialError(
            f"the token has {len(token)} characters, expected at most {max_characters}"
        )
    parts = token.split(".")
    if len(parts) != 3:
        raise CredentialError(f"a token has three parts joined by dots, this has {len(parts)}")
    header, payload, signature = (
        _decode(part, name)
        for part, name in zip(parts, ("header", "payload", "signature"), strict=True)
    )
    if len(signature) != 2 * _NUMBER_BYTES:
        raise CredentialError(
            f"the signature has {len(signature)} bytes, expected {2 * _NUMBER_BYTES}"
        )
    return Jws(
        header=_object(header, "header", max_characters),
        payload=_object(payload, "payload", max_characters),
        signing_input=f"{parts[0]}.{parts[1]}".encode("ascii"),
        signature=signature,
    )


def named_key(token: str) -> str | None:
    """The `kid` in the header of a compact JWS, unverified; None for what names none."""
    try:
        kid = _object(_decode(token.partition(".")[0], "header"), "header", MAX_CHARACTERS).get(
            "kid"
        )
    except CredentialError:
        return None
    return kid if isinstance(kid, str) else None


def statement_digest(token: str) -> str:
    """The digest by which a signed statement is known: SHA-256 over header and payload, base64url.

    The signature itself stays out, because from an ECDSA signature anybody can compute a second
    one that verifies too (s and n - s). Two digests mean two statements, never two spellings.
    """
    return digest_of_bytes(token.rpartition(".")[0].encode("ascii"))


def signing_input(payload: Mapping[str, Any], typ: str, kid: str) -> str:
    """Header and payload, as the signature covers them (RFC 7515 section 5.1)."""
    return f"{_header(typ, kid)}.{base64url.encode(_ENCODER.encode(payload).encode())}"


@lru_cache(maxsize=64)
def _header(typ: str, kid: str) -> str:
    header = {"alg": ALGORITHM, "kid": kid, "typ": typ}
    return base64url.encode(_ENCODER.encode(header).encode())


def _decode(part: str, name: str) -> bytes:
    try:
        return base64url.decode(part)
    except ValueError as error:
        raise CredentialError(f"the token {name} cannot be read: {error}") from None


def _object(data: bytes, name: str, max_bytes: int) -> dict[str, Any]:
    limits = strict_json.JsonLimits(max_bytes, MAX_DEPTH, allow_nul=False)
    try:
        value = strict_json.loads(data, limits=limits)
    except JsonError as error:
        raise CredentialError(f"the token {name} cannot be read: {error.message}") from error
    if not isinstance(value, dict):
        raise CredentialError(f"the token {name} is not a JSON object")
    return value
