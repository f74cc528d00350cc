"""Taking up what a peer has sent: classify, fetch statements of deprecation, store.

In portions, each in a transaction of its own: as long as one writes, nobody else does, neither the
outbox nor the processes that take events of peers. While one is written, the next one is judged.
Storing again what is known does no harm, so a stop between two portions loses nothing.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlmodel import Session

from underseal_node.errors import PeerError
from underseal_node.exchange.access import Access
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.intake import Taken, take_all
from underseal_node.exchange.progress import PullProgress
from underseal_node.exchange.verification import (
    Classified,
    Trust,
    UnusableItemError,
    classify,
    trust_in,
)
from underseal_node.settings import Settings
from underseal_node.store import audit, pins, received
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.audit import Act, Actor
from underseal_node.store.batches import batches
from underseal_node.store.exchange_tables import VerificationState
from underseal_protocol.criteria import DEPRECATED
from underseal_protocol.jws import named_key
from underseal_protocol.strict_json import JsonLimits

__all__ = [
    "classify_all",
    "json_limits",
    "judge",
    "receive_items",
    "record_received",
    "report_broken",
]

log = structlog.get_logger(__name__)

ITEMS_PER_TRANSACTION = 100
STATEMENTS_AT_A_TIME = 4
MAX_ALERTS_PER_PORTION = 10


@dataclass(frozen=True)
class _Judged:
    """What was worked out about a portion before its transaction.

    Attributes:
        trust: in the peer, as of then.
        items: classified.
        broken: why others cannot be kept.
        statements: of deprecation, as received, by footprint id.
    """

    trust: Trust
    items: list[Classified]
    broken: list[str]
    statements: dict[str, str]


async def receive_items(
    exchange: Exchange,
    access: Access,
    items: Sequence[bytes],
    progress: PullProgress,
    then: Callable[[Session], None] | None = None,
) -> None:
    """Classify and store footprints as received.

    Args:
        access: of the peer the items came from.
        items: raw bytes of footprints.
        progress: counts them.
        then: more to write in the transaction of the last ones.
    """
    # The last portion may be empty: `then` is written all the same.
    portions = list(batches(items, ITEMS_PER_TRANSACTION)) or [[]]
    judging = asyncio.create_task(_judged(exchange, access, portions[0]))
    try:
        for number, portion in enumerate(portions, 1):
            judged, is_last = await judging, number == len(portions)
            if not is_last:  # judge the next one while this one is written
                judging = asyncio.create_task(_judged(exchange, access, portions[number]))
            await _receive(exchange, access, portion, judged, progress, then if is_last else None)
    finally:
        judging.cancel()
        await asyncio.gather(judging, return_exceptions=True)


def json_limits(settings: Settings) -> JsonLimits:
    """What peers may send as one JSON text."""
    return JsonLimits(max_bytes=settings.max_response_bytes, max_depth=settings.max_json_depth)


def classify_all(
    items: Sequence[bytes], trust: Trust, limits: JsonLimits
) -> tuple[list[Classified], list[str]]:
    """What can be kept, and why the rest cannot."""
    classified: list[Classified] = []
    broken: list[str] = []
    for item in items:
        try:
            classified.append(classify(item, trust, limits))
        except UnusableItemError as error:
            broken.append(error.message)
    return classified, broken


async def judge(
    exchange: Exchange, peer_id: int, items: Sequence[bytes]
) -> tuple[Trust, list[Classified], list[str]]:
    """Classify what a peer has sent. If it names a key that is not known, look at the peer first:
    it may have changed its keys a moment ago."""
    limits = json_limits(exchange.node.settings)
    for is_last in (False, True):
        trust = await exchange.node.store.read(
            lambda session: trust_in(pins.peer_row(session, peer_id))
        )
        classified, broken = await asyncio.to_thread(classify_all, items, trust, limits)
        if is_last or not any(trust.is_unknown(item.kid) for item in classified):
            break
        await exchange.look_for_keys(peer_id)
    return trust, classified, broken


def report_broken(
    session: Session, peer_id: int, what: str, broken: Iterable[str], now: datetime
) -> None:
    """Alerts about what cannot be kept; a page may hold any number of such items."""
    for message in list(dict.fromkeys(broken))[:MAX_ALERTS_PER_PORTION]:
        raise_alert(session, AlertKind.INVALID, f"{what}: {message}", now, peer_id=peer_id)


def record_received(
    session: Session, peer_id: int, taken: Sequence[Taken], broken: int, now: datetime
) -> None:
    """Put into the audit log what came from a peer, and what became of it.

    Args:
        broken: how many more items came that cannot be kept.
    """
    if not taken and not broken:
        return
    counts = Counter(one.outcome for one in taken)
    audit.record(
        session,
        Act.FOOTPRINTS_RECEIVED,
        now,
        actor=Actor.NODE,
        peer_id=peer_id,
        footprint_ids=[one.footprint_id for one in taken],
        detail={
            "verified": sum(one.state == VerificationState.VERIFIED for one in taken),
            "broken": broken or None,
            **{outcome.value: counts[outcome] for outcome in sorted(counts)},
        },
    )


async def _judged(exchange: Exchange, access: Access, items: Sequence[bytes]) -> _Judged:
    """All that is known of a portion before it is written."""
    trust, classified, broken = await judge(exchange, access.peer_id, items)
    statements = await _statements(exchange, access, classified)
    if any(trust.is_unknown(named_key(token)) for token in statements.values()):
        await exchange.look_for_keys(access.peer_id)
        trust = await exchange.node.store.read(
            lambda session: trust_in(pins.peer_row(session, access.peer_id))
        )
    return _Judged(trust, classified, broken, statements)


async def _receive(
    exchange: Exchange,
    access: Access,
    items: Sequence[bytes],
    judged: _Judged,
    progress: PullProgress,
    then: Callable[[Session], None] | None,
) -> None:
    """Write one portion; judged anew when the operator confirms other keys meanwhile."""

    def work(session: Session) -> list[Taken] | None:
        peer, now = pins.peer_row(session, access.peer_id), exchange.node.now()
        if not judged.trust.holds(peer):
            return None
        result = take_all(
            session, access.peer_id, judged.items, judged.trust, now, judged.statements
        )
        what = f"{access.name} sent what cannot be kept"
        report_broken(session, access.peer_id, what, judged.broken, now)
        record_received(session, access.peer_id, result, len(judged.broken), now)
        pins.contacted(session, peer, now)
        if then is not None:
            then(session)
        return result

    while (taken := await exchange.node.store.write(work)) is None:
        judged = await _judged(exchange, access, items)
    for one in taken:
        progress.count(one)
    for message in judged.broken:
        progress.unusable(message)


async def _statements(
    exchange: Exchange, access: Access, items: Sequence[Classified]
) -> dict[str, str]:
    """What an Underseal peer has signed about its deprecated footprints, where we lack it.

    Without a statement the status is taken up all the same, as "not proven".
    """
    deprecated = [
        item.footprint_id
        for item in items
        if item.status == DEPRECATED and item.state == VerificationState.VERIFIED
    ]
    if not access.is_underseal or not deprecated:
        return {}
    known = await exchange.node.store.read(
        lambda session: received.statuses(session, access.peer_id, deprecated)
    )
    wanted = [footprint_id for footprint_id in deprecated if known.get(footprint_id) is None]
    slots = asyncio.Semaphore(STATEMENTS_AT_A_TIME)

    async def fetch(footprint_id: str) -> tuple[str, str | None]:
        async with slots:
            try:
                return footprint_id, await exchange.client.status_statement(access, footprint_id)
            except PeerError as error:
                log.warning("no status statement", peer=access.name, reason=error.message)
                return footprint_id, None

    found = await asyncio.gather(*(fetch(footprint_id) for footprint_id in wanted))
    return {footprint_id: token for footprint_id, token in found if token}
