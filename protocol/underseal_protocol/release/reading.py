"""From a roll-up to what the gate judges: figures with their intervals and forms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from underseal_protocol.decimals import format_decimal
from underseal_protocol.disclosure import block_of
from underseal_protocol.errors import ReleaseError
from underseal_protocol.release.exposure import (
    Exposure,
    Figure,
    Form,
    Source,
    Unknown,
    add_form,
)
from underseal_protocol.release.forms import Leaf, forms_of
from underseal_protocol.rollup import merging
from underseal_protocol.rollup.calculated import Calculated
from underseal_protocol.rollup.draft import declaration_of, percentage_text, stated_figures
from underseal_protocol.rollup.numbers import exact, round_exact
from underseal_protocol.rollup.properties import (
    EXCLUDING,
    EXEMPTED,
    INCLUDING,
    PRIMARY,
    RATED,
    TAKEN_UP,
    WEIGHT,
)
from underseal_protocol.rollup.sources import FactorSource, FootprintSource, ReceivedFootprint

__all__ = ["exposure_of", "interval_of"]

PRIMARY_SHARE, EXEMPTED_SHARE = "primaryDataShare", "exemptedEmissionsPercent"


def exposure_of(
    calculated: Calculated,
    footprint_id: str,
    digits: int,
    suppliers: Mapping[str, str] | None = None,
) -> Exposure:
    """What a footprint with so many significant digits would tell of its sources.

    Args:
        calculated: the result of the roll-up (`RollUp.explanation.calculated`).
        footprint_id: of the footprint.
        digits: significant ones, as in `RollUpOptions`.
        suppliers: the legal group of the supplier by the id of the received footprint; one that is
            not named stands for itself, by its first company id or its own id.

    Raises:
        RollUpError: the product has no declaration.
        ReleaseError: a form does not have the value that the roll-up has calculated.
    """
    sums, leaves = forms_of(calculated)
    used = {key for form in sums.values() for key, _ in form}
    sources = {
        key: _source(leaf, calculated, suppliers or {})
        for key, leaf in leaves.items()
        if key in used
    }
    exposure = Exposure(footprint_id, calculated.root.id, digits, sources, ())
    figures = (*_totals(calculated, sums, digits), *_ratios(calculated, sums, digits))
    for figure, value in figures:
        top = exposure.value_of(figure.top)
        made = top if figure.below is None else top / exposure.value_of(figure.below)
        if made != value:
            raise ReleaseError(
                f"{figure.name} of product {calculated.root.id!r} is {value} by the roll-up and "
                f"{made} by the gate",
                hint="This is an error in Underseal. Please report it.",
            )
    return Exposure(
        footprint_id, calculated.root.id, digits, sources, tuple(one for one, _ in figures)
    )


def interval_of(text: str, digits: int) -> tuple[Fraction, Fraction]:
    """Between which numbers a value is that `round_exact` has written as this text.

    A text with fewer places than rounding would have left was not rounded, and says so.

    Args:
        text: as written.
        digits: significant ones that it was rounded to.
    """
    number = Decimal(text)
    value = Fraction(number)
    places = max(0, -int(number.as_tuple().exponent))
    magnitude = number.adjusted()
    if not number or places < max(0, digits - 1 - magnitude):
        return value, value
    half = inner = Fraction(1, 2 * 10**places)
    if abs(value) == Fraction(10) ** magnitude:
        # Below a power of ten, numbers are written with one place more, which the power then has,
        # too, if it was such a number.
        half = Fraction(1, 2 * 10 ** max(0, digits - 1 - magnitude))
        inner = Fraction(1, 2 * 10 ** max(0, digits - magnitude))
    below, above = (inner, half) if value > 0 else (half, inner)
    return value - below, value + above


def _source(leaf: Leaf, calculated: Calculated, suppliers: Mapping[str, str]) -> Source:
    if isinstance(leaf.source, FootprintSource):
        footprint = calculated.inputs.footprints[leaf.source.id]
        names = {footprint.id, *_listed(footprint, "productIds")}
        by_itself = next(iter(_listed(footprint, "companyIds")), footprint.id)
        supplier = suppliers.get(footprint.id, by_itself)
        return Source(leaf.key, supplier, frozenset(names), leaf.values)
    factor = {leaf.source.id} if isinstance(leaf.source, FactorSource) else set()
    return Source(leaf.key, None, leaf.names | {leaf.key} | factor, leaf.values)


def _listed(received: ReceivedFootprint, name: str) -> list[str]:
    found = received.document.get(name)
    return [str(one) for one in found] if isinstance(found, list) else []


def _totals(
    calculated: Calculated, sums: Mapping[str, Form], digits: int
) -> Iterator[tuple[Figure, Fraction]]:
    for name, value in stated_figures(calculated).items():
        form = sums.get(name, {})
        if name == INCLUDING:
            both: dict[Unknown, Fraction] = {}
            for part in (EXCLUDING, TAKEN_UP):
                add_form(both, sums.get(part, {}), Fraction(1))
            form = both
        text = format_decimal(round_exact(value, digits))
        yield Figure(name, block_of(name), text, *interval_of(text, digits), form), value


def _ratios(
    calculated: Calculated, sums: Mapping[str, Form], digits: int
) -> Iterator[tuple[Figure, Fraction]]:
    """Averages, as sums and what they are divided by."""
    declaration = declaration_of(calculated.root)
    weight = sums.get(WEIGHT, {})
    share = merging.primary_data_share(calculated)
    if share is not None:
        text = percentage_text(share * 100, digits)
        low, high = (end / 100 for end in _percent_interval(text, digits))
        top, block = sums.get(PRIMARY, {}), block_of(PRIMARY_SHARE)
        yield Figure(PRIMARY_SHARE, block, text, low, high, top, weight), share
    for name, value in (merging.data_quality(calculated) or {}).items():
        text = format_decimal(round_exact(value, digits))
        ends = interval_of(text, digits)
        yield Figure(name, block_of("dqi"), text, *ends, sums[name], sums[RATED]), value
    yield from _exempted(calculated, sums, digits, exact(declaration.exempted_percent))


def _exempted(
    calculated: Calculated, sums: Mapping[str, Form], digits: int, declared: Fraction
) -> Iterator[tuple[Figure, Fraction]]:
    """The share that is left out: (percentage - declared) / (100 - declared)."""
    left_out, counted = sums.get(EXEMPTED, {}), sums.get(WEIGHT, {})
    percent = merging.exempted_percent(calculated, declaration_of(calculated.root))
    if not left_out:
        return
    whole: dict[Unknown, Fraction] = dict(left_out)
    add_form(whole, counted, Fraction(1))
    text = percentage_text(percent, digits)
    low, high = (
        max(end - declared, Fraction()) / (100 - declared)
        for end in _percent_interval(text, digits)
    )
    value = (percent - declared) / (100 - declared)
    block = block_of(EXEMPTED_SHARE)
    yield Figure(EXEMPTED_SHARE, block, text, low, high, left_out, whole), value


def _percent_interval(text: str, digits: int) -> tuple[Fraction, Fraction]:
    """As `interval_of`, for `percentage_text`: the largest text below 100 is for all below 100."""
    low, high = interval_of(text, digits)
    hundred = Fraction(100)
    is_largest = high > low and low < hundred <= high + (high - low)
    return low, hundred if is_largest else min(high, hundred)
