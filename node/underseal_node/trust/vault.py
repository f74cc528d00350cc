"""Encryption at rest: private keys and peer secrets, under keys derived from one master key.

Where the master key is, `trust.master_key` knows. From its 32 bytes HKDF-SHA-256 (RFC 5869) derives
one AES-256-GCM key per purpose, so that a process can be given what it needs and no more: a worker
of the public listener opens the access-token key and the endorsements that it hands out, never the
footprint key.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from underseal_node.errors import ConfigurationError, NodeError
from underseal_node.home import Home
from underseal_node.settings import Settings
from underseal_node.trust.master_key import KEY_BYTES, read_master_key

__all__ = ["Vault", "VaultError", "VaultPurpose", "open_vault"]

NONCE_BYTES = 12
FORMAT = b"\x01"


class VaultPurpose(StrEnum):
    """What a derived key encrypts."""

    TOKEN_KEY = "token-key"
    FOOTPRINT_KEY = "footprint-key"
    RECEIPT_KEY = "receipt-key"
    IDENTITY_KEY = "identity-key"
    CLIENT_KEY = "client-key"
    ATTESTATION_KEY = "attestation-key"
    PEER_SECRET = "peer-secret"
    ENDORSEMENT = (
        "endorsement"  # given: with the opening of a value that the public listener serves
    )
    ROSTER = "roster"  # keys of rosters, memberships
    SEAL = "seal"  # openings that we were given, quantities, salts


class VaultError(NodeError):
    """Something cannot be decrypted, or this process must not."""


class Vault:
    """Seals and opens small secrets.

    It pickles with the derived keys it holds, never with the master key.

    Args:
        keys: the AES-256 key of each purpose that this vault serves.
    """

    def __init__(self, keys: Mapping[VaultPurpose, bytes]) -> None:
        self._keys = dict(keys)

    @classmethod
    def from_master_key(cls, master_key: bytes) -> Vault:
        """A vault for every purpose.

        Args:
            master_key: 32 random bytes.

        Raises:
            ConfigurationError: another length.
        """
        if len(master_key) != KEY_BYTES:
            raise ConfigurationError(
                f"the master key has {len(master_key)} bytes, {KEY_BYTES} are needed"
            )
        return cls({purpose: _derive(master_key, purpose) for purpose in VaultPurpose})

    def __repr__(self) -> str:
        return f"Vault(purposes={sorted(self._keys)})"

    @property
    def purposes(self) -> frozenset[VaultPurpose]:
        """What this vault can seal and open."""
        return frozenset(self._keys)

    def derived(self, purposes: Iterable[str]) -> Vault:
        """A vault for these purposes only, to hand to a process that needs no more.

        Raises:
            VaultError: this vault does not hold one of them.
        """
        wanted = [VaultPurpose(purpose) for purpose in purposes]
        return Vault({purpose: self._key(purpose) for purpose in wanted})

    def seal(self, purpose: str, plaintext: bytes, *, context: str = "") -> bytes:
        """Encrypt and authenticate.

        Args:
            purpose: a `VaultPurpose`.
            plaintext: the secret.
            context: what it belongs to, such as a key id; needed again to open it.

        Raises:
            VaultError: this vault does not hold the key of the purpose.
        """
        which = VaultPurpose(purpose)
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(self._key(which)).encrypt(nonce, plaintext, _bound(which, context))
        return FORMAT + nonce + sealed

    def open(self, purpose: str, sealed: bytes, *, context: str = "") -> bytes:
        """Decrypt what `seal` returned for the same purpose and context.

        Raises:
            VaultError: it was sealed with another master key, purpose or context, or changed.
        """
        which = VaultPurpose(purpose)
        key = self._key(which)
        nonce, ciphertext = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            if sealed[:1] != FORMAT or len(nonce) != NONCE_BYTES:
                raise InvalidTag
            return AESGCM(key).decrypt(nonce, ciphertext, _bound(which, context))
        except InvalidTag:
            raise VaultError(
                f"a {which} in the database cannot be decrypted with this master key",
                hint="Restore the master key that belongs to this database.",
            ) from None

    def _key(self, purpose: VaultPurpose) -> bytes:
        try:
            return self._keys[purpose]
        except KeyError:
            raise VaultError(f"this process does not hold the key for {purpose}") from None


def open_vault(home: Home, settings: Settings) -> Vault:
    """The vault of the node in this home, for every purpose.

    Raises:
        ConfigurationError: the master key cannot be read.
    """
    return Vault.from_master_key(read_master_key(home, settings))


def _derive(master_key: bytes, purpose: VaultPurpose) -> bytes:
    info = f"underseal vault 1 {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(master_key)


def _bound(purpose: VaultPurpose, context: str) -> bytes:
    return f"{purpose}\0{context}".encode()
