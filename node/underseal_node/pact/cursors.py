"""Positions that peers carry around: the place in a list, the watermark of changes.

They are numbers that count all footprints and all changes of this node, so they are handed out
encrypted (AES-SIV, RFC 5297): a peer that has been granted two footprints does not learn how many
there are, nor how often others change.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from underseal_node.pact.errors import BadRequestError
from underseal_node.trust.tokens import KeySource

__all__ = ["GRANTS", "PAGE", "SEALS", "WATERMARK", "Cursors"]

KEY_BYTES = 32
NUMBER_BYTES = 8
NONCE_BYTES = 8
TAG_BYTES = 16
SEALED_ANEW_BYTES = NUMBER_BYTES + NONCE_BYTES + TAG_BYTES
MAX_CHARACTERS = 64
AHEAD = 64  # texts

PAGE = b"page"
WATERMARK = b"watermark"
GRANTS = b"grants"
SEALS = b"seals"


class Cursors:
    """Seals and opens positions; every worker of a node does it alike.

    Args:
        source: says which access-token keys there are, the one in use last. From each a key is
            derived (HKDF, RFC 5869); what was sealed with any of them can be opened.
    """

    def __init__(self, source: KeySource) -> None:
        self._source = source
        self._number = -1
        self._ciphers: list[AESSIV] = []
        self._ahead: tuple[bytes, int, list[str]] = b"", 0, []
        self._current()

    def _current(self, *, look: bool = False) -> list[AESSIV]:
        """The ciphers, that of the key in use first."""
        keys = self._source(look=look)
        if keys.number != self._number or not self._ciphers:
            self._ciphers = [_cipher(key.private_key) for key in reversed(keys.sealing)]
            self._number = keys.number
            self._ahead = b"", 0, []
        return self._ciphers

    def seal(self, kind: bytes, number: int) -> str:
        """A position as text for a URL; the same number gives the same text.

        Args:
            kind: `PAGE`, `WATERMARK` or `GRANTS`; one is not accepted for another.
            number: >= 0.
        """
        return _seal(self._current()[0], kind, number.to_bytes(NUMBER_BYTES, "big"))

    def seal_anew(self, kind: bytes, number: int) -> str:
        """As `seal`, and never the same text twice.

        Two watermarks that are alike would tell a peer that nothing has happened here, and two that
        are not, that something has, to whomever it was granted.
        """
        cipher = self._current()[0]
        if self._ahead[:2] != (kind, number) or not self._ahead[2]:
            self._ahead = kind, number, _sealed_ahead(cipher, kind, number)
        return self._ahead[2].pop()

    def open(self, kind: bytes, text: str) -> int:
        """The position in a text that `seal` returned.

        Raises:
            BadRequestError: it did not come from this node.
        """
        try:
            if len(text) > MAX_CHARACTERS:
                raise InvalidTag
            padded = text.encode("ascii") + b"=" * (-len(text) % 4)
            sealed = base64.b64decode(padded, altchars=b"-_", validate=True)
            if len(sealed) not in (NUMBER_BYTES + TAG_BYTES, SEALED_ANEW_BYTES):
                raise InvalidTag
            number = self._decrypt(sealed, kind)[:NUMBER_BYTES]
        except (InvalidTag, binascii.Error, UnicodeEncodeError):
            raise BadRequestError(
                "the cursor is not one that this host handed out; begin with the first page"
            ) from None
        return int.from_bytes(number, "big")

    def _decrypt(self, sealed: bytes, kind: bytes) -> bytes:
        """
        Raises:
            InvalidTag: no key of this node fits.
        """
        # Another process may have sealed it with a key that this one has not seen yet.
        for look in (False, True):
            for cipher in self._current(look=look):
                with contextlib.suppress(InvalidTag):
                    return cipher.decrypt(sealed, [kind])
        raise InvalidTag


def _sealed_ahead(cipher: AESSIV, kind: bytes, number: int) -> list[str]:
    """Most requests are told the same number, and one by one is three times the work."""
    plain = number.to_bytes(NUMBER_BYTES, "big")
    random = secrets.token_bytes(AHEAD * NONCE_BYTES)
    nonces = (random[at : at + NONCE_BYTES] for at in range(0, len(random), NONCE_BYTES))
    return [_seal(cipher, kind, plain + nonce) for nonce in nonces]


def _seal(cipher: AESSIV, kind: bytes, plain: bytes) -> str:
    sealed = cipher.encrypt(plain, [kind])
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _cipher(private_key: EllipticCurvePrivateKey) -> AESSIV:
    secret = private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    hkdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"underseal cursor 1")
    return AESSIV(hkdf.derive(secret))
