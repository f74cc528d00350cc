"""Fingerprints of keys that two people can compare over the phone.

As words: the first 88 bits of a digest over all keys, eleven bits a word, in the English list of
BIP-39, whose words differ in their first four letters. Whoever wants other keys with the same words
has to try 2^88 of them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cache, lru_cache

from mnemonic import Mnemonic

from underseal_node.errors import RefusedError
from underseal_node.store.tables import Peer
from underseal_node.trust.own_keys import OwnState
from underseal_protocol.key_log import read_entry
from underseal_protocol.keys import KeyPurpose, PublicKey, PublicKeySet

__all__ = [
    "Fingerprint",
    "check_words",
    "fingerprint",
    "own_fingerprint",
    "pending_fingerprint",
    "pinned_fingerprint",
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
        hex: the whole SHA-256 digest, in groups of four digits.
    """

    words: str
    hex: str


def fingerprint(keys: PublicKeySet, recovery: PublicKey | None) -> Fingerprint:
    """The fingerprint of everything that a node may sign with.

    All keys are in it, and what each is for. Of some only, a man in the middle would show these and
    put others of his own beside them; with a recovery key of his own he would replace them all.

    Args:
        keys: of the node at present, rotated ones too.
        recovery: its recovery key; None if it has none, as nodes of other makes.
    """
    parts = sorted(f"{key.purpose}:{key.thumbprint()}" for key in keys)
    if recovery is not None:
        parts.append(f"{KeyPurpose.RECOVERY}:{recovery.thumbprint()}")
    digest = hashlib.sha256("\n".join(parts).encode("ascii")).digest()
    number = int.from_bytes(digest, "big") >> (len(digest) * 8 - WORDS * BITS)
    places = [(number >> (BITS * place)) & (2**BITS - 1) for place in reversed(range(WORDS))]
    text = digest.hex()
    groups = [text[start : start + GROUP] for start in range(0, len(text), GROUP)]
    return Fingerprint(" ".join(_words()[place] for place in places), " ".join(groups))


def own_fingerprint(own: OwnState) -> Fingerprint:
    """That of this node."""
    recovery = read_entry(own.entries[-1]).recovery if own.entries else None
    return fingerprint(own.public_keys, recovery)


def pinned_fingerprint(peer: Peer) -> Fingerprint | None:
    """That of the keys which are pinned for a peer; `None` if none are."""
    return None if peer.key_set is None else _fingerprint(peer.key_set, peer.key_log)


def pending_fingerprint(peer: Peer) -> Fingerprint | None:
    """That of the keys which wait to be confirmed; `None` if none do."""
    if peer.pending_key_set is None:
        return None
    return _fingerprint(peer.pending_key_set, peer.pending_key_log or "[]")


def thumbprints_of_text(key_set: str | None) -> list[str]:
    """The thumbprints of a JWK Set as it is stored, sorted (RFC 7638).

    Computed, not taken from the names of the keys: a peer names its keys as it likes.
    """
    return [] if key_set is None else sorted(_keys(key_set).thumbprints())


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
def _fingerprint(key_set: str, key_log: str) -> Fingerprint:
    """Of a JWK Set and the entries of a key log, as they are stored."""
    entries = json.loads(key_log)
    recovery = read_entry(entries[-1]).recovery if entries else None
    return fingerprint(_keys(key_set), recovery)


@lru_cache(maxsize=REMEMBERED_KEY_SETS)
def _keys(key_set: str) -> PublicKeySet:
    return PublicKeySet.from_jwks(json.loads(key_set))


@cache
def _words() -> list[str]:
    return list(Mnemonic("english").wordlist)
