"""Letting peers see sealed sums: one grant for each footprint and peer, implied by no other."""

from __future__ import annotations

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.exchange.requests import give_up_after
from underseal_node.node import Node
from underseal_node.store import deliveries, footprints, grants, outbox, seals
from underseal_node.store.grants import Date
from underseal_node.store.tables import AccessGrant, KeyKind, Peer
from underseal_protocol.disclosure import Level

__all__ = ["grant_seal"]


def grant_seal(
    session: Session,
    node: Node,
    peer: Peer,
    footprint_id: str,
    *,
    starts: Date,
    ends: Date,
    terms: str | None = None,
    purpose: str | None = None,
) -> tuple[AccessGrant, str | None]:
    """Let a peer see the sealed sum of a footprint, and tell it.

    Args:
        session: writes.
        node: whose footprint it is.
        peer: who; active.
        footprint_id: of an own footprint.
        starts, ends, terms, purpose: as of any grant.

    Returns:
        the grant, and a warning.

    Raises:
        NotFoundError: there is no such own footprint.
        RefusedError: it is not sealed, or is granted already for longer.
    """
    row, now = footprints.row(session, footprint_id), node.now()
    if seals.find(session, row.id) is None:
        raise RefusedError(
            f"the footprint {row.id} has no sealed sum",
            hint=f"`underseal product seal {row.id}` makes one.",
        )
    peer_id = peer.id or 0
    made = grants.add(
        session,
        peer_id,
        KeyKind.SEALED,
        row.id,
        Level.TOTAL,
        now,
        starts=starts,
        ends=ends,
        terms=terms,
        purpose=purpose,
    )
    is_limited = any(one not in (None, grants.AS_IT_WAS) for one in (starts, ends))
    if is_limited and made.dates == (None, None):
        raise RefusedError(
            f"{peer.name} sees this already, without limits in time (grant {made.id})",
            hint=f"To limit it, run `underseal grant remove {made.id}` first.",
        )
    if not deliveries.visible(session, peer_id, [row.id], now):
        return made, f"{peer.name} does not see the footprint itself, so it does not see this"
    outbox.enqueue_published(
        session,
        {peer_id: [row.id]},
        now,
        node_url=node.identity.url,
        give_up_after=give_up_after(node.settings),
    )
    return made, None
