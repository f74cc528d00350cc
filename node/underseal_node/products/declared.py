"""What peers are declared to be and to know, for the release gate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlmodel import Session

from underseal_node.errors import NotFoundError
from underseal_node.store import peers, products, releases
from underseal_node.store.product_tables import DeclarationRow
from underseal_node.store.tables import Peer, PeerState
from underseal_protocol.criteria import fold
from underseal_protocol.release.exposure import Exposure
from underseal_protocol.release.knowledge import Knowledge, joined
from underseal_protocol.release.knowledge import Peer as DeclaredPeer

__all__ = ["Declared", "declare", "read_declared", "with_groups"]


@dataclass(frozen=True, slots=True)
class Declared:
    """Everybody, as the gate knows them.

    Attributes:
        peers: by key.
        supplier_groups: the legal group of each as a supplier, by its key as text, as exposures
            name suppliers.
        known_of: keys of those of whom something is declared, and that may be granted something.
    """

    peers: Mapping[int, DeclaredPeer]
    supplier_groups: Mapping[str, str]
    known_of: frozenset[int]


def read_declared(session: Session) -> Declared:
    """What is declared of everybody now."""
    rows = {row.peer_id: row for row, _ in releases.declarations(session)}
    listed = {peer.id or 0: peer for peer in peers.listing(session)}
    known = {key: Knowledge.from_json(json.loads(row.knowledge)) for key, row in rows.items()}
    declared = _declared_peers(rows, known, listed)
    known_of = frozenset(
        key
        for key, row in rows.items()
        # A declaration that was cleared is none.
        if (row.legal_group is not None or known[key] != Knowledge())
        and listed[key].state != PeerState.REVOKED
    )
    return Declared(declared, _supplier_groups(listed, declared), known_of)


def _declared_peers(
    rows: Mapping[int, DeclarationRow],
    known: Mapping[int, Knowledge],
    listed: Mapping[int, Peer],
) -> dict[int, DeclaredPeer]:
    """Peers at one address are one, also if one of them was removed: its name and what is declared
    of it are those of all. Those that are declared to be of one group are one legal group."""
    groups = _declared_groups(rows)
    at_one_address = _joined({key: _address(peer) for key, peer in listed.items()})
    legal = _joined({key: {*_address(peer), *groups.get(key, ())} for key, peer in listed.items()})
    found = {}
    for key, same in at_one_address.items():
        name = min((listed[one].removed_at is not None, listed[one].name) for one in same)[1]
        group = min((group for one in legal[key] for group in groups.get(one, ())), default=None)
        together = joined(known[one] for one in same if one in known)
        found[key] = DeclaredPeer(name, group, together)
    return found


def _supplier_groups(
    listed: Mapping[int, Peer], declared: Mapping[int, DeclaredPeer]
) -> dict[str, str]:
    """Suppliers with an id of a company in common count as one: a second name must not make a
    second contributor. A customer is not taken for a supplier because it says so: what a supplier
    knows of its own part nobody gets by naming its id."""
    traits = {
        key: {
            f"group:{declared[key].legal_group}",
            *(f"id:{fold(one)}" for one in json.loads(peer.company_ids)),
        }
        for key, peer in listed.items()
    }
    return {
        str(key): " = ".join(sorted({declared[one].legal_group for one in same}))
        for key, same in _joined(traits).items()
    }


def _declared_groups(rows: Mapping[int, DeclarationRow]) -> dict[int, set[str]]:
    """However it is written, it is one group."""
    return {
        key: {fold(row.legal_group.strip())}
        for key, row in rows.items()
        if row.legal_group is not None
    }


def _address(peer: Peer) -> set[str]:
    return set() if peer.base_url is None else {f"at:{peers.address_key(peer.base_url)}"}


def _joined(traits: Mapping[int, set[str]]) -> dict[int, tuple[int, ...]]:
    """Keys with all that have a trait in common with them, directly or by others."""
    by_trait: dict[str, int] = {}
    parent = {key: key for key in traits}

    def root(key: int) -> int:
        while parent[key] != key:
            parent[key] = key = parent[parent[key]]
        return key

    for key, own in traits.items():
        for trait in own:
            parent[root(key)] = root(by_trait.setdefault(trait, key))
    parts: dict[int, list[int]] = {}
    for key in traits:
        parts.setdefault(root(key), []).append(key)
    return {key: tuple(members) for members in parts.values() for key in members}


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
