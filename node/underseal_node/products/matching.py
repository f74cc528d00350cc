"""What lines of bills of materials resolve to: how that stands, and what the operator decides."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.products.candidates import Candidates, Proposal, text_of
from underseal_node.products.convertible import measures_of, require_convertible
from underseal_node.products.existing import missing, text_of_missing
from underseal_node.products.metered import Meters
from underseal_node.store import audit, peers, products
from underseal_node.store.audit import Act
from underseal_node.store.product_tables import MatchRow
from underseal_protocol.criteria import fold
from underseal_protocol.errors import UnitError
from underseal_protocol.rollup.documents import source_json
from underseal_protocol.rollup.inputs import DirectEmission, Line, SourcedLine
from underseal_protocol.rollup.sources import (
    FactorSource,
    FootprintSource,
    ProductSource,
    Source,
)

__all__ = [
    "Decision",
    "EnergyFailure",
    "LineState",
    "States",
    "decide",
    "failures_of",
    "lines_of",
]


@dataclass(frozen=True, slots=True)
class Decision:
    """What the operator has decided for a line.

    Attributes:
        product_id: of the product.
        line_id: of the line.
        source: what it resolves to; None takes back what was decided before.
        peer_name: whose footprint it is, where several have sent one with the id.
    """

    product_id: str
    line_id: str
    source: Source | None
    peer_name: str | None = None


@dataclass(frozen=True, slots=True)
class LineState:
    """A line, what it resolves to, and what it may.

    Attributes:
        product_id: of the product.
        line: itself, as the bill has it.
        chosen: what it resolves to now; None if that is open.
        chosen_label: the same for people.
        is_decided: the operator has decided it; otherwise the bill says it.
        proposals: the likeliest first; only for open lines.
        missing: why it is open although something is named: that is not there.
        peer_name: of a received footprint, whose it is; None if several have sent it and nobody
            has said whose counts.
    """

    product_id: str
    line: SourcedLine
    chosen: Source | None
    chosen_label: str | None
    is_decided: bool
    proposals: tuple[Proposal, ...] = ()
    missing: str | None = None
    peer_name: str | None = None


@dataclass(frozen=True, slots=True)
class EnergyFailure:
    """Why the metered energy of products cannot be allocated; its lines are missing.

    Attributes:
        products: ids.
        message: one sentence.
        hint: what helps.
    """

    products: tuple[str, ...]
    message: str
    hint: str | None


@dataclass(frozen=True, slots=True)
class States:
    """Lines, and what is missing among them.

    Attributes:
        lines: of the products that were asked for.
        failures: of their metered energy.
    """

    lines: list[LineState]
    failures: list[EnergyFailure]


def failures_of(meters: Meters, product_ids: Collection[str] | None = None) -> list[EnergyFailure]:
    """Why metered energy is missing: each reason once, with the products.

    Args:
        meters: that have been asked for the products.
        product_ids: of these products only.
    """
    found: dict[tuple[str, str | None], list[str]] = {}
    for product_id, error in meters.failures.items():
        if product_ids is None or product_id in product_ids:
            found.setdefault((error.message, error.hint), []).append(product_id)
    return [EnergyFailure(tuple(ids), *said) for said, ids in found.items()]


def lines_of(
    session: Session,
    now: datetime,
    defaults: Mapping[str, Any],
    product_ids: Collection[str] | None = None,
    *,
    only_open: bool = False,
) -> States:
    """The lines of products, what they resolve to, and for open ones what they may.

    Args:
        session: to read.
        now: aware.
        defaults: of declarations, see `bills.defaults_of`.
        product_ids: of these products only.
        only_open: leave out those that resolve to something.

    Raises:
        NotFoundError: there is no such product.
    """
    for product_id in product_ids or ():
        products.product(session, product_id)
    candidates = Candidates(session, now, defaults)
    known = candidates.products
    lines = [
        (product_id, line, _source(candidates, product_id, line))
        for product_id in (known if product_ids is None else sorted(product_ids))
        for line in known[product_id].lines
        if not isinstance(line, DirectEmission)
    ]
    absent = missing(session, {source for _, _, source in lines if source is not None})
    senders = Senders(session, candidates, [source for _, _, source in lines])
    states = (_state(candidates, senders, *one, absent) for one in lines)
    shown = [one for one in states if one.chosen is None or not only_open]
    return States(shown, failures_of(candidates.meters, product_ids))


def _source(candidates: Candidates, product_id: str, line: SourcedLine) -> Source | None:
    decided = candidates.decided.get((product_id, line.id))
    return line.source if decided is None else candidates.resolved(decided)


class Senders:
    """Whose received footprints lines resolve to.

    Args:
        session: to read; all is read at once.
        candidates: with what was decided.
        sources: of the lines.
    """

    def __init__(
        self, session: Session, candidates: Candidates, sources: Iterable[Source | None]
    ) -> None:
        self._decided = candidates.decided
        self._names = {one.id: one.name for one in peers.listing(session)}
        ids = {one.id for one in sources if isinstance(one, FootprintSource)}
        self._sent = products.received(session, ids)

    def of(self, product_id: str, line: SourcedLine, source: Source) -> str | None:
        """The name of the peer; None if it is no received footprint, or of several peers."""
        if not isinstance(source, FootprintSource):
            return None
        decided = self._decided.get((product_id, line.id))
        if decided is not None and decided.peer_id is not None:
            return self._names.get(decided.peer_id)
        sent = self._sent.get(source.id, [])
        # As a calculation does: of several that are alike, the first.
        return sent[0][1] if len({row.body_digest for row, _ in sent}) == 1 else None


def _state(
    candidates: Candidates,
    senders: Senders,
    product_id: str,
    line: SourcedLine,
    source: Source | None,
    absent: Collection[Source],
) -> LineState:
    if source is None or source in absent:
        proposals = tuple(candidates.proposals(product_id, line))
        why = None if source is None else text_of_missing(source)
        return LineState(product_id, line, None, None, False, proposals, why)
    is_decided = (product_id, line.id) in candidates.decided
    return LineState(
        *(product_id, line, source, candidates.label(source), is_decided),
        peer_name=senders.of(product_id, line, source),
    )


def decide(
    session: Session,
    now: datetime,
    defaults: Mapping[str, Any],
    decisions: Iterable[Decision],
) -> None:
    """Keep what lines resolve to, and record it.

    Args:
        session: to write.
        now: aware.
        defaults: of declarations, see `bills.defaults_of`.
        decisions: at least one.

    Raises:
        NotFoundError: the product, the line or the source is not there, or nothing was decided
            that can be taken back.
        RefusedError: several peers have sent a footprint with this id, or the amount of the line
            cannot be converted into its unit.
    """
    meters = Meters(session, defaults)
    lines: dict[str, dict[str, Line]] = {}
    count = 0
    for one in decisions:
        count += 1
        if one.source is None:
            if not products.unmatch(session, one.product_id, one.line_id):
                raise NotFoundError(
                    f"nothing was decided for line {one.line_id!r} of {one.product_id}"
                )
            continue
        if one.product_id not in lines:
            product = meters.known(products.product(session, one.product_id))
            lines[one.product_id] = {line.id: line for line in product.lines}
        line = lines[one.product_id].get(one.line_id)
        if line is None:
            raise NotFoundError(
                f"{one.product_id} has no line {one.line_id!r}",
                hint=f"`underseal product show {one.product_id}` lists them.",
            )
        _confirm(session, now, one, one.source)
        _require_convertible(session, line, one.source)
    audit.record(session, Act.LINES_MATCHED, now, detail={"lines": count})


def _require_convertible(session: Session, line: Line, source: Source) -> None:
    measure = measures_of(session, [source]).get(source)
    if measure is None or isinstance(line, DirectEmission):
        return
    try:
        require_convertible(line, measure)
    except UnitError as error:
        raise RefusedError(
            f"line {line.id!r} cannot be {text_of(source)}: {error.message}", hint=error.hint
        ) from error


def _confirm(session: Session, now: datetime, decision: Decision, source: Source) -> None:
    """Require that the source is there; of a footprint, note by what newer ones are found."""
    peer_name = decision.peer_name
    row = MatchRow(
        product_id=decision.product_id,
        line_id=decision.line_id,
        source=json.dumps(source_json(source), ensure_ascii=False),
        confirmed_at=now,
    )
    if isinstance(source, ProductSource):
        products.product(session, source.id)
    elif isinstance(source, FactorSource):
        if not products.factors(session, [source.id]):
            raise NotFoundError(
                f"there is no factor {source.id!r}", hint="`underseal factor list` lists them."
            )
    elif isinstance(source, FootprintSource):
        found = products.received(session, [source.id]).get(source.id, [])
        if peer_name is not None:
            found = [one for one in found if peers.name_key(one[1]) == peers.name_key(peer_name)]
        if not found:
            raise NotFoundError(
                f"there is no received footprint {source.id}",
                hint="`underseal received list` lists them.",
            )
        if len(found) > 1:
            names = ", ".join(name for _, name in found)
            raise RefusedError(
                f"{names} have sent a footprint with the id {source.id}",
                hint="Say whose: --peer NAME.",
            )
        received = found[0][0]
        urns = json.loads(received.summary).get("productIds", ())
        row.peer_id = received.peer_id
        row.product_urn = fold(str(urns[0])) if urns else None
    products.confirm(session, row)
