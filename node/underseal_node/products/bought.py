"""What is bought: the lines of all bills of materials, with the received footprints that they
resolve to.

Less than what a calculation loads, and for all products at once: no factors and no intermediates.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlmodel import Session

from underseal_node.products.choosing import newest_of
from underseal_node.products.metered import Meters
from underseal_node.store import held, peers, products
from underseal_node.store.exchange_tables import ReceivedFootprint, VerificationState
from underseal_node.store.held import Held
from underseal_node.store.product_tables import MatchRow
from underseal_node.store.tables import Peer
from underseal_protocol.rollup.documents import source_of
from underseal_protocol.rollup.inputs import DirectEmission, Product, SourcedLine
from underseal_protocol.rollup.sources import FootprintSource, ProductSource, Source

__all__ = ["BoughtLine", "bought_lines", "in_use_now", "is_usable"]


@dataclass(frozen=True, slots=True)
class BoughtLine:
    """A line that is no product of our own.

    Attributes:
        product: whose line it is.
        line: itself, as the bill has it.
        source: what it resolves to; None if that is open.
        footprint: the received one that it resolves to.
        is_usable: figures may be taken from that.
    """

    product: Product
    line: SourcedLine
    source: Source | None
    footprint: Held | None = None
    is_usable: bool = False


def bought_lines(
    session: Session, now: datetime, defaults: Mapping[str, Any]
) -> tuple[BoughtLine, ...]:
    """The lines of all products but those that are products of our own.

    Args:
        session: to read.
        now: aware; which footprint of a supplier's product is the newest good one depends on it.
        defaults: of declarations, see `bills.defaults_of`.
    """
    meters, known = Meters(session, defaults), {one.id: one for one in peers.listing(session)}
    lines = [
        (product, line)
        for product in (meters.known(row) for row in products.all_products(session))
        for line in product.lines
        if not isinstance(line, DirectEmission)
    ]
    resolver, found = _Resolver(session, now, lines), []
    for product, line in lines:
        source, footprint = resolver.of(product.id, line)
        if isinstance(source, ProductSource):
            continue
        usable = footprint is not None and is_usable(footprint, known[footprint.peer_id])
        found.append(BoughtLine(product, line, source, footprint, usable))
    return tuple(found)


def in_use_now(session: Session, now: datetime, defaults: Mapping[str, Any]) -> frozenset[int]:
    """The numbers of the received footprints that lines of bills of materials resolve to.

    Args:
        session: to read.
        now: aware.
        defaults: as for `bought_lines`.
    """
    footprints = (one.footprint for one in bought_lines(session, now, defaults))
    return frozenset(one.seq for one in footprints if one is not None)


def is_usable(row: ReceivedFootprint | Held, peer: Peer) -> bool:
    """Whether figures may be taken from it: verified, or unsigned and the policy allows that."""
    if row.verification == VerificationState.VERIFIED:
        return True
    return row.verification == VerificationState.UNSIGNED and peer.accept_unsigned


@lru_cache(maxsize=8192)
def _read(source: str) -> Source:
    return source_of(json.loads(source))


class _Resolver:
    """Finds what lines resolve to. All that they may need is read at once."""

    def __init__(
        self, session: Session, now: datetime, lines: Iterable[tuple[Product, SourcedLine]]
    ) -> None:
        self._now = now
        self._decided = {(one.product_id, one.line_id): one for one in products.matches(session)}
        sources = [self._source(product.id, line) for product, line in lines]
        ids = {one.id for one in sources if isinstance(one, FootprintSource)}
        self._named = held.held_by_id(session, ids)
        urns = {one.product_urn for one in self._decided.values() if one.product_urn}
        self._sent = held.held_of_products(session, urns)
        self._newest: dict[tuple[int, str], Held] = {}

    def of(self, product_id: str, line: SourcedLine) -> tuple[Source | None, Held | None]:
        """What a line resolves to; of a footprint, that footprint."""
        source = self._source(product_id, line)
        if not isinstance(source, FootprintSource):
            return source, None
        named = self._named.get(source.id, [])
        decided = self._decided.get((product_id, line.id))
        if decided is None or decided.peer_id is None:
            # Of several peers, nobody has said whose.
            footprint = named[0] if len({one.body_digest for one in named}) == 1 else None
        else:
            footprint = self._newest_for(decided, named)
        return (None if footprint is None else FootprintSource(footprint.footprint_id)), footprint

    def _source(self, product_id: str, line: SourcedLine) -> Source | None:
        decided = self._decided.get((product_id, line.id))
        return line.source if decided is None else _read(decided.source)

    def _newest_for(self, decided: MatchRow, named: Sequence[Held]) -> Held | None:
        matched = next((one for one in named if one.peer_id == decided.peer_id), None)
        if matched is None or not decided.product_urn:
            return matched
        key = matched.seq, decided.product_urn
        if key not in self._newest:  # many lines are matched to the same
            rows = self._sent.get((matched.peer_id, decided.product_urn), [])
            self._newest[key] = newest_of(matched, rows, self._now, lambda row: row.facts)
        return self._newest[key]
