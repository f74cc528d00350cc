"""The workbook that a company fills in."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest

from underseal_node.products import factor_columns, line_columns
from underseal_node.products.columns import FACTOR, PRODUCT
from underseal_node.products.reading import read_factors
from underseal_node.products.results import ReadProducts
from underseal_node.products.template import INSTRUCTIONS, workbook
from underseal_node.products.words import SHEETS, kind_of_sheet
from underseal_node.products.workbooks import sheet_columns
from underseal_node.settings import Settings
from underseal_protocol.carbon import UNITS
from underseal_protocol.rollup.units import all_units, unit_of

Read = Callable[..., ReadProducts]


@pytest.fixture
def template() -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(workbook()))


def saved(book: openpyxl.Workbook) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def with_examples_taken_over(book: openpyxl.Workbook) -> bytes:
    """As somebody saves it who has cleared the marks of the examples."""
    for name in SHEETS.values():
        for row in book[name].iter_rows(min_row=3):
            row[0].value = None
    return saved(book)


def test_there_is_a_sheet_for_every_kind(template: openpyxl.Workbook) -> None:
    shown = [one.title for one in template if one.sheet_state == "visible"]
    assert shown == [INSTRUCTIONS, *SHEETS.values()]
    assert [kind_of_sheet(name) for name in SHEETS.values()] == list(SHEETS)


@pytest.mark.parametrize("kind", SHEETS)
def test_columns_have_titles_that_are_understood(template: openpyxl.Workbook, kind: str) -> None:
    sheet = template[SHEETS[kind]]
    headings = (factor_columns if kind == FACTOR else line_columns).HEADINGS
    header, explanation = ([cell.value for cell in sheet[row]] for row in (1, 2))
    assert header[0] == "#"
    for title, text, column in zip(header[1:], explanation[1:], sheet_columns(kind), strict=True):
        found = headings.column_of(title)
        assert found is not None
        assert (found.name, title.endswith(" *"), text) == (
            column.name,
            kind in found.needed,
            found.text,
        )
    assert sheet.freeze_panes.startswith("C")


def test_as_it_is_there_is_nothing_in_it(read: Read, settings: Settings) -> None:
    for content in (workbook(), workbook(example=False)):
        for _ in range(2):
            (problem,) = read(content).problems
            assert problem.message == "there is no product in it"
        (problem,) = read_factors("t.xlsx", content, settings).problems
        assert problem.message == "there is no factor in it"


def test_the_examples_are_a_product_once_their_marks_are_cleared(
    template: openpyxl.Workbook, read: Read
) -> None:
    content = with_examples_taken_over(template)
    found = read(content)
    assert found.problems == ()
    (placed,) = found.products
    assert placed.document["id"] == "EXAMPLE-316"
    assert [one["kind"] for one in placed.document["lines"]] == [
        "material", "material", "energy", "energy", "direct", "transport", "packaging", "waste",
    ]  # fmt: skip
    assert [one.document["id"] for one in found.factors] == ["EXAMPLE-EL-HU"]
    again = read(content)
    assert [one.document for one in again.products] == [placed.document]


def test_an_example_that_was_overwritten_is_not_lost(
    template: openpyxl.Workbook, read: Read
) -> None:
    template["Materials"]["C3"].value = "Our wire"
    (problem,) = read(saved(template)).problems
    assert (problem.place, "marked as an example" in problem.message) == (
        "sheet Materials, row 3",
        True,
    )


def test_explanations_are_ignored_without_the_first_column(
    template: openpyxl.Workbook, read: Read
) -> None:
    for name in SHEETS.values():
        template[name].delete_rows(3, 9)
        template[name].delete_cols(1)
    (problem,) = read(saved(template)).problems
    assert problem.message == "there is no product in it"


def choices_of(book: openpyxl.Workbook, sheet: str) -> dict[str, list[str]]:
    found = {}
    for rule in book[sheet].data_validations.dataValidation:
        (cells,) = rule.sqref.ranges
        title = book[sheet].cell(1, cells.min_col).value.removesuffix(" *")
        name, _, area = rule.formula1.partition("!")
        found[title] = [cell.value for (cell,) in book[name.strip("'")][area]]
        assert cells.max_row > 10_000
    return found


def test_drop_downs(template: openpyxl.Workbook) -> None:
    materials = choices_of(template, "Materials")
    assert set(materials) == {"Product", "Unit", "Measured", "Supplier's delivery counts"}
    assert {unit_of(one) for one in materials["Unit"]} == set(all_units())
    assert {unit_of(one).name for one in materials["Unit"][: len(UNITS)]} == set(UNITS)
    assert "EXAMPLE-316" in materials["Product"]
    transport = choices_of(template, "Transport")
    assert transport["Mode"][:3] == ["road", "rail", "sea"]
    assert transport["Direction"] == ["inbound", "outbound"]
    assert transport["Distance unit"] == ["km", "m", "mi", "nmi"]
    products = choices_of(template, "Products")
    assert products["Unit"] == list(UNITS)
    assert {"DE", "CN", "Africa"} <= set(products["Geography"])


def test_texts_are_formatted_as_such(template: openpyxl.Workbook) -> None:
    """A spreadsheet would make a number of an article number."""
    letters = openpyxl.utils.get_column_letter
    formats: dict[str, Any] = {
        column.name: template["Products"].column_dimensions[letters(at)].number_format
        for at, column in enumerate(sheet_columns(PRODUCT), 2)
    }
    assert formats["product"] == formats["productIds"] == "@"
    assert formats["periodStart"] == "yyyy-mm-dd"
    assert formats["quantity"] == formats["yieldShare"] == "General"


def test_the_instructions_say_what_is_special(template: openpyxl.Workbook) -> None:
    text = "\n".join(str(cell.value) for (cell,) in template[INSTRUCTIONS].iter_rows())
    for said in ("product import", "left out:", "15 significant digits", "Formulas", "1/3", "Kind"):
        assert said in text
