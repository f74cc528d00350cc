"""Numbers of products and factors that can be read, and that nothing can be calculated with: said
when they are imported, where the cell is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from fractions import Fraction

from underseal_protocol.errors import ProtocolError, Violation
from underseal_protocol.rollup.draft import geography_of
from underseal_protocol.rollup.evaluation import DIRECT_NAMES
from underseal_protocol.rollup.inputs import (
    Declaration,
    DirectEmission,
    Line,
    Material,
    Product,
    Transport,
)
from underseal_protocol.rollup.numbers import Number, exact, shown_text
from underseal_protocol.rollup.properties import CARBON, EXCLUDING, INCLUDING, NON_POSITIVE
from underseal_protocol.rollup.reading import factor_vector
from underseal_protocol.rollup.sources import DataQuality, Factor, LeftOut
from underseal_protocol.rollup.units import PhysicalProperties

__all__ = ["violations_of_factor", "violations_of_line", "violations_of_product"]


@dataclass(frozen=True, slots=True)
class _Range:
    """Which numbers can be.

    Attributes:
        expected: as the end of a sentence.
        low, high: the ends; None: none.
        without_low, without_high: the end itself is not one of them.
        is_share: it is written as percent in sheets.
        hint: what to do.
    """

    expected: str
    low: int | None = None
    high: int | None = None
    without_low: bool = False
    without_high: bool = False
    is_share: bool = False
    hint: str = "Correct the number."

    def holds(self, value: Fraction) -> bool:
        """Whether a number is one of them."""
        if self.low is not None and (value < self.low or (self.without_low and value == self.low)):
            return False
        return self.high is None or not (
            value > self.high or (self.without_high and value == self.high)
        )


_MEMBERS = {
    "density_kg_per_m3": "densityKgPerM3",
    "mass_kg_per_piece": "massKgPerPiece",
    "mass_kg_per_m2": "massKgPerM2",
    "energy_mj_per_kg": "energyMjPerKg",
    "energy_mj_per_m3": "energyMjPerM3",
}
_CREDIT = "Co-products get their share by allocation, not as a credit."
_SIGN = "PACT knows no negative emissions; removals, capture and uptake are negative."
_AMOUNT = _Range("0 or more", 0, hint=_CREDIT)
_MASS = _Range("0 or more", 0)
_POSITIVE = _Range("more than 0", 0, without_low=True)
_PROPERTY = _Range("more than 0", 0, without_low=True, hint="Without it, leave it empty.")
_EMITTED = _Range("0 or more", 0, hint=_SIGN)
_REMOVED = _Range("0 or less", None, 0, hint=_SIGN)
_RATING = _Range(
    "a rating from 1 (best) to 5", 1, 5, hint="Ratings of PACT 2 (1 to 3) cannot be converted."
)
_LOSS = _Range(
    "0 or more, below 100", 0, 1, without_high=True, is_share=True,
    hint="It is the part of what is taken that is lost: 4 for 4 %.",
)  # fmt: skip
_SHARE = _Range("0 to 100", 0, 1, is_share=True, hint="Write 30 for 30 %.")
_YIELD = _Range(
    "above 0, at most 100", 0, 1, without_low=True, is_share=True, hint="Write 98 for 98 %."
)
_EXEMPTED = _Range("0 or more, below 100", 0, 100, without_high=True, hint="Write 3 for 3 %.")


def violations_of_product(product: Product, *, in_sheet: bool) -> Iterator[Violation]:
    """Every number of a product that cannot be.

    Args:
        product: to look at.
        in_sheet: whether it is from a sheet, where shares are written as percent.
    """
    found = _Found(in_sheet)
    yield from found.number("/declaredUnit/amount", product.declared_unit.amount, _POSITIVE)
    yield from found.number("/massKg", product.mass_kg, _MASS)
    yield from found.number("/yieldShare", product.yield_share, _YIELD)
    if product.basis is not None:
        yield from found.number("/basis/amount", product.basis.amount, _POSITIVE)
    yield from found.properties("", product.properties)
    for name, value in product.carbon_contents.items():
        pointer = f"/carbonContents/{name}"
        yield from found.name(pointer, name, CARBON)
        yield from found.number(pointer, value, _MASS)
    if product.declaration is not None:
        yield from _of_declaration(product.declaration, found)
    for number, line in enumerate(product.lines):
        yield from _of_line(line, f"/lines/{number}", found)


def violations_of_factor(factor: Factor) -> Iterator[Violation]:
    """Every number of a factor that cannot be."""
    found = list(_of_factor(factor, _Found(in_sheet=False)))
    yield from found
    if not found:
        try:
            factor_vector(factor)
        except ProtocolError as error:
            said = error.message.partition(": ")[2] or error.message
            yield Violation("/values", None, f"other values: {said}", error.hint)


def violations_of_line(line: Line, number: int, *, in_sheet: bool) -> Iterator[Violation]:
    """Every number of a line that cannot be; of a product that cannot be read as a whole.

    Args:
        line: to look at.
        number: of the line in its product, from 0.
        in_sheet: as for a product.
    """
    yield from _of_line(line, f"/lines/{number}", _Found(in_sheet))


class _Found:
    """Compares numbers with what they can be."""

    def __init__(self, in_sheet: bool) -> None:
        self._in_sheet = in_sheet

    def number(self, pointer: str, value: Number | None, wanted: _Range) -> Iterator[Violation]:
        if value is None or wanted.holds(exact(value)):
            return
        if not wanted.is_share:
            yield Violation(pointer, str(value), wanted.expected, wanted.hint)
        elif self._in_sheet:
            percent = f"{shown_text(exact(value) * 100)} %"
            yield Violation(pointer, percent, f"{wanted.expected} %", wanted.hint)
        else:
            expected = wanted.expected.replace("100", "1")
            yield Violation(pointer, str(value), expected, "Shares are parts of 1: 0.04 is 4 %.")

    def name(self, pointer: str, name: str, known: Iterable[str]) -> Iterator[Violation]:
        if name not in known:
            yield Violation(pointer, name, f"some of {', '.join(known)}", "Remove it.")

    def properties(self, pointer: str, properties: PhysicalProperties) -> Iterator[Violation]:
        for one in fields(properties):
            place = f"{pointer}/properties/{_MEMBERS[one.name]}"
            yield from self.number(place, getattr(properties, one.name), _PROPERTY)

    def quality(self, pointer: str, quality: DataQuality | None) -> Iterator[Violation]:
        if quality is not None:
            for one in fields(quality):
                place = f"{pointer}/quality/{one.name}"
                yield from self.number(place, getattr(quality, one.name), _RATING)


def _of_factor(factor: Factor, found: _Found) -> Iterator[Violation]:
    yield from found.number("/amount", factor.amount, _POSITIVE)
    yield from found.quality("", factor.quality)
    yield from found.properties("", factor.properties)
    for name, value in factor.values.items():
        is_total = name == INCLUDING or (name == EXCLUDING and len(factor.values) > 1)
        if not is_total:
            yield from found.number(f"/values/{name}", value, _sign_of(name))


def _of_declaration(declared: Declaration, found: _Found) -> Iterator[Violation]:
    place = "/declaration"
    yield from found.number(f"{place}/exemptedPercent", declared.exempted_percent, _EXEMPTED)
    if declared.period_end <= declared.period_start:
        yield Violation(
            f"{place}/periodEnd",
            f"{declared.period_end:%Y-%m-%d}",
            f"a day after the period's start, {declared.period_start:%Y-%m-%d}",
            "It is the first day after the data: 2026-01-01 for the year 2025.",
        )
    if declared.geography is not None and geography_of(declared.geography) is None:
        yield Violation(
            f"{place}/geography",
            declared.geography,
            "a place of PACT",
            "Write a country (DE), a part of one (DE-BW), or a UN region (Europe).",
        )


def _of_line(line: Line, place: str, found: _Found) -> Iterator[Violation]:
    yield from found.quality(place, line.quality)
    if isinstance(line, DirectEmission):
        yield from _of_emissions(line.emissions, f"{place}/emissions", found)
        return
    if isinstance(line, Transport):
        yield from found.number(f"{place}/load/amount", line.load.amount, _MASS)
        if line.distance is not None:
            yield from found.number(f"{place}/distance/amount", line.distance.amount, _MASS)
    else:
        yield from found.number(f"{place}/quantity/amount", line.quantity.amount, _AMOUNT)
    if isinstance(line, Material):
        yield from found.number(f"{place}/loss", line.loss, _LOSS)
        yield from found.number(f"{place}/retained", line.retained, _SHARE)
        yield from found.number(f"{place}/recycledShare", line.recycled_share, _SHARE)
    if isinstance(line.source, LeftOut):
        pointer = f"{place}/source/leftOut/estimateKgCo2e"
        yield from found.number(pointer, line.source.estimate_kg_co2e, _MASS)
    yield from found.properties(place, line.properties)


def _of_emissions(
    emissions: Mapping[str, Number], place: str, found: _Found
) -> Iterator[Violation]:
    for name, value in emissions.items():
        yield from found.name(f"{place}/{name}", name, DIRECT_NAMES)
        yield from found.number(f"{place}/{name}", value, _sign_of(name))


def _sign_of(name: str) -> _Range:
    return _REMOVED if name in NON_POSITIVE else _EMITTED
