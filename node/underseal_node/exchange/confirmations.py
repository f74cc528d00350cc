"""The operator's decisions about what has changed at a peer."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.discovery import Found
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.intake import reverify
from underseal_node.exchange.pinned_log import newest_entry
from underseal_node.exchange.receiving import json_limits
from underseal_node.exchange.rejudging import withdraw_trust
from underseal_node.exchange.verification import trust_in
from underseal_node.node import Node
from underseal_node.store import audit, peers, pins
from underseal_node.store.audit import Act
from underseal_node.store.tables import Assurance, Peer
from underseal_node.trust.fingerprints import check_words, pending_fingerprint

__all__ = ["WaitingKeys", "confirm_endpoint", "confirm_keys", "waiting_keys"]


@dataclass(frozen=True)
class WaitingKeys:
    """Keys of a peer that the operator is about to confirm.

    Attributes:
        key_set: a JWKS in canonical form.
        issuer: what the peer calls itself now, if it shows them now.
    """

    key_set: str
    issuer: str | None


def confirm_endpoint(session: Session, peer_id: int) -> Peer:
    """Trust the token endpoint that discovery found instead of the pinned one.

    Raises:
        NotFoundError: no such peer.
        RefusedError: nothing waits to be confirmed.
    """
    pending = pins.peer_row(session, peer_id).pending_token_endpoint
    origin = "" if pending is None else str(origin_of(pending))
    return pins.confirm_endpoint(session, peer_id, origin)


async def waiting_keys(exchange: Exchange, name: str) -> WaitingKeys:
    """What the operator confirms: what waits, if the peer shows it still.

    Args:
        exchange: looks at the peer, if it has an address.
        name: of the peer.

    Raises:
        NotFoundError: no such peer.
        RefusedError: nothing waits, or the peer shows yet other keys now, which wait instead.
    """
    store = exchange.node.store
    peer = await store.read(lambda session: peers.by_name(session, name))
    waits = peer.pending_key_set
    found: Found | None = None
    if waits is not None and peer.base_url is not None:
        found = (await exchange.contact(peer.id or 0)).found
        peer = await store.read(lambda session: peers.by_name(session, name))
    if waits is None or peer.pending_key_set is None:
        raise RefusedError(
            f"no change of the keys of {peer.name} waits to be confirmed"
            + ("" if waits is None else ": it shows the pinned ones again")
        )
    if peer.pending_key_set != waits:
        shown = pending_fingerprint(peer)
        raise RefusedError(
            f"{peer.name} shows yet other keys now than those that waited; none are confirmed",
            hint="Those that wait now have the words: "
            f"{'' if shown is None else shown.words}. Compare them with `underseal peer show "
            f"{peer.name}`, and with the company.",
        )
    # With other keys, it may sign under another name, too.
    issuer = found.issuer if found is not None and found.key_set == waits else None
    return WaitingKeys(waits, issuer)


def confirm_keys(
    session: Session, node: Node, peer_id: int, waiting: WaitingKeys, words: str | None
) -> list[str]:
    """Trust the new keys of a peer, and judge again what came from it.

    What the log that comes with them has revoked, or does not hold any more, counts no more, as if
    the log had been followed; what came under the new keys meanwhile does.

    Args:
        node: this one.
        peer_id: whose.
        waiting: see `waiting_keys`.
        words: of the new keys, as the company has read them out; without them, nobody knows whose
            keys they are.

    Returns:
        sentences for the operator, one for each key that is trusted no more.

    Raises:
        NotFoundError: no such peer.
        RefusedError: these keys do not wait any more, or they have other words.
    """
    waits = pins.peer_row(session, peer_id)
    expected = pending_fingerprint(waits)
    if words is not None and expected is not None and waits.pending_key_set == waiting.key_set:
        check_words(expected, words, f"the keys that wait for {waits.name}")
    assurance = Assurance.FIRST_CONTACT if words is None else Assurance.CONFIRMED
    peer = pins.confirm_keys(session, peer_id, waiting.key_set, waiting.issuer, assurance)
    entry, now = newest_entry(peer), node.now()
    warnings = [] if entry is None else withdraw_trust(session, peer, entry, now)
    reverify(session, peer_id, trust_in(peer), json_limits(node.settings))
    act, typed = Act.KEYS_CONFIRMED, words is not None
    audit.about_peer(session, act, now, peer, issuer=peer.issuer, words=typed)
    return warnings
