"""Rounding the figures of a footprint before it is signed: once, for everybody.

Each figure is rounded by itself, half to even. So every figure is the nearest one with that many
digits, the total too, and a total never shows digits of a part that is not shown. Rounded figures
need not add up to the last digit; they do within half a unit of the last digit of each, which is
what a written figure stands for (`methodology_rules.TOLERANCE`). Only figures with more digits in
front of the point than are kept may differ by more: their zeros do not say that they are rounded,
and the check reports it.

What was calculated from figures of others is rounded. What was not, stays: the declared unit, the
mass of the product, the share of exempted emissions.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from underseal_protocol.decimals import format_decimal, parse_decimal

__all__ = ["MAX_DIGITS", "ROUNDED_FIGURES", "round_figures", "round_significant"]

MAX_DIGITS = 30

ROUNDED_FIGURES = frozenset(
    {
        "pcfExcludingBiogenicUptake",
        "pcfIncludingBiogenicUptake",
        "fossilGhgEmissions",
        "landUseChangeGhgEmissions",
        "landCarbonLeakage",
        "landManagementFossilGhgEmissions",
        "landManagementBiogenicCO2Emissions",
        "landManagementBiogenicCO2Removals",
        "biogenicCO2Uptake",
        "biogenicNonCO2Emissions",
        "landAreaOccupation",
        "aircraftGhgEmissions",
        "packagingGhgEmissions",
        "outboundLogisticsGhgEmissions",
        "ccsTechnologicalCO2Capture",
        "technologicalCO2Removals",
        "fossilCarbonContent",
        "biogenicCarbonContent",
        "recycledCarbonContent",
        "ccuCarbonContent",
        "packagingBiogenicCarbonContent",
        "primaryDataShare",
    }
)
# Averages weighted by the inputs: with all their digits they would tell the weights.
RATINGS = frozenset({"technologicalDQR", "geographicalDQR", "temporalDQR"})

_WIDE = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)


def round_figures(document: Mapping[str, Any], digits: int) -> dict[str, Any]:
    """A footprint with rounded figures; everything else is as it is.

    Args:
        document: a footprint that `footprint.schema_violations` has nothing to say about.
        digits: significant ones to keep, 1 to `MAX_DIGITS`.
    """
    pcf = dict(document["pcf"])
    for name in ROUNDED_FIGURES & pcf.keys():
        pcf[name] = _rounded(pcf[name], digits)
    if isinstance(pcf.get("dqi"), Mapping):
        pcf["dqi"] = {
            name: _rounded(value, digits) if name in RATINGS else value
            for name, value in pcf["dqi"].items()
        }
    return {**document, "pcf": pcf}


def round_significant(value: Decimal, digits: int) -> Decimal:
    """The nearest number with so many significant digits, half to even; never more than it has.

    Args:
        value: finite.
        digits: 1 to `MAX_DIGITS`.

    Raises:
        ValueError: so many digits are not kept.
    """
    if not 1 <= digits <= MAX_DIGITS:
        raise ValueError(f"{digits} significant digits; expected 1 to {MAX_DIGITS}")
    rounded = value
    # Twice, because 9.99 becomes 10.0 and then has a digit more.
    for _ in range(2):
        place = rounded.adjusted() - digits + 1
        exponent = rounded.as_tuple().exponent
        if not rounded or not isinstance(exponent, int) or exponent >= place:
            break
        unit = Decimal((0, (1,), place))
        rounded = rounded.quantize(unit, rounding=ROUND_HALF_EVEN, context=_WIDE)
    return rounded


def _rounded(text: str, digits: int) -> str:
    return format_decimal(round_significant(parse_decimal(text), digits))
