"""Where a file was on the machine of whoever imported it stands on no page; its name does."""

from __future__ import annotations

from typing import Any

import pytest
from tests.node.console.conftest import Browser
from tests.node.console.products import own_product, rows_of
from tests.node.manage.conftest import Company
from tests.node.manage.test_products import GRID

from underseal_node.console.pages import file_name

SPENT = (
    "Supplier,Spend,Currency,Period start,Period end\nCathode,600.50,EUR,2025-01-01,2026-01-01\n"
)
PATHS = {
    "/home/kovacs/Geheim/bills.json": "bills.json",
    r"C:\Users\Kovács\Geheim\bills.json": "bills.json",
    "../Geheim/bills.json": "bills.json",
    "bills.json": "bills.json",
    "/home/kovacs/Geheim/": "Geheim",
    "电池 2026.xlsx": "电池 2026.xlsx",
    "": "",
}


@pytest.mark.parametrize(("path", "name"), PATHS.items())
def test_a_file_is_called_by_the_end_of_its_path(path: str, name: str) -> None:
    assert file_name(path) == name


@pytest.mark.parametrize("path", list(PATHS)[:3])
async def test_no_page_shows_where_a_file_was(
    company: Company, browser: Browser, path: str
) -> None:
    content: dict[str, Any] = {"products": [own_product()], "factors": [GRID]}
    taken = await company.upload("/products/import", content, name=path)
    assert taken["problems"] == []
    spent = await company.upload("/spend/import", SPENT.encode(), name=path.replace("json", "csv"))
    assert spent["problems"] == []
    made = await company.post("/products/publish", product="cell")
    await company.post("/audit/verify")
    twin = await browser.get("/products/twin", product="cell")
    assert rows_of(twin, "Versions of the bill of materials")[0][-1] == "bills.json"
    assert "bills.json" in (await browser.get("/factors", **{"as": "csv"})).html
    assert "bills.csv, 1 Mar 2026" in (await browser.get("/board", by="spend")).text
    assert "file: bills.json" in (await browser.get("/audit", act="products-imported")).text
    for page in (
        "/products/twin?product=cell",
        "/products",
        "/factors",
        "/board?by=spend",
        "/audit",
        "/audit?as=csv",
        f"/footprints/{made['footprint']}",
        f"/footprints/{made['footprint']}/share",
        f"/footprints/{made['footprint']}/share?level=full",
    ):
        shown = await browser.get(page)
        assert shown.status == 200, page
        assert "Geheim" not in shown.html, page
