"""Sheets that were saved as text, as spreadsheets of different countries do it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from underseal_node.products.results import ReadProducts

Read = Callable[..., ReadProducts]
Csv = Callable[..., bytes]

GERMAN = [
    ["Art", "Produkt", "Bezeichnung", "Menge", "Einheit", "Verlust %", "Quelle", "Entfernung"],
    ["Produkt", "F-1", "Größe 7, süß", "", "Stück", "", "", ""],
    ["Material", "F-1", "Draht; blank", "1,25", "kg", "4", "Faktor:ST", ""],
    ["Material", "F-1", "Öl", "1.234,5", "g", "2,5 %", "weggelassen: zu wenig", ""],
    ["Energie", "F-1", "Strom", "1,234", "kWh", "", "EL-DE", ""],
    ["Transport", "F-1", "LKW", "12,5", "kg", "", "TR", "1.200"],
]


def lines_of(read: ReadProducts) -> list[dict[str, Any]]:
    assert read.problems == ()
    (placed,) = read.products
    lines: list[dict[str, Any]] = placed.document["lines"]
    return lines


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_german_sheet(csv_of: Csv, read: Read, encoding: str, separator: str) -> None:
    rows = [*GERMAN[:-1], [*GERMAN[-1][:-1], "1200"]]
    found = read(csv_of(rows, separator, encoding), "Stückliste.csv")
    wire, oil, power, truck = lines_of(found)
    (placed,) = found.products
    assert placed.document["name"] == "Größe 7, süß"
    assert placed.document["declaredUnit"] == {"amount": "1", "unit": "Stück"}
    assert (wire["name"], wire["quantity"]["amount"]) == ("Draht; blank", "1.25")
    assert (wire["loss"], wire["source"]) == ("0.04", {"factor": "ST"})
    assert (oil["quantity"]["amount"], oil["loss"]) == ("1234.5", "0.025")
    assert oil["source"] == {"leftOut": {"reason": "zu wenig"}}
    assert (power["quantity"]["amount"], power["source"]) == ("1.234", {"factor": "EL-DE"})
    assert truck["distance"] == {"amount": "1200", "unit": "km"}
    assert placed.place_of("/lines/0/loss") == "row 3, column Verlust %"


def test_a_point_separates_thousands_where_commas_are_decimal_marks(
    csv_of: Csv, read: Read
) -> None:
    *_, truck = lines_of(read(csv_of(GERMAN, ";", "cp1252"), "a.csv"))
    assert truck["distance"] == {"amount": "1200", "unit": "km"}


def test_a_point_is_refused_where_nothing_shows_what_it_is(csv_of: Csv, read: Read) -> None:
    rows = [*GERMAN[:2], ["Transport", "F-1", "LKW", "12", "kg", "", "TR", "1.200"]]
    (problem,) = read(csv_of(rows, ";", "cp1252"), "a.csv").problems
    assert problem.place == "row 3, column Entfernung"
    assert "'1.200' may be 1.200 or 1200" in problem.message


def test_a_comma_separates_thousands_where_points_are_decimal_marks(
    csv_of: Csv, read: Read
) -> None:
    rows = [
        ["kind", "product", "name", "quantity", "unit"],
        ["product", "a", "", "", "kg"],
        ["waste", "a", "sludge", "1,450", "kg"],
        ["waste", "a", "water", "12.5", "kg"],
    ]
    for separator in ";,":
        sludge, _ = lines_of(read(csv_of(rows, separator), "a.csv"))
        assert sludge["quantity"]["amount"] == "1450"


def test_a_chinese_sheet(csv_of: Csv, read: Read) -> None:
    rows = [
        ["类型", "产品", "名称", "数量", "单位", "供应商", "损耗", "运输方式"],
        ["产品", "锂-01", "单水氢氧化锂", "１", "千克", "", "", ""],
        ["材料", "锂-01", "锂辉石精矿", "6.42", "吨", "矿业公司", "４", ""],
        ["运输", "锂-01", "公路运输", "5", "吨公里", "", "", "卡车"],
    ]
    ore, truck = lines_of(read(csv_of(rows), "清单.csv"))
    assert (ore["id"], ore["supplier"], ore["loss"]) == ("material-锂辉石精矿", "矿业公司", "0.04")
    assert truck["mode"] == "road"


CHINESE = [
    ["类型", "产品", "名称", "数量", "单位"],
    ["产品", "锂-01", "单水氢氧化锂", "", "千克"],
    ["材料", "锂-01", "锂辉石精矿（粗）", "6.42", "吨"],
]


@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "gb2312"])
@pytest.mark.parametrize("separator", [",", "\t"])
def test_what_a_chinese_excel_writes(
    csv_of: Csv, read: Read, encoding: str, separator: str
) -> None:
    (ore,) = lines_of(read(csv_of(CHINESE, separator, encoding), "清单.csv"))
    assert (ore["name"], ore["quantity"]["unit"]) == ("锂辉石精矿（粗）", "吨")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("리튬,수산화리튬", "euc-kr"),
        ("リチウム,水酸化リチウム", "euc-jp"),
        ("リチウム,水酸化リチウム", "shift-jis"),
        ("氫氧化鋰,單水氫氧化鋰", "big5"),
        ("锂,单水氢氧化锂", "gb18030"),
    ],
)
def test_an_encoding_that_no_heading_shows_is_refused(read: Read, text: str, encoding: str) -> None:
    content = f"kind,product,name,unit\nproduct,{text},kg\n".encode(encoding)
    (problem,) = read(content, "a.csv").problems
    assert "neither Windows-1252 nor GB18030 is certain" in problem.message
    assert problem.hint == "Save it as `CSV UTF-8`, or as .xlsx."


def test_the_only_product_need_not_be_named(csv_of: Csv, read: Read) -> None:
    rows = [
        ["kind", "product", "name", "quantity", "unit"],
        ["product", "a", "", "", "kg"],
        ["waste", "", "sludge", "1", "kg"],
    ]
    assert lines_of(read(csv_of(rows), "a.csv"))[0]["name"] == "sludge"
    (problem,) = read(csv_of([*rows, ["product", "b", "", "", "kg"]]), "a.csv").problems
    assert (problem.place, problem.hint) == ("row 3, column product", "Write a, b.")


def test_texts_that_an_export_made_harmless_are_what_they_were(csv_of: Csv, read: Read) -> None:
    rows = [["kind", "product", "name", "unit"], ["product", "'-1", "''=x", "kg"]]
    (placed,) = read(csv_of(rows), "a.csv").products
    assert (placed.document["id"], placed.document["name"]) == ("-1", "'=x")


def test_what_begins_with_a_formula_sign_is_a_text(csv_of: Csv, read: Read) -> None:
    rows = [["kind", "product", "name", "unit"], ["product", "a", "=cmd|' /C calc'!A0", "kg"]]
    (placed,) = read(csv_of(rows), "a.csv").products
    assert placed.document["name"] == "=cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"a,b,c\n1,2,3\n", "no row with the names of the columns"),
        (b"kind,product,name,unit\n", "there is no product in it"),
        (b"product,name,quantity,unit\na,b,1,kg\n", "not clear what the rows are"),
        (b"\xd0\xcf\x11\xe0", "an Excel file of the old kind"),
        ("kind,product,name,unit\nproduct,单,水氢氧化锂,kg\n".encode("gb18030"), "encoding"),
        (b'kind,product,name,unit\nproduct,"a,b,kg\n', "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused(read: Read, content: bytes, message: str) -> None:
    (problem,) = read(content, "a.csv").problems
    assert message in problem.message
