"""What cannot be calculated is refused with a sentence, product and line, and advice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.protocol.rollup.builders import (
    DECLARATION,
    DRAFT_ID,
    NOW,
    energy,
    factor,
    inputs_of,
    material,
    product,
    received,
    rolled_up,
)

from underseal_protocol.errors import ProtocolError, RollUpError, SchemaError
from underseal_protocol.rollup.calculation import RollUp, RollUpOptions, roll_up
from underseal_protocol.rollup.inputs import DirectEmission, Packaging, Quantity
from underseal_protocol.rollup.sources import (
    DataQuality,
    FactorSource,
    FootprintSource,
    LeftOut,
    ProductSource,
    ReceivedFootprint,
    Trust,
)

FOSSIL, EXCLUDING = "fossilGhgEmissions", "pcfExcludingBiogenicUptake"


def with_line(line: Any, *more: Any) -> Callable[[], RollUp]:
    return lambda: rolled_up(product(line), received(), factor(), *more)


def with_footprint(without: list[str] | None = None, **pcf: Any) -> Callable[[], RollUp]:
    return lambda: rolled_up(product(material()), received(without=without or [], **pcf))


def with_factor(**more: Any) -> Callable[[], RollUp]:
    return lambda: rolled_up(product(energy()), factor(**more))


def with_product(*lines: Any, **more: Any) -> Callable[[], RollUp]:
    return lambda: rolled_up(product(*(lines or (material(),)), **more), received(), factor())


def declared(**more: Any) -> Callable[[], RollUp]:
    return with_product(declaration=replace(DECLARATION, **more))


def direct(**emissions: Any) -> DirectEmission:
    return DirectEmission(id="d", name="d", emissions=emissions)


BOX = Packaging(id="b", name="b", quantity=Quantity(1, "kWh"), source=FactorSource("EL"))

CASES: dict[str, Callable[[], RollUp]] = {
    "product 'P': nothing is matched to 'm'": with_line(material(source=None)),
    "product 'P': nothing is matched to '0', '1', '2', '3', '4' and 1 more": with_product(
        *(material(str(number), source=None) for number in range(6))
    ),
    "product 'P' has two lines 'm'": with_product(material(), material()),
    "line 'm' of product 'P': there is no received footprint f": with_line(
        material(source=FootprintSource("f"))
    ),
    "line 'm' of product 'P': there is no factor 'f'": with_line(
        material(source=FactorSource("f"))
    ),
    "there is no product 'Q', which product 'P' uses": with_line(
        material(source=ProductSource("Q"))
    ),
    "line 'm' of product 'P': the amount is -1": with_line(material(amount=-1)),
    "line 'm' of product 'P': the loss is 1": with_line(material(loss=1)),
    "line 'm' of product 'P': 2 is retained": with_line(material(retained=2)),
    "line 'm' of product 'P': the recycled share is 2": with_line(material(recycled_share=2)),
    "line 'm' of product 'P': 0.5 (float) cannot be calculated with": with_line(
        material(amount=0.5)  # type: ignore[arg-type]
    ),
    "line 'm' of product 'P': liter cannot be converted into kilogram: the density (kg per m3) is "
    "missing": with_line(material(unit="l")),
    "line 'm' of product 'P': 'furlong' is no unit that can be calculated with": with_line(
        material(unit="furlong")
    ),
    "line 'm': technologicalDQR is 6, expected a rating from 1 (best) to 5": with_line(
        material(quality=DataQuality(6, 1, 1))
    ),
    "line 'm' leaves out -1 kg CO2e": with_line(material(source=LeftOut("No.", -1))),
    "line 'd' of product 'P': 'soot' cannot be emitted directly": with_line(direct(soot=1)),
    f"line 'd' of product 'P': {FOSSIL} is -1, expected 0 or more": with_line(
        direct(**{FOSSIL: -1})
    ),
    "product 'P' is declared per 0": with_product(declared_unit=Quantity(0, "kg")),
    "product 'P' has the yield 0": with_product(yield_share=0),
    "product 'P' has lines for 0 of it": with_product(basis=Quantity(0, "kg")),
    "product 'P' has lines for l: liter cannot be converted into kilogram: the density (kg per m3) "
    "is missing": with_product(basis=Quantity(1, "l")),
    "product 'P' states the carbon content 'carbon'": with_product(carbon_contents={"carbon": 1}),
    "product 'P' has packaging, and says that none is included": with_product(
        BOX, packaging_included=False
    ),
    "product 'P' has no declaration: company, ids, reference period": with_product(
        declaration=None
    ),
    "the mass of product 'P' is not known: piece cannot be converted into kilogram: the mass per "
    "piece (kg) is missing": with_product(unit="piece"),
    "no footprint is declared per kilometer": with_product(unit="km", mass_kg=0),
    "the declared amount of product 'P' is 1/60, no finite decimal": with_product(unit="min"),
    "product 'P' is made in 'Mars', which is no place of PACT": declared(geography="Mars"),
    "100 % of the emissions are exempted": declared(exempted_percent=100),
    "the reference period of product 'P' has no time zone": declared(
        period_start=datetime(2025, 1, 1)  # noqa: DTZ001
    ),
    "factor EL states 'co2'": with_factor(values={"co2": 1}),
    "factor EL states no value": with_factor(values={}),
    "factor EL is for 0 kWh": with_factor(amount=0),
    "factor EL states pcfIncludingBiogenicUptake alone": with_factor(
        values={"pcfIncludingBiogenicUptake": 1}
    ),
    f"factor EL: {FOSSIL} is -1, expected 0 or more": with_factor(values={EXCLUDING: -1}),
    "factor EL: biogenicCO2Uptake is 1, expected 0 or less": with_factor(
        values={"biogenicCO2Uptake": 1}
    ),
    "does not state fossilGhgEmissions": with_footprint([FOSSIL]),
    "fossilGhgEmissions is '1,5', which cannot be calculated with": with_footprint(
        fossilGhgEmissions="1,5"
    ),
    "fossilGhgEmissions is '1.5', which": with_footprint(fossilGhgEmissions=1.5),
    "landUseChangeGhgEmissions is -1, expected 0 or more": with_footprint(
        landUseChangeGhgEmissions="-1"
    ),
    "pcfExcludingBiogenicUptake is '222222": with_footprint(pcfExcludingBiogenicUptake="2" * 9999),
    "is for 0 kilogram": with_footprint(declaredUnitAmount="0"),
    "'stone' is no unit that can be calculated with": with_footprint(
        declaredUnitOfMeasurement="stone"
    ),
    "primaryDataShare is 101": with_footprint(primaryDataShare="101"),
    "exempts all of its emissions": with_footprint(exemptedEmissionsPercent="100"),
    "its validity cannot be read": with_footprint(referencePeriodEnd="soon"),
    "footprint a has no pcf": lambda: rolled_up(
        product(material(source=FootprintSource("a"))), ReceivedFootprint({"id": "a"})
    ),
    "is invalid: it was changed, or its signature does not hold": lambda: rolled_up(
        product(material()), replace(received(), trust=Trust.INVALID)
    ),
    "two factors have the id 'EL'": lambda: rolled_up(product(energy()), factor(), factor()),
    "there is no product 'P'": lambda: rolled_up(received()),
    "0 significant digits": lambda: rolled_up(
        product(), options=RollUpOptions(significant_digits=0)
    ),
    "a history ratio of 1": lambda: rolled_up(
        product(), options=RollUpOptions(history_ratio=Decimal(1))
    ),
    "the time of creation has no time zone": lambda: roll_up(
        inputs_of(product()), "P", footprint_id=DRAFT_ID, created=NOW.replace(tzinfo=None)
    ),
    "/id is 'draft', expected a UUID": lambda: roll_up(
        inputs_of(product(material()), received()), "P", footprint_id="draft", created=NOW
    ),
}


@pytest.mark.parametrize("message", CASES)
def test_a_refusal_says_what_and_where(message: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        CASES[message]()
    assert message in caught.value.message
    assert caught.value.hint or isinstance(caught.value, SchemaError)


def test_a_product_that_contains_itself_is_refused_with_the_path() -> None:
    def using(name: str, other: str) -> Any:
        return product(material(source=ProductSource(other)), product_id=name)

    with pytest.raises(RollUpError) as caught:
        rolled_up(using("P", "A"), using("A", "B"), using("B", "A"))
    assert caught.value.message == "a product contains itself: 'A' -> 'B' -> 'A'"
    with pytest.raises(RollUpError, match="'P' -> 'P'"):
        rolled_up(using("P", "P"))


def test_a_very_long_cycle_is_shortened_and_a_long_chain_is_no_problem() -> None:
    def chain(last: str, end: str) -> list[Any]:
        names = ["P", *(str(number) for number in range(5000))]
        made = [
            product(material(source=ProductSource(after)), product_id=name)
            for name, after in zip(names, [*names[1:], last], strict=True)
        ]
        return [*made, product(material(), product_id=end)]

    with pytest.raises(RollUpError, match=r"'P' -> '0' .* \.\.\. -> .*'4999' -> 'P'$"):
        rolled_up(*chain("P", "end"), received())
    assert rolled_up(*chain("end", "end"), received()).figures[EXCLUDING] == 2


JUNK: tuple[Any, ...] = (None, True, 7, 1.5, "", "x", "-1", [], [1], {}, {"a": 1})


@pytest.mark.parametrize("name", sorted(received().document["pcf"]))
def test_whatever_a_supplier_sends_gives_a_result_or_a_refusal(name: str) -> None:
    for value in JUNK:
        members: dict[str, Any] = {name: value}
        with suppress(ProtocolError):
            assert with_footprint(None, **members)().document


@pytest.mark.parametrize(
    "name", ["specVersion", "status", "companyName", "validityPeriodEnd", "validityPeriodStart"]
)
def test_whatever_is_around_the_figures_does_as_well(name: str) -> None:
    for value in JUNK:
        document = {**received().document, name: value}
        with suppress(ProtocolError):
            assert rolled_up(product(material()), ReceivedFootprint(document)).document
