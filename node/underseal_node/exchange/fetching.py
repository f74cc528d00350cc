"""Fetching the footprints that a Published event names, one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from underseal_node.errors import PeerError
from underseal_node.exchange.access import Access
from underseal_node.exchange.attested import ask_if_possible, known_of
from underseal_node.exchange.errors import (
    AnswerError,
    CredentialsRefusedError,
    ProtocolViolationError,
)
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.granting import ask_for_grants
from underseal_node.exchange.progress import PullProgress
from underseal_node.exchange.receiving import receive_items
from underseal_node.exchange.sealed import take_up_sealed_sums

__all__ = ["Fetched", "fetch"]

FETCHES_AT_A_TIME = 4
IDS_PER_TRANSACTION = 40
BYTES_PER_TRANSACTION = 8 * 1024 * 1024
# So many footprints of one event may fail by themselves before the rest waits, too.
MAX_FAILURES = 20
# These say something about the peer, not about one of its footprints.
PEER_STATUSES = frozenset({401, 429, 502, 503, 504})


@dataclass
class Fetched:
    """How far the footprints of one event have been fetched, over all attempts.

    Attributes:
        progress: counts those that came.
        done: ids that are stored, or are not there for us.
        missing: how many are not there for us.
    """

    progress: PullProgress
    done: set[str] = field(default_factory=set)
    missing: int = 0


async def fetch(
    exchange: Exchange, access: Access, footprint_ids: Sequence[str], fetched: Fetched
) -> None:
    """Fetch and store what has not been fetched; one that fails does not stop the others.

    Args:
        access: of the peer that has published.
        footprint_ids: all that the event names.
        fetched: continued.

    Raises:
        PeerError: the first failure; what could be fetched is stored.
    """
    # What is new may be covered by a grant that is new.
    await ask_for_grants(exchange, access)
    wanted = [one for one in dict.fromkeys(footprint_ids) if one not in fetched.done]
    held: dict[str, bytes | None] = {}
    failures: list[PeerError] = []
    for start in range(0, len(wanted), FETCHES_AT_A_TIME):
        group = wanted[start : start + FETCHES_AT_A_TIME]
        found = await asyncio.gather(*(_one(exchange, access, one) for one in group))
        for footprint_id, body in zip(group, found, strict=True):
            if isinstance(body, PeerError):
                failures.append(body)
            else:
                held[footprint_id] = body
        has_no_prospect = len(failures) > MAX_FAILURES or not all(map(_is_about_one, failures))
        if has_no_prospect:
            break
        if len(held) >= IDS_PER_TRANSACTION or _size(held) >= BYTES_PER_TRANSACTION:
            await _store(exchange, access, held, fetched)
    await _store(exchange, access, held, fetched)
    await take_up_sealed_sums(exchange, access)
    if failures:
        raise failures[0]


async def _one(exchange: Exchange, access: Access, footprint_id: str) -> bytes | PeerError | None:
    try:
        return await exchange.client.footprint(access, footprint_id)
    except PeerError as error:
        return error


def _is_about_one(error: PeerError) -> bool:
    """Whether the other footprints may be had all the same."""
    if isinstance(error, AnswerError):
        about_peer = isinstance(error, CredentialsRefusedError) or error.status in PEER_STATUSES
        return not about_peer
    return isinstance(error, ProtocolViolationError)


def _size(held: dict[str, bytes | None]) -> int:
    return sum(len(body) for body in held.values() if body is not None)


async def _store(
    exchange: Exchange, access: Access, held: dict[str, bytes | None], fetched: Fetched
) -> None:
    if not held:
        return
    items = [body for body in held.values() if body is not None]
    known = await known_of(exchange, access, held.keys())
    await receive_items(exchange, access, items, fetched.progress)
    # A footprint that is published again has not changed: there may be something new beside it.
    await ask_if_possible(exchange, access, known)
    fetched.missing += len(held) - len(items)
    fetched.done.update(held)
    held.clear()
