"""Where a result comes from: line by line, by kind, by product, hotspots first.

Numbers are exact; as JSON they are text, and one that is no finite decimal is rounded and marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

from underseal_protocol.rollup.calculated import Calculated, Demand
from underseal_protocol.rollup.evaluation import Evaluated, direct_figures, figures_of_use
from underseal_protocol.rollup.groups import Basis, Group, LineRef, Scale, scale_of
from underseal_protocol.rollup.inputs import (
    DirectEmission,
    Energy,
    Kind,
    Line,
    Quantity,
    Transport,
)
from underseal_protocol.rollup.numbers import Ratio, exact, shown
from underseal_protocol.rollup.properties import (
    EXCLUDING,
    FOSSIL,
    PRIMARY,
    RATED,
    RATINGS,
    SUMMANDS,
    TAKEN_UP,
    WEIGHT,
)
from underseal_protocol.rollup.sources import (
    FactorSource,
    FootprintSource,
    ProductSource,
    Source,
)
from underseal_protocol.rollup.vectors import Figures

__all__ = ["Contribution", "Explanation", "number_json"]

_ZERO = Fraction()
_FINEST = 10**30
_WHOLE = Demand(Fraction(1), Fraction(1))


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one line adds to the PCF excluding uptake.

    Attributes:
        ref: the line.
        line: itself.
        source: what it resolves to; None for direct emissions.
        amount: kg CO2e per declared unit of the product that is explained.
        used, contained: numerator and denominator of `scale`.
        demand: declared units of the line's own product that the explained product needs.
        figures: of the source, as the line uses it.
        is_outbound: a line of outbound transport; it counts where its product is an intermediate.
    """

    ref: LineRef
    line: Line
    source: Source | None
    amount: Fraction
    used: Ratio
    contained: Ratio
    demand: Demand
    figures: Figures = field(repr=False)
    is_outbound: bool = False

    @property
    def kind(self) -> Kind:
        """What the line is about."""
        return self.line.kind

    @property
    def scale(self) -> Scale:
        """Declared units of the source per declared unit of the line's own product; for direct
        emissions, what amounts per basis are multiplied by."""
        return Scale(Fraction(*self.used), Fraction(*self.contained))

    @property
    def components(self) -> dict[str, Fraction]:
        """The amount by PACT's components, and what uptake takes off the total; without zeros.

        What a source does not state is in no component: then they are less than the amount.
        """
        counted, contained = self.figures.counted, self.figures.contained
        total = self._part(counted.get(EXCLUDING, 0))
        if self.is_outbound:
            parts = {FOSSIL: total * self.demand.delivered * self.scale.used}
        else:
            used = self.demand.used * self.scale.used
            parts = {name: self._part(counted.get(name, 0)) * used for name in SUMMANDS}
            parts[FOSSIL] += total * self.demand.moved * self.scale.used
            if self.kind is Kind.MATERIAL:
                share = self.demand.contained * self.scale.contained
                parts[TAKEN_UP] = self._part(contained.get(TAKEN_UP, 0)) * share
        return {name: value for name, value in parts.items() if value}

    @property
    def primary_share(self) -> Fraction | None:
        """The share of primary data, 0 to 1; None if nothing is emitted."""
        weight = self.figures.counted.get(WEIGHT, 0)
        return Fraction(self.figures.counted.get(PRIMARY, 0), weight) if weight else None

    @property
    def ratings(self) -> dict[str, Fraction] | None:
        """Data quality ratings by name; None if there are none."""
        rated = self.figures.counted.get(RATED, 0)
        if not rated:
            return None
        return {name: Fraction(self.figures.counted[name], rated) for name in RATINGS}

    @property
    def per_source_unit(self) -> Fraction:
        """kg CO2e per declared unit of the source."""
        return self._part(self.figures.counted.get(EXCLUDING, 0))

    def _part(self, numerator: int) -> Fraction:
        return Fraction(numerator, self.figures.denominator)


