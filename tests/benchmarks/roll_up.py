"""`python tests/benchmarks/roll_up.py`: a bill of materials of 100,000 lines, calculated.

A tree of own intermediates, whose leaves are received footprints and factors with random figures
of industrial length, in several units. Prints seconds of processor time on one core, for the whole
roll-up and for the explanation of every line, and how often that is slower than adding the same
number of `Fraction`s. `--profile` prints where the time goes. Exits 1 above the target of 2 s.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar

from underseal_protocol.rollup.calculation import roll_up
from underseal_protocol.rollup.inputs import (
    Declaration,
    Energy,
    Line,
    Material,
    Product,
    Quantity,
    RollUpInputs,
    Transport,
)
from underseal_protocol.rollup.sources import (
    Factor,
    FactorSource,
    FootprintSource,
    ProductSource,
    ReceivedFootprint,
)

LINES, LINES_PER_PRODUCT = 100_000, 200
FOOTPRINTS, FACTORS = 5_000, 1_000  # a source for about twenty lines
TARGET_SECONDS = 2.0
NOW = datetime(2026, 3, 1, tzinfo=UTC)
UNITS = ("kg", "g", "t", "lb")
Result = TypeVar("Result")


def figure(source: random.Random, digits: int = 6) -> str:
    return f"{source.uniform(0.001, 50):.{digits}f}"


def footprint(number: int, source: random.Random) -> ReceivedFootprint:
    fossil, land = Decimal(figure(source)), Decimal(figure(source, 4))
    pcf: dict[str, Any] = {
        "declaredUnitOfMeasurement": "kilogram",
        "declaredUnitAmount": source.choice(["1", "1", "1", "1000", "25", "0.5"]),
        "productMassPerDeclaredUnit": "1",
        "referencePeriodStart": "2025-01-01T00:00:00Z",
        "referencePeriodEnd": "2026-01-01T00:00:00Z",
        "pcfExcludingBiogenicUptake": str(fossil + land),
        "pcfIncludingBiogenicUptake": str(fossil + land - 1),
        "fossilGhgEmissions": str(fossil),
        "landUseChangeGhgEmissions": str(land),
        "landManagementFossilGhgEmissions": "0",
        "landManagementBiogenicCO2Emissions": "0",
        "biogenicNonCO2Emissions": "0",
        "biogenicCO2Uptake": "-1",
        "fossilCarbonContent": "0.0001",
        "biogenicCarbonContent": "0.0002",
        "recycledCarbonContent": "0",
        "ipccCharacterizationFactors": ["AR6"],
        "crossSectoralStandards": ["PACT-3.0"],
        "exemptedEmissionsPercent": "0",
        "primaryDataShare": figure(source, 1),
        "dqi": {"technologicalDQR": "1.5", "geographicalDQR": "2", "temporalDQR": "1.2"},
        "secondaryEmissionFactorSources": [{"name": "database", "version": "3.11"}],
    }
    document = {"id": f"f{number}", "specVersion": "3.0.0", "companyName": "A", "status": "Active"}
    return ReceivedFootprint({**document, "pcf": pcf})


def factor(number: int, source: random.Random) -> Factor:
    values = {"fossilGhgEmissions": Decimal(figure(source))}
    unit = ("kWh", "tkm", "kg")[number % 3]
    return Factor(
        id=f"e{number}", name="a", values=values, unit=unit, database="database", version="3.11"
    )


def lines(source: random.Random, footprints: int, parts: list[int]) -> Iterator[Line]:
    for number in range(LINES_PER_PRODUCT - len(parts)):
        line_id, kind = f"l{number}", source.random()
        amount = Decimal(figure(source, 4)) / 100
        if kind < 0.8:
            yield Material(
                id=line_id,
                name="a",
                source=FootprintSource(f"f{source.randrange(footprints)}"),
                quantity=Quantity(amount, source.choice(UNITS)),
                loss=source.choice([Decimal(0), Decimal("0.02"), Decimal("0.04")]),
            )
        elif kind < 0.9:
            use = FactorSource(f"e{source.randrange(FACTORS // 3) * 3}")
            yield Energy(id=line_id, name="a", source=use, quantity=Quantity(amount, "MWh"))
        else:
            use = FactorSource(f"e{source.randrange(FACTORS // 3) * 3 + 1}")
            load, distance = Quantity(amount, "kg"), Quantity(Decimal(750), "km")
            yield Transport(id=line_id, name="a", source=use, load=load, distance=distance)
    for part in parts:
        yield Material(
            id=f"p{part}",
            name="a",
            source=ProductSource(f"p{part}"),
            quantity=Quantity(Decimal("0.1"), "kg"),
            loss=Decimal("0.03"),
        )


def inputs(footprints: int, total: int = LINES) -> RollUpInputs:
    source = random.Random(1)
    count = total // LINES_PER_PRODUCT
    declaration = Declaration(
        company_name="A",
        company_ids=("urn:lei:529900T8BM49AURSDO55",),
        product_name="a",
        product_ids=("urn:gtin:4712345060507",),
        description="a",
        period_start=datetime(2025, 1, 1, tzinfo=UTC),
        period_end=datetime(2026, 1, 1, tzinfo=UTC),
    )
    products = [
        Product(
            id=f"p{number}",
            name="a",
            declared_unit=Quantity(1, "kg"),
            yield_share=Decimal("0.96"),
            lines=tuple(
                lines(
                    source,
                    footprints,
                    [one for one in range(4 * number + 1, 4 * number + 5) if one < count],
                )
            ),
            declaration=None if number else declaration,
        )
        for number in range(count)
    ]
    return RollUpInputs.of(
        products,
        [footprint(number, source) for number in range(footprints)],
        [factor(number, source) for number in range(FACTORS)],
    )


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def measured(footprints: int, total: int = LINES) -> dict[str, float]:
    """Seconds of processor time: of the roll-up, of explaining every line, and of adding as many
    fractions as there are lines."""
    given = inputs(footprints, total)
    count = sum(len(product.lines) for product in given.products.values())
    seconds, result = min(
        (timed(lambda: _rolled_up(given)) for _ in range(3)), key=lambda one: one[0]
    )
    explaining, contributions = timed(lambda: result.explanation.contributions)
    fractions = [Fraction(number, 10**6) for number in range(count)]
    adding, _ = timed(lambda: sum(fractions, Fraction()))
    return {
        "lines": count,
        "products": len(given.products),
        "seconds": seconds,
        "explained": len(contributions),
        "explaining": explaining,
        "adding": adding,
    }


def _rolled_up(given: RollUpInputs) -> Any:
    return roll_up(given, "p0", footprint_id=UUID_ZERO, created=NOW)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--footprints", type=int, default=FOOTPRINTS, help="how many suppliers'")
    options = parser.parse_args(arguments)
    if options.profile:
        given = inputs(options.footprints)
        profiler = cProfile.Profile()
        profiler.runcall(_rolled_up, given)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(25)
        return 0
    found = measured(options.footprints)
    seconds = found["seconds"]
    met = "met" if seconds < TARGET_SECONDS else "missed"
    print(
        f"TARGET roll-up of {found['lines']:.0f} lines in {found['products']:.0f} products "
        f"measured={seconds:.2f}s target={TARGET_SECONDS}s {met}; "
        f"{seconds / found['adding']:.1f} x adding as many fractions"
    )
    print(f"explanation of {found['explained']:.0f} lines: {found['explaining']:.2f}s")
    return int(met == "missed")


UUID_ZERO = "00000000-0000-4000-8000-000000000000"

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
