"""A list is searched by what its reader sees, in each language, and by what the node writes."""

from __future__ import annotations

import pytest
from tests.node.console.conftest import Browser
from tests.node.console.test_large_lists import fill
from tests.node.manage.conftest import Company


@pytest.fixture
async def stocked(company: Company) -> Company:
    await company.post("/peers", {"name": "cell", "url": "https://cell.example"}, 201)
    fill(company, 1, first=9_900)
    return company


@pytest.mark.parametrize(
    ("language", "search", "found"),
    [
        ("en", "9999.5", 1),
        ("en", "9,999.5", 1),
        ("de", "9999,5", 1),
        ("de", "9.999,5", 1),
        ("de", "9999.5", 1),
        ("de", "verifiziert 电池 9999", 1),
        ("de", "verified 电池 9999", 1),
        ("zh", "已验证 电池 9999", 1),
        ("de", "ungültig", 0),
        ("de", "01.03.2026 9999,5", 1),
        ("en", "2026-03-01 9999.5", 1),
        ("en", ",", 0),
        ("de", ".", 50),
    ],
)
async def test_what_is_searched_is_found(
    stocked: Company,
    browser: Browser,
    language: str,
    search: str,
    found: int,
) -> None:
    await browser.get(f"/language/{language}")
    shown = await browser.get("/received", q=search)
    assert shown.status == 200
    assert max(0, shown.html.count("<tr>") - 1) == found
