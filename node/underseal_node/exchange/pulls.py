"""Pulls: fetching from peers what they let us see, page by page, and going on after a stop.

The link to the next page is stored in the transaction of the page before it. From an Underseal peer
only what has changed since the last complete pull is asked for (`x-underseal-changed-after`); from
others it is a full walk every time, which is what finds changes of status there.

While a page is verified and stored, the next ones are fetched; after a stop, those that were not
stored yet are all that is fetched again.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from sqlmodel import Session

from underseal_node.errors import PeerError
from underseal_node.exchange import contacts
from underseal_node.exchange.access import Access, list_address, query_string
from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.ahead import PagesAhead
from underseal_node.exchange.errors import (
    ROW_ERRORS,
    AnswerError,
    ConfirmationNeededError,
    ProtocolViolationError,
)
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.granting import ask_for_grants
from underseal_node.exchange.peer_client import FootprintPage
from underseal_node.exchange.progress import PullProgress, PullStage
from underseal_node.exchange.receipts import acknowledge
from underseal_node.exchange.receiving import receive_items
from underseal_node.exchange.sealed import take_up_sealed_sums
from underseal_node.store import audit, peers, pins, pulls
from underseal_node.store.audit import Act, Actor, Outcome
from underseal_protocol.criteria import Criteria

__all__ = ["pull_peer"]

MAX_EMPTY_PAGES = 1_000
# A stored link that is no longer good is answered with one of these (cursors expire).
STALE_LINK_STATUSES = (400, 404, 410, 422)


class _TooManyPagesError(ProtocolViolationError):
    """There are more pages than `max_pages`; the next pull goes on behind them."""


@dataclass
class _Walk:
    """Where a walk through the pages is."""

    key: str
    access: Access
    url: str
    is_resumed: bool
    pages: int = 0  # stored
    seen: set[bytes] = field(default_factory=set)

    def is_new(self, url: str) -> bool:
        """Whether this page has not been visited; addresses are long, their digests are not."""
        digest = hashlib.blake2b(url.encode(), digest_size=16).digest()
        if digest in self.seen:
            return False
        self.seen.add(digest)
        return True


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
        ConfirmationNeededError: it shows keys that do not follow from the pinned ones.
    """
    progress.state = PullStage.RUNNING
    try:
        access = await _access(exchange, peer_id)
        await _pull(exchange, access, criteria, progress)
    except ROW_ERRORS as error:
        await _record(exchange, peer_id, progress, Outcome.FAILED, error)
        raise
    await _record(exchange, peer_id, progress, Outcome.DONE)
    for warning in await take_up_sealed_sums(exchange, access):
        progress.warn(warning)
    for warning in await acknowledge(exchange, access):
        progress.warn(warning)
    progress.state = PullStage.DONE


async def _pull(
    exchange: Exchange, access: Access, criteria: Criteria, progress: PullProgress
) -> None:
    await ask_for_grants(exchange, access)
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


async def _access(exchange: Exchange, peer_id: int) -> Access:
    access = await exchange.access(peer_id)
    if await exchange.node.store.read(lambda session: pins.waits_for_keys(session, peer_id)):
        # Perhaps it shows the right ones again.
        exchange.look_again(peer_id)
        access = await exchange.access(peer_id)
        if await exchange.node.store.read(lambda session: pins.waits_for_keys(session, peer_id)):
            raise ConfirmationNeededError(
                f"{access.name} shows other keys than those that are pinned, and nothing that is "
                "pinned confirms them; nothing is pulled until you do",
                hint=f"Ask {access.name} on another way for the fingerprints of its keys, compare "
                f"them with `underseal peer show {access.name}`, and confirm them with "
                f"`underseal peer set {access.name} --confirm-keys`.",
            )
    return access


