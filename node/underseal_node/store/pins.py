"""Queries on what this node has pinned of a peer: its token endpoint and its keys.

What was found at first contact is trusted; what differs later waits for the operator.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.store import peers
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.database import to_change
from underseal_node.store.exchange_tables import PullState
from underseal_node.store.tables import Assurance, Peer
from underseal_protocol.key_log import read_entry
from underseal_protocol.keys import PublicKeySet

__all__ = [
    "accept_endpoint",
    "accept_first_log",
    "accept_keys",
    "any_look_wanted",
    "confirm_endpoint",
    "confirm_keys",
    "contacted",
    "followed",
    "issuers",
    "moved",
    "names",
    "peer_row",
    "signed",
    "taken_looks",
    "waits_for_keys",
    "want_look",
]

SHOWN_KEYS = 4


def peer_row(session: Session, peer_id: int) -> Peer:
    """One peer.

    Raises:
        NotFoundError: there is none with this id.
    """
    peer = peers.by_id(session, peer_id)
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


def want_look(session: Session, peer_id: int) -> None:
    """The peer has signed with a key that is not pinned: somebody has to look for new ones."""
    peer = peer_row(session, peer_id)
    peer.look_wanted = True
    session.add(peer)
    session.flush()


def any_look_wanted(session: Session) -> bool:
    """Whether `taken_looks` would find anything."""
    return session.exec(select(Peer.id).where(col(Peer.look_wanted)).limit(1)).first() is not None


def taken_looks(session: Session) -> list[int]:
    """The peers that somebody has to look at; whoever asks does it."""
    rows = session.exec(to_change(session, select(Peer).where(col(Peer.look_wanted)))).all()
    for peer in rows:
        peer.look_wanted = False
        session.add(peer)
    session.flush()
    return [peer.id or 0 for peer in rows]


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


def accept_keys(
    session: Session,
    peer: Peer,
    key_set: str,
    issuer: str,
    now: datetime,
    *,
    key_log: Sequence[str] = (),
    reason: str | None = None,
) -> bool:
    """Pin the keys of a peer, or keep a changed key set for the operator to decide.

    Args:
        key_set: a JWKS in canonical form, so that equal sets are equal text.
        issuer: what the peer calls itself.
        key_log: the newest entry that goes with it, if the peer has a key log.
        reason: why they do not follow from the pinned ones, if the peer has a key log.

    Returns:
        whether it is the key set in force.
    """
    if peer.key_set is None:
        peer.key_set, peer.issuer, peer.is_underseal = key_set, issuer, True
        peer.key_log = json.dumps(list(key_log))
        peer.pending_key_set = peer.pending_key_log = None
    elif peer.key_set == key_set and reason is None:
        peer.pending_key_set = peer.pending_key_log = None
    else:
        is_told = peer.pending_key_set == key_set
        # The log of this look: it is what the operator's decision pins, and may have gone on.
        peer.pending_key_set = key_set
        peer.pending_key_log = json.dumps(list(key_log)) if key_log else None
        if not is_told:
            _tell_of_keys(session, peer, key_set, now, key_log, reason)
    session.add(peer)
    session.flush()
    return peer.pending_key_set is None


def _tell_of_keys(
    session: Session,
    peer: Peer,
    key_set: str,
    now: datetime,
    key_log: Sequence[str],
    reason: str | None,
) -> None:
    why = "" if reason is None else f"; {reason}"
    # With their fingerprints: an alert about yet other keys is another alert.
    raise_alert(
        session,
        AlertKind.KEYS_CHANGED,
        f"{peer.name} shows other keys than those that are pinned ({_fingerprints(key_set)}); "
        f"what is signed with them is not accepted until you confirm them{why}",
        now,
        peer_id=peer.id,
        evidence="\n".join([key_set, *key_log]).encode(),
    )


def accept_first_log(session: Session, peer: Peer, entry: str) -> None:
    """Pin the key log of a peer whose keys are pinned already.

    Args:
        entry: the newest (JWS); it names exactly those keys.
    """
    peer.key_log = json.dumps([entry])
    session.add(peer)
    session.flush()


def followed(
    session: Session,
    peer: Peer,
    *,
    entries: Sequence[str],
    key_set: str,
    issuer: str,
    former_issuers: Sequence[str],
) -> None:
    """The keys of a peer have changed in a way that follows from what is pinned.

    Args:
        entries: what is to be kept of its key log (JWS), oldest first.
        key_set: what the newest says, in canonical form.
        issuer: where the newest says that it is.
        former_issuers: where it was before.
    """
    peer.key_log, peer.key_set = json.dumps(list(entries)), key_set
    peer.issuer, peer.former_issuers = issuer, json.dumps(list(former_issuers))
    peer.pending_key_set = peer.pending_key_log = None
    session.add(peer)
    session.flush()


def moved(session: Session, peer: Peer, old: str, new: str, origin: str) -> bool:
    """Follow a peer to another address, with what was pinned at the old one.

    A peer at an address that the operator chose otherwise stays there.

    Args:
        old: its URL before.
        new: its URL now.
        origin: of the new one.

    Returns:
        whether it was there.
    """
    if (peer.base_url or "").rstrip("/") != old:
        return False
    peer.base_url = new
    if (peer.auth_url or "").rstrip("/") == old:
        peer.auth_url = new
    endpoint = peer.token_endpoint or ""
    if endpoint.startswith(f"{old}/"):
        peer.token_endpoint, peer.token_origin = new + endpoint.removeprefix(old), origin
        peer.pending_token_endpoint = None
    session.add(peer)
    for walk in session.exec(select(PullState).where(PullState.peer_id == peer.id)):
        walk.next_link = walk.pending_watermark = None
        session.add(walk)
    session.flush()
    return True


def issuers(session: Session, peer_id: int) -> list[str]:
    """The addresses under which the peer signs or has signed, as its pinned keys say.

    Raises:
        NotFoundError: no such peer.
    """
    peer = peer_row(session, peer_id)
    former: list[str] = json.loads(peer.former_issuers)
    return [*([peer.issuer] if peer.issuer else []), *former]


def waits_for_keys(session: Session, peer_id: int) -> bool:
    """Whether the peer shows keys that the operator has to decide about.

    Raises:
        NotFoundError: no such peer.
    """
    return peer_row(session, peer_id).pending_key_set is not None


def confirm_keys(
    session: Session, peer_id: int, key_set: str | None, issuer: str | None, assurance: Assurance
) -> Peer:
    """The operator trusts the new key set of a peer.

    Args:
        key_set: that the operator means; what waits has to be exactly this.
        issuer: what the peer called itself when it showed them; None leaves it as it is.
        assurance: how sure the operator is that they are the peer's own.

    Raises:
        NotFoundError: no such peer.
        RefusedError: nothing waits to be confirmed, or something else does.
    """
    peer = peer_row(session, peer_id)
    if peer.pending_key_set is None:
        raise RefusedError(f"no change of the keys of {peer.name} waits to be confirmed")
    if peer.pending_key_set != key_set:
        raise RefusedError(
            f"{peer.name} has shown yet other keys at this moment; none are confirmed",
            hint=f"Look at `underseal peer show {peer.name}`.",
        )
    peer.key_set, peer.key_log = peer.pending_key_set, peer.pending_key_log or "[]"
    peer.issuer, peer.assurance = issuer or peer.issuer, assurance
    log = json.loads(peer.key_log)
    if log and (url := read_entry(log[-1]).url) != peer.issuer:
        former = [*json.loads(peer.former_issuers), *([peer.issuer] if peer.issuer else [])]
        peer.issuer, peer.former_issuers = url, json.dumps([one for one in former if one != url])
    peer.pending_key_set = peer.pending_key_log = None
    session.add(peer)
    session.flush()
    return peer


def _fingerprints(key_set: str) -> str:
    """Thumbprints, computed: a peer names its keys as it likes."""
    found = sorted(PublicKeySet.from_jwks(json.loads(key_set)).thumbprints())
    more = f" and {len(found) - SHOWN_KEYS} more" if len(found) > SHOWN_KEYS else ""
    return ", ".join(found[:SHOWN_KEYS]) + more
