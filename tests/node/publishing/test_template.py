"""The workbook that a supplier fills in."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest

from underseal_node.publishing.columns import COLUMNS, EXAMPLES, column_of, title_of
from underseal_node.publishing.template import FIRST_ROW, SHEET, workbook
from underseal_node.sheets.columns import Column, Kind
from underseal_protocol.carbon import REGIONS, UNITS

Desk = Any
Row = Callable[..., dict[str, Any]]


@pytest.fixture
def book() -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(workbook()))


def saved(book: openpyxl.Workbook) -> bytes:
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def fill(book: openpyxl.Workbook, row: int, values: dict[str, Any]) -> None:
    for position, column in enumerate(COLUMNS, 2):
        if column.name in values:
            book[SHEET].cell(row, position).value = values[column.name]


def test_each_column_has_a_title_and_an_explanation(book: openpyxl.Workbook) -> None:
    header, explanation = ([cell.value for cell in book[SHEET][row]] for row in (1, 2))
    assert header[0] == "#"
    assert [column_of(title) for title in header[1:]] == list(COLUMNS)
    assert explanation[1:] == [column.text for column in COLUMNS]


def test_required_columns_are_marked(book: openpyxl.Workbook) -> None:
    marked = {cell.value for cell in book[SHEET][1] if str(cell.value).endswith(" *")}
    assert marked == {f"{title_of(column)} *" for column in COLUMNS if column.is_required}
    fills = {cell.value: cell.fill.start_color.rgb for cell in book[SHEET][1]}
    assert len({fills[title] for title in marked}) == 1
    assert fills["Comment"] not in {fills[title] for title in marked}


def test_an_empty_template_has_nothing_to_publish(desk: Desk) -> None:
    (problem,) = desk.reads(workbook(), "template.xlsx").problems
    assert problem.message == "there is no footprint in it"


async def test_what_is_filled_in_is_published(
    desk: Desk, book: openpyxl.Workbook, row: Row
) -> None:
    values = row()
    for column in COLUMNS:
        if column.kind in (Kind.DECIMAL, Kind.PERCENT) and column.name in values:
            values[column.name] = float(values[column.name])
    fill(book, FIRST_ROW, values)
    fill(book, FIRST_ROW + 1, row(productIds="urn:x:8", geographyCountry=None))
    result = await desk.publishes(saved(book))
    assert result.published == 2
    documents = [desk.body(one.id) for one in result.footprints]
    assert [document["productIds"] for document in documents] == [
        ["urn:pact:cathode.example:product-id:7"], ["urn:x:8"],
    ]  # fmt: skip
    assert documents[0]["pcf"]["pcfExcludingBiogenicUptake"] == "0.412"
    assert documents[0]["companyIds"] == list(desk.node.identity.company_ids)


def test_the_example_is_not_published_even_without_the_first_column(
    desk: Desk, book: openpyxl.Workbook, row: Row
) -> None:
    fill(book, FIRST_ROW, row())
    book[SHEET].delete_cols(1)
    read = desk.reads(saved(book))
    assert read.problems == ()
    assert [one.place_of("") for one in read.documents] == ["row 4"]


def test_an_example_that_was_overwritten_is_not_lost(
    desk: Desk, book: openpyxl.Workbook, row: Row
) -> None:
    fill(book, 3, row())
    (problem,) = desk.reads(saved(book)).problems
    assert problem.place == "row 3"
    assert "marked as the example" in problem.message
    book[SHEET].cell(3, 1).value = None
    assert len(desk.reads(saved(book)).documents) == 1


def test_the_product_id_of_the_example_is_refused(
    desk: Desk, book: openpyxl.Workbook, row: Row
) -> None:
    fill(book, FIRST_ROW, row(productIds=EXAMPLES["productIds"]))
    (problem,) = desk.reads(saved(book)).problems
    assert problem.place == "row 4"
    assert "that of the example" in problem.message


def test_choices_have_drop_downs(book: openpyxl.Workbook) -> None:
    lists = book["Lists"]
    assert lists.sheet_state == "hidden"
    offered: dict[str, list[str]] = {}
    for rule in book[SHEET].data_validations.dataValidation:
        (cells,) = rule.sqref.ranges
        assert cells.min_row == FIRST_ROW
        assert cells.max_row > 10_000
        items = [cell.value for (cell,) in lists[rule.formula1.partition("!")[2]]]
        column = column_of(book[SHEET].cell(1, cells.min_col).value)
        assert column is not None
        offered[column.name] = items
    assert offered["declaredUnitOfMeasurement"] == list(UNITS)
    assert offered["geographyRegionOrSubregion"] == list(REGIONS)
    assert offered["packagingEmissionsIncluded"] == ["yes", "no"]
    assert {"DE", "CN", "HU"} <= set(offered["geographyCountry"])

    def has_choices(column: Column) -> bool:
        return column.kind in (Kind.CHOICE, Kind.FLAG) or column.name == "geographyCountry"

    assert set(offered) == {column.name for column in COLUMNS if has_choices(column)}


def test_texts_stay_texts(book: openpyxl.Workbook) -> None:
    """A spreadsheet would make a number of an article number, and 3.1 of version 3.10."""
    formats = {
        column.name: book[SHEET].column_dimensions[
            openpyxl.utils.get_column_letter(position)
        ].number_format
        for position, column in enumerate(COLUMNS, 2)
    }  # fmt: skip
    assert formats["productIds"] == formats["secondaryEmissionFactorSources"] == "@"
    assert formats["referencePeriodStart"] == "yyyy-mm-dd"
    assert formats["fossilGhgEmissions"] == formats["packagingEmissionsIncluded"] == "General"


def test_the_instructions_say_what_is_special(book: openpyxl.Workbook) -> None:
    text = "\n".join(str(cell.value) for (cell,) in book["Instructions"].iter_rows() if cell.value)
    for said in ("footprint import", "supersede", "15 significant digits", "without an id", "UTC"):
        assert said in text
