"""Keys: one P-256 key per purpose, and the public key sets by which a node is known.

A key is named by its RFC 7638 thumbprint. Each key set member says what the key is for in the
member `underseal:purpose`, and no key is accepted for another purpose: what a node signs to say
"this client may call" can never be read as "this footprint is mine".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from underseal_protocol import base64url, canonical
from underseal_protocol.errors import KeySetError

__all__ = [
    "ALGORITHM",
    "PURPOSE_MEMBER",
    "KeyPurpose",
    "PublicKey",
    "PublicKeySet",
    "SigningKey",
    "thumbprint",
]

ALGORITHM = "ES256"  # RFC 7518 section 3.4
PURPOSE_MEMBER = "underseal:purpose"
MAX_KEYS = 100
MAX_KID_CHARACTERS = 256

_COORDINATE_BYTES = 32
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
_THUMBPRINT_MEMBERS = {
    "EC": ("crv", "x", "y"),
    "RSA": ("e", "n"),
    "OKP": ("crv", "x"),
}


class KeyPurpose(StrEnum):
    """What a key may sign."""

    ACCESS_TOKEN = "access-token"
    FOOTPRINT = "footprint"
    RECEIPT = "receipt"
    IDENTITY = "identity"  # key log, invitations
    CLIENT = "client"  # client assertions (RFC 7523)
    ATTESTATION = "attestation"  # what a verifier says of another company's footprint
    RECOVERY = "recovery"  # kept offline; revokes and replaces the others after a theft


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The SHA-256 thumbprint of a public key (RFC 7638, RFC 8037 section 2).

    Args:
        jwk: a JWK of type EC, RSA or OKP; members beyond the required ones do not count.

    Raises:
        KeySetError: another type, or a required member is missing or is no text.
    """
    kind = jwk.get("kty")
    if not isinstance(kind, str) or kind not in _THUMBPRINT_MEMBERS:
        known = ", ".join(_THUMBPRINT_MEMBERS)
        raise KeySetError(f"a key has the type {kind!r}; a thumbprint is defined for {known}")
    required = {name: jwk.get(name) for name in ("kty", *_THUMBPRINT_MEMBERS[kind])}
    for name, value in required.items():
        if not isinstance(value, str):
            raise KeySetError(f"an {kind} key needs the member {name!r} as text, not {value!r}")
    return canonical.digest(required)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, its name and what it is for.

    Attributes:
        kid: the RFC 7638 thumbprint of the public key.
        purpose: what it may sign.
        private_key: on the curve P-256; never part of the representation.
    """

    kid: str
    purpose: KeyPurpose
    private_key: ec.EllipticCurvePrivateKey = field(repr=False, compare=False)

    @classmethod
    def generate(cls, purpose: KeyPurpose) -> SigningKey:
        """A new random key."""
        return cls._of(ec.generate_private_key(ec.SECP256R1()), purpose)

    @classmethod
    def from_pem(cls, pem: bytes | str, purpose: KeyPurpose) -> SigningKey:
        """Read an unencrypted PKCS #8 key, as `to_pem` writes it.

        Raises:
            KeySetError: it is not a P-256 private key; the message holds nothing of it.
        """
        data = pem.encode() if isinstance(pem, str) else pem
        try:
            key = serialization.load_pem_private_key(data, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise KeySetError("this is not an unencrypted private key in PEM form") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(
            key.curve, ec.SECP256R1
        ):
            raise KeySetError("this private key is not on the curve P-256")
        return cls._of(key, purpose)

    @classmethod
    def from_scalar(cls, scalar: bytes, purpose: KeyPurpose) -> SigningKey:
        """The key of a private number, as `to_scalar` writes it.

        Raises:
            KeySetError: it is no private key of P-256; the message holds nothing of it.
        """
        try:
            number = int.from_bytes(scalar, "big")
            return cls._of(ec.derive_private_key(number, ec.SECP256R1()), purpose)
        except ValueError:
            raise KeySetError("this is not a private key on the curve P-256") from None

    @classmethod
    def _of(cls, private_key: ec.EllipticCurvePrivateKey, purpose: KeyPurpose) -> SigningKey:
        return cls(thumbprint(_coordinates(private_key.public_key())), purpose, private_key)

    def to_pem(self) -> bytes:
        """The private key as unencrypted PKCS #8 in PEM form. Encrypt it before it rests."""
        return self.private_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def to_scalar(self) -> bytes:
        """The private number, 32 bytes, big-endian. Encrypt it before it rests."""
        number = self.private_key.private_numbers().private_value
        return number.to_bytes(_COORDINATE_BYTES, "big")

    def public_key(self) -> PublicKey:
        """The public half."""
        return PublicKey(self.kid, self.purpose, self.private_key.public_key())

    def public_jwk(self) -> dict[str, str]:
        """The public half as JWK (RFC 7517) with `kid`, `use`, `alg` and the purpose."""
        return self.public_key().jwk()


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One usable key of a key set.

    Attributes:
        kid: its name in the set; for our own keys the thumbprint.
        purpose: what it may sign; None if the set does not say (another vendor's set).
        key: on the curve P-256.
    """

    kid: str
    purpose: KeyPurpose | None
    key: ec.EllipticCurvePublicKey = field(compare=False)

    def jwk(self) -> dict[str, str]:
        """As JWK (RFC 7517)."""
        jwk = _coordinates(self.key) | {"kid": self.kid, "use": "sig", "alg": ALGORITHM}
        if self.purpose is not None:
            jwk[PURPOSE_MEMBER] = self.purpose.value
        return jwk

    def thumbprint(self) -> str:
        """RFC 7638."""
        return thumbprint(_coordinates(self.key))

    def point(self) -> bytes:
        """As a compressed point (SEC 1 section 2.3.3): 33 bytes."""
        return self.key.public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
        )

    @classmethod
    def of_point(cls, point: bytes, purpose: KeyPurpose) -> PublicKey:
        """The inverse of `point`; its name is its thumbprint.

        Raises:
            KeySetError: it is no compressed point of P-256 in its one encoding.
        """
        try:
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        except ValueError:
            raise KeySetError("this is no point of P-256") from None
        found = cls(thumbprint(_coordinates(key)), purpose, key)
        if found.point() != point:
            raise KeySetError("this point of P-256 is not in its one encoding")
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        """Public keys travel between processes."""
        return _unpickled_key, (self.kid, self.purpose, self.point())


class PublicKeySet:
    """The ES256 keys of a JWK set (RFC 7517 section 5).

    Keys of other types and uses are left out, as that section asks; a malformed P-256 key, two
    keys of one name or any private member make the whole set unusable.
    """

    def __init__(self, keys: list[PublicKey]) -> None:
        """
        Raises:
            KeySetError: two keys have the same `kid`.
        """
        self._keys: dict[str, PublicKey] = {}
        for key in keys:
            if key.kid in self._keys:
                raise KeySetError(f"the key set holds two keys with the kid {key.kid!r}")
            self._keys[key.kid] = key

    def __len__(self) -> int:
        return len(self._keys)

    def __repr__(self) -> str:
        return f"PublicKeySet({', '.join(self._keys)})"

    @classmethod
    def from_jwks(cls, document: Any) -> PublicKeySet:
        """Read a JWK set.

        Args:
            document: as read by `strict_json.loads`; at most `MAX_KEYS` keys.

        Raises:
            KeySetError: it is not a usable JWK set; the message says which key and why.
        """
        members = document.get("keys") if isinstance(document, Mapping) else None
        if not isinstance(members, list):
            raise KeySetError('a key set is an object with an array "keys" (RFC 7517 section 5)')
        if len(members) > MAX_KEYS:
            raise KeySetError(f"the key set holds {len(members)} keys; at most {MAX_KEYS}")
        keys = [_parse(jwk, f"keys[{index}]") for index, jwk in enumerate(members)]
        return cls([key for key in keys if key is not None])

    def to_jwks(self) -> dict[str, list[dict[str, str]]]:
        """As JWK set, usable keys only."""
        return {"keys": [key.jwk() for key in self._keys.values()]}

    def __iter__(self) -> Iterator[PublicKey]:
        """All usable keys in the order of the set."""
        return iter(self._keys.values())

    def get(self, kid: str, purpose: KeyPurpose) -> ec.EllipticCurvePublicKey:
        """The key of this name, if it may be used for this purpose.

        A key that does not say what it is for counts as a footprint key.

        Raises:
            KeySetError: there is none of that name, or it is for another purpose.
        """
        found = self._keys.get(kid)
        if found is None:
            known = ", ".join(self._keys) or "none"
            raise KeySetError(
                f"the key {kid!r} is not in the trusted key set (it holds: {known})",
                hint="The issuer may have changed its keys; confirm them before trusting new ones.",
            )
        actual = found.purpose or KeyPurpose.FOOTPRINT
        if actual is not purpose:
            raise KeySetError(f"the key {kid!r} is for {actual}, it was used for {purpose}")
        return found.key

    def thumbprints(self) -> frozenset[str]:
        """The RFC 7638 thumbprints of all usable keys: what a peer pins."""
        return frozenset(key.thumbprint() for key in self._keys.values())


def _unpickled_key(kid: str, purpose: KeyPurpose | None, point: bytes) -> PublicKey:
    return PublicKey(kid, purpose, PublicKey.of_point(point, KeyPurpose.FOOTPRINT).key)


def _coordinates(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """The required members of an EC key (RFC 7518 section 6.2.1)."""
    numbers = key.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": base64url.encode(numbers.x.to_bytes(_COORDINATE_BYTES, "big")),
        "y": base64url.encode(numbers.y.to_bytes(_COORDINATE_BYTES, "big")),
    }


def _parse(jwk: Any, where: str) -> PublicKey | None:
    """A member of a key set; None if it is a good key that is not for ES256 signatures."""
    if not isinstance(jwk, Mapping):
        raise KeySetError(f"{where} is not an object")
    private = sorted(_PRIVATE_MEMBERS & jwk.keys())
    if private:
        raise KeySetError(
            f"{where} holds the private member {private[0]!r}: this is not a public key set",
            hint="The private key is compromised; its owner has to replace it.",
        )
    if not _is_for_es256(jwk, where):
        return None
    try:
        x, y = (_coordinate(jwk.get(name)) for name in ("x", "y"))
        key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError as error:
        raise KeySetError(f"{where} is not a point on P-256: {error}") from None
    purpose = _purpose(jwk, where)
    kid = _kid(jwk, where, is_own_format=purpose is not None)
    if purpose is not None and purpose not in set(KeyPurpose):
        return None  # for something that a later version of this protocol signs
    return PublicKey(kid, None if purpose is None else KeyPurpose(purpose), key)


def _is_for_es256(jwk: Mapping[str, Any], where: str) -> bool:
    if not isinstance(jwk.get("kty"), str):
        raise KeySetError(f'{where} has no "kty" (RFC 7517 section 4.1)')
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list):
        raise KeySetError(f'{where} has a "key_ops" that is not an array')
    return (
        jwk["kty"] == "EC"
        and jwk.get("crv") == "P-256"
        and jwk.get("use", "sig") == "sig"
        and jwk.get("alg", ALGORITHM) == ALGORITHM
        and "verify" in operations
    )


def _coordinate(value: Any) -> int:
    """RFC 7518 section 6.2.1.2: the full size of a coordinate, leading zeros included."""
    if not isinstance(value, str):
        raise ValueError("a coordinate is missing")
    data = base64url.decode(value)
    if len(data) != _COORDINATE_BYTES:
        raise ValueError(f"a coordinate has {len(data)} bytes, not {_COORDINATE_BYTES}")
    return int.from_bytes(data, "big")


def _purpose(jwk: Mapping[str, Any], where: str) -> str | None:
    value = jwk.get(PURPOSE_MEMBER)
    if value is not None and not isinstance(value, str):
        raise KeySetError(f"{where} is for {value!r}, expected the name of a purpose")
    return value


def _kid(jwk: Mapping[str, Any], where: str, *, is_own_format: bool) -> str:
    expected = thumbprint(jwk)
    kid = jwk.get("kid", expected)
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID_CHARACTERS:
        raise KeySetError(f'{where} has a "kid" that is not a text of 1..{MAX_KID_CHARACTERS}')
    if is_own_format and kid != expected:
        raise KeySetError(f"{where} has the kid {kid!r}, its thumbprint is {expected!r}")
    return kid
