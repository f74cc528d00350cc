"""Loading what a calculation needs: a product, what its lines resolve to, through all products.

A line resolves to what the operator has decided (`store.products.matches`), else to what the bill
of materials names. A decision for a supplier's product is for its newest good footprint, so that a
correction is used as soon as it has arrived.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sqlmodel import Session

from underseal_node.products.choosing import newest_of, preceding_of, read_summary
from underseal_node.products.metered import Meters
from underseal_node.products.used import Used, UsedFootprint, UsedLine
from underseal_node.store import peers, products
from underseal_node.store.exchange_tables import ReceivedFootprint, VerificationState
from underseal_node.store.identity import Identity
from underseal_node.store.product_tables import MatchRow
from underseal_node.store.tables import Peer
from underseal_protocol.canonical import canonical_bytes, digest_of_bytes
from underseal_protocol.criteria import DEPRECATED
from underseal_protocol.disclosure import Block
from underseal_protocol.errors import RollUpError
from underseal_protocol.rollup import sources
from underseal_protocol.rollup.documents import factor_of, source_of
from underseal_protocol.rollup.findings import RollUpFinding
from underseal_protocol.rollup.inputs import DirectEmission, Line, Product, RollUpInputs
from underseal_protocol.rollup.sources import (
    Factor,
    FactorSource,
    FootprintSource,
    ProductSource,
    Source,
    Trust,
)
from underseal_protocol.strict_json import loads

__all__ = [
    "PCF",
    "Bill",
    "Loader",
    "defaults_of",
    "digest_of",
    "everything",
    "load",
]

PCF = "pcfExcludingBiogenicUptake"


@dataclass(frozen=True, slots=True)
class Bill:
    """Everything that a calculation needs.

    Attributes:
        inputs: for `roll_up`.
        used: what they are.
        findings: about metered energy that is in none of the products.
    """

    inputs: RollUpInputs = field(repr=False)
    used: Used
    findings: tuple[RollUpFinding, ...] = ()


def digest_of(document: Mapping[str, Any]) -> str:
    """The digest by which a product or factor is known: SHA-256 of its canonical JSON."""
    return digest_of_bytes(canonical_bytes(document))


def defaults_of(identity: Identity) -> dict[str, Any]:
    """What a declaration says of the company where a bill of materials does not."""
    return {"companyName": identity.company_name, "companyIds": list(identity.company_ids)}


def load(session: Session, product_id: str, now: datetime, identity: Identity) -> Bill:
    """Everything that the calculation of a product needs, as it is now.

    What cannot be found is left out: the calculation says so.

    Args:
        session: to read.
        product_id: of the product.
        now: aware; which footprint of a supplier's product is the newest good one depends on it.
        identity: of the node.

    Raises:
        NotFoundError: there is no such product.
        RollUpError: two peers have sent footprints with one id, and a line names it.
    """
    return Loader(session, now, identity).load(product_id)


class Loader:
    """Loads products, each only once.

    Args:
        session: to read.
        now: aware.
        identity: of the node.

    Attributes:
        meters: of all products.
    """

    def __init__(self, session: Session, now: datetime, identity: Identity) -> None:
        self._session = session
        self._now = now
        self.meters = Meters(session, defaults_of(identity))
        self._products: dict[str, Product] = {}
        self._digests: dict[str, str] = {}
        self._readings: dict[str, str] = {}
        self._received: dict[str, tuple[ReceivedFootprint, Peer]] = {}

    def load(self, root: str, more: Collection[Source] = ()) -> Bill:
        """Everything that the calculation of a product needs; see `load`.

        Args:
            root: id of the product.
            more: what could be used instead of something; it is loaded, too.
        """
        products.product(self._session, root)
        reached = [root, *(one.id for one in more if isinstance(one, ProductSource))]
        for product_id in reached:
            product = self._product(product_id)
            if product is not None:
                parts = dict.fromkeys(
                    one.id for one in _sources(product) if isinstance(one, ProductSource)
                )
                reached += [one for one in parts if one not in reached]
        known = dict.fromkeys(one for one in reached if one in self._products)
        return self._bill(root, list(known), more)

    def _product(self, product_id: str) -> Product | None:
        if product_id not in self._products:
            row = products.find(self._session, product_id)
            if row is None:
                return None
            product, readings = self.meters.product(row)
            if readings is not None:
                self._readings[product_id] = readings
            decided = {m.line_id: m for m in products.matches(self._session, product_id)}
            lines = tuple(self._resolved(one, decided.get(one.id)) for one in product.lines)
            history = (*product.history, *self._own_history(product))
            self._products[product_id] = replace(product, lines=lines, history=history)
            self._digests[product_id] = row.digest
        return self._products[product_id]

    def _bill(self, root: str, reached: Sequence[str], more: Collection[Source]) -> Bill:
        chosen = [self._products[one] for one in reached]
        lines = {
            (product.id, line.id): UsedLine(line.name, _source(line))
            for product in chosen
            for line in product.lines
        }
        used_sources = {line.source for line in lines.values() if line.source is not None}
        used_sources |= set(more)
        factors, factor_digests = self._factors(used_sources)
        named = {one.id for one in used_sources if isinstance(one, FootprintSource)}
        self._load_named(named - self._received.keys())
        received = [self._received[one] for one in sorted(named & self._received.keys())]
        used = Used(
            root,
            {one: self._digests[one] for one in reached},
            factor_digests,
            {row.footprint_id: self._used(row, peer) for row, peer in received},
            lines,
            {one: self._readings[one] for one in reached if one in self._readings},
        )
        footprints = [self._footprint(*one) for one in received]
        found = (self.meters.findings(product) for product in chosen if product.id in used.readings)
        about_energy = dict.fromkeys(one for part in found for one in part)
        return Bill(RollUpInputs.of(chosen, footprints, factors), used, tuple(about_energy))

    def _resolved(self, line: Line, decided: MatchRow | None) -> Line:
        if decided is None or isinstance(line, DirectEmission):
            return line
        return replace(line, source=self._decided(decided))

    def _decided(self, match: MatchRow) -> Source:
        source = source_of(json.loads(match.source))
        if not isinstance(source, FootprintSource) or match.peer_id is None:
            return source
        peer = peers.by_id(self._session, match.peer_id)
        found = products.received(self._session, [source.id]).get(source.id, [])
        matched = next((row for row, _ in found if row.peer_id == match.peer_id), None)
        rows = (
            products.received_by_product(self._session, match.peer_id, match.product_urn)
            if match.product_urn
            else ()
        )
        best = matched if matched is None else newest_of(matched, rows, self._now)
        if best is None or peer is None:
            return source
        known = self._received.get(best.footprint_id)
        if known is not None and known[1].id != peer.id:
            raise RollUpError(
                f"{known[1].name} and {peer.name} have sent footprints with the id "
                f"{best.footprint_id}, and both are used",
                hint="Ids name one and no other: ask both where theirs comes from.",
            )
        self._received[best.footprint_id] = (best, peer)
        return FootprintSource(best.footprint_id)

    def _load_named(self, ids: Iterable[str]) -> None:
        """Footprints that a bill of materials names by id."""
        for footprint_id, found in products.received(self._session, ids).items():
            if len({row.body_digest for row, _ in found}) > 1:
                names = " and ".join(sorted(name for _, name in found))
                raise RollUpError(
                    f"{names} have sent different footprints with the id {footprint_id}",
                    hint="Match the line to the footprint of one of them: `underseal match`.",
                )
            row = found[0][0]
            peer = peers.by_id(self._session, row.peer_id)
            if peer is not None:
                self._received[footprint_id] = (row, peer)

    def _factors(self, used: Iterable[Source]) -> tuple[list[Factor], dict[str, str]]:
        rows = products.factors(
            self._session, (one.id for one in used if isinstance(one, FactorSource))
        )
        factors = [factor_of(json.loads(row.document)) for row in rows.values()]
        return factors, {row.id: row.digest for row in rows.values()}

    def _footprint(self, row: ReceivedFootprint, peer: Peer) -> sources.ReceivedFootprint:
        trust = _trust(row, peer)
        document = dict(loads(row.body)) | {"status": row.status}
        withheld = frozenset(Block(one) for one in json.loads(row.withheld))
        return sources.ReceivedFootprint(document, trust, withheld, self._history(row))

    def _used(self, row: ReceivedFootprint, peer: Peer) -> UsedFootprint:
        used = _used(row, peer)
        if row.status != DEPRECATED:
            return used
        replacing = (
            other.footprint_id
            for other in self._of_same_products(row)
            if row.footprint_id in preceding_of(read_summary(other))
        )
        return replace(used, replaced_by=next(replacing, None))

    def _history(self, row: ReceivedFootprint) -> tuple[Decimal, ...]:
        """What the peer said of the same products before."""
        own = _pcf_of(read_summary(row))
        found: dict[str, Decimal] = {}
        for other in self._of_same_products(row):
            pcf = _pcf_of(read_summary(other))
            if other.footprint_id == row.footprint_id or pcf is None or own is None:
                continue
            if pcf[1] == own[1]:
                found[other.footprint_id] = pcf[0]
        return tuple(found.values())

    def _of_same_products(self, row: ReceivedFootprint) -> list[ReceivedFootprint]:
        """What the peer has sent of the products of a footprint, itself included, each once."""
        found: dict[int | None, ReceivedFootprint] = {}
        for urn in read_summary(row).get("productIds", ()):
            for other in products.received_by_product(
                self._session, row.peer_id, str(urn).casefold()
            ):
                found.setdefault(other.seq, other)
        return list(found.values())

    def _own_history(self, product: Product) -> list[Fraction]:
        history = []
        for row in products.roll_ups(self._session, product.id):
            result = json.loads(row.result)
            unit = result["declaredUnit"]
            if unit["unit"] == product.declared_unit.unit:
                amount = Fraction(unit["amount"]) / Fraction(str(product.declared_unit.amount))
                history.append(Fraction(result["figures"][PCF]) / amount)
        return history


def _source(line: Line) -> Source | None:
    return None if isinstance(line, DirectEmission) else line.source


def _sources(product: Product) -> Iterable[Source]:
    return (one for one in map(_source, product.lines) if one is not None)


def _pcf_of(summary: Mapping[str, Any]) -> tuple[Decimal, str] | None:
    """The PCF per one declared unit and the unit, of what is stored to list a footprint."""
    try:
        pcf, amount = Decimal(summary[PCF]), Decimal(summary["declaredUnitAmount"])
        return pcf / amount, str(summary["declaredUnitOfMeasurement"])
    except (KeyError, ArithmeticError, ValueError, TypeError):
        return None


def _trust(row: ReceivedFootprint, peer: Peer) -> Trust:
    return {
        VerificationState.VERIFIED: Trust.VERIFIED,
        VerificationState.UNSIGNED: Trust.UNSIGNED if peer.accept_unsigned else Trust.INVALID,
    }.get(VerificationState(row.verification), Trust.INVALID)


def _used(row: ReceivedFootprint, peer: Peer) -> UsedFootprint:
    summary = json.loads(row.summary)
    return UsedFootprint(
        peer.name,
        str(summary.get("productNameCompany", "")),
        row.body_digest,
        row.status,
        row.valid_from,
        row.valid_until,
        preceding_of(read_summary(row)),
        _trust(row, peer),
        tuple(json.loads(row.withheld)),
    )


def everything(session: Session, bill: Bill) -> RollUpInputs:
    """The inputs of a bill, and all other factors besides: for what could be used instead."""
    known = bill.inputs.factors
    others = [
        factor_of(json.loads(row.document))
        for row in products.all_factors(session)
        if row.id not in known
    ]
    return RollUpInputs.of(
        bill.inputs.products.values(),
        bill.inputs.footprints.values(),
        [*known.values(), *others],
    )
