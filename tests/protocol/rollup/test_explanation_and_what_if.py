"""Every figure can be explained, and nothing is changed by asking what would be if."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

import pytest
from tests.protocol.rollup.builders import (
    BOUGHT,
    GRID,
    SUPPLIED,
    energy,
    factor,
    inputs_of,
    material,
    product,
    received,
    rolled_up,
)

from underseal_protocol.errors import RollUpError
from underseal_protocol.rollup.groups import LineRef
from underseal_protocol.rollup.inputs import DirectEmission, Kind, Quantity, Transport
from underseal_protocol.rollup.sources import FactorSource, FootprintSource, ProductSource
from underseal_protocol.rollup.what_if import (
    Change,
    PutFactor,
    PutFootprint,
    ReplaceLine,
    SetAmount,
    SwapSource,
    compare,
)

EXCLUDING = "pcfExcludingBiogenicUptake"
PART = product(
    material(amount=500, unit="g"), energy(amount=1), product_id="part", declaration=None
)
WHOLE = product(
    material("p", amount=3, source=ProductSource("part")),
    energy(amount=2),
    DirectEmission(id="d", name="d", emissions={"fossilGhgEmissions": Decimal("0.25")}),
    mass_kg=1,
)
ITEMS = (WHOLE, PART, received(), factor(geography="DE", year=2024, licence="CC-BY"))
INPUTS = inputs_of(*ITEMS)
WIND = factor("WIND", "kWh", {"fossilGhgEmissions": Decimal("0.01")})


def test_hotspots_come_first_through_intermediates() -> None:
    explanation = rolled_up(*ITEMS).explanation
    assert [(str(one.ref), one.amount) for one in explanation.contributions] == [
        ("part/m", Fraction(3)),
        ("part/e", Fraction("1.5")),
        ("P/e", Fraction(1)),
        ("P/d", Fraction("0.25")),
    ]
    assert [str(one.ref) for one in explanation.own_lines] == ["P/p", "P/e", "P/d"]
    assert explanation.by_kind == {
        Kind.MATERIAL: 3,
        Kind.ENERGY: Fraction("2.5"),
        Kind.DIRECT: Fraction("0.25"),
    }
    assert explanation.by_product == {"part": Fraction("4.5"), "P": Fraction("1.25")}
    assert explanation.total == explanation.absolute_total == Fraction("5.75")


def test_a_line_says_how_it_was_calculated() -> None:
    explained = rolled_up(*ITEMS).explanation.to_json()
    first, second = explained["contributions"][:2]
    assert json.loads(json.dumps(explained)) == explained
    assert (first["line"], first["product"]) == ("part/m", "part")
    assert first["quantity"] == {"value": "500", "unit": "g"}
    assert first["source"] == {
        "footprint": SUPPLIED,
        "company": "Supplier AG",
        "trust": "verified",
    }
    assert first["perDeclaredUnitOfSource"] == {"value": "2"}
    assert first["declaredUnitsOfSource"] == {"value": "0.5"}
    assert first["declaredUnitsOfProduct"] == {"value": "3"}
    assert first["amount"] == {"value": "3"}
    assert first["share"] == {"value": "0.521739130435", "rounded": True}
    assert first["components"] == {"fossilGhgEmissions": {"value": "3"}}
    assert first["primaryDataShare"] == {"value": "40"}
    assert first["dqi"]["temporalDQR"] == {"value": "3"}
    assert second["source"]["licence"] == "CC-BY"
    assert second["dqi"] is None


def test_a_long_explanation_can_be_cut() -> None:
    explained = rolled_up(*ITEMS).explanation.to_json(limit=1)
    assert len(explained["contributions"]) == 1
    assert explained["furtherContributions"] == 3


def after(*changes: Change) -> Fraction | None:
    return compare(INPUTS, "P", changes).figures[EXCLUDING].after


def test_another_source_everywhere_or_in_one_line() -> None:
    assert after(PutFactor(WIND), SwapSource(FactorSource("WIND"), GRID)) == Fraction("3.3")
    one = LineRef("P", "e")
    assert after(PutFactor(WIND), SwapSource(FactorSource("WIND"), line=one)) == Fraction("4.77")


def test_another_supplier_amount_factor_or_mix() -> None:
    other = received("other", pcfExcludingBiogenicUptake="4", pcfIncludingBiogenicUptake="4",
                     fossilGhgEmissions="4")  # fmt: skip
    swap = SwapSource(FootprintSource("other"), BOUGHT)
    assert after(PutFootprint(other), swap) == Fraction("8.75")
    assert after(SetAmount(LineRef("part", "m"), Quantity(1, "kg"))) == Fraction("8.75")
    assert after(PutFactor(factor(values={"fossilGhgEmissions": 1}))) == Fraction("8.25")
    mix = tuple(energy(name, amount=1, source=FactorSource(name)) for name in ("EL", "WIND"))
    assert after(PutFactor(WIND), ReplaceLine(LineRef("P", "e"), mix)) == Fraction("5.26")
    assert after(ReplaceLine(LineRef("P", "d"), ())) == Fraction("5.5")


def test_transport_gets_another_load() -> None:
    line = Transport(id="t", name="t", load=Quantity(1, "tkm"), source=FactorSource("TR"))
    inputs = inputs_of(product(line), factor("TR", "tkm"))
    change = SetAmount(LineRef("P", "t"), Quantity(4, "tkm"))
    assert compare(inputs, "P", [change]).figures[EXCLUDING].after == 2


def test_both_results_and_what_is_different_and_nothing_is_changed() -> None:
    before = inputs_of(*ITEMS)
    found = compare(INPUTS, "P", [ReplaceLine(LineRef("P", "e"), (energy("new", amount=1),))])
    assert before == INPUTS
    assert found.before.total == Fraction("5.75")
    assert found.after.total == Fraction("5.25")
    assert found.figures[EXCLUDING].change == Fraction("-0.5")
    assert found.figures["landUseChangeGhgEmissions"].change == 0
    assert [str(ref) for ref in found.lines] == ["P/e", "P/new"]
    assert found.lines[LineRef("P", "e")].change is None
    assert found.to_json()["lines"]["P/new"] == {
        "before": None,
        "after": {"value": "0.5"},
        "change": None,
    }


def test_a_component_may_become_unknown() -> None:
    vague = factor(values={EXCLUDING: Decimal("0.5")})
    found = compare(INPUTS, "P", [PutFactor(vague)]).figures
    assert found["landUseChangeGhgEmissions"].after is None
    assert found[EXCLUDING].change == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (SwapSource(GRID, FactorSource("x")), "no line uses the factor 'x', so it"),
        (SwapSource(GRID, line=LineRef("P", "x")), "there is no line P/x"),
        (
            SwapSource(GRID, BOUGHT, LineRef("P", "e")),
            "P/e does not use the footprint .*, but the factor",
        ),
        (SetAmount(LineRef("Q", "e"), Quantity(1, "kg")), "there is no line Q/e"),
        (SetAmount(LineRef("P", "d"), Quantity(1, "kg")), "line P/d is a direct emission"),
    ],
)
def test_a_change_that_has_nothing_to_change_is_refused(change: Change, message: str) -> None:
    with pytest.raises(RollUpError, match=message) as caught:
        compare(INPUTS, "P", [change])
    assert caught.value.hint
