"""Products as a workbook and back."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st
from tests.protocol.rollup.test_documents import EVERYTHING

from underseal_node.errors import RefusedError
from underseal_node.products.export import workbook_of
from underseal_node.products.reading import read_products
from underseal_node.products.results import ReadProducts
from underseal_node.settings import Settings
from underseal_protocol.rollup import inputs, sources
from underseal_protocol.rollup.documents import (
    factor_json,
    factor_of,
    product_json,
    product_of,
)
from underseal_protocol.rollup.properties import AIRCRAFT, CARBON, GROSS, STATED_NAMES
from underseal_protocol.rollup.units import PhysicalProperties, all_units

SETTINGS = Settings()
ORDER = ("material", "energy", "direct", "transport", "packaging", "waste")


def in_sheets(product: inputs.Product) -> inputs.Product:
    """With lines in the order of the sheets."""
    lines = sorted(product.lines, key=lambda one: ORDER.index(one.kind))
    return replace(product, lines=tuple(lines))


def back(*products: inputs.Product, factors: Any = ()) -> ReadProducts:
    content = workbook_of(
        [product_json(one) for one in products],
        [factor_json(one) for one in factors],
        settings=SETTINGS,
    )
    return read_products("x.xlsx", content, SETTINGS)


def test_everything_comes_back() -> None:
    found = back(EVERYTHING)
    assert found.problems == ()
    (placed,) = found.products
    assert product_of(placed.document) == in_sheets(EVERYTHING)


def test_reading_it_again_gives_the_same_document() -> None:
    (first,) = back(EVERYTHING).products
    (second,) = back(product_of(first.document)).products
    assert second.document == first.document


# --- any product ----------------------------------------------------------------------------------

numbers = st.one_of(
    st.decimals(0, 10**18, allow_nan=False, allow_infinity=False, places=9),
    st.decimals(0, 100, allow_nan=False, allow_infinity=False, places=2),
    st.fractions(0, 1000, max_denominator=999),
)
shares = st.one_of(st.decimals(0, 1, places=4), st.fractions(0, 1, max_denominator=99))
words = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="|\x85\u2028\u2029;,"),
    min_size=1,
    max_size=30,
)
texts = st.one_of(
    words.map(str.strip),
    st.sampled_from(["=1+1", "-5", "+x", "@a", "'=a", "''-b", "1,234", "#x", "# example", "_x000D_",
                     "1/3", "007", "TRUE", "2025-01-01", "#DIV/0!", "单水", "a\nb"]),
).filter(lambda text: bool(text.strip()) and text == text.strip())  # fmt: skip
lists = st.lists(
    texts.filter(lambda text: not any(one in text for one in "\n|,;")), max_size=3
).map(tuple)
ids = lists.filter(bool)
qualities = st.none() | st.builds(sources.DataQuality, *[numbers] * 3)
properties = st.builds(
    PhysicalProperties,
    **{name: st.none() | numbers for name in PhysicalProperties.__dataclass_fields__},
)
quantities = st.builds(
    inputs.Quantity, numbers, st.sampled_from([one.symbol for one in all_units()])
)
sourced = {
    "id": texts,
    "name": texts,
    "is_primary": st.booleans(),
    "quality": qualities,
    "properties": properties,
    "with_outbound": st.booleans(),
    "source": st.one_of(
        st.none(),
        st.builds(sources.FactorSource, texts),
        st.builds(sources.ProductSource, texts),
        st.builds(sources.FootprintSource, texts),
        st.builds(sources.LeftOut, texts, numbers),
    ),
}
kilometers = st.none() | st.builds(inputs.Quantity, numbers, st.sampled_from(["km", "mi"]))
emissions = st.dictionaries(
    st.sampled_from([one for one in GROSS if one != AIRCRAFT]), numbers, min_size=1
)
lines = st.one_of(
    st.builds(
        inputs.Material, **sourced, quantity=quantities, loss=shares, retained=shares,
        recycled_share=st.none() | shares, supplier=st.none() | texts, product_ids=lists,
    ),
    st.builds(inputs.Energy, **sourced, quantity=quantities, process=st.none() | texts),
    st.builds(
        inputs.Transport, **sourced, load=quantities, distance=kilometers,
        mode=st.sampled_from(inputs.Mode), direction=st.sampled_from(inputs.Direction),
    ),
    st.builds(inputs.Packaging, **sourced, quantity=quantities),
    st.builds(inputs.Waste, **sourced, quantity=quantities),
    st.builds(
        inputs.DirectEmission, id=texts, name=texts, quality=qualities,
        is_primary=st.booleans(), emissions=emissions,
    ),
)  # fmt: skip
moments = st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001
    lambda one: one.replace(tzinfo=UTC, hour=one.hour % 2, minute=0, second=0, microsecond=0)
)
declarations = st.builds(
    inputs.Declaration,
    company_name=texts, company_ids=ids, product_name=texts, product_ids=ids,
    description=texts, classifications=lists, comment=st.none() | texts,
    period_start=moments, period_end=moments, geography=st.none() | texts,
    boundary=st.none() | texts, allocation=st.none() | texts, exempted_percent=numbers,
    exempted_description=st.none() | texts,
)  # fmt: skip
products = st.builds(
    inputs.Product,
    id=texts, name=texts, declared_unit=quantities, mass_kg=st.none() | numbers,
    properties=properties, basis=st.none() | quantities, yield_share=shares,
    lines=st.lists(lines, max_size=6, unique_by=lambda one: one.id).map(tuple),
    packaging_included=st.none() | st.booleans(),
    carbon_contents=st.dictionaries(st.sampled_from(CARBON), numbers),
    history=st.lists(numbers, max_size=3).map(tuple),
    declaration=st.none() | declarations,
)  # fmt: skip
factors = st.builds(
    sources.Factor,
    id=texts, name=texts, unit=st.sampled_from([one.name for one in all_units()]),
    values=st.dictionaries(st.sampled_from(STATED_NAMES), numbers, min_size=1), amount=numbers,
    database=texts, version=texts, year=st.none() | st.integers(1900, 2100),
    licence=st.none() | texts, is_primary=st.booleans(), is_verified=st.booleans(),
    assessment_reports=lists, quality=qualities, properties=properties,
)  # fmt: skip


@profile(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(products, factors)
def test_any_product_comes_back(product: inputs.Product, factor: sources.Factor) -> None:
    found = back(product, factors=[factor])
    (placed,) = found.products
    assert product_of(placed.document, {"companyName": "?"}) == in_sheets(product)
    assert product_json(product_of(placed.document, {"companyName": "?"})) == product_json(
        in_sheets(product)
    )
    assert factor_of(found.factors[0].document) == factor


def test_texts_that_look_like_something_else_stay_texts() -> None:
    for text in ("=1+1", "-5", "@a", "'=a", "1,234", "_x000D_", "#DIV/0!", "a\nb", "TRUE", "007"):
        product = product_of({**product_json(EVERYTHING), "id": text, "name": text})
        (placed,) = back(product).products
        assert (placed.document["id"], placed.document["name"]) == (text, text)


def test_no_cell_begins_like_a_formula() -> None:
    for sign in "=+-@":
        document = {**product_json(EVERYTHING), "id": f"{sign}1", "name": f"{sign}cmd|x"}
        content = workbook_of([document], settings=SETTINGS)
        for sheet in openpyxl.load_workbook(io.BytesIO(content)):
            for row in sheet.iter_rows():
                for cell in row:
                    assert cell.data_type != "f"
                    assert not (isinstance(cell.value, str) and cell.value[:1] in tuple("=+-@"))


def test_negative_numbers_are_numbers() -> None:
    factor = sources.Factor(
        id="f", name="f", values={"biogenicCO2Uptake": Decimal("-1.8")}, unit="kg",
        database="d", version="1",
    )  # fmt: skip
    content = workbook_of([], [factor_json(factor)], settings=SETTINGS)
    sheet = openpyxl.load_workbook(io.BytesIO(content))["Factors"]
    assert -1.8 in [cell.value for cell in sheet[3]]


@pytest.mark.parametrize(
    "text", ["0.50", "1.250", "123.000", "1250.0", "0.5000000000", "1000.000", "12.340", "2.125"]
)
def test_numbers_keep_the_zeros_at_their_end_whatever_mark_others_have(text: str) -> None:
    document = product_json(EVERYTHING)
    document |= {"massKg": text, "history": [text, "1.5"], "yieldShare": "0.50"}
    content = workbook_of([document], settings=SETTINGS)
    (placed,) = read_products("x.xlsx", content, SETTINGS).products
    for name in ("massKg", "history", "yieldShare"):
        assert placed.document[name] == document[name]

    book = openpyxl.load_workbook(io.BytesIO(content))
    row = [*next(book["Products"].iter_rows(min_row=3, values_only=True))]
    at = next(cell.column for cell in book["Products"][1] if "Mass" in str(cell.value))
    book["Products"].append([None, "other", *row[2:]])
    book["Products"].cell(4, at).value = "12,5"
    changed = io.BytesIO()
    book.save(changed)
    read = read_products("x.xlsx", changed.getvalue(), SETTINGS)
    documents = {one.document["id"]: one.document for one in read.products}
    assert documents["other"]["massKg"] == "12.5"
    assert documents[document["id"]]["massKg"] == document["massKg"]


def test_a_number_without_such_zeros_is_a_number_in_its_cell() -> None:
    document = product_json(EVERYTHING) | {"massKg": "1.25", "yieldShare": "0.5"}
    sheet = openpyxl.load_workbook(io.BytesIO(workbook_of([document], settings=SETTINGS)))
    values = [cell.value for cell in sheet["Products"][3]]
    assert 1.25 in values
    assert 50 in values


def test_numbers_with_more_digits_than_a_spreadsheet_keeps_are_texts() -> None:
    long = Decimal("12345678901234567.89")
    product = inputs.Product(
        id="P", name="P", declared_unit=inputs.Quantity(Fraction(1, 3), "kg"), mass_kg=long
    )
    (placed,) = back(product).products
    assert product_of(placed.document) == product


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "a\x07"}, "control characters"),
        ({"name": "a\rb"}, "product 'P'"),
        ({"carbonContents": {"fossilGhgEmissions": "1"}}, "product 'P' would be another one"),
    ],
)
def test_what_a_workbook_cannot_hold_is_refused(change: dict[str, Any], said: str) -> None:
    document = {**product_json(EVERYTHING), **change}
    with pytest.raises(RefusedError, match=said) as caught:
        workbook_of([document], settings=SETTINGS)
    assert caught.value.hint == "Write it as JSON instead."


def test_the_line_that_cannot_be_held_is_named() -> None:
    document = product_json(EVERYTHING)
    document["lines"][6]["emissions"] = {"aircraftGhgEmissions": "1", "fossilGhgEmissions": "1"}
    with pytest.raises(RefusedError, match="product 'P', line 'd' would be another one"):
        workbook_of([document], settings=SETTINGS)


def test_the_names_of_the_node_are_not_made_up() -> None:
    document = product_json(EVERYTHING)
    for name in ("companyName", "companyIds"):
        del document["declaration"][name]
    content = workbook_of([document], settings=SETTINGS)
    (placed,) = read_products("x", content, SETTINGS).products
    assert "companyName" not in placed.document["declaration"]
    assert "companyIds" not in placed.document["declaration"]
