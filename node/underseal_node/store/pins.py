"""Queries on what this node has pinned of a peer: its token endpoint and its keys.

What was found at first contact is trusted; what differs later waits for the operator.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, select

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.tables import Peer
from underseal_protocol.keys import PublicKeySet

__all__ = [
    "accept_endpoint",
    "accept_keys",
    "confirm_endpoint",
    "confirm_keys",
    "contacted",
    "names",
    "peer_row",
    "signed",
]

SHOWN_KEYS = 4


def peer_row(session: Session, peer_id: int) -> Peer:
    """One peer.

    Raises:
        NotFoundError: there is none with this id.
    """
    peer = session.get(Peer, peer_id)
    if peer is None:
        raise NotFoundError(f"there is no peer {peer_id}")
    return peer


def names(session: Session, peer_ids: Collection[int]) -> list[str]:
    """The names of these peers, sorted."""
    rows = session.exec(select(Peer.id, Peer.name)).all() if peer_ids else ()
    return sorted(name for peer_id, name in rows if peer_id in peer_ids)


def contacted(session: Session, peer: Peer, now: datetime) -> None:
    """The peer has answered."""
    peer.last_contact_at = now
    session.add(peer)
    session.flush()


def signed(session: Session, peer: Peer) -> None:
    """A footprint of the peer was verified: from now on one without credential is invalid."""
    if not peer.signed_before:
        peer.signed_before = True
        session.add(peer)
        session.flush()


def accept_endpoint(
    session: Session, peer: Peer, endpoint: str, origin: str, now: datetime
) -> bool:
    """Pin a token endpoint, or keep one at another origin for the operator to decide.

    Args:
        endpoint: what discovery found.
        origin: of the endpoint.

    Returns:
        whether it is the one in force.
    """
    if peer.token_origin is None or peer.token_origin == origin:
        peer.token_endpoint, peer.token_origin = endpoint, origin
        peer.pending_token_endpoint = None
        session.add(peer)
        session.flush()
        return True
    if peer.pending_token_endpoint != endpoint:
        peer.pending_token_endpoint = endpoint
        session.add(peer)
        raise_alert(
            session,
            AlertKind.ENDPOINT_CHANGED,
            f"the token endpoint of {peer.name} was at {peer.token_origin} and is now said to be "
            f"{endpoint}; calls to this peer have stopped",
            now,
            peer_id=peer.id,
        )
    session.flush()
    return False


def confirm_endpoint(session: Session, peer_id: int, origin: str) -> Peer:
    """The operator trusts the token endpoint that discovery found instead.

    Args:
        origin: of the pending endpoint.

    Raises:
        NotFoundError: no such peer.
        RefusedError: nothing waits to be confirmed.
    """
    peer = peer_row(session, peer_id)
    if peer.pending_token_endpoint is None:
        raise RefusedError(f"no change of the token endpoint of {peer.name} waits to be confirmed")
    peer.token_endpoint, peer.token_origin = peer.pending_token_endpoint, origin
    peer.pending_token_endpoint = None
    session.add(peer)
    session.flush()
    return peer


def accept_keys(session: Session, peer: Peer, key_set: str, issuer: str, now: datetime) -> bool:
    """Pin the keys of a peer, or keep a changed key set for the operator to decide.

    Args:
        key_set: a JWKS in canonical form, so that equal sets are equal text.
        issuer: what the peer calls itself.

    Returns:
        whether it is the key set in force.
    """
    if peer.key_set is None:
        peer.key_set, peer.issuer, peer.is_underseal = key_set, issuer, True
        peer.pending_key_set = None
    elif peer.key_set == key_set:
        peer.pending_key_set = None
    elif peer.pending_key_set != key_set:
        peer.pending_key_set = key_set
        # With their fingerprints: an alert about yet other keys is another alert.
        raise_alert(
            session,
            AlertKind.KEYS_CHANGED,
            f"{peer.name} shows other keys than those that are pinned ({_fingerprints(key_set)}); "
            "what is signed with them is not accepted until you confirm them",
            now,
            peer_id=peer.id,
            evidence=key_set.encode(),
        )
    session.add(peer)
    session.flush()
    return peer.key_set == key_set


def confirm_keys(session: Session, peer_id: int) -> Peer:
    """The operator trusts the new key set of a peer.

    Raises:
        NotFoundError: no such peer.
        RefusedError: nothing waits to be confirmed.
    """
    peer = peer_row(session, peer_id)
    if peer.pending_key_set is None:
        raise RefusedError(f"no change of the keys of {peer.name} waits to be confirmed")
    peer.key_set = peer.pending_key_set
    peer.pending_key_set = None
    session.add(peer)
    session.flush()
    return peer


def _fingerprints(key_set: str) -> str:
    """Thumbprints, computed: a peer names its keys as it likes."""
    found = sorted(PublicKeySet.from_jwks(json.loads(key_set)).thumbprints())
    more = f" and {len(found) - SHOWN_KEYS} more" if len(found) > SHOWN_KEYS else ""
    return ", ".join(found[:SHOWN_KEYS]) + more
