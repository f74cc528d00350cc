"""Every figure is the form that the gate thinks it is; intervals say what a text tells; all of it
is stored without loss."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.protocol.release.builders import EXCLUDING, exposed, made_of, released, supplied
from tests.protocol.rollup.builders import (
    DECLARATION,
    DRAFT_ID,
    NOW,
    factor,
    inputs_of,
    product,
    received,
)

from underseal_protocol.decimals import format_decimal
from underseal_protocol.disclosure import Level, block_of
from underseal_protocol.errors import ReleaseError
from underseal_protocol.release.exposure import Exposure, Figure, Release
from underseal_protocol.release.knowledge import Knowledge, Peer, Prior
from underseal_protocol.release.reading import exposure_of, interval_of
from underseal_protocol.rollup.calculated import calculate
from underseal_protocol.rollup.calculation import RollUpOptions, roll_up
from underseal_protocol.rollup.inputs import (
    DirectEmission,
    Direction,
    Energy,
    Line,
    Material,
    Mode,
    Packaging,
    Product,
    Quantity,
    RollUpInputs,
    Transport,
    Waste,
)
from underseal_protocol.rollup.numbers import round_exact
from underseal_protocol.rollup.sources import (
    DataQuality,
    FactorSource,
    FootprintSource,
    LeftOut,
    ProductSource,
    ReceivedFootprint,
    Source,
)

shares = st.sampled_from([Decimal(1), Decimal("0.5"), Decimal(0)])
amounts = st.decimals("0.01", "5", places=2)


@st.composite
def footprints(draw: st.DrawFn) -> list[ReceivedFootprint]:
    found = []
    for number in range(draw(st.integers(1, 3))):
        parts = [draw(st.decimals("0", "50", places=1)) for _ in range(3)]
        removed, taken_up = (-draw(st.decimals("0", "60", places=1)) for _ in range(2))
        removed = max(removed, -sum(parts, Decimal(0)))  # no figure of transport may be negative
        total = sum(parts, Decimal(0)) + removed + draw(st.sampled_from([0, 0, 1]))
        hidden = ("dqi", "landUseChangeGhgEmissions", "recycledCarbonContent", "biogenicCO2Uptake")
        more = {"outboundLogisticsGhgEmissions": "0.7"} if draw(st.booleans()) else {}
        found.append(
            received(
                f"s{number}",
                draw(st.sets(st.sampled_from(hidden))),
                declaredUnitAmount=str(draw(st.sampled_from([1, 3, 1000]))),
                fossilGhgEmissions=str(parts[0]),
                landUseChangeGhgEmissions=str(parts[1]),
                biogenicNonCO2Emissions=str(parts[2]),
                landManagementBiogenicCO2Removals=str(removed),
                biogenicCO2Uptake=str(taken_up),
                pcfExcludingBiogenicUptake=str(total),
                pcfIncludingBiogenicUptake=str(total + taken_up),
                biogenicCarbonContent=str(draw(st.sampled_from(["0", "0.3"]))),
                aircraftGhgEmissions="0.2",
                primaryDataShare=str(draw(st.sampled_from([0, 40, 100]))),
                exemptedEmissionsPercent=str(draw(st.sampled_from([0, 2]))),
                **more,
            )
        )
    return found


def line_of(draw: st.DrawFn, name: str, source: Source) -> Line:
    """Of any kind."""
    kind = draw(
        st.sampled_from(["material", "material", "energy", "transport", "packaging", "waste"])
    )
    quality = draw(st.sampled_from([None, None, DataQuality(1, Decimal("2.5"), 5)]))
    quantity = Quantity(draw(amounts), "kg")
    given: dict[str, Any] = {
        "id": name,
        "name": name,
        "quality": quality,
        "is_primary": draw(st.booleans()),
        "source": source,
        "with_outbound": draw(st.booleans()),
    }
    if kind == "material":
        recycled = draw(st.sampled_from([None, Decimal("0.4")]))
        return Material(
            quantity=quantity,
            loss=draw(st.sampled_from([Decimal(0), Decimal("0.333")])),
            retained=draw(shares),
            recycled_share=recycled,
            **given,
        )
    if kind == "transport":
        return Transport(
            load=quantity,
            mode=draw(st.sampled_from([Mode.AIR, Mode.ROAD])),
            direction=draw(st.sampled_from(Direction)),
            **given,
        )
    if kind == "packaging":
        return Packaging(quantity=quantity, packs=draw(st.sampled_from([None, "l0"])), **given)
    return (Energy if kind == "energy" else Waste)(quantity=quantity, **given)


@st.composite
def bills(draw: st.DrawFn) -> RollUpInputs:
    """Products of everything that a bill can have, each made of those with a higher number."""
    bought = draw(footprints())
    factors = [factor("f", "kg"), factor("t", "kg", {EXCLUDING: Decimal("1.5")}, is_primary=True)]
    made: list[Product] = []
    for number in range(count := draw(st.integers(1, 3))):
        possible: list[Source] = [FootprintSource(one.id) for one in bought]
        possible += [FactorSource("f"), FactorSource("t"), LeftOut("small", Decimal("0.1"))]
        possible += [ProductSource(f"p{one}") for one in range(number + 1, count)]
        sources = draw(st.lists(st.sampled_from(possible), max_size=5))
        lines = [line_of(draw, f"l{index}", one) for index, one in enumerate(sources)]
        lines.append(
            DirectEmission(
                id="direct",
                name="kiln",
                emissions={"fossilGhgEmissions": draw(amounts)},
                quality=draw(st.sampled_from([None, DataQuality(1, 2, 3)])),
            )
        )
        made.append(
            product(
                *lines,
                product_id=f"p{number}",
                yield_share=draw(st.sampled_from([1, Decimal("0.7")])),
                carbon_contents=draw(
                    st.sampled_from([{}, {"fossilCarbonContent": Decimal("0.2")}])
                ),
                declaration=replace(DECLARATION, exempted_percent=1),
            )
        )
    return RollUpInputs.of(made, bought, factors)


@settings(max_examples=150, deadline=None)
@given(bills(), st.integers(2, 7))
def test_each_form_has_the_value_that_is_published(inputs: RollUpInputs, digits: int) -> None:
    """`exposure_of` refuses a form with another value; here, texts and intervals as well."""
    rolled = roll_up(
        inputs,
        "p0",
        footprint_id=DRAFT_ID,
        created=NOW,
        options=RollUpOptions(significant_digits=digits),
    )
    exposure = exposure_of(rolled.explanation.calculated, DRAFT_ID, digits)
    pcf = rolled.document["pcf"]
    stated = {**pcf, **(pcf.get("dqi") or {})}
    for figure in exposure.figures:
        assert figure.text == stated[figure.name]
        top = exposure.value_of(figure.top)
        below = 1 if figure.below is None else exposure.value_of(figure.below)
        assert figure.low * below <= top <= figure.high * below
        assert figure.block == block_of("dqi" if figure.name.endswith("DQR") else figure.name)
    numbers = {name for name, value in stated.items() if isinstance(value, str) and is_sum(name)}
    # A percentage that is declared and nothing else tells nothing of the sources.
    assert numbers - {one.name for one in exposure.figures} <= {"exemptedEmissionsPercent"}
    assert {one.name for one in exposure.figures} <= numbers


def is_sum(name: str) -> bool:
    """Whether a property of a footprint is calculated from the sources."""
    ends = ("Emissions", "Uptake", "Removals", "Content", "Capture", "Leakage", "Occupation")
    return name.endswith((*ends, "DQR", "primaryDataShare")) or name == "exemptedEmissionsPercent"


@settings(max_examples=100, deadline=None)
@given(bills())
def test_stored_and_read_again_it_is_the_same(inputs: RollUpInputs) -> None:
    exposure = exposure_of(calculate(inputs, "p0"), DRAFT_ID, 6)
    stored = json.loads(json.dumps(exposure.to_json()))
    assert Exposure.from_json(stored) == exposure


def test_nothing_stored_is_a_float() -> None:
    text = json.dumps(exposed((supplied("a", "0.1"), "0.3"), own="0.7").to_json())
    json.loads(text, parse_float=lambda number: pytest.fail(f"{number} is stored"))


@example(Fraction(-21, 21025), 2)  # becomes a power of ten, with the places of what is below it
@example(Fraction(99999, 10), 4)
@example(Fraction(999951, 100_000), 5)
@given(st.fractions(), st.integers(1, 12))
def test_the_interval_of_a_text_has_the_value(value: Fraction, digits: int) -> None:
    text = format_decimal(round_exact(value, digits))
    low, high = interval_of(text, digits)
    assert low <= value <= high


@given(st.fractions(Fraction(1, 1000), 10**7), st.fractions(0, 1), st.integers(1, 8))
def test_everything_in_an_interval_has_the_same_text(
    value: Fraction, share: Fraction, digits: int
) -> None:
    """So it is no wider than what an attacker can tell; its very ends may be rounded away."""
    text = format_decimal(round_exact(value, digits))
    low, high = interval_of(text, digits)
    inside = low + (high - low) * (share * Fraction(998, 1000) + Fraction(1, 1000))
    rounded = format_decimal(round_exact(inside, digits))
    assert Decimal(rounded) == Decimal(text)
    if low == high:
        assert value == low


@pytest.mark.parametrize(
    ("text", "digits", "low", "high"),
    [
        ("2.5", 6, "2.5", "2.5"),  # shorter than rounding leaves: exact
        ("2.50000", 6, "2.499995", "2.500005"),
        ("10.0000", 6, "9.999995", "10.00005"),  # below ten there is a place more
        ("-10.0000", 6, "-10.00005", "-9.999995"),
        ("100", 3, "99.95", "100.5"),
        ("1000", 3, "999.5", "1000.5"),
        ("1234567", 6, "1234566.5", "1234567.5"),
        ("0", 6, "0", "0"),
        ("0.00120", 3, "0.001195", "0.001205"),
    ],
)
def test_what_a_text_tells(text: str, digits: int, low: str, high: str) -> None:
    assert interval_of(text, digits) == (Fraction(low), Fraction(high))


def share_of(primary: str, digits: int) -> Figure:
    made = exposed((supplied("a", "1", primaryDataShare=primary), "1"), digits=digits)
    return next(one for one in made.figures if one.name == "primaryDataShare")


def test_the_largest_share_below_100_may_be_anything_up_to_100() -> None:
    found = share_of("99.9999999", 3)
    assert (found.text, found.low, found.high) == ("99.9", Fraction("0.9985"), Fraction(1))
    assert share_of("99.8", 3).high == Fraction("0.9985")


def test_a_supplier_is_known_by_what_the_operator_says_or_by_its_company() -> None:
    named = supplied("a", "1")
    named.document["companyIds"] = ["urn:lei:1"]  # type: ignore[index]
    exposure = exposed(
        (named, "1"), (supplied("b", "1"), "1"), (supplied("c", "1"), "1"), suppliers={"c": "group"}
    )
    assert exposure.suppliers == {"urn:lei:1", "b", "group"}


def test_another_factor_is_another_source_and_the_same_is_the_same() -> None:
    """Footprints never change; factors do, and what was calculated with the old one stays."""
    one = exposed((supplied("a", "1"), "1"), own="2")
    same = exposed((supplied("a", "7"), "1"), own="5")
    assert one.sources.keys() == same.sources.keys()
    other = product(
        Energy(id="e", name="e", quantity=Quantity(1, "kWh"), source=FactorSource("EL"))
    )
    found = exposure_of(calculate(inputs_of(other, factor()), "P"), DRAFT_ID, 6)
    assert found.sources.keys().isdisjoint(one.sources)


def test_knowledge_is_stored_without_loss() -> None:
    known = Knowledge(
        frozenset({"a"}),
        frozenset({"b", "c"}),
        frozenset({"d"}),
        {"e": {EXCLUDING: Prior(Fraction(1, 3), Decimal("2.50")), "x": Prior(0)}},
    )
    assert Knowledge.from_json(json.loads(json.dumps(known.to_json()))) == known
    assert Knowledge.from_json({}) == Knowledge()


def test_two_know_what_either_knows_and_the_narrower_prior() -> None:
    one = Knowledge(frozenset({"a"}), priors={"e": {EXCLUDING: Prior(1, 5)}})
    other = Knowledge(quantities=frozenset({"b"}), priors={"e": {EXCLUDING: Prior(3)}})
    both = one | other
    assert both.components == {"a"}
    assert both.quantities == {"b"}
    assert both.priors == {"e": {EXCLUDING: Prior(3, 5)}}


def test_a_peer_without_group_stands_alone() -> None:
    assert (Peer("a").legal_group, Peer("a", "g").legal_group) == ("a", "g")


def test_an_entry_of_the_ledger_is_stored_beside_its_exposure() -> None:
    entry = released(exposed((supplied("a", "1"), "1")), level=Level.BREAKDOWN)
    stored = json.loads(json.dumps(entry.to_json()))
    assert Release.from_json(stored, {"ours": entry.exposure}) == entry
    with pytest.raises(ReleaseError, match="ledger"):
        Release.from_json(stored, {})


@pytest.mark.parametrize(
    "change",
    [
        {"figures": None},
        {"sources": {}},
        {"figures": [{"name": "x"}]},
        {"sources": {"footprint:a": {"supplier": "a", "names": [], "values": {"x": 0.5}}}},
    ],
)
def test_a_damaged_ledger_is_no_ledger(change: dict[str, object]) -> None:
    stored = exposed((supplied("a", "0.1"), "0.3")).to_json()
    with pytest.raises(ReleaseError, match="stored exposure"):
        Exposure.from_json({**stored, **change})


@pytest.mark.parametrize("stored", [{"priors": {"a": {"b": [0.5, None]}}}, {"priors": 3}])
def test_damaged_knowledge_is_none(stored: dict[str, object]) -> None:
    with pytest.raises(ReleaseError, match="cannot be read"):
        Knowledge.from_json(stored)


def test_a_prior_is_an_interval() -> None:
    with pytest.raises(ReleaseError, match="from 2 to 1"):
        Prior(2, 1)


def test_a_roll_up_that_says_something_else_is_an_error() -> None:
    calculated = made_of((supplied("a", "1"), "1"))
    calculated.result.sums[EXCLUDING] += 1
    with pytest.raises(ReleaseError, match="by the roll-up and"):
        exposure_of(calculated, DRAFT_ID, 6)
