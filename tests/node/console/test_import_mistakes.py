"""What people hand in by mistake or on purpose: each has an answer, and changes nothing."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterator

import pytest
from tests.node.console.conftest import Browser, NewBrowser
from tests.node.console.files_to_import import (
    CANARIES,
    csv_of,
    footprints_csv,
    hand_in,
    workbook_of,
)
from tests.node.manage.conftest import Company, Market

from underseal_node.console.importing.files import clean_name
from underseal_node.console.importing.mapping import Spot
from underseal_node.console.importing.places import spot_of
from underseal_node.console.importing.reading import SheetView

SMALL = 1_000_000


@pytest.fixture
async def small(market: Market, new_browser: NewBrowser) -> Browser:
    """At a company whose files are small."""
    company = await market.open("cathode", max_import_bytes=SMALL)
    browser = new_browser(company)
    await browser.enter(company)
    return browser


def bomb() -> bytes:
    """A workbook that is a thousand times as large when it is unpacked."""
    packed = io.BytesIO()
    whole = io.BytesIO(workbook_of({"A": [["a"]]}))
    with (
        zipfile.ZipFile(whole) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "xl/worksheets/sheet1.xml":
                content = content.replace(b"<sheetData>", b"<sheetData>" + b" " * 50_000_000)
            archive.writestr(entry.filename, content)
    return packed.getvalue()


def broken() -> Iterator[tuple[str, bytes, str]]:
    whole = workbook_of({"A": [["a", "b"]]})
    yield "empty.xlsx", b"", "the file is empty"
    yield "spaces.csv", b" \n \n", "the file is empty"
    yield "cut.xlsx", whole[: len(whole) // 2], "damaged"
    yield "not.xlsx", b"PK\x03\x04" + b"\0" * 200, "damaged"
    yield "old.xls", b"\xd0\xcf\x11\xe0" + b"\0" * 600, "Excel file of the old kind"
    yield "image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)), "encoding"
    yield "wide.csv", csv_of([["x"] * 10_001]), "10001 columns"
    yield "wide.xlsx", workbook_of({"A": [["x"] * 10_001]}), "300 columns are read"
    yield "bomb.xlsx", bomb(), "bytes when it is unpacked"
    yield "quote.csv", b'a,b,c\n"open,1,2\n', "cannot be read"
    yield "blank.xlsx", workbook_of({"A": []}), "nothing in it"


BROKEN = list(broken())


@pytest.mark.parametrize(("name", "content", "message"), BROKEN, ids=[one[0] for one in BROKEN])
async def test_files_that_cannot_be_read(
    small: Browser, name: str, content: bytes, message: str
) -> None:
    assert len(content) < SMALL
    shown = await hand_in(small, name, content, kind="products")
    assert shown.status == 422
    assert message in shown.text
    assert 'value="products" selected' in shown.html
    assert (await small.get("/import")).text.count(name) == 0


@pytest.mark.parametrize("path", ["/import", "/import/energy"])
async def test_a_file_that_is_too_large(small: Browser, path: str) -> None:
    await small.get("/import")
    field = "file" if path == "/import" else "export"
    for size in (SMALL + 1, 2 * SMALL):
        shown = await small.send(path, {field: ("big.csv", b"a,b\n" * (size // 4 + 1))})
        assert shown.status in (413, 422)
        assert "max_import_bytes" in shown.text


async def test_nothing_chosen(browser: Browser) -> None:
    for path in ("/import", "/import/energy"):
        await browser.get("/import")
        shown = await browser.send(path, {"file": ("", b"")}, kind="factors")
        assert shown.status == 422
        assert "Choose a file first" in shown.text


async def test_json_that_is_none(browser: Browser) -> None:
    shown = await hand_in(browser, "x.json", b'{"pcf": ')
    assert shown.status == 200
    assert "1 thing has to be corrected" in shown.text
    deep = await hand_in(browser, "deep.json", b"[" * 100_000)
    assert deep.status == 200
    assert "/confirm" not in deep.html


@pytest.mark.parametrize("canary", CANARIES)
async def test_nothing_of_a_file_is_markup(company: Company, browser: Browser, canary: str) -> None:
    """Not its name, its sheets, its headings, its cells."""
    heads = ["Artikelnummer", "Bezeichnung", canary, "Einheit"]
    rows = [heads, [canary, canary, canary, canary]]
    name = canary.replace("/", "")
    sheet = "".join(one for one in canary if one not in "/[]*?:\\")[:31]
    shown = await hand_in(browser, f"{name}.xlsx", workbook_of({sheet: rows}), kind="footprints")
    assert shown.path.endswith("/columns")
    pages = [shown, await browser.get(shown.path.removesuffix("/columns"))]
    ours = await hand_in(
        browser,
        f"{name}.csv",
        footprints_csv({"productNameCompany": canary}, {"declaredUnitAmount": canary}),
    )
    good = await hand_in(browser, f"{name}2.csv", footprints_csv({"productNameCompany": canary}))
    pages += [ours, good, await browser.get("/import"), await browser.get("/jobs")]
    jobs = [part.partition('"')[0] for part in pages[-1].html.split('href="/console/jobs/')[1:]]
    pages += [await browser.get(f"/jobs/{one}") for one in jobs]
    for page in pages:
        assert page.status == 200
        assert canary not in page.html
        assert "<img" not in page.html
        assert "<script>" not in page.html
    assert canary in ours.text
    assert canary in good.text


async def test_names_of_files_are_cleaned(browser: Browser) -> None:
    assert clean_name("C:\\fake\\..\\a\tb\u202e\0c.csv") == "abc.csv"
    assert clean_name("/etc/\0") == "file"
    shown = await hand_in(browser, "C:\\fake\\..\\a\u202eb.csv", footprints_csv({}))
    assert "<h1>ab.csv</h1>" in shown.html
    long = await hand_in(browser, "x" * 900 + ".csv", footprints_csv({}))
    assert long.status == 200


async def test_no_file_goes_to_a_disk(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("written to the disk")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", refuse)
    rows = [{"productDescription": "x" * 1000, "productIds": f"urn:x:{one}"} for one in range(2000)]
    content = footprints_csv(*rows)
    assert len(content) > 2_000_000
    shown = await hand_in(browser, "large.csv", content)
    assert shown.status == 200


VIEWS = [
    SheetView("Lies mich", 1, 1, 0, ("",), (), ((),)),
    SheetView("A, B (x)", 3, 3, 1, ("product", "Mass (kg) *", "unit"), (), ((), (), ())),
]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("sheet A, B (x), cell B7 (Mass (kg))", Spot(1, 7, 1, "Mass (kg)")),
        ("sheet 'A, B (x)', row 9", Spot(1, 9)),
        ("sheet A, B (x), row 9, column unit", Spot(1, 9, 2, "unit")),
        ("sheet Lies mich, cell AA2 (x)", Spot(0, 2, 26, "x")),
        ("row 3", Spot(0, 3)),
        ("", None),
        ("/3/pcf/x", None),
        ("readings.columns", None),
        ("sheet A, B (x)", None),
        ("sheet nothing, row 3", None),
    ],
)
def test_places(place: str, expected: Spot | None) -> None:
    assert spot_of(place, VIEWS) == expected


def test_places_of_footprints() -> None:
    view = SheetView("", 2, 2, 1, ("Product name", "PCF excluding biogenic uptake"), (), ((), ()))
    assert spot_of("row 7, column pcfExcludingBiogenicUptake", [view]) == Spot(
        0, 7, 1, "pcfExcludingBiogenicUptake"
    )
    assert spot_of("row 7, column AB", [view]) == Spot(0, 7, 27, "AB")
    assert spot_of("row 7, column comment", [view]) == Spot(0, 7, None, "comment")
