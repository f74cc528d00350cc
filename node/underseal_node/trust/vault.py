"""Encryption at rest: private keys and peer secrets, under keys derived from one master key.

The master key (32 bytes) is in a file beside the database or wherever `master_key_file` says. From
it HKDF-SHA-256 (RFC 5869) derives one AES-256-GCM key per purpose, so that a process can be given
what it needs and no more: a worker of the public listener opens the access-token key, never the
footprint key.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from underseal_node.errors import ConfigurationError, NodeError
from underseal_node.home import Home, write_private
from underseal_node.settings import Settings

__all__ = ["Vault", "VaultError", "VaultPurpose", "create_master_key", "open_vault"]

KEY_BYTES = 32
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


def create_master_key(home: Home, settings: Settings) -> None:
    """Write a fresh master key where none is; one that was put there is taken as it is."""
    file = settings.master_key_file or home.master_key_file
    if not file.exists():
        write_private(file, format_master_key(secrets.token_bytes(KEY_BYTES)))


def format_master_key(key: bytes) -> bytes:
    """The content of a master key file."""
    return base64.b64encode(key) + b"\n"


def open_vault(home: Home, settings: Settings) -> Vault:
    """The vault of the node in this home, for every purpose.

    Raises:
        ConfigurationError: the master key is missing, readable by others or malformed.
    """
    return Vault.from_master_key(read_master_key(home, settings))


def read_master_key(home: Home, settings: Settings) -> bytes:
    """The 32 bytes of the master key.

    Raises:
        ConfigurationError: the file is missing, readable by others or malformed.
    """
    file = settings.master_key_file or home.master_key_file
    try:
        text = file.read_bytes()
        mode = file.stat().st_mode
    except OSError as error:
        raise ConfigurationError(
            f"the master key {file} cannot be read: {error.strerror}",
            hint="Put the key that belongs to this database there, or name its file with "
            "UNDERSEAL_MASTER_KEY_FILE.",
        ) from error
    if file == home.master_key_file and mode & 0o077:
        raise ConfigurationError(
            f"the master key {file} can be read by other users",
            hint=f"Run `chmod 600 {file}`.",
        )
    return parse_master_key(text, file)


def parse_master_key(text: bytes, file: Path) -> bytes:
    """Decode the content of a master key file.

    Raises:
        ConfigurationError: it is not the base64 form of 32 bytes.
    """
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            f"{file} is not a master key: {KEY_BYTES} bytes in base64 are expected",
            hint=f"`openssl rand -base64 {KEY_BYTES}` makes one for a new node.",
        )
    return key


def _derive(master_key: bytes, purpose: VaultPurpose) -> bytes:
    info = f"underseal vault 1 {purpose}".encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(master_key)


def _bound(purpose: VaultPurpose, context: str) -> bytes:
    return f"{purpose}\0{context}".encode()
