"""Asking an Underseal peer what it has granted us and under what terms: `GET /extensions/grants`.

The terms are a promise that the operator is shown beside the footprints. So a peer that does not
answer, or answers nonsense, does not keep its footprints from being received.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import structlog
from sqlmodel import Session

from underseal_node.errors import PeerError
from underseal_node.exchange.access import Access
from underseal_node.exchange.errors import AnswerError, ProtocolViolationError
from underseal_node.exchange.exchange import Exchange
from underseal_node.store import granted, pins
from underseal_node.store.granted import Coverage
from underseal_protocol.errors import ProtocolError
from underseal_protocol.strict_json import JsonLimits, loads
from underseal_protocol.usage_terms import GRANTS_PATH, GrantedToUs

__all__ = ["ask_for_grants"]

log = structlog.get_logger(__name__)

MAX_GRANTS = 10_000
MAX_GRANTS_BYTES = 1024 * 1024  # they are kept with the peer
MAX_PAGES = 100
LIMITS = JsonLimits(max_bytes=64 * 1024, max_depth=8)  # of one grant


async def ask_for_grants(exchange: Exchange, access: Access) -> None:
    """Keep what a peer says that it has granted us; what it said before stays if it says nothing.

    Args:
        access: of the peer; of one that is no Underseal node, nothing is asked.
    """
    if not access.is_underseal:
        return
    try:
        found = await _told(exchange, access)
    except AnswerError as error:
        # A node from before there were terms does not have the path.
        level = log.info if error.status == 404 else log.warning
        level("the peer does not tell what it has granted", peer=access.name, reason=error.message)
        return
    except (PeerError, ProtocolError) as error:
        log.warning(
            "the peer does not tell what it has granted", peer=access.name, reason=error.message
        )
        return
    await _keep(exchange, access.peer_id, found)


async def _keep(exchange: Exchange, peer_id: int, found: Sequence[GrantedToUs]) -> None:
    """Keep what was told, once all that was received has its terms; in portions, as everywhere."""
    store, told, now = exchange.node.store, granted.as_told(found), exchange.node.now()
    before = await store.read(lambda session: pins.peer_row(session, peer_id).granted_to_us)
    if told != before:
        coverage = granted.Coverage(found)
        after: int | None = 0
        while after is not None:
            after = await store.write(partial(_note_next, peer_id, coverage, after))
    # Also when nothing is different: the operator is shown of when it is.
    await store.write(
        lambda session: granted.keep(session, pins.peer_row(session, peer_id), told, now)
    )


def _note_next(peer_id: int, coverage: Coverage, after: int, session: Session) -> int | None:
    return granted.note_next(session, peer_id, coverage, after)


async def _told(exchange: Exchange, access: Access) -> list[GrantedToUs]:
    """All pages.

    Raises:
        PeerError: the peer cannot be reached, refuses, or tells too much.
        ProtocolError: something is not a grant.
    """
    found: list[GrantedToUs] = []
    size = 0
    url: str | None = f"{access.base_url}{GRANTS_PATH}"
    for _ in range(MAX_PAGES):
        if url is None:
            return found
        page = await exchange.client.page(access, url, what="the list of grants")
        size += sum(map(len, page.items))
        if size > MAX_GRANTS_BYTES or len(found) + len(page.items) > MAX_GRANTS:
            raise ProtocolViolationError(
                f"{access.name} tells more than {MAX_GRANTS} grants or {MAX_GRANTS_BYTES} bytes"
            )
        found += [GrantedToUs.from_json(loads(item, limits=LIMITS)) for item in page.items]
        url = page.next_url
    raise ProtocolViolationError(f"{access.name} has more than {MAX_PAGES} pages of grants")
