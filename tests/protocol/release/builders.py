"""Short ways to exposures, for the tests of the release gate."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from tests.protocol.rollup.builders import energy, factor, inputs_of, material, product, received

from underseal_protocol.disclosure import Level
from underseal_protocol.release.exposure import Exposure, Release
from underseal_protocol.release.reading import exposure_of
from underseal_protocol.rollup.calculated import Calculated, calculate
from underseal_protocol.rollup.inputs import Line
from underseal_protocol.rollup.sources import Factor, FootprintSource, ReceivedFootprint

FOSSIL, LAND_USE = "fossilGhgEmissions", "landUseChangeGhgEmissions"
EXCLUDING = "pcfExcludingBiogenicUptake"


def supplied(
    footprint_id: str, fossil: str, land_use: str = "0", without: tuple[str, ...] = (), **pcf: str
) -> ReceivedFootprint:
    """A footprint per kilogram with two components."""
    total = str(Decimal(fossil) + Decimal(land_use))
    figures = {FOSSIL: fossil, LAND_USE: land_use, EXCLUDING: total}
    figures["pcfIncludingBiogenicUptake"] = total
    return received(footprint_id, without, **{**figures, **pcf})


def bought(footprint: ReceivedFootprint, kilograms: str) -> Line:
    """A line of the bill of materials."""
    source = FootprintSource(footprint.id)
    return material(footprint.id, Decimal(kilograms), source=source)


def made_of(
    *parts: tuple[ReceivedFootprint, str], own: str = "0", product_id: str = "P"
) -> Calculated:
    """A product of footprints by the kilogram, and of own emissions in kg CO2e."""
    grid: Factor = factor(values={FOSSIL: Decimal(1)})
    lines = [bought(footprint, kilograms) for footprint, kilograms in parts]
    if Decimal(own):
        lines.append(energy(amount=Decimal(own)))
    made = product(*lines, product_id=product_id)
    return calculate(inputs_of(made, grid, *(one for one, _ in parts)), product_id)


def exposed(
    *parts: tuple[ReceivedFootprint, str],
    own: str = "0",
    footprint: str = "ours",
    digits: int = 6,
    suppliers: Mapping[str, str] | None = None,
) -> Exposure:
    """What a footprint of such a product would tell."""
    return exposure_of(made_of(*parts, own=own), footprint, digits, suppliers)


def released(exposure: Exposure, peer: str = "buyer", level: Level = Level.FULL) -> Release:
    """An entry of the ledger."""
    return Release(peer, frozenset(level.blocks), exposure)
