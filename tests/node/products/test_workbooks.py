"""Workbooks with a sheet for each kind of line: what cells show is what is read."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date
from typing import Any

import openpyxl
import pytest

from underseal_node.products.results import ReadProducts
from underseal_protocol.rollup.documents import product_of

Book = Callable[..., bytes]
Read = Callable[..., ReadProducts]

PRODUCTS: list[list[Any]] = [["Product", "Name", "Unit"], ["LH", "Lithium hydroxide", "kg"]]
MATERIALS: list[list[Any]] = [
    ["Product", "Name", "Quantity", "Unit", "Loss (%)", "Source"],
    ["LH", "spodumene", 6.42, "kg", 4, "factor:SPOD"],
    ["LH", "sulphuric acid", 1.52, "kg", None, None],
]


def with_part(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """A workbook with another part."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for one in old.namelist():
            new.writestr(one, change(old.read(one)) if one == name else old.read(one))
    return written.getvalue()


def lines_of(read: ReadProducts) -> list[dict[str, Any]]:
    assert read.problems == ()
    (placed,) = read.products
    lines: list[dict[str, Any]] = placed.document["lines"]
    return lines


def test_a_bill_of_materials(book: Book, read: Read) -> None:
    found = read(
        book(
            {
                "Products": [
                    [
                        "Product *", "Name", "Quantity", "Unit *", "Mass (kg)", "Lines are for",
                        "Yield (%)", "Product IDs", "Description", "Period start", "Period end",
                        "Geography", "Packaging included", "Exempted emissions (%)",
                    ],
                    [
                        "P1", "单水氢氧化锂", 1, "kilogram", 1, 500, 98.5,
                        "urn:gtin:1 | urn:gtin:2", "LiOH", date(2025, 1, 1), "31.12.2025", "CN",
                        "nein", 0.5,
                    ],
                ],
                "1. Materials": [
                    ["Product", "Name", "Quantity", "Unit", "Supplier", "Recycled (%)", "Measured"],
                    ["P1", "矿", 0.1 + 0.2, "吨", "霁川", "33,5 %", "no"],
                ],
                "Energie": [
                    ["Bezeichnung", "Menge", "Einheit", "Prozess"],
                    ["Strom", "1 234,5", "kWh", "Mühle"],
                ],
                "Transport": [
                    ["Name", "Quantity", "Unit", "Distance", "Mode", "Direction", "Carries"],
                    ["truck", 6.42, "kg", 250, "LKW", "inbound", "矿"],
                    ["ship", 35.31, "tkm", None, "Sea", None, None],
                ],
                "Direct emissions": [["Name", "Fossil GHG emissions"], ["lime", 0.2]],
                "Verpackung": [["Name", "Quantity", "Unit", "Packs"], ["drum", 1, "St", "矿"]],
                "Waste": [
                    ["Name", "Quantity", "Unit", "Source", "Estimate of what is left out"],
                    ["inert", 13.04, "kg", "left out: inert", 0.01],
                ],
                "Notes": [["Whatever"], ["is", "written", "here"]],
            }
        )
    )  # fmt: skip
    assert found.problems == ()
    (placed,) = found.products
    document = placed.document
    assert document["declaredUnit"] == {"amount": "1", "unit": "kilogram"}
    assert document["basis"] == {"amount": "500", "unit": "kilogram"}
    assert (document["yieldShare"], document["packagingIncluded"]) == ("0.985", False)
    assert document["declaration"] == {
        "productName": "单水氢氧化锂",
        "productIds": ["urn:gtin:1", "urn:gtin:2"],
        "description": "LiOH",
        "periodStart": "2025-01-01T00:00:00Z",
        "periodEnd": "2025-12-31T00:00:00Z",
        "geography": "CN",
        "exemptedPercent": "0.5",
    }
    ore, power, truck, ship, lime, drum, inert = document["lines"]
    assert ore == {
        "kind": "material",
        "id": "material-矿",
        "name": "矿",
        "isPrimary": False,
        "quantity": {"amount": "0.3", "unit": "吨"},
        "recycledShare": "0.335",
        "supplier": "霁川",
    }
    assert power["quantity"] == {"amount": "1234.5", "unit": "kWh"}
    assert power["process"] == "Mühle"
    assert truck["distance"] == {"amount": "250", "unit": "km"}
    assert (truck["mode"], truck["carries"]) == ("road", "material-矿")
    assert (ship["load"], ship["mode"]) == ({"amount": "35.31", "unit": "tkm"}, "sea")
    assert lime["emissions"] == {"fossilGhgEmissions": "0.2"}
    assert (drum["packs"], drum["quantity"]["unit"]) == ("material-矿", "St")
    assert inert["source"] == {"leftOut": {"reason": "inert", "estimateKgCo2e": "0.01"}}
    product_of(document, {"companyName": "x", "companyIds": ["urn:x:1"]})


