"""Reading entries of the key logs of peers, which takes milliseconds: a hundred points on a curve.

It is done before a transaction, and remembered for a moment, so that the transaction only compares:
nobody can hold up the writer of the database with a log.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache

from underseal_node.errors import RefusedError
from underseal_node.store.tables import Peer
from underseal_protocol.key_log import KeyLogEntry, read_entry

__all__ = ["new_entries", "newest_entry", "pinned_entries", "require_log"]

# What one look or one announcement can bring into force, three times; at most 64 KB each.
REMEMBERED_ENTRIES = 64


def pinned_entries(peer: Peer) -> list[KeyLogEntry]:
    """What is accepted of the key log of a peer, oldest first; empty if none is pinned."""
    return [_entry(token) for token in json.loads(peer.key_log)]


def require_log(peer: Peer) -> None:
    """Refuse a peer whose log cannot be followed.

    Raises:
        RefusedError: nothing of it is pinned.
    """
    if not json.loads(peer.key_log):
        raise RefusedError(f"no key log is pinned for {peer.name}")


def newest_entry(peer: Peer) -> KeyLogEntry | None:
    """The pinned entry of a peer."""
    log = json.loads(peer.key_log)
    return _entry(log[-1]) if log else None


def new_entries(peer: Peer, tokens: Sequence[str]) -> list[KeyLogEntry]:
    """Read what a peer shows or tells of its log, from the pinned entry on, and check signatures.

    What is pinned is read, too: call it before the transaction that follows the log.

    Args:
        peer: as stored.
        tokens: entries as received, oldest first; repeated ones are read once.

    Raises:
        KeyLogError: one is malformed, or not signed by the key that it names.
    """
    pinned = pinned_entries(peer)
    received = list(dict.fromkeys(tokens))
    if pinned and pinned[-1].token in received:
        received = received[received.index(pinned[-1].token) :]
    return [_entry(token) for token in received]


@lru_cache(maxsize=REMEMBERED_ENTRIES)
def _entry(token: str) -> KeyLogEntry:
    return read_entry(token)
