"""The recovery key as text that a person can print, keep in a safe and type in again.

`usrk1-` and fourteen groups of four characters: the 32 bytes of the private key and three bytes of
a checksum in base32 (RFC 4648 section 6), so that a typing error is found and not taken for another
key.
"""

from __future__ import annotations

import base64
import hashlib
import re

from underseal_protocol.errors import KeySetError
from underseal_protocol.keys import KeyPurpose, SigningKey

__all__ = ["recovery_key_of", "recovery_text"]

PREFIX = "usrk1"
KEY_BYTES = 32
CHECK_BYTES = 3
GROUP = 4
CHARACTERS = (KEY_BYTES + CHECK_BYTES) * 8 // 5
MAX_TEXT_CHARACTERS = 1024
# Not in the alphabet, and easily read instead of what is.
MISREAD = str.maketrans("018", "olb")


def recovery_text(key: SigningKey) -> str:
    """A recovery key as text. Whoever reads it can replace every key of the node.

    Raises:
        KeySetError: it is a key for something else.
    """
    if key.purpose is not KeyPurpose.RECOVERY:
        raise KeySetError(f"this is a key for {key.purpose}, no recovery key")
    secret = key.to_scalar()
    text = base64.b32encode(secret + _check(secret)).decode().lower()
    groups = [text[start : start + GROUP] for start in range(0, len(text), GROUP)]
    return "-".join([PREFIX, *groups])


def recovery_key_of(text: str) -> SigningKey:
    """Read what `recovery_text` wrote; case, hyphens and white space do not count.

    Raises:
        KeySetError: it is none, or has a typing error; the message holds nothing of it.
    """
    wrong = KeySetError(
        "this is no recovery key, or one with a typing error",
        hint=f"It begins with {PREFIX}- and has {CHARACTERS // GROUP} groups of {GROUP} "
        "characters after that.",
    )
    if len(text) > MAX_TEXT_CHARACTERS:
        raise wrong
    plain = re.sub(r"[\s-]+", "", text).lower()
    body = plain.removeprefix(PREFIX).translate(MISREAD)
    if body == plain or len(body) != CHARACTERS or not re.fullmatch("[a-z2-7]+", body):
        raise wrong
    data = base64.b32decode(body.upper())
    secret = data[:KEY_BYTES]
    if data[KEY_BYTES:] != _check(secret):
        raise wrong
    try:
        return SigningKey.from_scalar(secret, KeyPurpose.RECOVERY)
    except KeySetError:
        raise wrong from None


def _check(secret: bytes) -> bytes:
    return hashlib.sha256(PREFIX.encode() + secret).digest()[:CHECK_BYTES]
