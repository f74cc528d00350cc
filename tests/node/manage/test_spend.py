"""What is spent on suppliers: import, what the board makes of it, and how it is forgotten.

Figures are calculated by hand, on the companies of `test_suppliers`.
"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from tests.node.manage.conftest import Company, make_document
from tests.node.manage.test_products import GRID, load, product
from tests.node.manage.test_received import OtherMake, other, received_from_elsewhere  # noqa: F401
from tests.node.manage.test_suppliers import (  # noqa: F401
    CELL,
    PACK,
    STEEL,
    STEEL_USED,
    Supplied,
    named,
    supplied,
)

HEAD = "Supplier,Spend,Currency,Period start,Period end"
YEAR = {"from": "2025-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
Json = dict[str, Any]


def sheet(*rows: str, head: str = HEAD) -> bytes:
    return "\n".join([head, *rows]).encode()


def of_2025(*rows: str) -> bytes:
    return sheet(*(f"{one},2025-01-01,2026-01-01" for one in rows))


SPENT = of_2025("Cathode,600.50,EUR", "anode,150.25,eur", "Screw AG,249.25,EUR")


async def take(company: Company, content: bytes, **query: Any) -> Json:
    found: Json = await company.upload("/spend/import", content, name="spend.csv", **query)
    return found


async def refused(company: Company, content: bytes) -> list[tuple[str, str]]:
    found = await take(company, content)
    assert found["spend"] == []
    assert (await company.get("/spend"))["data"] == []
    return [(one["place"], one["message"]) for one in found["problems"]]


async def test_the_board_weighs_by_it(supplied: Supplied) -> None:  # noqa: F811
    customer, *_ = supplied
    assert "spend" not in await customer.get("/suppliers")
    done = await take(customer, SPENT)
    assert [(one["supplier"], one.get("peer"), one["outcome"]) for one in done["spend"]] == [
        ("Cathode", "cathode", "new"),
        ("anode", "anode", "new"),
        ("Screw AG", None, "new"),
    ]
    found = await customer.get("/suppliers")
    assert found["spend"] == {
        "periodStart": YEAR["from"],
        "periodEnd": YEAR["until"],
        "currency": "EUR",
        "total": "1000",
        "covered": "0.6005",  # all of cathode, nothing of anode, who is no partner covers nothing
        # Of powder, 0.25 of the mass, half is primary data; of rings, 0.125, a fifth.
        "primary": "0.2402",
        "unknown": "0",
    }
    cathode = await named(customer, "cathode")
    assert cathode["primaryCoverage"] == "0.4"  # (0.25 x 0.5 + 0.125 x 0.2) / 0.375
    assert (cathode["spend"], cathode["spendShare"]) == ("600.5", "0.6005")
    assert found["primaryCoverage"] == "0.15"
    assert found["others"] == [
        {
            "name": "Screw AG",
            "lines": 1,
            "massShare": "0.125",
            "spend": "249.25",
            "spendShare": "0.24925",
        }
    ]
    detail = await customer.get("/suppliers/cathode")
    assert (detail["spend"], detail["currency"]) == ("600.5", "EUR")


async def test_what_is_not_known_is_said(supplied: Supplied) -> None:  # noqa: F811
    """Nothing in a bill of materials has a mass that is bought from `anode`."""
    customer, *_ = supplied
    await load(customer, product(CELL["lines"][0]), factors=(GRID, STEEL))
    await take(customer, of_2025("cathode,300,EUR", "anode,100,EUR"))
    found = await customer.get("/suppliers")
    assert (found["spend"]["covered"], found["spend"]["unknown"]) == ("0.75", "0.25")


async def test_the_newest_period_is_looked_at_or_another(supplied: Supplied) -> None:  # noqa: F811
    customer, *_ = supplied
    await take(customer, SPENT)
    await take(customer, sheet("Cathode,7,USD,2024-01-01,2025-01-01"))
    listed = (await customer.get("/spend"))["data"]
    assert [(one["currency"], one["total"], one["suppliers"]) for one in listed] == [
        ("EUR", "1000", 3),
        ("USD", "7", 1),
    ]
    before = {"from": "2024-01-01T00:00:00Z", "until": "2025-01-01T00:00:00Z"}
    assert (await customer.get("/suppliers"))["spend"]["currency"] == "EUR"
    assert (await customer.get("/suppliers", **before))["spend"]["total"] == "7"
    for query, status in (
        ({"from": before["from"]}, 409),
        ({"from": before["from"], "until": YEAR["until"]}, 404),
    ):
        answer = await customer.http.get("/suppliers", params=query)
        assert answer.status_code == status, answer.text


async def test_the_same_again_changes_nothing_and_another_file_replaces(pair: Any) -> None:
    customer, _ = pair
    await take(customer, SPENT)
    again = await take(customer, SPENT)
    assert {one["outcome"] for one in again["spend"]} == {"unchanged"}
    other_file = of_2025("CATHODE,600.5,EUR", "anode,151,EUR", "New Co,1,EUR")
    dry = await take(customer, other_file, dryRun=True)
    outcomes = [(one["supplier"], one["outcome"]) for one in dry["spend"]]
    assert outcomes == [
        ("CATHODE", "unchanged"),
        ("anode", "changed"),
        ("New Co", "new"),
        ("Screw AG", "removed"),
    ]
    assert (await customer.get("/spend"))["data"][0]["total"] == "1000"
    assert [one["outcome"] for one in (await take(customer, other_file))["spend"]] == [
        outcome for _, outcome in outcomes
    ]
    (period,) = (await customer.get("/spend"))["data"]
    assert (period["total"], period["suppliers"]) == ("752.5", 3)


async def test_a_partner_that_is_named_in_two_ways_is_one(
    company: Company,
    other: OtherMake,  # noqa: F811
) -> None:
    made = received_from_elsewhere(make_document(1)) | {"companyName": "Other Works Ltd"}
    other.items = [json.dumps(made).encode()]
    await company.pull("other")
    done = await take(company, of_2025("OTHER,1,EUR", "other works ltd,2.5,EUR", "others,4,EUR"))
    assert [one.get("peer") for one in done["spend"]] == ["other", "other", None]
    assert (await named(company, "other"))["spend"] == "3.5"


@pytest.mark.parametrize(
    ("content", "place", "message"),
    [
        (of_2025("a,1,EUR", "A,2,EUR"), "row 3, column Supplier", "'A' is there already, in row 2"),
        (of_2025("a,1,EUR", "b,2,USD"), "row 3, column Currency", "USD, and EUR in row 2"),
        (of_2025("a,-1,EUR"), "row 2, column Spend", "it is -1, expected 0 or more"),
        (of_2025("a,x,EUR"), "row 2, column Spend", "'x' is not a number"),
        (of_2025('a,"1,234",EUR'), "row 2, column Spend", "may be 1.234 or 1234"),
        (of_2025("a,1,Euro"), "row 2, column Currency", "'Euro' is no currency"),
        (of_2025(",1,EUR"), "row 2, column Supplier", "the Supplier is missing"),
        (of_2025(f"{'a' * 501},1,EUR"), "row 2, column Supplier", "has 501 characters"),
        (of_2025(f"a,{'9' * 500},EUR"), "row 2, column Spend", "has 500 characters"),
        (
            sheet("a,1,EUR,2026-01-01,2025-01-01"),
            "row 2, column Period end",
            "begins on 2026-01-01",
        ),
        (sheet("a,1,EUR,2025-01-01,2025-12-31"), "row 2, column Period end", "not in it any more"),
        (sheet("a,1,EUR,2025-01-01,2025-02-30"), "row 2, column Period end", "no day of the"),
        (sheet("a,1,EUR,9999-12-31,9999-12-31"), "row 2, column Period end", "begins on"),
        (sheet("a,1,EUR", head="Supplier,Spend,Currency"), "row 1", "column Period start"),
        (sheet("1,2", head="a,b"), "", "no row with the names of the columns"),
        (sheet(), "", "there is no supplier in it"),
        (b"", "", "the file is empty"),
        (b'{"a": 1}', "", "this is JSON"),
        (b"PK\x03\x04", "", "the workbook"),
    ],
)
async def test_what_is_refused(
    pair: tuple[Company, Company], content: bytes, place: str, message: str
) -> None:
    found = await refused(pair[0], content)
    assert any(where == place and message in what for where, what in found), found


async def test_numbers_and_headings_of_other_languages(pair: tuple[Company, Company]) -> None:
    german = (
        "Lieferant;Einkaufsvolumen;Währung;Beginn;Ende\n"
        "Draht;1.234.567,80;EUR;01.01.2025;01.01.2026"
    )
    done = await take(pair[0], german.encode("cp1252"))
    assert done["spend"][0]["amount"] == "1234567.80"
    chinese = "供应商,采购额,币种,开始日期,结束日期\n线材,88.5,CNY,2024年1月1日,2025年1月1日"
    done = await take(pair[0], chinese.encode("gb18030"))
    assert (done["spend"][0]["amount"], done["spend"][0]["currency"]) == ("88.5", "CNY")


async def test_the_template_is_what_is_read(pair: tuple[Company, Company]) -> None:
    answer: httpx.Response = await pair[0].http.get("/spend/template")
    assert answer.status_code == 200
    found = await take(pair[0], answer.content)
    assert [one["message"] for one in found["problems"]] == ["there is no supplier in it"]


async def test_a_period_is_forgotten(pair: tuple[Company, Company]) -> None:
    customer, _ = pair
    await take(customer, SPENT)
    answer = await customer.http.request("DELETE", "/spend", params=YEAR)
    assert (answer.status_code, answer.json()) == (200, {"removed": 3})
    assert (await customer.get("/spend"))["data"] == []
    again = await customer.http.request("DELETE", "/spend", params=YEAR)
    assert again.status_code == 404
    assert "2025-01-01T00:00:00Z" in again.json()["message"]
