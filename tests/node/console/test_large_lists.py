"""A list of ten thousand rows: a page shows fifty of them, whatever it is sorted by."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import insert
from sqlmodel import Session, select
from tests.node.console.conftest import Browser
from tests.node.manage.conftest import Company, make_document

from underseal_node.console.footprints import PAGE_PARTNERS
from underseal_node.store.exchange_tables import ReceivedFootprint
from underseal_node.store.listed import complete

ROWS = 10_000


def fill(company: Company, peer_id: int, first: int = 0, prefix: str = "0") -> None:
    """Received footprints up to number 9,999, as a pull leaves them."""
    now = company.node.now()
    rows = [
        {
            "peer_id": peer_id,
            "footprint_id": f"{prefix}0000000-0000-4000-8000-{number:012d}",
            "body": b"{}",
            "body_digest": "digest",
            "status": "Active",
            "verification": "verified",
            "received_at": now,
            "changed_at": now,
            "valid_from": now,
            "valid_until": now,
            "summary": json.dumps(
                {
                    "productNameCompany": f"Zelle 电池 {number}",
                    "productIds": [f"urn:pact:a.example:product-id:{number}"],
                    "pcfExcludingBiogenicUptake": f"{number}.5",
                }
            ),
            "withheld": "[]",
        }
        for number in range(first, ROWS)
    ]

    def work(session: Session) -> None:
        session.execute(insert(ReceivedFootprint), rows)
        complete(session.connection())

    company.node.store.write_sync(work)


@pytest.fixture
async def full(company: Company) -> Company:
    await company.post("/peers", {"name": "cell", "url": "https://cell.example"}, 201)
    fill(company, 1)
    return company


async def test_a_page_of_ten_thousand_rows_shows_fifty(full: Company, browser: Browser) -> None:
    shown = await browser.get("/received", sort="-pcfExcludingBiogenicUptake")
    assert shown.html.count("<tr>") == 51
    assert "Zelle 电池 9999" in shown.text
    assert len(shown.html) < 200_000
    found = await browser.get("/received", q="电池 77")
    assert found.html.count("<tr>") == 51


async def test_long_texts_of_one_partner_do_not_push_the_others_away(
    company: Company, browser: Browser
) -> None:
    await company.post("/peers", {"name": "cell", "url": "https://cell.example"}, 201)
    fill(company, 1, first=ROWS - 50)

    def work(session: Session) -> None:
        for row in session.exec(select(ReceivedFootprint)):
            row.summary = json.dumps(
                {
                    "productNameCompany": "长" * 50_000,
                    "productIds": [f"urn:x:{'9' * 300}:{number}" for number in range(1_000)],
                    "pcfExcludingBiogenicUptake": "1" * 50_000,
                }
            )
            session.add(row)

    company.node.store.write_sync(work)
    shown = await browser.get("/received")
    assert shown.html.count("<tr>") == 51
    assert len(shown.html.encode()) < 400_000


async def test_a_footprint_shows_some_partners_at_a_time(
    company: Company, browser: Browser
) -> None:
    (own,) = await company.publish(make_document())
    for number in range(PAGE_PARTNERS + 1):
        await company.post("/peers", {"name": f"partner {number:03}"}, 201)
    first = await browser.get(f"/footprints/{own}")
    last = await browser.get(f"/footprints/{own}", partners="2")
    assert first.html.count('href="/console/partners/partner%20') == PAGE_PARTNERS
    assert last.html.count('href="/console/partners/partner%20') == 1
    for odd in ("0", "-1", "x", "99999999999999"):
        assert (await browser.get(f"/footprints/{own}", partners=odd)).status == 200
