"""What texts of partners cannot do: choose another endpoint, become a formula, stop a page."""

from __future__ import annotations

import io
from collections.abc import Sequence

import openpyxl
import pytest
from tests.node.console.conftest import Browser
from tests.node.manage.conftest import Company

from underseal_node.console.api import Api, ApiRefusedError, segment
from underseal_node.console.app import PAGES
from underseal_node.console.exports import _Csv, _texts
from underseal_node.console.tables import Column
from underseal_node.console.workbooks import Book

HOSTILE = ["=HYPERLINK(1)", "+1+1", "-1-1", "@SUM(A1)", "\t=1", "-12.5", "12.5", "-", "=-12.5"]


@pytest.mark.parametrize("kind", ["text", "number", "percent", "time", "date", "word"])
def test_no_cell_of_a_csv_is_a_formula(kind: str) -> None:
    columns = [Column("value", "Value", kind)]  # type: ignore[arg-type]
    rows = [{"value": one} for one in HOSTILE]
    content = _Csv(["Value"]).add(_texts(rows, columns))
    _, *cells = content.decode("utf-8-sig").splitlines()
    for written, given in zip(cells, HOSTILE, strict=True):
        is_figure = given in ("-12.5", "12.5")
        assert written.strip('"') == (given if is_figure else f"'{given}")


def test_no_cell_of_a_workbook_begins_like_a_formula() -> None:
    columns = [Column("value", "Value", "text")]
    book = Book("Values", ["Value"])
    content = book.add(_texts([{"value": one} for one in HOSTILE], columns)) + book.end()
    _, *cells = openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows()
    for (cell,), given in zip(cells, HOSTILE, strict=True):
        is_figure = given in ("-12.5", "12.5")
        assert (cell.data_type, cell.value) == ("s", given if is_figure else f"'{given}")


async def test_a_name_with_a_slash_reaches_no_other_endpoint(
    company: Company, browser: Browser
) -> None:
    """`/received/<id>/uses` is an endpoint; `<id>/uses` as an id is none."""
    token = company.node.home.operator_token()
    from pydantic import SecretStr

    api = Api(company.app, "127.0.0.1", SecretStr(token))
    for text in ("x/uses", "..%2Fnode", "../node"):
        with pytest.raises(ApiRefusedError) as refused:
            await api.get(f"/received/{segment(text)}")
        assert refused.value.status == 404
    assert (await browser.get("/received/x%2Fuses")).status == 404


async def test_a_fault_of_the_node_is_a_closed_page(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_given: object) -> Sequence[object]:
        raise RuntimeError("canary-detail")

    monkeypatch.setattr(Api, "get", broken)
    with pytest.raises(RuntimeError):  # what serves the application notes it in the log
        await browser.get("/partners")
    browser.http._transport.raise_app_exceptions = False  # type: ignore[attr-defined]
    shown = await browser.get("/partners")
    assert shown.status == 500
    assert "The node could not make this page" in shown.text
    assert "canary-detail" not in shown.html
    assert "default-src 'none'" in shown.answer.headers["content-security-policy"]
    assert "/partners" in PAGES
