"""Long lists: what is far behind is found, and the file has all that matches."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook
from tests.node.console.conftest import Browser
from tests.node.console.test_large_lists import fill
from tests.node.manage.conftest import Company, make_document

from underseal_node.console.workbooks import MAX_CELL_CHARACTERS, Book

ROWS = 10_000
ODD = ["=1+1", "a\x00b", "x_x0041_y", " <&> \n ", "电池", "\ud800", "12.50", ""]


@pytest.fixture
async def full(company: Company) -> Company:
    """12,000 received footprints; 2,000 of them are older than all that were looked at once."""
    await company.post("/peers", {"name": "cell", "url": "https://cell.example"}, 201)
    fill(company, 1, first=8_000)
    fill(company, 1, prefix="b")
    return company


def rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


async def test_the_oldest_row_is_found_and_sorted(full: Company, browser: Browser) -> None:
    found = await browser.get("/received", q="8000.5")
    assert found.html.count("<tr>") == 3  # one of each, and the head
    last = await browser.get("/received", page="240")
    assert "Zelle 电池 8000" in last.text
    assert "12,000" in last.text
    assert (await browser.get("/received", page="99999999")).text == last.text
    first = await browser.get("/received", sort="pcfExcludingBiogenicUptake")
    assert "Zelle 电池 49" in first.text
    assert "Zelle 电池 50" not in first.text


async def test_the_file_has_every_row_that_matches(full: Company, browser: Browser) -> None:
    answer = (await browser.get("/received", **{"as": "csv", "sort": "name"})).answer
    heads, *rows = rows_of(answer.content)
    assert len(rows) == 12_000
    names = [row[heads.index("Product")] for row in rows]
    assert names == sorted(names)
    assert "content-length" not in answer.headers
    found = rows_of(
        (await browser.get("/received", **{"as": "csv", "q": "电池 99"})).answer.content
    )
    assert len(found) - 1 == sum("99" in f"{n} {n}.5" for n in [*range(8_000, ROWS), *range(ROWS)])
    answer = (await browser.get("/received", **{"as": "xlsx", "q": "8000.5"})).answer
    (sheet,) = load_workbook(io.BytesIO(answer.content)).worksheets
    assert [cell.value for cell in sheet[1]] == heads
    assert [row[0].value for row in sheet.iter_rows(min_row=2)] == ["Zelle 电池 8000"] * 2


async def test_odd_questions_show_a_page(company: Company, browser: Browser) -> None:
    await company.publish(make_document())
    odd: list[dict[str, str]] = [
        {"page": "-1"}, {"page": "99999999"}, {"sort": "zzz"}, {"sort": "--status"},
        {"sort": "id"}, {"q": "x" * 9_000}, {"q": "x " * 2_000}, {"q": "\0"}, {"q": "= =Active"},
        {"until": "never"}, {"until": "9999-12-31"}, {"status": "zzz"}, {"product": "\0"},
        {"use": "zzz"}, {"peer": "nobody"},
    ]  # fmt: skip
    for query in odd:
        for path in ("/footprints", "/received"):
            assert (await browser.get(path, **query)).status == 200, (path, query)


async def test_only_what_ends_before_a_day(company: Company, browser: Browser) -> None:
    await company.publish(make_document())
    before = await browser.get("/footprints", until="2026-03-01")
    assert "Nothing matches" in before.text
    after = await browser.get("/footprints", until="2029-06-01")
    assert "Only what is not valid any more on 1 Jun 2029" in after.text
    assert "Product 1" in after.text
    assert 'name="until" value="2029-06-01"' in after.html


def book_of(rows: list[list[str]], **given: Any) -> bytes:
    book = Book("Underseal", ["A", "B"], **given)
    return b"".join([*(book.add([row]) for row in rows), book.end()])


def test_a_workbook_keeps_odd_texts_as_texts() -> None:
    content = book_of([[one, "x" * 40_000] for one in ODD])
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None
    (sheet,) = load_workbook(io.BytesIO(content)).worksheets
    _, *rows = sheet.iter_rows()
    for row, given in zip(rows, ODD, strict=True):
        expected = given.replace("\x00", "").replace("\ud800", "").replace("_x0", "_x005F_x0")
        assert (row[0].value or "") == expected
        assert row[0].data_type != "f"
        assert len(str(row[1].value)) == MAX_CELL_CHARACTERS
    read = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert [row[0] for row in read[1:4]] == ["=1+1", "ab", "x_x0041_y"]


def test_a_full_sheet_goes_on_in_the_next() -> None:
    content = book_of([[str(number), ""] for number in range(5)], max_rows=3)
    book = load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["Underseal", "Underseal 2", "Underseal 3"]
    found = [[row[0].value for row in sheet.iter_rows()] for sheet in book.worksheets]
    assert found == [["A", "0", "1"], ["A", "2", "3"], ["A", "4"]]
