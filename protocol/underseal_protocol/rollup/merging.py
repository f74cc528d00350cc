"""What of the inputs is averaged or united in the result: data quality, exemptions, databases,
standards, assessment reports, validity.

Averages are weighted by the absolute contributions to the PCF excluding uptake (PACT 3.0,
`primaryDataShare`, `dqi`; PACT Methodology 4.2.2 and 4.2.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any

from underseal_protocol.carbon import STANDARDS
from underseal_protocol.criteria import VALIDITY_YEARS, FootprintIndex
from underseal_protocol.errors import ProtocolError, RollUpError
from underseal_protocol.rollup.calculated import Calculated
from underseal_protocol.rollup.inputs import Declaration
from underseal_protocol.rollup.numbers import exact
from underseal_protocol.rollup.properties import EXEMPTED, PRIMARY, RATED, RATINGS, WEIGHT
from underseal_protocol.rollup.sources import ReceivedFootprint
from underseal_protocol.times import years_later

__all__ = [
    "assessment_reports",
    "common_approach",
    "data_quality",
    "databases",
    "exempted_percent",
    "listed",
    "primary_data_share",
    "proposed_validity",
    "rated_share",
    "standards",
    "validity_of",
]

_ZERO = Fraction()


def primary_data_share(calculated: Calculated) -> Fraction | None:
    """The share of primary data, 0 to 1: sum of |contribution| x share, over sum of |contribution|.

    None if nothing contributes.
    """
    sums = calculated.result.sums
    weight = sums.get(WEIGHT, _ZERO)
    return sums.get(PRIMARY, _ZERO) / weight if weight else None


def rated_share(calculated: Calculated) -> Fraction:
    """The share of the absolute contributions that have data quality ratings, 0 to 1."""
    sums = calculated.result.sums
    weight = sums.get(WEIGHT, _ZERO)
    return sums.get(RATED, _ZERO) / weight if weight else _ZERO


def data_quality(calculated: Calculated) -> dict[str, Fraction] | None:
    """The ratings by name: averages over the contributions that have them; None if none has."""
    sums = calculated.result.sums
    rated = sums.get(RATED, _ZERO)
    return {name: sums[name] / rated for name in RATINGS} if rated else None


def exempted_percent(calculated: Calculated, declaration: Declaration) -> Fraction:
    """The percentage of emissions that is left out, by us and by suppliers.

    With C counted and X left out, and another p % as declared: p + (100 - p) X / (C + X).

    Raises:
        RollUpError: the declared percentage is not from 0 to below 100.
    """
    declared = exact(declaration.exempted_percent)
    if not 0 <= declared < 100:
        raise RollUpError(
            f"{declaration.exempted_percent} % of the emissions are exempted",
            hint="Expected 0 to below 100.",
        )
    sums = calculated.result.sums
    left_out, counted = sums.get(EXEMPTED, _ZERO), sums.get(WEIGHT, _ZERO)
    share = left_out / (counted + left_out) if left_out else _ZERO
    return declared + (100 - declared) * share


def databases(calculated: Calculated) -> list[dict[str, str]]:
    """Name and version of the databases of factors, ours and those that suppliers state."""
    found = {
        (factor.database, factor.version) for factor in calculated.factors if not factor.is_primary
    }
    for received in calculated.footprints:
        for source in listed(received.document["pcf"], "secondaryEmissionFactorSources"):
            if isinstance(source, dict) and source.get("name") and source.get("version"):
                found.add((str(source["name"]), str(source["version"])))
    return [{"name": name, "version": version} for name, version in sorted(found)]


def standards(calculated: Calculated, declaration: Declaration) -> list[str]:
    """Cross-sectoral standards, ours and those of the inputs, in the order of PACT's list."""
    found = set(declaration.standards)
    for received in calculated.footprints:
        found.update(map(str, listed(received.document["pcf"], "crossSectoralStandards")))
    known = [one for one in STANDARDS if one in found]
    return known + sorted(found - set(known))


def assessment_reports(calculated: Calculated, declaration: Declaration) -> list[str]:
    """Assessment reports whose characterization factors are used, of all inputs, sorted.

    Ours are those of the declaration, where we emit something ourselves or nothing else is known.
    """
    found = {
        str(report)
        for received in calculated.footprints
        for report in listed(received.document["pcf"], "ipccCharacterizationFactors")
    }
    found.update(one for factor in calculated.factors for one in factor.assessment_reports)
    if not found or any(one.direct for one, _ in calculated.used_products()):
        found.update(declaration.assessment_reports)
    return sorted(found, key=lambda one: (len(one), one))


def common_approach(calculated: Calculated) -> set[str]:
    """The `ccuCalculationApproach` of the inputs that have one."""
    approaches = (
        received.document["pcf"].get("ccuCalculationApproach") for received in calculated.footprints
    )
    return {str(one) for one in approaches if one is not None}


@dataclass(frozen=True, slots=True)
class _Period:
    start: datetime
    end: datetime


def validity_of(received: ReceivedFootprint) -> _Period:
    """From when until when a received footprint is valid (PACT 3.0, Validity Period).

    Raises:
        RollUpError: its times cannot be read.
    """
    document, pcf = received.document, received.document["pcf"]
    times = (document.get("validityPeriodStart"), document.get("validityPeriodEnd"))
    try:
        return _period(pcf.get("referencePeriodEnd"), *times)
    except (ProtocolError, TypeError) as error:
        raise RollUpError(
            f"footprint {received.id}: its validity cannot be read ({error})",
            hint="It is no footprint of PACT 3.0.",
        ) from None


@lru_cache(maxsize=4096)
def _period(reference_end: str, start: str | None, end: str | None) -> _Period:
    index = FootprintIndex.of(
        {
            "status": "Active",
            "validityPeriodStart": start,
            "validityPeriodEnd": end,
            "pcf": {"referencePeriodEnd": reference_end},
        }
    )
    return _Period(index.valid_from, index.valid_until)


def proposed_validity(calculated: Calculated, declaration: Declaration) -> _Period | None:
    """From when until when the result can be used: while its inputs are valid, and at most three
    years from the end of the reference period; None if there is no such time."""
    starts, ends = [declaration.period_end], [years_later(declaration.period_end, VALIDITY_YEARS)]
    for received in calculated.footprints:
        period = validity_of(received)
        starts.append(period.start)
        ends.append(period.end)
    start, end = max(starts), min(ends)
    return _Period(start, end) if start < end else None


def listed(pcf: Any, name: str) -> list[Any]:
    """A list of a footprint; an empty one if there is none."""
    value = pcf.get(name)
    return value if isinstance(value, list) else []
