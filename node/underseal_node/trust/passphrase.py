"""Encryption under a passphrase: AES-256-GCM with a key from scrypt (RFC 7914)."""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from underseal_node.errors import RefusedError

__all__ = ["check_passphrase", "open_sealed", "seal"]

MIN_PASSPHRASE_CHARACTERS = 8
FORMAT = b"underseal-secrets-1\0"
SALT_BYTES = 16
NONCE_BYTES = 12
HEADER_BYTES = len(FORMAT) + SALT_BYTES + NONCE_BYTES
# 128 MiB and about half a second for each guess.
SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**17, 8, 1


def check_passphrase(passphrase: str) -> None:
    """Refuse a passphrase that is guessed at once.

    Raises:
        RefusedError: it is shorter than 8 characters.
    """
    if len(passphrase) < MIN_PASSPHRASE_CHARACTERS:
        raise RefusedError(
            f"the passphrase is shorter than {MIN_PASSPHRASE_CHARACTERS} characters",
            hint="Anybody who has the backup and guesses it has the keys of this node.",
        )


def seal(plaintext: bytes, passphrase: str) -> bytes:
    """Encrypt and authenticate.

    Raises:
        RefusedError: the passphrase is too short.
    """
    check_passphrase(passphrase)
    salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
    header = FORMAT + salt + nonce
    return header + AESGCM(_stretch(passphrase, salt)).encrypt(nonce, plaintext, header)


def open_sealed(sealed: bytes, passphrase: str) -> bytes:
    """Decrypt what `seal` returned.

    Raises:
        RefusedError: another passphrase, or the content has been changed.
    """
    header, ciphertext = sealed[:HEADER_BYTES], sealed[HEADER_BYTES:]
    salt, nonce = header[len(FORMAT) : -NONCE_BYTES], header[-NONCE_BYTES:]
    try:
        if not header.startswith(FORMAT) or len(header) != HEADER_BYTES:
            raise InvalidTag
        return AESGCM(_stretch(passphrase, salt)).decrypt(nonce, ciphertext, header)
    except InvalidTag:
        raise RefusedError(
            "the passphrase is not the one this backup was made with",
            hint="Try again; without it, restore a backup made without --with-key and put the "
            "master key in place yourself.",
        ) from None


def _stretch(passphrase: str, salt: bytes) -> bytes:
    kdf = Scrypt(salt=salt, length=32, n=SCRYPT_N, r=SCRYPT_R, p=SCRYPT_P)
    return kdf.derive(passphrase.encode("utf-8", "surrogatepass"))
