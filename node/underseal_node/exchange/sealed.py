"""Sealed sums of received footprints: fetched, verified, and kept with what they show us.

A peer lists those that it has granted us. What is new is fetched after a pull, and when it tells of
a footprint. A sealed sum that does not hold is an alert; a peer that does not answer is a warning.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

import structlog
from sqlmodel import Session

from underseal_node.errors import NodeError, PeerError, RefusedError
from underseal_node.exchange.access import Access
from underseal_node.exchange.errors import AnswerError, ProtocolViolationError
from underseal_node.exchange.peer_client import refusal
from underseal_node.sealing.judging import Reader, judge, reader_of
from underseal_node.store import audit, pins, received, received_seals
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.audit import Act, Actor, Outcome
from underseal_node.store.seal_tables import ReceivedSeal, SealState
from underseal_protocol.errors import JsonError, ProtocolError
from underseal_protocol.seal.sealed_sum import (
    MAX_SEALED_SUM_BYTES,
    SEALED_SUM_PATH,
    read_sealed_sum,
)
from underseal_protocol.seal.verdict import SealVerdict
from underseal_protocol.strict_json import JsonLimits, loads
from underseal_protocol.uuids import is_uuid

if TYPE_CHECKING:
    from underseal_node.exchange.exchange import Exchange

__all__ = ["fetch_sealed_sum", "take_up_sealed_sums"]

log = structlog.get_logger(__name__)

MAX_LISTED = 10_000
MAX_PAGES = 100
MAX_DIGEST_CHARACTERS = 64
LIMITS = JsonLimits(max_bytes=4 * 1024, max_depth=3)  # of one item


async def take_up_sealed_sums(exchange: Exchange, access: Access) -> list[str]:
    """Fetch and verify what a peer has granted us and we do not hold.

    Args:
        exchange: of this process, in the role `manage`.
        access: of the peer; of one that is no Underseal node, nothing is asked.

    Returns:
        sentences for the operator, about those that do not hold.
    """
    if not access.is_underseal:
        return []
    try:
        listed = await _listed(exchange, access)
        wanted = await exchange.node.store.read(
            lambda session: received_seals.wanted(session, access.peer_id, listed)
        )
        alerts = [await fetch_sealed_sum(exchange, access, one, listed[one]) for one in wanted]
    except AnswerError as error:
        # A node from before there were sealed sums does not have the path.
        level = log.info if error.status == 404 else log.warning
        level("no sealed sums", peer=access.name, reason=error.message)
        return []
    except (PeerError, ProtocolError) as error:
        log.warning("no sealed sums", peer=access.name, reason=error.message)
        return []
    return [one for one in alerts if one is not None]


async def fetch_sealed_sum(
    exchange: Exchange, access: Access, footprint_id: str, listed: str = ""
) -> str | None:
    """Fetch the sealed sum of a footprint that was received, and keep what it shows us.

    Args:
        exchange: of this process.
        access: of the peer that the footprint is from.
        footprint_id: in lower case.
        listed: its digest, as the peer lists it.

    Returns:
        why it does not hold, for the operator; None if it does, or there is none for us.

    Raises:
        PeerError: the peer cannot be reached, or refuses.
    """
    url = f"{access.base_url}{SEALED_SUM_PATH}/{quote(footprint_id, safe='')}"
    answer = await exchange.client.get_answer(access, url, max_bytes=MAX_SEALED_SUM_BYTES)
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise refusal(answer, access, f"the sealed sum of footprint {footprint_id}")
    return await _keep(exchange, access, footprint_id, listed, answer.body)


async def _keep(
    exchange: Exchange, access: Access, footprint_id: str, listed: str, body: bytes
) -> str | None:
    verdict: SealVerdict | None = None
    reason = None
    try:
        verdict = await _judged(exchange, access, footprint_id, body)
    except (ProtocolError, NodeError) as error:
        reason = error.message
    now = exchange.node.now()

    def work(session: Session) -> str | None:
        peer = pins.peer_row(session, access.peer_id)
        received_seals.keep(
            session,
            ReceivedSeal(
                peer_id=access.peer_id,
                footprint_id=footprint_id,
                digest=listed or ("" if verdict is None else verdict.digest),
                body=body.decode("utf-8", "replace"),
                state=SealState.INVALID if verdict is None else SealState.VERIFIED,
                reason=reason,
                verdict=None if verdict is None else json.dumps(verdict.to_json()),
                received_at=now,
                judged_at=now,
            ),
        )
        _record(session, access, footprint_id, verdict, exchange)
        if reason is None:
            return None
        message = f"{peer.name} shows a sealed sum of {footprint_id} that does not hold: {reason}"
        raise_alert(
            session,
            AlertKind.SEALED_SUM,
            message,
            now,
            peer_id=access.peer_id,
            footprint_id=footprint_id,
            evidence=body,
        )
        return message

    return await exchange.node.store.write(work)


async def _judged(
    exchange: Exchange, access: Access, footprint_id: str, body: bytes
) -> SealVerdict:
    """What a sealed sum shows us.

    Raises:
        ProtocolError, NodeError: it does not hold.
    """

    def read(session: Session) -> Reader:
        row = received.find(session, access.peer_id, footprint_id)
        if row is None:
            raise RefusedError(f"no footprint {footprint_id} was received")
        return reader_of(session, exchange.node, row)

    found = read_sealed_sum(body)
    reader = await exchange.node.store.read(read)
    return await asyncio.to_thread(judge, exchange.node, reader, found)


def _record(
    session: Session,
    access: Access,
    footprint_id: str,
    verdict: SealVerdict | None,
    exchange: Exchange,
) -> None:
    audit.record(
        session,
        Act.SEALED_SUM_RECEIVED,
        exchange.node.now(),
        actor=Actor.NODE,
        peer_id=access.peer_id,
        footprint_ids=[footprint_id],
        outcome=Outcome.FAILED if verdict is None else Outcome.DONE,
        detail={} if verdict is None else {"digest": verdict.digest, "grade": str(verdict.grade)},
    )


async def _listed(exchange: Exchange, access: Access) -> Mapping[str, str]:
    """What a peer lists: digests by footprint.

    Raises:
        PeerError: it cannot be reached, refuses, or lists too much.
        ProtocolError: an item is no JSON.
    """
    found: dict[str, str] = {}
    url: str | None = f"{access.base_url}{SEALED_SUM_PATH}"
    for _ in range(MAX_PAGES):
        if url is None:
            return found
        page = await exchange.client.page(access, url, what="the list of sealed sums")
        if len(found) + len(page.items) > MAX_LISTED:
            raise ProtocolViolationError(f"{access.name} lists more than {MAX_LISTED} sealed sums")
        found.update(_item(one, access) for one in page.items)
        url = page.next_url
    raise ProtocolViolationError(f"{access.name} has more than {MAX_PAGES} pages of sealed sums")


def _item(raw: bytes, access: Access) -> tuple[str, str]:
    try:
        item = loads(raw, limits=LIMITS)
    except JsonError as error:
        raise ProtocolViolationError(
            f"{access.name} lists something else than sealed sums: {error.message}"
        ) from error
    footprint_id = item.get("footprintId") if isinstance(item, Mapping) else None
    digest = item.get("digest") if isinstance(item, Mapping) else None
    is_digest = isinstance(digest, str) and 0 < len(digest) <= MAX_DIGEST_CHARACTERS
    if not isinstance(footprint_id, str) or not is_uuid(footprint_id) or not is_digest:
        raise ProtocolViolationError(f"{access.name} lists something else than sealed sums")
    return footprint_id.lower(), str(digest)
