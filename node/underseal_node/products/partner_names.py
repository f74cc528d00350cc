"""Who is meant by the name of a supplier, in a bill of materials or a table of spend."""

from __future__ import annotations

from collections.abc import Mapping

from sqlmodel import Session

from underseal_node.products.trends import Sent, company_names, sent_by
from underseal_node.store import held, peers
from underseal_node.store.held import Held
from underseal_node.store.tables import Peer, PeerState
from underseal_protocol.criteria import fold

__all__ = ["Names", "names_of", "partners_of", "sent_of"]

STATES = (PeerState.ACTIVE, PeerState.SUSPENDED)


class Names:
    """By which names partners may be called.

    How the operator calls them goes before how they call themselves.

    Args:
        partners: by their keys.
        sent: what each of them has sent.
    """

    def __init__(self, partners: Mapping[int, Peer], sent: Mapping[int, Sent]) -> None:
        self._partners = partners
        found: dict[str, int | None] = {}
        for key, peer in partners.items():
            names = {fold(one) for one in company_names(sent[key].current)}
            names |= {fold(peer.company_name)} if peer.company_name else set()
            for name in names:
                found[name] = key if found.get(name, key) == key else None
        self._keys = found | {fold(peer.name): key for key, peer in partners.items()}

    def peer_of(self, name: str) -> Peer | None:
        """The partner that is called so; None if it is nobody, or may be several."""
        key = self._keys.get(fold(name.strip()))
        return None if key is None else self._partners[key]


def partners_of(session: Session) -> dict[int, Peer]:
    """Everybody that something may be bought from, by key."""
    return {one.id or 0: one for one in peers.listing(session) if one.state in STATES}


def sent_of(session: Session, partners: Mapping[int, Peer]) -> dict[int, Sent]:
    """What each partner has sent, by its key."""
    rows: dict[int, list[Held]] = {key: [] for key in partners}
    for row in held.all_held(session):
        if row.peer_id in rows:
            rows[row.peer_id].append(row)
    return {key: sent_by(peer, rows[key]) for key, peer in partners.items()}


def names_of(session: Session) -> Names:
    """The names of all partners."""
    partners = partners_of(session)
    return Names(partners, sent_of(session, partners))
