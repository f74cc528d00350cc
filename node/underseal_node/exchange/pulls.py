"""Pulls: fetching from peers what they let us see, page by page, and going on after a stop.

The link to the next page is stored in the transaction of the page before it. From an Underseal peer
only what has changed since the last complete pull is asked for (`x-underseal-changed-after`); from
others it is a full walk every time, which is what finds changes of status there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import structlog
from sqlmodel import Session

from underseal_node.errors import PeerError
from underseal_node.exchange.access import Access, list_address, query_string
from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.errors import AnswerError, ProtocolViolationError
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.intake import Outcome, Taken, take_all
from underseal_node.exchange.verification import (
    DEPRECATED,
    Classified,
    Trust,
    UnusableItemError,
    classify,
    trust_in,
)
from underseal_node.settings import Settings
from underseal_node.store import pins, pulls, received
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.tables import VerificationState
from underseal_protocol.criteria import Criteria
from underseal_protocol.strict_json import JsonLimits

__all__ = ["PullProgress", "PullStage", "classify_all", "json_limits", "pull_peer", "receive_items"]

log = structlog.get_logger(__name__)

STATEMENTS_AT_A_TIME = 4
MAX_EMPTY_PAGES = 1_000
MAX_SHOWN_ALERTS = 100
# A stored link that is no longer good is answered with one of these (cursors expire).
STALE_LINK_STATUSES = (400, 404, 410, 422)


class PullStage(StrEnum):
    """How a pull from one peer stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass
class PullProgress:
    """What a pull from one peer has brought so far.

    Attributes:
        peer: name of the peer.
        pages: fetched.
        received: items in them.
        unchanged: items that brought nothing new.
        verified, unsigned, invalid: what verification said of the items.
        changed: items that changed something known.
        alerts: messages of new alerts.
        error: why it failed.
    """

    peer: str
    state: PullStage = PullStage.WAITING
    pages: int = 0
    received: int = 0
    unchanged: int = 0
    verified: int = 0
    unsigned: int = 0
    invalid: int = 0
    changed: int = 0
    alerts: list[str] = field(default_factory=list)
    error: str | None = None

    def count(self, taken: Taken) -> None:
        """Add one item."""
        self.received += 1
        if taken.state == VerificationState.VERIFIED:
            self.verified += 1
        elif taken.state == VerificationState.UNSIGNED:
            self.unsigned += 1
        else:
            self.invalid += 1
        self.unchanged += taken.outcome == Outcome.UNCHANGED
        self.changed += taken.outcome == Outcome.CHANGED
        if taken.alert is not None:
            self.warn(taken.alert)

    def unusable(self, message: str) -> None:
        """Add an item that cannot be kept."""
        self.received += 1
        self.invalid += 1
        self.warn(message)

    def warn(self, message: str) -> None:
        """Add the message of an alert; the list is limited, the alerts in the database are not."""
        if len(self.alerts) < MAX_SHOWN_ALERTS:
            self.alerts.append(message)


@dataclass
class _Walk:
    """Where a walk through the pages is."""

    criteria: Criteria
    key: str
    access: Access
    trust: Trust
    url: str
    is_resumed: bool
    pages: int = 0
    empty_pages: int = 0
    seen: set[str] = field(default_factory=set)


async def pull_peer(
    exchange: Exchange, peer_id: int, criteria: Criteria, progress: PullProgress
) -> None:
    """Pull from one peer until its last page; an earlier pull that was interrupted is resumed.

    Args:
        exchange: of this process.
        peer_id: from whom.
        criteria: the filters.
        progress: updated page by page.

    Raises:
        PeerError: the peer cannot be reached or does not behave. What was stored stays, and the
            next pull goes on there.
        RefusedError: the peer must not or cannot be called.
    """
    progress.state = PullStage.RUNNING
    access = await exchange.access(peer_id)
    walk = await _start(exchange, access, criteria)
    try:
        await _walk(exchange, walk, progress)
    except AnswerError as error:
        stale = walk.is_resumed and walk.pages == 0 and error.status in STALE_LINK_STATUSES
        if not stale:
            raise
        await _abandon(exchange, walk)
        walk = await _start(exchange, access, criteria)
        await _walk(exchange, walk, progress)
    progress.state = PullStage.DONE


