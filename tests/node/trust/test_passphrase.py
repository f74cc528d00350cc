"""Encryption under a passphrase."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from underseal_node.errors import RefusedError
from underseal_node.trust import passphrase as passphrases
from underseal_node.trust.passphrase import check_passphrase, open_sealed, seal

PASSPHRASE = "correct horse battery"


def test_the_format_and_the_cost_of_a_guess_stay() -> None:
    """An independent reading of the format: older backups must open."""
    sealed = seal(b"secret", PASSPHRASE)
    magic, salt, nonce = sealed[:20], sealed[20:36], sealed[36:48]
    assert magic == b"underseal-secrets-1\0"
    key = Scrypt(salt=salt, length=32, n=131072, r=8, p=1).derive(PASSPHRASE.encode())
    assert AESGCM(key).decrypt(nonce, sealed[48:], sealed[:48]) == b"secret"


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr(passphrases, "SCRYPT_N", 2**4)
    return seal(b"secret", PASSPHRASE)


def test_the_passphrase_opens_it(sealed: bytes) -> None:
    assert open_sealed(sealed, PASSPHRASE) == b"secret"
    assert b"secret" not in sealed[20:]


@pytest.mark.parametrize("other", ["", "Correct horse battery", PASSPHRASE + "\n", "\udcff"])
def test_another_passphrase_does_not(sealed: bytes, other: str) -> None:
    with pytest.raises(RefusedError, match="passphrase is not the one"):
        open_sealed(sealed, other)


def test_any_change_is_noticed(sealed: bytes) -> None:
    for position in range(len(sealed)):
        changed = bytearray(sealed)
        changed[position] ^= 1
        with pytest.raises(RefusedError):
            open_sealed(bytes(changed), PASSPHRASE)
    for length in range(len(sealed)):
        with pytest.raises(RefusedError):
            open_sealed(sealed[:length], PASSPHRASE)


def test_the_same_is_sealed_differently_each_time(sealed: bytes) -> None:
    assert seal(b"secret", PASSPHRASE) != sealed


def test_short_passphrases_are_refused() -> None:
    check_passphrase("12345678")
    with pytest.raises(RefusedError, match="shorter than 8"):
        check_passphrase("1234567")