def test_places_are_those_that_people_find(book: Book, read: Read) -> None:
    (placed,) = read(book({"Products": PRODUCTS, "Materials": MATERIALS})).products
    place = placed.place_of
    assert place("/lines/1/quantity/unit") == "sheet Materials, cell D3 (Unit)"
    assert place("/lines/0/source/factor") == "sheet Materials, cell F2 (Source)"
    assert place("/lines/0") == "sheet Materials, row 2"
    assert place("/declaredUnit/unit") == "sheet Products, cell C2 (Unit)"
    assert place("") == place("/lines/7") == "sheet Products, row 2"


@pytest.mark.parametrize(
    ("position", "value", "place", "message", "hint"),
    [
        (1, None, "B3 (Name)", "the name is missing", "Fill in"),
        (2, None, "C3 (Quantity)", "the amount is missing", "Fill in"),
        (2, "1,234", "C3 (Quantity)", "'1,234' may be 1.234 or 1234", '"1234"'),
        (2, "1.5 kg", "C3 (Quantity)", "'1.5 kg' is not a number", "without a unit"),
        (2, date(2025, 1, 2), "C3 (Quantity)", "a date or time, expected a number", "number"),
        (3, "ton", "D3 (Unit)", "the unit 'ton' has several meanings", "short ton"),
        (3, "killogram", "D3 (Unit)", "'killogram' is no unit", "mean kilogram?"),
        (0, "LX", "A3 (Product)", "there is no product 'LX' in the file", "There is LH."),
        (5, "LH", "F3 (Source)", "'LH' is a product, and no factor", "product:LH"),
        (5, "left out", "F3 (Source)", "does not say the reason", "left out: "),
        (5, "=1+1", "F3 (Source)", "a formula without a result: =1+1", "save it"),
        (5, "=A1&B1", "F3 (Source)", "a formula without a result: =A1&B1", "save it"),
        (5, "#DIV/0!", "F3 (Source)", "the cell holds an error: #DIV/0!", "Correct"),
        (6, "x", "row 3, column G", "the column has no name", "begin its name"),
    ],
)
def test_every_error_has_its_cell(
    book: Book, read: Read, position: int, value: Any, place: str, message: str, hint: str
) -> None:
    row: list[Any] = [*MATERIALS[2], None]
    row[position] = value
    (problem,) = read(book({"Products": PRODUCTS, "Materials": [*MATERIALS[:2], row]})).problems
    where = f"sheet Materials, {'' if place.startswith('row') else 'cell '}{place}"
    assert (problem.file, problem.place) == ("file.xlsx", where)
    assert message in problem.message
    assert hint in (problem.hint or "")


def test_all_errors_are_said_at_once(book: Book, read: Read) -> None:
    rows = [MATERIALS[0], ["LH", None, "x", "kgg", "5 kg", "factor:"], ["LY", "a", 1, "kg"]]
    found = read(book({"Products": PRODUCTS, "Materials": rows}))
    assert found.products == ()
    assert sorted(one.place.removeprefix("sheet Materials, ") for one in found.problems) == [
        "cell A3 (Product)", "cell B2 (Name)", "cell C2 (Quantity)", "cell D2 (Unit)",
        "cell E2 (Loss (%))", "cell F2 (Source)",
    ]  # fmt: skip


def test_a_formula_counts_with_its_saved_result(book: Book, read: Read) -> None:
    rows = [*MATERIALS[:2], ["LH", "acid", "=1+1", "kg"]]
    content = with_part(
        book({"Products": PRODUCTS, "Materials": rows}),
        "xl/worksheets/sheet2.xml",
        lambda xml: re.sub(rb"(<f>1\+1</f>)<v ?/?>(</v>)?", rb"\1<v>7</v>", xml),
    )
    assert lines_of(read(content))[1]["quantity"]["amount"] == "7"


