"""Following the key log of a peer: from what is pinned to what its owner has signed since.

Whatever way entries come, by a look at the peer or because it tells us, they are accepted only if
they follow from the entry that is pinned for exactly this peer (`underseal_protocol.key_log`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session

from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.intake import reverify
from underseal_node.exchange.pinned_log import pinned_entries, require_log
from underseal_node.exchange.rejudging import withdraw_trust
from underseal_node.exchange.verification import STORED_LIMITS, trust_in
from underseal_node.store import audit, pins
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.audit import Act, Actor
from underseal_node.store.tables import Peer
from underseal_protocol.key_log import KeyLogEntry, advance
from underseal_protocol.keys import KeyPurpose, PublicKeySet

__all__ = ["Followed", "first_log", "follow", "key_set_text"]

log = structlog.get_logger(__name__)

# A recovery may go back behind entries of a thief; what is older still says nothing new.
KEPT_ENTRIES = 20


@dataclass(frozen=True)
class Followed:
    """What came of entries.

    Attributes:
        log: what holds now, oldest first.
        accepted: how many are new.
        warnings: sentences for the operator.
    """

    log: Sequence[KeyLogEntry]
    accepted: int = 0
    warnings: tuple[str, ...] = ()


def key_set_text(keys: PublicKeySet) -> str:
    """A key set in one form, so that equal sets are equal text."""
    members = sorted(keys.to_jwks()["keys"], key=lambda jwk: str(jwk["kid"]))
    return json.dumps({"keys": members}, sort_keys=True, separators=(",", ":"))


def first_log(session: Session, peer: Peer, entry: KeyLogEntry) -> bool:
    """Pin the key log of a peer whose keys were pinned before it had one.

    Args:
        entry: its newest.

    Returns:
        whether it says nothing but what is pinned, and is signed with a pinned key.
    """
    if peer.key_set is None or key_set_text(entry.keys) != peer.key_set:
        return False
    pinned = PublicKeySet.from_jwks(json.loads(peer.key_set))
    identities = {key.kid for key in pinned if key.purpose is KeyPurpose.IDENTITY}
    if entry.signer.kid not in identities or entry.url != peer.issuer:
        return False
    pins.accept_first_log(session, peer, entry.token)
    return True


def follow(session: Session, peer: Peer, entries: Sequence[KeyLogEntry], now: datetime) -> Followed:
    """Take up new entries of the key log of a peer.

    Keys that it has revoked are not trusted from now on, and what they signed is judged again. A
    peer that says that it has moved is called at its new address.

    Args:
        peer: whose log; something of it is pinned.
        entries: see `pinned_log.new_entries`; known ones do no harm.

    Raises:
        RefusedError: nothing is pinned for this peer.
        KeyLogError: they do not follow; nothing is changed.
        AddressError: the new address must not be called.
    """
    require_log(peer)
    known = pinned_entries(peer)
    accepted = advance(known, entries)
    newest = accepted[-1]
    before = {one.digest for one in known}
    new = [one for one in accepted if one.digest not in before]
    if newest.digest == known[-1].digest:
        return Followed(known)
    old_url = peer.issuer or known[-1].url
    origin = str(origin_of(newest.url))
    lost = {key.kid for key in known[-1].keys} - {key.kid for key in newest.keys}
    pins.followed(
        session,
        peer,
        entries=[one.token for one in accepted[-KEPT_ENTRIES:]],
        key_set=key_set_text(newest.keys),
        issuer=newest.url,
        former_issuers=_former_issuers(peer, known, accepted),
    )
    warnings: list[str] = []
    if newest.url != old_url:
        warnings.append(_moved(session, peer, old_url, newest, origin, now))
    if lost or newest.revoked.keys() - known[-1].revoked.keys():
        warnings += withdraw_trust(session, peer, newest, now)
    reverify(session, peer.id or 0, trust_in(peer), STORED_LIMITS)
    log.info("keys of a peer followed", peer=peer.name, entry=newest.number, new=len(new))
    return Followed(accepted, len(new), tuple(warnings))


def _former_issuers(
    peer: Peer, known: Sequence[KeyLogEntry], accepted: Sequence[KeyLogEntry]
) -> list[str]:
    """Where the peer was, as far as that still holds: a recovery takes back what a thief said."""
    held = {one.digest for one in accepted}
    taken_back: set[str] = set()
    if known[0].digest in held:  # otherwise it cannot be told which of them were the thief's
        taken_back = {one.url for one in known if one.digest not in held}
        taken_back -= {one.url for one in accepted}
    urls = [*json.loads(peer.former_issuers), *(one.url for one in [*known, *accepted])]
    not_former = {*taken_back, accepted[-1].url}
    return [url for url in dict.fromkeys(urls) if url not in not_former]


def _moved(
    session: Session, peer: Peer, old: str, newest: KeyLogEntry, origin: str, now: datetime
) -> str:
    """Go on at the new address; the operator hears of it."""
    is_followed = pins.moved(session, peer, old, newest.url, origin)
    message = f"{peer.name} has moved from {old} to {newest.url}, signed with a key that is pinned"
    if not is_followed:
        message += f"; it is still called at {peer.base_url or 'no address'}, as you have set it"
    elif peer.allow_private_network:
        # The permission was for the old address: the peer must not choose where else it leads.
        peer.allow_private_network = False
        session.add(peer)
        act, actor = Act.PRIVATE_NETWORK_SET, Actor.NODE
        audit.about_peer(session, act, now, peer, actor=actor, allowed=False)
        message += "; that its private network may be called is no longer allowed"
    evidence = newest.token.encode()
    raise_alert(session, AlertKind.MOVED, message, now, peer_id=peer.id, evidence=evidence)
    return message
