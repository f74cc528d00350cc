"""What lines of bills of materials may resolve to, and why: proposals for the operator.

A proposal is *certain* if an identifier says so, or if the same was decided before for the same
supplier and component; otherwise it is a guess by names, which a person has to confirm.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from sqlmodel import Session

from underseal_node.products.choosing import best_of, newest_of, read_summary
from underseal_node.products.convertible import (
    Measure,
    measure_of_factor,
    measure_of_product,
    measure_of_received,
    require_convertible,
)
from underseal_node.products.metered import Meters
from underseal_node.store import peers, products
from underseal_node.store import received as received_store
from underseal_node.store.exchange_tables import ReceivedFootprint, VerificationState
from underseal_node.store.product_tables import MatchRow
from underseal_protocol.criteria import fold
from underseal_protocol.errors import UnitError
from underseal_protocol.rollup.documents import source_json, source_of
from underseal_protocol.rollup.inputs import DirectEmission, Product, SourcedLine
from underseal_protocol.rollup.sources import (
    FactorSource,
    FootprintSource,
    ProductSource,
    Source,
)

__all__ = ["Candidates", "Offer", "Proposal", "text_of"]

LIKELY = 0.6
MAX_PROPOSALS = 5
MAX_RECEIVED = 100_000
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that has figures.

    Attributes:
        source: the footprint, factor or product.
        label: for people.
        names: of what it is, to be compared with that of a line.
        companies: whose it is, to be compared with the supplier of a line; empty for our own.
        urns: folded product ids.
        measure: what it is declared in; None if that is not known.
    """

    source: Source
    label: str
    names: tuple[str, ...]
    companies: tuple[str, ...] = ()
    urns: tuple[str, ...] = ()
    measure: Measure | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a line may resolve to.

    Attributes:
        offer: what it is.
        reasons: why.
        is_certain: by an identifier or an earlier decision.
        likeness: of the names, 0 to 1, to sort by.
    """

    offer: Offer
    reasons: tuple[str, ...]
    is_certain: bool = False
    likeness: float = 1.0


class Candidates:
    """Everything that lines may resolve to.

    Args:
        session: to read.
        now: aware.
        defaults: of declarations, see `bills.defaults_of`.
    """

    def __init__(self, session: Session, now: datetime, defaults: Mapping[str, Any]) -> None:
        self.meters = Meters(session, defaults)
        self.products: dict[str, Product] = {
            row.id: self.meters.known(row) for row in products.all_products(session)
        }
        self.decided = {(row.product_id, row.line_id): row for row in products.matches(session)}
        self._offers: dict[Source, Offer] = {}
        self._now = now
        self._sent: dict[tuple[int, str], list[ReceivedFootprint]] = {}
        self._add_received(session, now)
        self._add_own(session)
        self._by_urn: dict[str, list[Offer]] = {}
        self._by_word: dict[str, list[Offer]] = {}
        for offer in self._offers.values():
            for urn in offer.urns:
                self._by_urn.setdefault(urn, []).append(offer)
            for word in {word for name in offer.names for word in _words(name)}:
                self._by_word.setdefault(word, []).append(offer)
        self._remembered = dict(self._decisions())

    def _add_received(self, session: Session, now: datetime) -> None:
        """The footprint that counts of each product of each peer."""
        names = {peer.id: peer.name for peer in peers.listing(session)}
        summaries: dict[int | None, Mapping[str, Any]] = {}
        for row, _ in received_store.listing(session, limit=MAX_RECEIVED):
            if row.verification != VerificationState.INVALID:
                summaries[row.seq] = read_summary(row)
                for urn in summaries[row.seq].get("productIds", ()):
                    self._sent.setdefault((row.peer_id, fold(str(urn))), []).append(row)
        for rows in self._sent.values():
            best = best_of(rows, now, lambda row: summaries[row.seq])
            if best is not None:
                offer = _of_received(best, names.get(best.peer_id, ""))
                self._offers.setdefault(offer.source, offer)

    def _add_own(self, session: Session) -> None:
        for product in self.products.values():
            declared = product.declaration
            one = Offer(
                ProductSource(product.id),
                f"own product {product.id}: {product.name}",
                (product.name, product.id),
                urns=() if declared is None else tuple(map(fold, declared.product_ids)),
                measure=measure_of_product(product),
            )
            self._offers[one.source] = one
        for row in products.all_factors(session):
            factor = json.loads(row.document)
            label = f"factor {row.id}: {factor['name']} ({factor['database']})"
            names = (factor["name"], row.id)
            source = FactorSource(row.id)
            self._offers[source] = Offer(source, label, names, measure=measure_of_factor(factor))

    def _decisions(self) -> Iterator[tuple[tuple[str, str], MatchRow]]:
        for (product_id, line_id), row in self.decided.items():
            product = self.products.get(product_id)
            for line in () if product is None else product.lines:
                if line.id == line_id and not isinstance(line, DirectEmission):
                    yield _component(line), row

    def label(self, source: Source) -> str:
        """A source for people."""
        offer = self._offers.get(source)
        return text_of(source) if offer is None else offer.label

    def resolved(self, row: MatchRow) -> Source:
        """What was decided; of a supplier's product, its newest good footprint."""
        source = source_of(json.loads(row.source))
        if isinstance(source, FootprintSource) and row.peer_id is not None:
            rows = self._sent.get((row.peer_id, row.product_urn or ""), [])
            matched = next((one for one in rows if one.footprint_id == source.id), None)
            if matched is not None:
                return FootprintSource(newest_of(matched, rows, self._now).footprint_id)
        return source

    def proposals(self, product_id: str, line: SourcedLine) -> list[Proposal]:
        """What a line may be, the likeliest first."""
        found: dict[Source, Proposal] = {}
        for one in (*self._certain(product_id, line), *self._by_name(product_id, line)):
            known = found.get(one.offer.source)
            if known is None:
                found[one.offer.source] = one
            else:
                reasons = tuple(dict.fromkeys((*known.reasons, *one.reasons)))
                found[one.offer.source] = replace(known, reasons=reasons)
        usable = [one for one in found.values() if _fits(line, one.offer)]
        usable.sort(key=lambda one: (not one.is_certain, -one.likeness, one.offer.label))
        return usable[:MAX_PROPOSALS]

    def _certain(self, product_id: str, line: SourcedLine) -> Iterator[Proposal]:
        before = self._remembered.get(_component(line))
        if before is not None:
            source = self.resolved(before)
            offer = self._offers.get(source, Offer(source, text_of(source), ()))
            reason = f"as decided for {line.name!r} in {before.product_id}"
            yield Proposal(offer, (reason,), is_certain=True)
        for urn in map(fold, getattr(line, "product_ids", ())):
            for offer in self._by_urn.get(urn, ()):
                if offer.source == ProductSource(product_id):
                    continue
                reasons = ["it has the product id of the line"]
                is_of = _is_of(line, offer)
                reasons += [] if is_of else ["it is not of the supplier of the line"]
                yield Proposal(offer, tuple(reasons), is_certain=is_of)

    def _by_name(self, product_id: str, line: SourcedLine) -> Iterator[Proposal]:
        supplier = getattr(line, "supplier", None) or ""
        offers = {
            id(offer): offer for word in _words(line.name) for offer in self._by_word.get(word, ())
        }
        for offer in offers.values():
            if offer.source == ProductSource(product_id):
                continue
            likeness = max(_alike(line.name, name) for name in offer.names)
            of_company = max((_alike(supplier, one) for one in offer.companies), default=0.0)
            if likeness < LIKELY or (supplier and of_company < LIKELY):
                continue
            reasons = ["the names are alike"]
            reasons += ["so are those of the companies"] if supplier else []
            yield Proposal(offer, tuple(reasons), likeness=likeness)


