"""Attestations of received footprints: those in them, and those that the owner serves beside them.

What they are worth is found out anew whenever somebody looks: a verifier may become our peer, or
cease to be one, and an attestation may expire.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from sqlmodel import Session

from underseal_node.errors import PeerError
from underseal_node.exchange.access import Access
from underseal_node.exchange.verification import STORED_LIMITS
from underseal_node.store import audit, pins, received
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.audit import Act, Actor
from underseal_node.store.exchange_tables import ReceivedFootprint, VerificationState
from underseal_node.store.tables import Peer
from underseal_node.trust.attesting import AttestationState, Judged, judge
from underseal_protocol.attestation import attestations_of
from underseal_protocol.credential import reopen
from underseal_protocol.errors import ProtocolError
from underseal_protocol.strict_json import loads

if TYPE_CHECKING:
    from underseal_node.exchange.exchange import Exchange  # which needs this to follow a peer

__all__ = [
    "ask",
    "ask_if_possible",
    "check_attestations",
    "judged_of",
    "known_of",
]

log = structlog.get_logger(__name__)

MAX_BESIDE = 16  # attestations that are kept of one footprint


def judged_of(session: Session, row: ReceivedFootprint, now: datetime) -> list[Judged]:
    """What the attestations of a received footprint are worth at this moment.

    Args:
        row: the footprint; of one that is not verified, nothing is attested.
        now: aware.
    """
    if row.credential_digest is None or row.verification != VerificationState.VERIFIED:
        return []
    if not row.is_attested:
        return []
    try:
        document = loads(row.body, limits=STORED_LIMITS)
        # Not with the keys of today: it stays verified when the key that signed it is rotated, and
        # when it is revoked as of a later time.
        proven = reopen(document, digest=row.credential_digest)
        carried = attestations_of(document)
    except ProtocolError as error:
        return [_unusable(error.message)]
    beside = json.loads(row.attestations or "[]")
    return [
        judge(session, document, proven, token, now, is_carried=is_carried)
        for tokens, is_carried in ((carried, True), (beside, False))
        for token in tokens
    ]


def check_attestations(
    session: Session, row: ReceivedFootprint, peer: Peer, now: datetime
) -> str | None:
    """Raise an alert for each attestation that does not verify. Returns the last new message."""
    alert = None
    for one in judged_of(session, row, now):
        if one.state == AttestationState.INVALID:
            message = (
                f"{peer.name} sent footprint {row.footprint_id} with an attestation that does not "
                f"verify: {one.reason}"
            )
            is_new = raise_alert(
                session,
                AlertKind.ATTESTATION,
                message,
                now,
                peer_id=peer.id,
                footprint_id=row.footprint_id,
                evidence=None if one.claims is None else one.claims.token.encode(),
            )
            alert = message if is_new else alert
    return alert


async def known_of(exchange: Exchange, access: Access, footprint_ids: Collection[str]) -> list[str]:
    """Those of these footprints that were received before, from a peer that may attest beside."""
    if not access.is_underseal or not footprint_ids:
        return []
    known = await exchange.node.store.read(
        lambda session: received.statuses(session, access.peer_id, footprint_ids)
    )
    return sorted(known)


async def ask(exchange: Exchange, access: Access, footprint_ids: Sequence[str]) -> None:
    """Ask a peer for what verifiers attest beside footprints that we hold, and keep it.

    Args:
        access: of the peer they came from.
        footprint_ids: that were received before: what is new says itself what is attested.

    Raises:
        PeerError: it cannot be reached or refuses; what came before that is kept.
    """
    for footprint_id in footprint_ids:
        tokens = await exchange.client.attestations(access, footprint_id)

        def work(
            session: Session, footprint_id: str = footprint_id, tokens: Sequence[str] = tokens
        ) -> None:
            _keep(session, access.peer_id, footprint_id, tokens, exchange.node.now())

        if tokens:
            await exchange.node.store.write(work)


async def ask_if_possible(exchange: Exchange, access: Access, ids: Sequence[str]) -> None:
    """As `ask`; a peer that refuses is only noted in the log."""
    try:
        await ask(exchange, access, ids)
    except PeerError as error:
        log.warning("no attestations", peer=access.name, reason=error.message)


def _keep(
    session: Session, peer_id: int, footprint_id: str, tokens: Sequence[str], now: datetime
) -> None:
    row = received.find(session, peer_id, footprint_id)
    if row is None or row.verification != VerificationState.VERIFIED:
        return
    before = json.loads(row.attestations or "[]")
    kept = list(dict.fromkeys([*before, *tokens]))[:MAX_BESIDE]
    if kept == before:
        return
    row.attestations, row.is_attested, row.changed_at = json.dumps(kept), True, now
    received.save(session, row)
    audit.record(
        session,
        Act.ATTESTATIONS_RECEIVED,
        now,
        actor=Actor.NODE,
        peer_id=peer_id,
        footprint_ids=[footprint_id],
    )
    check_attestations(session, row, pins.peer_row(session, peer_id), now)


def _unusable(reason: str) -> Judged:
    return Judged(AttestationState.INVALID, None, None, reason, is_carried=True)
