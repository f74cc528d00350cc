"""A product and all that it is made of, calculated: each product once, parts before the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from underseal_protocol.errors import RollUpError
from underseal_protocol.rollup.evaluation import Evaluated, evaluate
from underseal_protocol.rollup.graph import order_of
from underseal_protocol.rollup.groups import Group
from underseal_protocol.rollup.inputs import Kind, Product, RollUpInputs
from underseal_protocol.rollup.reading import factor_vector, footprint_vector
from underseal_protocol.rollup.sources import (
    Factor,
    FactorSource,
    FootprintSource,
    ProductSource,
    ReceivedFootprint,
    Supply,
)
from underseal_protocol.rollup.vectors import Vector

__all__ = ["Calculated", "Demand", "calculate"]

_ZERO = Fraction()


@dataclass(frozen=True, slots=True)
class Demand:
    """How much of a product one declared unit of the whole needs, in its declared units.

    Attributes:
        used: with all losses.
        contained: what of it is in the product.
        delivered: as far as its outbound logistics are transport to us.
        moved: as a means of outbound transport: its total counts as fossil there.
    """

    used: Fraction = _ZERO
    contained: Fraction = _ZERO
    delivered: Fraction = _ZERO
    moved: Fraction = _ZERO

    def __add__(self, other: Demand) -> Demand:
        """From both."""
        return Demand(
            self.used + other.used,
            self.contained + other.contained,
            self.delivered + other.delivered,
            self.moved + other.moved,
        )

    def through(self, group: Group) -> Demand:
        """What lines of the product demand of their source."""
        scale = group.scale
        contained = self.contained * scale.contained if group.kind is Kind.MATERIAL else _ZERO
        if group.is_outbound:
            used, moved = _ZERO, self.delivered * scale.used
        else:
            used, moved = self.used * scale.used, self.moved * scale.used
        delivered = used + moved if group.is_delivered else _ZERO
        return Demand(used, contained, delivered, moved)


@dataclass(frozen=True, slots=True)
class Calculated:
    """The result before it is rounded or written.

    Attributes:
        inputs: what it was calculated from.
        root: the product.
        evaluated: all products that it is made of and itself, by id, parts before the whole.
        demands: how much of each product it needs.
        uses: received footprints, factors and products that count -> the lines that use them.
        footprints: the received footprints that count, by id.
        factors: the factors that count, by id.
    """

    inputs: RollUpInputs
    root: Product
    evaluated: Mapping[str, Evaluated]
    demands: Mapping[str, Demand]
    uses: Mapping[Supply, list[Group]]
    footprints: tuple[ReceivedFootprint, ...]
    factors: tuple[Factor, ...]

    @property
    def result(self) -> Evaluated:
        """Of the product itself."""
        return self.evaluated[self.root.id]

    def used_products(self) -> Iterator[tuple[Evaluated, Demand]]:
        """The products that count, the whole first."""
        for product_id in reversed(list(self.evaluated)):
            demand = self.demands.get(product_id)
            if demand is not None and (demand.used or demand.delivered or demand.moved):
                yield self.evaluated[product_id], demand


def calculate(inputs: RollUpInputs, product_id: str) -> Calculated:
    """Calculate a product.

    Args:
        inputs: everything it may need.
        product_id: the product.

    Raises:
        RollUpError, UnitError: something cannot be calculated.
    """
    vectors: dict[tuple[type[Supply], str], Vector] = {}
    evaluated: dict[str, Evaluated] = {}

    def vector_of(source: Supply) -> Vector:
        if isinstance(source, ProductSource):
            return evaluated[source.id].vector
        # Strings hash faster than dataclasses.
        key = (type(source), source.id)
        found = vectors.get(key)
        if found is None:
            vectors[key] = found = _read(inputs, source)
        return found

    for one in order_of(inputs.products, product_id):
        evaluated[one] = evaluate(inputs.products[one], vector_of)
    root = inputs.products[product_id]
    demands, uses = _follow(evaluated, product_id)
    footprints = sorted(one.id for one in uses if isinstance(one, FootprintSource))
    factors = sorted(one.id for one in uses if isinstance(one, FactorSource))
    return Calculated(
        inputs,
        root,
        evaluated,
        demands,
        uses,
        tuple(inputs.footprints[one] for one in footprints),
        tuple(inputs.factors[one] for one in factors),
    )


def _read(inputs: RollUpInputs, source: Supply) -> Vector:
    if isinstance(source, FootprintSource):
        received = inputs.footprints.get(source.id)
        if received is None:
            raise RollUpError(
                f"there is no received footprint {source.id}",
                hint="Pull or import it, or match the line anew.",
            )
        return footprint_vector(received)
    if isinstance(source, FactorSource):
        factor = inputs.factors.get(source.id)
        if factor is None:
            raise RollUpError(
                f"there is no factor {source.id!r}", hint="Import it, or match the line anew."
            )
        return factor_vector(factor)
    raise RollUpError(f"{type(source).__name__} is no source", hint="Match the line anew.")


def _follow(
    evaluated: Mapping[str, Evaluated], root: str
) -> tuple[dict[str, Demand], dict[Supply, list[Group]]]:
    demands = {root: Demand(Fraction(1), Fraction(1))}
    uses: dict[tuple[type[Supply], str], list[Group]] = {}
    for product_id in reversed(list(evaluated)):
        demand = demands.get(product_id)
        if demand is None or not (demand.used or demand.delivered or demand.moved):
            continue
        for group in evaluated[product_id].groups:
            if not group.used[0]:
                continue
            source = group.source
            uses.setdefault((type(source), source.id), []).append(group)
            if type(source) is ProductSource:
                known = demands.get(source.id, Demand())
                demands[source.id] = known + demand.through(group)
    return demands, {groups[0].source: groups for groups in uses.values()}
