"""From the calculation of a footprint to the integers that are sealed.

Every line that uses the same footprint is one input, with the sum of their quantities: endorsements
are of footprints. Its value is the figure that the supplier published. What such a line counts
besides is own emissions: the outbound logistics that bring the product here, and what an
intermediate of ours was moved with. So are direct emissions, and every source that is neither
endorsed nor named.

Nothing is the difference of a total: what does not fit shows when T is compared with the figure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType

from underseal_protocol.decimals import parse_decimal
from underseal_protocol.rollup.explanation import Contribution, Explanation
from underseal_protocol.rollup.numbers import exact, shown_text
from underseal_protocol.rollup.properties import FOSSIL, OUTBOUND
from underseal_protocol.rollup.sources import Factor, FactorSource, FootprintSource
from underseal_protocol.seal.document import NamedFactor
from underseal_protocol.seal.numbers import VALUE_BITS, WIDE_BITS, SealedProperty, nano
from underseal_protocol.seal.sealing import FactorInput

__all__ = ["SealPlan", "plan_seal"]

_ZERO = Fraction()


@dataclass(frozen=True, slots=True)
class SealPlan:
    """The integers of a calculation, without the endorsements.

    Attributes:
        sealed: which figure.
        exact: of it, in kg CO2e per declared unit, before it is rounded.
        quantities: `q` by the id of the supplier's footprint.
        factors: that are named, each once.
        own: `e`.
    """

    sealed: SealedProperty
    exact: Fraction = field(repr=False)
    quantities: Mapping[str, int] = field(repr=False)
    factors: tuple[FactorInput, ...] = field(repr=False)
    own: int = field(repr=False)


def plan_seal(
    explanation: Explanation,
    figures: Mapping[str, Fraction],
    sealed: SealedProperty,
    *,
    endorsed: Collection[str] = (),
    named: Collection[str] = (),
) -> SealPlan:
    """The integers of a calculation.

    Args:
        explanation: of the roll-up.
        figures: of the roll-up, exact.
        sealed: which figure.
        endorsed: ids of received footprints whose figures are endorsed.
        named: ids of factors that are to be shown.

    Raises:
        SealNumberError: something is negative or out of range.
    """
    sums = _Sums(explanation, sealed, frozenset(endorsed), frozenset(named))
    for one in explanation.contributions:
        sums.add(one)
    return SealPlan(
        sealed,
        figures[sealed.value],
        MappingProxyType(
            {
                name: nano(amount, VALUE_BITS, f"the quantity of footprint {name}")
                for name, amount in sums.quantities.items()
            }
        ),
        tuple(
            FactorInput(factor, nano(amount, VALUE_BITS, f"the quantity of {factor.name}"))
            for factor, amount in sums.factors.items()
        ),
        nano(sums.own, WIDE_BITS, "the sum of own emissions"),
    )


class _Sums:
    """Adds up contributions by what they are in a seal."""

    def __init__(
        self,
        explanation: Explanation,
        sealed: SealedProperty,
        endorsed: Collection[str],
        named: Collection[str],
    ) -> None:
        self._inputs = explanation.calculated.inputs
        self._sealed, self._endorsed, self._named = sealed, endorsed, named
        self.quantities: dict[str, Fraction] = defaultdict(Fraction)
        self.factors: dict[NamedFactor, Fraction] = defaultdict(Fraction)
        self.own = _ZERO

    def add(self, one: Contribution) -> None:
        """Add what one line contributes."""
        used = one.demand.used * one.scale.used
        source = one.source
        if one.is_outbound or not used:
            self.own += self._amount(one)
        elif isinstance(source, FootprintSource) and source.id in self._endorsed:
            self.quantities[source.id] += used
            self.own += self._delivery(one, source.id) * used + self._moved(one)
        elif isinstance(source, FactorSource) and source.id in self._named:
            factor = self._factor(self._inputs.factors[source.id], one)
            if factor is None:
                self.own += self._amount(one)
            else:
                self.factors[factor] += used
                self.own += self._moved(one)
        else:
            self.own += self._amount(one)

    def _amount(self, one: Contribution) -> Fraction:
        """Of the property that is sealed."""
        if self._sealed is SealedProperty.EXCLUDING:
            return one.amount
        return one.components.get(FOSSIL, _ZERO)

    def _per_unit(self, one: Contribution) -> Fraction:
        return Fraction(one.figures.counted.get(self._sealed.value, 0), one.figures.denominator)

    @staticmethod
    def _moved(one: Contribution) -> Fraction:
        """Of what moves intermediates of ours, the total counts, as fossil."""
        return one.per_source_unit * one.demand.moved * one.scale.used

    def _delivery(self, one: Contribution, footprint_id: str) -> Fraction:
        """Per declared unit: the outbound logistics of the supplier, where the line counts them."""
        pcf = self._inputs.footprints[footprint_id].document["pcf"]
        published = exact(parse_decimal(pcf[self._sealed.value]))
        logistics = exact(parse_decimal(pcf.get(OUTBOUND) or "0"))
        return logistics if self._per_unit(one) - published == logistics else _ZERO

    def _factor(self, factor: Factor, one: Contribution) -> NamedFactor | None:
        """None if it adds nothing."""
        value = nano(self._per_unit(one), VALUE_BITS, f"the value of factor {factor.id}")
        amount = exact(factor.amount)
        unit = factor.unit if amount == 1 else f"{shown_text(amount)} {factor.unit}"
        name = f"{factor.name} ({factor.database} {factor.version}, {factor.id})"
        return NamedFactor(name[:200], unit[:40], value) if value else None