class Explanation:
    """Where a result comes from. Nothing is calculated before it is asked for.

    Args:
        calculated: the result.
    """

    def __init__(self, calculated: Calculated) -> None:
        self._calculated = calculated

    @property
    def calculated(self) -> Calculated:
        """The result that is explained."""
        return self._calculated

    @property
    def total(self) -> Fraction:
        """The PCF excluding uptake in kg CO2e per declared unit: the sum of all contributions."""
        return self._calculated.result.sums.get(EXCLUDING, _ZERO)

    @cached_property
    def contributions(self) -> tuple[Contribution, ...]:
        """Of every line that resolves to a footprint or factor, and every direct emission, through
        all intermediates; the largest first."""
        found = (
            one
            for evaluated, demand in self._calculated.used_products()
            for one in _lines_of(evaluated, demand)
            if not isinstance(one.source, ProductSource)
        )
        return tuple(sorted(found, key=_by_size))

    @cached_property
    def own_lines(self) -> tuple[Contribution, ...]:
        """Of the lines of the product itself, intermediates as one line each; the largest first."""
        return tuple(sorted(_lines_of(self._calculated.result, _WHOLE), key=_by_size))

    @cached_property
    def absolute_total(self) -> Fraction:
        """The sum of the absolute contributions: what shares are of."""
        return sum((abs(one.amount) for one in self.contributions), _ZERO)

    def share(self, contribution: Contribution) -> Fraction:
        """The absolute contribution per absolute total, 0 to 1."""
        total = self.absolute_total
        return abs(contribution.amount) / total if total else _ZERO

    @cached_property
    def by_kind(self) -> dict[Kind, Fraction]:
        """kg CO2e per declared unit of each kind, through all intermediates."""
        return _added((one.kind, one.amount) for one in self.contributions)

    @cached_property
    def by_product(self) -> dict[str, Fraction]:
        """kg CO2e per declared unit that the lines of each product of ours add, by its id."""
        return _added((one.ref.product, one.amount) for one in self.contributions)

    def to_json(self, limit: int | None = None) -> dict[str, Any]:
        """For programs.

        Args:
            limit: of the contributions; None: all.
        """
        root = self._calculated.root
        shown_lines = self.contributions[:limit]
        return {
            "product": root.id,
            "declaredUnit": _quantity(root.declared_unit),
            "pcfExcludingBiogenicUptake": number_json(self.total),
            "absoluteContributions": number_json(self.absolute_total),
            "byKind": {str(kind): number_json(value) for kind, value in self.by_kind.items()},
            "byProduct": {name: number_json(value) for name, value in self.by_product.items()},
            "contributions": [self._contribution_json(one) for one in shown_lines],
            "furtherContributions": len(self.contributions) - len(shown_lines),
        }

    def _contribution_json(self, one: Contribution) -> dict[str, Any]:
        primary, ratings = one.primary_share, one.ratings
        return {
            "line": str(one.ref),
            "product": one.ref.product,
            "name": one.line.name,
            "kind": str(one.kind),
            **_amounts(one.line),
            "source": self._source_json(one.source),
            "perDeclaredUnitOfSource": number_json(one.per_source_unit),
            "declaredUnitsOfSource": number_json(one.scale.used),
            "declaredUnitsOfProduct": number_json(
                one.demand.delivered if one.is_outbound else one.demand.used + one.demand.moved
            ),
            "amount": number_json(one.amount),
            "share": number_json(self.share(one)),
            "components": {name: number_json(value) for name, value in one.components.items()},
            "primaryDataShare": None if primary is None else number_json(primary * 100),
            "dqi": None
            if ratings is None
            else {name: number_json(value) for name, value in ratings.items()},
        }

    def _source_json(self, source: Source | None) -> dict[str, Any] | None:
        inputs = self._calculated.inputs
        if isinstance(source, FootprintSource):
            received = inputs.footprints[source.id]
            return {
                "footprint": source.id,
                "company": received.document.get("companyName"),
                "trust": str(received.trust),
            }
        if isinstance(source, FactorSource):
            factor = inputs.factors[source.id]
            return {
                "factor": source.id,
                "name": factor.name,
                "database": factor.database,
                "version": factor.version,
                "geography": factor.geography,
                "year": factor.year,
                "licence": factor.licence,
                "isPrimary": factor.is_primary,
                "isVerified": factor.is_verified,
            }
        return {"product": source.id} if isinstance(source, ProductSource) else None


def number_json(value: Fraction) -> dict[str, Any]:
    """A number as text, and whether it is rounded because it is no finite decimal."""
    text, is_exact = shown(value)
    return {"value": text} if is_exact else {"value": text, "rounded": True}


def _lines_of(evaluated: Evaluated, demand: Demand) -> Iterator[Contribution]:
    """What the lines of one product add to the whole."""
    product = evaluated.product
    for group in evaluated.groups:
        if not group.is_outbound or demand.delivered:
            yield from _lines_of_group(product.id, group, evaluated.basis, demand)
    for emission in evaluated.direct:
        figures = direct_figures(product, emission)
        total = Fraction(figures.counted.get(EXCLUDING, 0), figures.denominator)
        used = Fraction(*evaluated.basis.started)
        yield Contribution(
            LineRef(product.id, emission.id),
            emission,
            None,
            total * used * (demand.used + demand.moved),
            evaluated.basis.started,
            (0, 1),
            demand,
            figures,
        )


def _lines_of_group(
    product: str, group: Group, basis: Basis, demand: Demand
) -> Iterator[Contribution]:
    figures = figures_of_use(group)
    needed = demand.delivered if group.is_outbound else demand.used + demand.moved
    factor = needed * Fraction(figures.counted.get(EXCLUDING, 0), figures.denominator)
    numerator, denominator = factor.as_integer_ratio()
    for line in group.lines:
        used, contained = scale_of(group, line, basis)
        yield Contribution(
            LineRef(product, line.id),
            line,
            group.source,
            Fraction(numerator * used[0], denominator * used[1]),
            used,
            contained,
            demand,
            figures,
            group.is_outbound,
        )


def _by_size(one: Contribution) -> tuple[int, str, str]:
    # Whole numbers compare faster than fractions, and nobody sees a difference that is smaller.
    size = abs(one.amount.numerator) * _FINEST // one.amount.denominator
    return -size, one.ref.product, one.ref.line


def _added(items: Iterable[tuple[Any, Fraction]]) -> dict[Any, Fraction]:
    """Sums by key, the largest first."""
    sums: dict[Any, Fraction] = {}
    for key, value in items:
        sums[key] = sums.get(key, _ZERO) + value
    return dict(sorted(sums.items(), key=lambda item: (-abs(item[1]), str(item[0]))))


def _amounts(line: Line) -> dict[str, Any]:
    if isinstance(line, DirectEmission):
        return {}
    if isinstance(line, Transport):
        distance = None if line.distance is None else _quantity(line.distance)
        return {"load": _quantity(line.load), "distance": distance, "mode": str(line.mode)}
    process = line.process if isinstance(line, Energy) else None
    used_by = {} if process is None else {"process": process}
    return {"quantity": _quantity(line.quantity), **used_by}


def _quantity(quantity: Quantity) -> dict[str, Any]:
    return {**number_json(exact(quantity.amount)), "unit": quantity.unit}
