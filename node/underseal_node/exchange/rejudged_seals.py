"""Sealed sums that rest on keys that a peer has revoked: as a supplier, or as their publisher."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session

from underseal_node.store import received_seals
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.seal_tables import ReceivedSeal, SealState
from underseal_node.store.tables import Peer
from underseal_protocol.errors import ProtocolError
from underseal_protocol.jws import named_key
from underseal_protocol.key_log import KeyLogEntry
from underseal_protocol.seal.sealed_sum import read_sealed_sum
from underseal_protocol.times import format_time

__all__ = ["withdraw_seals"]


def withdraw_seals(session: Session, peer: Peer, entry: KeyLogEntry, now: datetime) -> list[str]:
    """Take trust from sealed sums with signatures of keys that a peer has revoked.

    As for footprints, what was here before a key may have been in other hands stays. The others are
    fetched and judged again by the next pull.

    Args:
        peer: whose keys; a supplier that has endorsed, or the publisher.
        entry: the newest of its key log.
        now: aware.

    Returns:
        sentences for the operator, one for each key.
    """
    lost: Counter[str] = Counter()
    for row in received_seals.verified_rows(session):
        for part, kid in _signers(row, peer):
            since = entry.revoked.get(kid)
            if since is None or row.received_at < since:
                continue
            row.state, row.verdict, row.judged_at = SealState.INVALID, None, now
            row.reason = (
                f"{part}: {peer.issuer} has revoked the key {kid}, which may have been in other "
                f"hands since {format_time(since)}"
            )
            row.digest = ""  # so that it is asked for anew
            session.add(row)
            lost[kid] += 1
            break
    session.flush()
    return [_tell(session, peer, kid, lost[kid], entry, now) for kid in sorted(lost)]


def _signers(row: ReceivedSeal, peer: Peer) -> Iterator[tuple[str, str]]:
    """The parts of a sealed sum that a peer has signed, and with which keys."""
    if row.peer_id == peer.id:
        kid = _kid_of_statement(row)
        if kid is not None:
            yield "binding", kid
    urls = {peer.issuer, *json.loads(peer.former_issuers)}
    for number, one in enumerate(json.loads(row.verdict or "{}").get("endorsers", ()), 1):
        if one["supplier"] in urls:
            yield f"endorsement {number}", one["kid"]


def _kid_of_statement(row: ReceivedSeal) -> str | None:
    try:
        statement = read_sealed_sum(row.body.encode()).statement
    except ProtocolError:
        return None
    return None if statement is None else named_key(statement.strip())


def _tell(
    session: Session, peer: Peer, kid: str, count: int, entry: KeyLogEntry, now: datetime
) -> str:
    message = (
        f"{peer.name} has taken back the key {kid}: of the sealed sums with signatures of it, "
        f"{count} are invalid now"
    )
    evidence = entry.token.encode()
    raise_alert(session, AlertKind.KEYS_REVOKED, message, now, peer_id=peer.id, evidence=evidence)
    return message