async def _record(
    exchange: Exchange,
    peer_id: int,
    progress: PullProgress,
    outcome: Outcome,
    error: Exception | None = None,
) -> None:
    """Put the end of a pull into the audit log; each page of it is there already.

    Why it failed is not: the peer may have worded it. That is noted with the peer.
    """
    now = exchange.node.now()

    def work(session: Session) -> None:
        audit.record(
            session,
            Act.FOOTPRINTS_PULLED,
            now,
            actor=Actor.NODE,
            peer_id=peer_id,
            outcome=outcome,
            detail={
                "pages": progress.pages,
                "received": progress.received,
                "invalid": progress.invalid,
            },
        )
        if isinstance(error, PeerError):
            contacts.note_failure(session, peer_id, error, now)
        elif outcome is Outcome.DONE:
            peers.reached(session, pins.peer_row(session, peer_id))

    await exchange.node.store.write(work)


async def _start(exchange: Exchange, access: Access, criteria: Criteria) -> _Walk:
    """The stored link of an interrupted walk, or the first page of a new one."""
    node = exchange.node
    key = query_string(criteria.to_query_items())
    now = node.now()

    def work(session: Session) -> tuple[str | None, str | None]:
        state = pulls.begin(session, access.peer_id, key, now)
        if state.next_link is not None and origin_of(state.next_link) not in access.origins:
            pulls.abandoned(session, access.peer_id, key)  # the peer has moved since
        return state.next_link, state.watermark

    next_link, watermark = await node.store.write(work)
    url = next_link or list_address(
        access,
        criteria,
        page_size=node.settings.pull_page_size,
        changed_after=watermark if access.is_underseal else None,
    )
    return _Walk(key, access, url, is_resumed=next_link is not None)


async def _walk(exchange: Exchange, walk: _Walk, progress: PullProgress) -> None:
    """Store page after page, while the next ones are fetched."""
    pages_ahead = exchange.node.settings.pull_pages_ahead
    try:
        async with PagesAhead(_pages(exchange, walk), pages=pages_ahead) as pages:
            async for page in pages:
                await _store(exchange, walk, page, progress)
    except _TooManyPagesError:
        raise
    except ProtocolViolationError:
        await _abandon(exchange, walk)
        raise


async def _pages(exchange: Exchange, walk: _Walk) -> AsyncGenerator[FootprintPage, None]:
    """Fetch the pages from where the walk begins."""
    name, settings = walk.access.name, exchange.node.settings
    url: str | None = walk.url
    empty = 0
    for _ in range(settings.max_pages):
        if url is None:
            return
        if not walk.is_new(url):
            raise ProtocolViolationError(f"the pages of {name} go in a circle")
        page = await exchange.client.page(walk.access, url)
        empty = 0 if page.items else empty + 1
        if empty > MAX_EMPTY_PAGES:
            raise ProtocolViolationError(f"{name} sends one empty page after the other")
        yield page
        url = page.next_url
    if url is not None:
        raise _TooManyPagesError(
            f"{name} has more than {settings.max_pages} pages",
            hint="Narrow the criteria or raise max_pages.",
        )


async def _store(
    exchange: Exchange, walk: _Walk, page: FootprintPage, progress: PullProgress
) -> None:
    """Store one page, and in the transaction of its last footprints where the walk goes on."""
    # That of the very first page: what changes during the walk has a higher number.
    watermark = page.watermark if walk.pages == 0 and not walk.is_resumed else None
    key, peer_id, now = walk.key, walk.access.peer_id, exchange.node.now()

    def then(session: Session) -> None:
        pulls.advance(session, peer_id, key, next_link=page.next_url, watermark=watermark)
        if page.next_url is None:
            pulls.completed(session, peer_id, key, now)

    await receive_items(exchange, walk.access, page.items, progress, then)
    walk.pages += 1
    progress.pages += 1


async def _abandon(exchange: Exchange, walk: _Walk) -> None:
    """The pages lead nowhere: the next pull starts at the first one again."""
    peer_id, key = walk.access.peer_id, walk.key
    await exchange.node.store.write(lambda session: pulls.abandoned(session, peer_id, key))
