"""Judging again what a peer has signed with keys that it has revoked.

The date in a signature is what its signer says, and a thief writes any date. What counts is when we
received it, by our own clock: what was here before the key came into other hands stays verified.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from sqlmodel import Session

from underseal_node.exchange.rejudged_rosters import withdraw_rosters
from underseal_node.exchange.rejudged_seals import withdraw_seals
from underseal_node.exchange.verification import STORED_LIMITS
from underseal_node.store import received
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.exchange_tables import ReceivedFootprint, VerificationState
from underseal_node.store.tables import Peer
from underseal_protocol.credential import credential_of
from underseal_protocol.errors import ProtocolError
from underseal_protocol.jws import named_key
from underseal_protocol.key_log import KeyLogEntry
from underseal_protocol.strict_json import loads
from underseal_protocol.times import format_time

__all__ = ["withdraw_trust"]


def withdraw_trust(session: Session, peer: Peer, entry: KeyLogEntry, now: datetime) -> list[str]:
    """Take trust from what was signed with keys that are no longer the peer's.

    Args:
        peer: whose.
        entry: the newest of its key log.
        now: aware.

    Returns:
        sentences for the operator, one for each key with which something was signed, and one for
        each with which sealed sums were; and one for each roster that is not trusted any more.
    """
    pinned = {key.kid for key in entry.keys}
    invalid: Counter[str] = Counter()
    kept: Counter[str] = Counter()
    for row in received.verified(session, peer.id or 0):
        if row.kid is None:
            row.kid = _kid_of(row.body)
        if row.kid is not None and row.kid not in pinned:
            if _was_before(row.received_at, row.kid, entry):
                kept[row.kid] += 1
            else:
                _invalidate(row, row.kid, entry, now)
                invalid[row.kid] += 1
        _check_statement(row, pinned, entry)
        session.add(row)
    session.flush()
    told = [_tell(session, peer, kid, entry, kept, invalid, now) for kid in sorted(kept | invalid)]
    told += withdraw_seals(session, peer, entry, now)
    return [*told, *withdraw_rosters(session, peer, entry, now)]


def _was_before(instant: datetime, kid: str, entry: KeyLogEntry) -> bool:
    """Whether something was here before the key may have been in other hands."""
    since = entry.revoked.get(kid)
    return since is not None and instant < since


def _invalidate(row: ReceivedFootprint, kid: str, entry: KeyLogEntry, now: datetime) -> None:
    row.verification = VerificationState.INVALID
    row.reason = f"it is signed with the key {kid}, {_what_of(kid, entry)}"
    row.credential_digest = None
    row.changed_at = now


def _check_statement(row: ReceivedFootprint, pinned: set[str], entry: KeyLogEntry) -> None:
    """A statement of deprecation counts no more, unless nothing has changed here since before."""
    if row.status_statement is None:
        return
    kid = named_key(row.status_statement)
    if kid is not None and kid not in pinned and not _was_before(row.changed_at, kid, entry):
        row.status_statement = None


def _what_of(kid: str, entry: KeyLogEntry) -> str:
    since = entry.revoked.get(kid)
    if since is None:
        return "which its owner has never confirmed"
    return (
        "which its owner has revoked: it may have been in other hands since "
        f"{format_time(since)}, and this was received later"
    )


def _tell(
    session: Session,
    peer: Peer,
    kid: str,
    entry: KeyLogEntry,
    kept: Counter[str],
    invalid: Counter[str],
    now: datetime,
) -> str:
    since = entry.revoked.get(kid)
    when = "" if since is None else f" as of {format_time(since)}"
    message = (
        f"{peer.name} has taken back the key {kid}{when}: of what it signed, {invalid[kid]} "
        f"footprints are invalid now, and {kept[kid]} stay verified, because they were here before"
    )
    evidence = entry.token.encode()
    raise_alert(session, AlertKind.KEYS_REVOKED, message, now, peer_id=peer.id, evidence=evidence)
    return message


def _kid_of(body: bytes) -> str | None:
    """The key that signed a footprint that was verified once."""
    try:
        document = loads(body, limits=STORED_LIMITS)
        credential = credential_of(document) if isinstance(document, dict) else None
    except ProtocolError:
        return None
    return None if credential is None else named_key(credential.partition("~")[0])