async def receive_items(
    exchange: Exchange,
    access: Access,
    trust: Trust,
    items: Sequence[bytes],
    progress: PullProgress,
    then: Callable[[Session], None] | None = None,
) -> list[Taken]:
    """Classify, fetch statements of deprecation, and store in one transaction.

    Args:
        access: of the peer the items came from.
        trust: in the peer, as it was when the items were fetched.
        items: raw bytes of footprints.
        progress: counts them.
        then: more to write in the same transaction.
    """
    limits = json_limits(exchange.node.settings)
    classified, broken = await asyncio.to_thread(classify_all, items, trust, limits)
    statements = await _statements(exchange, access, classified)
    now = exchange.node.now()

    def work(session: Session) -> list[Taken]:
        taken = take_all(session, access.peer_id, classified, trust, now, statements)
        for message in broken:
            raise_alert(
                session,
                AlertKind.INVALID,
                f"{access.name} sent what cannot be kept: {message}",
                now,
                peer_id=access.peer_id,
            )
        pins.contacted(session, pins.peer_row(session, access.peer_id), now)
        if then is not None:
            then(session)
        return taken

    result = await exchange.node.store.write(work)
    for taken in result:
        progress.count(taken)
    for message in broken:
        progress.unusable(message)
    return result


def json_limits(settings: Settings) -> JsonLimits:
    """What peers may send as one JSON text."""
    return JsonLimits(max_bytes=settings.max_response_bytes, max_depth=settings.max_json_depth)


async def _start(exchange: Exchange, access: Access, criteria: Criteria) -> _Walk:
    """The stored link of an interrupted walk, or the first page of a new one."""
    node = exchange.node
    key = query_string(criteria.to_query_items())
    now = node.now()

    def work(session: Session) -> tuple[str | None, str | None, Trust]:
        state = pulls.begin(session, access.peer_id, key, now)
        if state.next_link is not None and origin_of(state.next_link) not in access.origins:
            pulls.abandoned(session, access.peer_id, key)  # the peer has moved since
        trust = trust_in(pins.peer_row(session, access.peer_id))
        return state.next_link, state.watermark, trust

    next_link, watermark, trust = await node.store.write(work)
    url = next_link or list_address(
        access,
        criteria,
        page_size=node.settings.pull_page_size,
        changed_after=watermark if access.is_underseal else None,
    )
    return _Walk(criteria, key, access, trust, url, is_resumed=next_link is not None)


async def _walk(exchange: Exchange, walk: _Walk, progress: PullProgress) -> None:
    settings = exchange.node.settings
    url: str | None = walk.url
    while url is not None:
        if url in walk.seen:
            await _abandon(exchange, walk)
            raise ProtocolViolationError(f"the pages of {walk.access.name} go in a circle")
        if len(walk.seen) >= settings.max_pages:
            raise ProtocolViolationError(
                f"{walk.access.name} has more than {settings.max_pages} pages",
                hint="Narrow the criteria or raise max_pages.",
            )
        walk.seen.add(url)
        try:
            url = await _page(exchange, walk, url, progress)
        except ProtocolViolationError:
            await _abandon(exchange, walk)
            raise


async def _page(exchange: Exchange, walk: _Walk, url: str, progress: PullProgress) -> str | None:
    """Fetch and store one page; returns the address of the next."""
    page = await exchange.client.page(walk.access, url)
    walk.empty_pages = 0 if page.items else walk.empty_pages + 1
    if walk.empty_pages > MAX_EMPTY_PAGES:
        raise ProtocolViolationError(f"{walk.access.name} sends one empty page after the other")
    # That of the very first page: what changes during the walk has a higher number.
    watermark = page.watermark if walk.pages == 0 and not walk.is_resumed else None
    key, peer_id, now = walk.key, walk.access.peer_id, exchange.node.now()

    def then(session: Session) -> None:
        pulls.advance(session, peer_id, key, next_link=page.next_url, watermark=watermark)
        if page.next_url is None:
            pulls.completed(session, peer_id, key, now)

    await receive_items(exchange, walk.access, walk.trust, page.items, progress, then)
    walk.pages += 1
    progress.pages += 1
    return page.next_url


async def _abandon(exchange: Exchange, walk: _Walk) -> None:
    """The pages lead nowhere: the next pull starts at the first one again."""
    peer_id, key = walk.access.peer_id, walk.key
    await exchange.node.store.write(lambda session: pulls.abandoned(session, peer_id, key))


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
