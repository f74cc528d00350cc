"""Rosters that are trusted because of a signature with a key that a peer has revoked."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from underseal_node.exchange.verification import trust_in
from underseal_node.store import audit, rosters
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.audit import Act, Actor
from underseal_node.store.claims import claimants
from underseal_node.store.roster_tables import TrustedRoster
from underseal_node.store.tables import Peer
from underseal_protocol.jws import named_key
from underseal_protocol.key_log import KeyLogEntry

__all__ = ["withdraw_rosters"]


def withdraw_rosters(session: Session, peer: Peer, entry: KeyLogEntry, now: datetime) -> list[str]:
    """Trust the rosters of a peer no more that a key has shown which the peer has revoked.

    As for footprints, what was here before the key may have been in other hands stays.

    Args:
        peer: whose keys; it keeps the rosters.
        entry: the newest of its key log.
        now: aware.

    Returns:
        sentences for the operator, one for each roster.
    """
    urls = trust_in(peer).issuers or ()
    told = []
    for row in rosters.trusted(session):
        kid = named_key(row.statement)
        since = None if kid is None or row.issuer not in urls else entry.revoked.get(kid)
        if kid is None or since is None or row.trusted_at < since:
            continue
        if not _is_key_of_another(session, peer, row, kid):
            told.append(_withdrawn(session, peer, row, kid, now))
    return told


def _is_key_of_another(session: Session, peer: Peer, row: TrustedRoster, kid: str) -> bool:
    """Whether a key is that of another partner at the address: it is not for this one to revoke."""
    others = (one for one in claimants(session, row.issuer) if one.id != peer.id)
    return any(kid in {key.kid for key in trust_in(one).keys or ()} for one in others)


def _withdrawn(session: Session, peer: Peer, row: TrustedRoster, kid: str, now: datetime) -> str:
    message = (
        f"{peer.name} has taken back the key {kid}, which has signed the roster {row.name}: the "
        "roster is not trusted any more. If its key is the right one, trust it again with a newer "
        "file"
    )
    evidence = row.statement.encode()
    raise_alert(session, AlertKind.KEYS_REVOKED, message, now, peer_id=peer.id, evidence=evidence)
    detail = {"roster": row.name, "issuer": row.issuer}
    audit.record(
        session, Act.ROSTER_DISTRUSTED, now, actor=Actor.NODE, peer_id=peer.id, detail=detail
    )
    rosters.forget_trusted(session, row)
    return message