def test_one_merged_cell_names_the_product_of_several_rows(book: Book, read: Read) -> None:
    def merge(made: openpyxl.Workbook) -> None:
        made["Materials"].merge_cells("A2:A3")

    products = [*PRODUCTS, ["LX", "other", "kg"]]
    found = read(book({"Products": products, "Materials": MATERIALS}, merge))
    assert found.problems == ()
    assert [len(one.document.get("lines", ())) for one in found.products] == [2, 0]


def test_what_is_said_once_for_several_rows_is_said_for_each(book: Book, read: Read) -> None:
    def merge(made: openpyxl.Workbook) -> None:
        for column in "ABDF":  # with a row below in which nothing else is
            made["Materials"].merge_cells(f"{column}2:{column}4")

    header = ["Product", "Name", "Quantity", "Unit", "Loss (%)", "Supplier"]
    rows = [
        header,
        ["LH", "acid", 1, "kg", 2, "Säure AG"],
        [None, None, 2, None, None, None],
        [],
    ]
    first, second = lines_of(read(book({"Products": PRODUCTS, "Materials": rows}, merge)))
    assert (first["quantity"]["amount"], second["quantity"]["amount"]) == ("1", "2")
    assert second["quantity"]["unit"] == "kg"
    assert (second["name"], second["supplier"]) == ("acid", "Säure AG")
    assert "loss" not in second


def test_cells_that_are_merged_across_columns_are_refused(book: Book, read: Read) -> None:
    def merge(made: openpyxl.Workbook) -> None:
        made["Materials"].merge_cells("A2:B2")

    found = read(book({"Products": PRODUCTS, "Materials": MATERIALS}, merge)).problems
    assert [one.place for one in found] == ["sheet Materials, cell B2 (Name)"]
    assert "merged with one in row 2" in found[0].message


def test_other_merged_cells_are_refused(book: Book, read: Read) -> None:
    def merge(made: openpyxl.Workbook) -> None:
        made["Materials"].merge_cells("C2:C3")

    (problem,) = read(book({"Products": PRODUCTS, "Materials": MATERIALS}, merge)).problems
    assert problem.place == "sheet Materials, cell C3 (Quantity)"
    assert "merged with one in row 2" in problem.message


def test_dates_count_from_1904_as_well(book: Book, read: Read) -> None:
    header = [*PRODUCTS[0], "Product IDs", "Description", "Period start", "Period end"]
    row = [*PRODUCTS[1], "urn:x:1", "d", date(2025, 1, 1), date(2026, 1, 1)]

    def since_1904(made: openpyxl.Workbook) -> None:
        made.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904

    for change in (None, since_1904):
        content = book({"Products": [header, row]}, change)
        has_mark = b"date1904" in zipfile.ZipFile(io.BytesIO(content)).read("xl/workbook.xml")
        assert has_mark == (change is not None)
        found = read(content)
        assert found.problems == ()
        declaration = found.products[0].document["declaration"]
        assert declaration["periodStart"] == "2025-01-01T00:00:00Z"
        assert declaration["periodEnd"] == "2026-01-01T00:00:00Z"


def test_percentages_however_they_are_written(book: Book, read: Read) -> None:
    def change(made: openpyxl.Workbook) -> None:
        made["Materials"]["E3"].value = 0.04
        made["Materials"]["E3"].number_format = "0 %"

    rows = [*MATERIALS, ["LH", "a", 1, "kg", "4 %"], ["LH", "b", 1, "kg", "4"]]
    found = lines_of(read(book({"Products": PRODUCTS, "Materials": rows}, change)))
    assert [one["loss"] for one in found] == ["0.04"] * 4


def test_empty_rows_and_titles_above_the_table_do_no_harm(book: Book, read: Read) -> None:
    rows = [["Our bill"], [], MATERIALS[0], [], MATERIALS[1], [None, " "], MATERIALS[2], []]
    found = read(book({"Products": PRODUCTS, "Materials": rows}))
    assert len(lines_of(found)) == 2
    assert found.products[0].place_of("/lines/1/name") == "sheet Materials, cell B7 (Name)"


def test_lines_keep_their_ids_when_a_row_is_added(book: Book, read: Read) -> None:
    added = [MATERIALS[0], ["LH", "water", 1, "kg"], *MATERIALS[1:]]
    before = lines_of(read(book({"Products": PRODUCTS, "Materials": MATERIALS})))
    after = lines_of(read(book({"Products": PRODUCTS, "Materials": added})))
    assert [one["id"] for one in after] == ["material-water", *(one["id"] for one in before)]


