"""Large files, and files that are made to be large."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from underseal_node.products.reading import read_factors, read_products
from underseal_node.products.results import ReadProducts
from underseal_node.settings import Settings

Read = Callable[..., ReadProducts]
Book = Callable[..., bytes]

PRODUCTS = [["Product", "Name", "Unit"], ["LH", "Lithium hydroxide", "kg"]]
HEADER = ["Product", "Name", "Quantity", "Unit"]
SHEET = "xl/worksheets/sheet2.xml"

# In a process of its own, so that the memory of other tests does not count.
MEASURED = r"""
import pathlib, re, sys, time
import openpyxl
from underseal_node.products.reading import read_products
from underseal_node.settings import Settings
content = open(sys.argv[1], "rb").read()
start = time.perf_counter()
read = read_products("large.xlsx", content, Settings())
seconds = time.perf_counter() - start
assert not read.problems, read.problems[:3]
lines = sum(len(one.document["lines"]) for one in read.products)
# Not getrusage: that counts the process from which this one was forked.
status = pathlib.Path("/proc/self/status").read_text()
print(lines, seconds, int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024)
"""


def refused(read: Read, content: bytes, name: str = "a.xlsx") -> str:
    (problem,) = read(content, name).problems
    assert problem.hint
    return problem.message


def test_ten_thousand_rows(book: Book, tmp_path: Any) -> None:
    header = ["Product", "Name", "Quantity", "Unit", "Supplier", "Product IDs", "Loss (%)"]
    header += ["Source", "Recycled (%)", "Technological DQR", "Geographical DQR", "Temporal DQR"]
    products = [["Product", "Unit"], *([f"P{one}", "piece"] for one in range(100))]
    rows = [
        [f"P{one % 100}", f"part {one}", one / 7, "kg", f"supplier {one % 500}",
         f"urn:gtin:{one:013}", 4, f"factor:F{one % 300}", 30, 1, 2, 3]
        for one in range(10_000)
    ]  # fmt: skip
    file = tmp_path / "large.xlsx"
    file.write_bytes(book({"Products": products, "Materials": [header, *rows]}))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(file)], capture_output=True, text=True, check=True
    )
    lines, seconds, mebibytes = map(float, done.stdout.split())
    assert lines == 10_000
    assert seconds < 30
    assert mebibytes < 300


def with_sheet(content: bytes, xml: bytes) -> bytes:
    """A workbook with another second sheet."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for one in old.namelist():
            new.writestr(one, xml if one == SHEET else old.read(one))
    return written.getvalue()


def test_a_million_rows(book: Book, read: Read) -> None:
    rows = b"".join(b"<row><c><v>1</v></c></row>" for _ in range(1_000_000))
    xml = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        + rows
        + b"</sheetData></worksheet>"
    )
    content = with_sheet(book({"Products": PRODUCTS, "Materials": [HEADER]}), xml)
    message = refused(read, content)
    assert "100001 rows" in message
    assert "at most 100000 rows" in message
    text = "kind,product,name,quantity,unit\n" + "material,a,b,1,kg\n" * 1_000_000
    message = refused(read, text.encode(), "a.csv")
    assert "row 100001 is one too many; at most 100000 rows" in message


def test_a_zip_bomb(book: Book, settings: Settings) -> None:
    small = settings.model_copy(update={"max_import_bytes": 10_000_000})
    content = with_sheet(
        book({"Products": PRODUCTS, "Materials": [HEADER]}), b"<worksheet>" + b" " * 50_000_000
    )
    assert len(content) < 100_000
    found = read_products("bomb.xlsx", content, small)
    assert "more than 10000000 bytes when it is unpacked" in found.problems[0].message


def test_a_file_that_is_too_large(settings: Settings) -> None:
    small = settings.model_copy(update={"max_import_bytes": 10})
    (problem,) = read_products("a.csv", b"x" * 11, small).problems
    assert "at most 10 are taken" in problem.message


def test_many_sheets_with_many_rows(book: Book, read: Read, monkeypatch: Any) -> None:
    monkeypatch.setattr("underseal_node.products.sheet_reading.MAX_ROWS_IN_ALL", 3)
    rows = [["LH", f"m{one}", 1, "kg"] for one in range(2)]
    sheets = {"Products": PRODUCTS, "Materials": [HEADER, *rows], "Materials 2": [HEADER, *rows]}
    assert "5 rows" in refused(read, book(sheets))
    monkeypatch.undo()
    found = read(book(sheets))
    assert len(found.products[0].document["lines"]) == 4


@pytest.mark.parametrize("cut", [100, 1_000, 3_000])
def test_a_damaged_workbook(book: Book, read: Read, cut: int) -> None:
    content = book({"Products": PRODUCTS, "Materials": [HEADER]})
    assert "damaged" in refused(read, content[:cut])


def test_many_mistakes_are_said_in_time(csv_of: Callable[..., bytes], read: Read) -> None:
    rows = [["kind", "product", "name", "quantity", "unit"]]
    rows += [["product", f"product-{one}", "", "", "kg"] for one in range(500)]
    rows += [["material", f"prodoct-{one}", "m", "1", "kg"] for one in range(10_000)]
    problems = read(csv_of(rows), "a.csv").problems
    assert len(problems) == 10_000
    assert "Did you mean" in str(problems[0].hint)


def test_a_long_unit_of_a_factor(csv_of: Callable[..., bytes], settings: Settings) -> None:
    rows = [["id", "value", "unit", "database"], ["a", "1", f"kg {' ' * 30_000}x/y", "d"]]
    (problem,) = read_factors("f.csv", csv_of(rows), settings).problems
    assert problem.place == "row 2, column unit"
