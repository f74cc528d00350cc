"""Products and factors as JSON, there and back."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from tests.protocol.rollup.builders import (
    DECLARATION,
    energy,
    factor,
    material,
    product,
)

from underseal_protocol.errors import BillError
from underseal_protocol.rollup.documents import (
    factor_json,
    factor_of,
    product_json,
    product_of,
    source_json,
    source_of,
)
from underseal_protocol.rollup.inputs import (
    DirectEmission,
    Direction,
    Mode,
    Packaging,
    Quantity,
    Transport,
    Waste,
)
from underseal_protocol.rollup.sources import (
    DataQuality,
    FactorSource,
    FootprintSource,
    LeftOut,
    ProductSource,
    Source,
)
from underseal_protocol.rollup.units import PhysicalProperties

QUALITY = DataQuality(1, Decimal("2.5"), 3)
EVERYTHING = product(
    material(loss=Decimal("0.04"), recycled_share=Fraction(1, 3), supplier="霁川", quality=QUALITY),
    material("m2", source=None, product_ids=("urn:gtin:4712345060507",), retained=0),
    energy(process="coating", is_primary=False, with_outbound=False),
    Transport(
        id="t",
        name="ship",
        load=Quantity(Decimal("0.4"), "t"),
        distance=Quantity(800, "km"),
        mode=Mode.SEA,
        direction=Direction.OUTBOUND,
        carries="m",
        source=ProductSource("ship"),
    ),
    Packaging(id="p", name="drum", quantity=Quantity(1, "piece"), packs="m", source=None),
    Waste(id="w", name="sludge", quantity=Quantity(1, "kg"), source=LeftOut("inert", Decimal(2))),
    DirectEmission(id="d", name="lime", emissions={"fossilGhgEmissions": Decimal("0.20")}),
    mass_kg=Decimal("4.02"),
    basis=Quantity(Fraction(1000, 7), "piece"),
    yield_share=Decimal("0.96"),
    properties=PhysicalProperties(mass_kg_per_piece=Decimal("0.5")),
    carbon_contents={"fossilCarbonContent": Decimal("0.1")},
    history=(Decimal("23.1"), Decimal(24)),
    packaging_included=True,
)


def test_a_product_comes_back_as_it_was() -> None:
    text = json.dumps(product_json(EVERYTHING), ensure_ascii=False)
    assert product_of(json.loads(text)) == EVERYTHING
    assert product_json(product_of(json.loads(text))) == json.loads(text)


def test_what_is_not_said_is_left_out() -> None:
    (line,) = product_json(product(energy(), declaration=None))["lines"]
    assert line == {
        "kind": "energy",
        "id": "e",
        "name": "e",
        "source": {"factor": "EL"},
        "quantity": {"amount": "1", "unit": "kWh"},
    }


def test_numbers_are_texts_with_all_their_digits() -> None:
    document = product_json(EVERYTHING)
    assert document["lines"][6]["emissions"] == {"fossilGhgEmissions": "0.20"}
    assert document["basis"]["amount"] == "1000/7"
    assert "retained" not in document["lines"][0]
    assert document["lines"][1]["retained"] == "0"


def test_a_factor_comes_back_as_it_was() -> None:
    one = factor(
        values={"fossilGhgEmissions": Decimal("0.5")},
        amount=Decimal(1000),
        year=2024,
        geography="DE",
        licence="CC BY 4.0",
        is_verified=False,
        quality=QUALITY,
    )
    assert factor_of(json.loads(json.dumps(factor_json(one)))) == one


@pytest.mark.parametrize(
    "source",
    [FootprintSource("f"), FactorSource("x"), ProductSource("p"), LeftOut("r"), LeftOut("r", 3)],
)
def test_a_source_comes_back_as_it_was(source: Source) -> None:
    assert source_of(json.loads(json.dumps(source_json(source)))) == source


def test_the_declaration_takes_the_names_of_the_node() -> None:
    document = product_json(EVERYTHING)
    names = {name: document["declaration"].pop(name) for name in ("companyName", "companyIds")}
    assert product_of(document, names).declaration == DECLARATION
    with pytest.raises(
        BillError, match="/declaration/companyName: expected a value, which is missing"
    ):
        product_of(document)


LINE: dict[str, Any] = product_json(product(energy()))["lines"][0]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"quantity": {"amount": 1, "unit": "kWh"}},
            r"/lines/0/quantity/amount is 1, expected a decimal",
        ),
        ({"quantity": {"amount": "1,5", "unit": "kWh"}}, r"/lines/0/quantity/amount is '1,5'"),
        ({"quantity": {"amount": "1/0", "unit": "kWh"}}, r"/lines/0/quantity/amount is '1/0'"),
        ({"kind": "fuel"}, r"/lines/0.*expected 'material', 'energy'"),
        ({"kind": None}, r"/lines/0.*expected 'material', 'energy'"),
        ({"name": ""}, r"/lines/0/name is '', expected text that is not empty"),
        ({"name": "a\0b"}, r"/lines/0/name is 'a\\x00b', expected text without NUL"),
        ({"name": "\ud800"}, r"/lines/0/name .*half of a character"),
        ({"proces": "x"}, r"/lines/0/proces is 'x', expected nothing of this name"),
        ({"isPrimary": "yes"}, r"/lines/0/isPrimary is 'yes', expected true or false"),
        ({"source": {}}, r"/lines/0/source: expected exactly one of footprint"),
        ({"source": {"factor": "a", "product": "b"}}, r"expected exactly one of footprint"),
        ({"source": "EL"}, r"/lines/0/source is 'EL', expected an object"),
        ({"id": 7}, r"/lines/0/id is 7, expected text"),
        ({"id": "x" * 201}, r"/lines/0/id is 'x+.*expected at most 200 characters; it has 201"),
        ({"name": "x" * 501}, r"/lines/0/name is .*expected at most 500 characters; it has 501"),
        ({"process": "x" * 2001}, r"/process is .*expected at most 2000 characters; it has 2001"),
    ],
)
def test_what_has_another_form_is_refused(change: dict[str, Any], expected: str) -> None:
    document = {**product_json(product()), "lines": [{**LINE, **change}]}
    with pytest.raises(BillError, match=expected):
        product_of(document)


def test_a_mistyped_name_is_recognised() -> None:
    with pytest.raises(BillError) as caught:
        product_of({**product_json(product()), "lines": [{**LINE, "proces": "x"}]})
    assert caught.value.hint == "Did you mean process?"
    with pytest.raises(BillError) as caught:
        factor_of({**factor_json(factor()), "values": {"fossilGhgEmission": "1"}})
    assert caught.value.hint == "Did you mean fossilGhgEmissions?"


def test_all_that_is_wrong_is_said() -> None:
    with pytest.raises(BillError) as caught:
        product_of({"id": "P", "lines": [{**LINE, "id": ""}, {"kind": "energy"}]})
    pointers = [one.pointer for one in caught.value.violations]
    assert pointers[:2] == ["/name", "/declaredUnit"]
    assert {"/lines/0/id", "/lines/1/id", "/lines/1/quantity"} < set(pointers)


def test_two_lines_with_one_id_are_refused() -> None:
    with pytest.raises(BillError, match="'e' is there twice"):
        product_of({**product_json(product()), "lines": [LINE, LINE]})


@pytest.mark.parametrize("document", [[], "x", None, 5])
def test_what_is_no_object_is_refused(document: Any) -> None:
    with pytest.raises(BillError):
        product_of(document)