def test_lines_of_one_name_are_numbered_and_given_ids_stay(book: Book, read: Read) -> None:
    header = ["Line", "Name", "Quantity", "Unit"]
    rows = [header, [None, "a B", 1, "kg"], ["material-a-b", "x", 1, "kg"], ["", "A-b", 1, "kg"]]
    found = lines_of(read(book({"Products": PRODUCTS, "Materials": rows})))
    assert [one["id"] for one in found] == ["material-a-b-2", "material-a-b", "material-a-b-3"]


def test_what_is_there_twice_is_refused(book: Book, read: Read) -> None:
    rows = [["Line", "Name", "Quantity", "Unit"], *(["l", one, 1, "kg"] for one in "ab")]
    (problem,) = read(book({"Products": PRODUCTS, "Materials": rows})).problems
    assert problem.place == "sheet Materials, cell A3 (Line)"
    found = read(book({"Products": [*PRODUCTS, PRODUCTS[1]]}))
    assert [one.message for one in found.problems] == ["the product 'LH' is there twice"]


def test_which_material_is_carried_has_to_be_clear(book: Book, read: Read) -> None:
    transport = [["Name", "Quantity", "Unit", "Carries"], ["truck", 1, "tkm", "acid"]]
    for names, expected in ((["acid", "acid"], "2 materials named"), (["ore"], "no material")):
        rows = [["Name", "Quantity", "Unit"], *([one, 1, "kg"] for one in names)]
        sheets = {"Products": PRODUCTS, "Materials": rows, "Transport": transport}
        (problem,) = read(book(sheets)).problems
        assert expected in problem.message
        assert problem.place == "sheet Transport, cell D2 (Carries)"


@pytest.mark.parametrize(
    ("sheets", "place", "message"),
    [
        ({"Materials": MATERIALS}, "sheet Materials, cell A2 (Product)", "there is no product"),
        ({"Products": []}, "", "there is no product in it"),
        ({"Products": [["x", "y"]]}, "sheet Products", "no row with the names of the columns"),
        (
            {"Products": [["Product", "Name"], ["a", "b"]]},
            "sheet Products, row 1",
            "the column Unit is missing",
        ),
        (
            {"Products": [[*PRODUCTS[0], "Colour"], PRODUCTS[1]]},
            "sheet Products, row 1",
            "the column 'Colour' is unknown",
        ),
        (
            {"Products": PRODUCTS, "Tabelle1": MATERIALS},
            "sheet Tabelle1",
            "not clear what the rows are",
        ),
        (
            {"Products": PRODUCTS, "Waste": [["Name", "Quantity", "Unit", "Mode"],
             [1, 1, "t", "x"]]},
            "sheet Waste, cell D2 (Mode)",
            "a row of kind waste has no Mode",
        ),
        (
            {"Products": PRODUCTS, "Transport": [["Name", "Quantity", "Unit", "Distance",
             "Distance unit"], ["truck", 1, "t", 5, "kg"]]},
            "sheet Transport, cell E2 (Distance unit)",
            "kilogram measures mass, expected length",
        ),
        (
            {"Products": [[*PRODUCTS[0], "Geography"], [*PRODUCTS[1], "DE"]]},
            "sheet Products, row 2",
            "the productIds of the footprint is missing",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_said(
    book: Book, read: Read, sheets: dict[str, Any], place: str, message: str
) -> None:
    problem = read(book(sheets)).problems[0]
    assert (problem.place, message in problem.message) == (place, True), problem


def test_a_sheet_of_rows_of_all_kinds(book: Book, read: Read) -> None:
    rows = [
        ["Kind", "Product", "Name", "Quantity", "Unit"],
        ["product", "A", "a", None, "piece"],
        ["Material", "A", "b", 1, "kg"],
        ["运输", "A", "c", 1, "tkm"],
        ["steam", "A", "d", 1, "MJ"],
    ]
    (problem,) = read(book({"Tabelle1": rows})).problems
    assert problem.place == "sheet Tabelle1, cell A5 (Kind)"
    assert [one["kind"] for one in lines_of(read(book({"Tabelle1": rows[:4]})))] == [
        "material",
        "transport",
    ]


def test_hidden_sheets_are_not_read(book: Book, read: Read) -> None:
    def hide(made: openpyxl.Workbook) -> None:
        made["Materials"].sheet_state = "hidden"

    (placed,) = read(book({"Products": PRODUCTS, "Materials": MATERIALS}, hide)).products
    assert "lines" not in placed.document