def text_of(source: Source) -> str:
    """A source in one word, as commands take it: `factor:EL-DE`."""
    ((kind, value),) = source_json(source).items()
    return f"left-out:{value['reason']}" if kind == "leftOut" else f"{kind}:{value}"


def _of_received(row: ReceivedFootprint, peer: str) -> Offer:
    document = json.loads(row.body)
    pcf, name = document["pcf"], str(document.get("productNameCompany", ""))
    return Offer(
        FootprintSource(row.footprint_id),
        f"{name} of {peer} ({row.footprint_id})",
        (name, str(document.get("productDescription", ""))),
        tuple(dict.fromkeys((peer, str(document.get("companyName", ""))))),
        tuple(fold(str(one)) for one in document.get("productIds", ())),
        measure_of_received(pcf),
    )


def _is_of(line: SourcedLine, offer: Offer) -> bool:
    """Whether it is of the supplier that the line names, if it names one: anybody can put a product
    id of another into a footprint."""
    supplier = getattr(line, "supplier", None)
    if not supplier or not offer.companies:
        return True
    return max(_alike(supplier, one) for one in offer.companies) >= LIKELY


def _fits(line: SourcedLine, offer: Offer) -> bool:
    """Whether the amount of the line can be converted into the unit of the source."""
    try:
        if offer.measure is not None:
            require_convertible(line, offer.measure)
    except UnitError:
        return False
    return True


def _component(line: SourcedLine) -> tuple[str, str]:
    """Whose what: under which a decision is remembered."""
    return fold(getattr(line, "supplier", None) or ""), fold(line.name)


def _words(text: str) -> set[str]:
    """Its words; of scripts without spaces, pairs of characters."""
    found: set[str] = set()
    for word in _WORDS.findall(fold(text)):
        if word.isascii() or len(word) < 3:
            found.add(word)
        else:
            found.update(word[at : at + 2] for at in range(len(word) - 1))
    return found


def _alike(one: str, other: str) -> float:
    """How alike two names are, 0 to 1; the order of their words does not matter."""
    words, others = _words(one), _words(other)
    if not words or not others:
        return 0.0
    common = len(words & others) / min(len(words), len(others))
    written = SequenceMatcher(None, " ".join(sorted(words)), " ".join(sorted(others))).ratio()
    return max(written, 0.9 * common)
