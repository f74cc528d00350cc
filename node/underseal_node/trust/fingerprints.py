"""Fingerprints of keys that two people can compare over the phone.

As words: the first 88 bits of the thumbprint, eleven bits a word, in the English list of BIP-39,
whose words differ in their first four letters. Whoever wants keys with the same words as given ones
has to try 2^88 keys.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache, lru_cache

from mnemonic import Mnemonic

from underseal_node.errors import RefusedError
from underseal_protocol import base64url
from underseal_protocol.keys import KeyPurpose, PublicKeySet

__all__ = [
    "Fingerprint",
    "check_words",
    "fingerprint",
    "fingerprint_of_text",
    "thumbprints_of_text",
]

# Reading points on a curve takes a third of a millisecond, for each of thousands of peers.
REMEMBERED_KEY_SETS = 8192
WORDS = 8
BITS = 11
GROUP = 4


@dataclass(frozen=True)
class Fingerprint:
    """What stands for the keys of a node.

    Attributes:
        words: for reading aloud.
        hex: the whole SHA-256 thumbprint, in groups of four digits.
    """

    words: str
    hex: str


def fingerprint(keys: PublicKeySet) -> Fingerprint:
    """The fingerprint of a key set: of its newest identity key, from which all others follow.

    A key set without one, as nodes of other makes have it, is taken as a whole.
    """
    identities = [key for key in keys if key.purpose is KeyPurpose.IDENTITY]
    if identities:
        digest = base64url.decode(identities[-1].thumbprint())
    else:
        joined = "\0".join(sorted(keys.thumbprints()))
        digest = hashlib.sha256(joined.encode("ascii")).digest()
    number = int.from_bytes(digest, "big") >> (len(digest) * 8 - WORDS * BITS)
    places = [(number >> (BITS * place)) & (2**BITS - 1) for place in reversed(range(WORDS))]
    text = digest.hex()
    groups = [text[start : start + GROUP] for start in range(0, len(text), GROUP)]
    return Fingerprint(" ".join(_words()[place] for place in places), " ".join(groups))


def fingerprint_of_text(key_set: str | None) -> Fingerprint | None:
    """As `fingerprint`, of a JWK Set as it is stored; `None` if there is none."""
    return None if key_set is None else _known(key_set)[0]


def thumbprints_of_text(key_set: str | None) -> list[str]:
    """The thumbprints of a JWK Set as it is stored, sorted (RFC 7638).

    Computed, not taken from the names of the keys: a peer names its keys as it likes.
    """
    return [] if key_set is None else list(_known(key_set)[1])


def check_words(expected: Fingerprint, given: str, what: str) -> None:
    """Compare words that somebody has read out.

    Args:
        expected: of the keys here.
        given: as they were read out.
        what: the keys, for the message.

    Raises:
        RefusedError: they are others.
    """
    if given.lower().split() != expected.words.split():
        raise RefusedError(
            f"the words are not those of {what}",
            hint="If the words were read out correctly, these are somebody else's keys: revoke the "
            "partnership, and invite the company again on another way.",
        )


@lru_cache(maxsize=REMEMBERED_KEY_SETS)
def _known(key_set: str) -> tuple[Fingerprint, tuple[str, ...]]:
    keys = PublicKeySet.from_jwks(json.loads(key_set))
    return fingerprint(keys), tuple(sorted(keys.thumbprints()))


@cache
def _words() -> list[str]:
    return list(Mnemonic("english").wordlist)
