"""What peers are declared to be and to know, for the release gate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from sqlmodel import Session

from underseal_node.errors import NotFoundError
from underseal_node.store import peers, products, releases
from underseal_node.store.product_tables import DeclarationRow
from underseal_node.store.tables import Peer
from underseal_protocol.criteria import fold
from underseal_protocol.release.exposure import Exposure
from underseal_protocol.release.knowledge import NOTHING, Knowledge
from underseal_protocol.release.knowledge import Peer as DeclaredPeer

__all__ = ["declare", "declared_peers", "with_groups"]


def declared_peers(session: Session) -> dict[int, DeclaredPeer]:
    """Every peer as the gate knows it, by its key."""
    rows = {row.peer_id: row for row, _ in releases.declarations(session)}
    found = {}
    for peer in peers.listing(session):
        row = rows.get(peer.id or 0)
        knowledge = NOTHING if row is None else Knowledge.from_json(json.loads(row.knowledge))
        # However it is written, it is one group.
        group = None if row is None or row.legal_group is None else fold(row.legal_group.strip())
        found[peer.id or 0] = DeclaredPeer(peer.name, group, knowledge)
    return found


def declare(session: Session, peer: Peer, group: str | None, knowledge: Knowledge) -> None:
    """Keep what a peer is declared to be and to know.

    Args:
        group: the legal group that it belongs to.
        knowledge: all that it is declared to know.

    Raises:
        NotFoundError: a footprint that it is declared to know was not received.
    """
    named = knowledge.components | knowledge.quantities | knowledge.priors.keys()
    known = products.received(session, knowledge.footprints | named)
    factors = products.factors(session, named)
    urns = {urn for urn, _, _ in products.of_products(session, map(fold, named))}
    nobody = sorted(
        one for one in named if one not in known and one not in factors and fold(one) not in urns
    )
    if nobody:
        raise NotFoundError(
            f"{nobody[0]} is no received footprint, no factor and no product of a supplier",
            hint="`underseal received list` and `underseal factor list` list them.",
        )
    missing = sorted(knowledge.footprints - known.keys())
    if missing:
        raise NotFoundError(
            f"there is no received footprint {missing[0]}",
            hint="`underseal received list` lists them.",
        )
    releases.declare(
        session,
        DeclarationRow(
            peer_id=peer.id or 0, legal_group=group, knowledge=json.dumps(knowledge.to_json())
        ),
    )


def with_groups(exposure: Exposure, groups: Mapping[str, str]) -> Exposure:
    """An exposure with the legal groups of its suppliers instead of their keys.

    Args:
        exposure: as it is stored.
        groups: of peers as they are declared now, by their keys as text.
    """
    sources = {
        name: one
        if one.supplier is None
        else replace(one, supplier=groups.get(one.supplier, one.supplier))
        for name, one in exposure.sources.items()
    }
    return replace(exposure, sources=sources)
