"""What the coverage step of a sealed sum tells: that endorsed values make so much of a total.

It is a number like others: a share of two sums, of which a lower end is known. So it stands in the
exposure of the footprint, and the gate judges it with everything else. Whoever reads the sealed sum
sees it; it is judged as if whoever reads the footprint did.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from fractions import Fraction

from underseal_protocol.errors import ReleaseError
from underseal_protocol.release.exposure import Exposure, Figure
from underseal_protocol.rollup.properties import OF_OUTBOUND, OUTBOUND

__all__ = ["COVERAGE", "with_coverage", "without_coverage"]

COVERAGE = "coverage of the sealed sum"
# What brings a product here is no part of the figure that its supplier endorses.
_OUTBOUND = frozenset({OUTBOUND, *OF_OUTBOUND.values()})


def with_coverage(
    exposure: Exposure, figure: str, endorsed: Collection[str], percent: int
) -> Exposure:
    """The exposure of a footprint whose sealed sum shows a coverage step.

    Args:
        exposure: of the footprint.
        figure: that is sealed, by its name.
        endorsed: ids of the received footprints whose values are endorsed.
        percent: at least so many of the total; 0 shows nothing.

    Raises:
        ReleaseError: the footprint has no such figure.
    """
    plain = without_coverage(exposure)
    if not percent:
        return plain
    total = next((one for one in plain.figures if one.name == figure), None)
    if total is None:
        raise ReleaseError(f"the footprint {exposure.footprint} states no {figure}")
    keys = {f"footprint:{one}" for one in endorsed}
    covered = {
        unknown: factor
        for unknown, factor in total.top.items()
        if unknown[0] in keys and unknown[1] not in _OUTBOUND
    }
    text = f"at least {percent} % of {figure}"
    share = Figure(COVERAGE, None, text, Fraction(percent, 100), Fraction(1), covered, total.top)
    return replace(plain, figures=(*plain.figures, share))


def without_coverage(exposure: Exposure) -> Exposure:
    """The exposure of the footprint without a seal."""
    figures = tuple(one for one in exposure.figures if one.name != COVERAGE)
    return replace(exposure, figures=figures)
