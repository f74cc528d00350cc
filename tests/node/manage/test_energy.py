"""The routes of metered energy."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import httpx
from tests.node.manage.conftest import Company, Market

READINGS = """meter;from;to;kWh
Z1;2025-01-01;2025-02-01;100,5
Z1;2025-02-01;2025-02-02;1
Z2;2025-01-01;2025-02-01;10
"""
ORDERS = """order;product;from;to;kg;line
1;A;2025-01-01;2025-02-01;30;L1
2;B;2025-01-01;2025-02-01;10;L1
"""
MAPPING = """
timezone = "UTC"

[readings]
unit = "kWh"
columns = { meter = "meter", value = "kWh", start = "from", end = "to" }

[meters]
Z1 = { carrier = "electricity", line = "L1" }
Z2 = { carrier = "electricity" }

[orders]
file = "orders.csv"
unit = "kg"

[orders.columns]
order = "order"
product = "product"
start = "from"
end = "to"
quantity = "kg"
line = "line"

[rule]
by = "mass"
not_for_products = [{ name = "offices", share = 0.1, meters = ["Z2"] }]
"""

Refused = Callable[[httpx.Response, int], str]


def given(readings: str = READINGS, mapping: str = MAPPING, **others: str) -> dict[str, Any]:
    files = {"orders.csv": ORDERS} | others
    return {
        "file": file("readings.csv", readings),
        "mapping": file("mapping.toml", mapping),
        "others": [file(name, text) for name, text in files.items()],
    }


def file(name: str, text: str) -> dict[str, str]:
    return {"name": name, "content": base64.b64encode(text.encode()).decode()}


async def test_import_and_show(company: Company, refused: Refused) -> None:
    assert "no energy was imported" in refused(await company.http.get("/energy"), 404)
    dry = await company.post("/energy/import", given(), dryRun="true")
    assert (dry["dryRun"], dry["readings"]) == (True, {"new": 3, "unchanged": 0, "corrected": 0})
    assert "no energy was imported" in refused(await company.http.get("/energy"), 404)
    done = await company.post("/energy/import", given())
    assert (done["problems"], done["rule"], done["orders"]["new"]) == ([], "new", 2)
    again = await company.post("/energy/import", given())
    assert again["readings"] == {"new": 0, "unchanged": 3, "corrected": 0}
    assert again["digest"] == done["digest"] == dry["digest"]

    shown = await company.get("/energy")
    assert (shown["periodStart"], shown["periodEnd"]) == (
        "2025-01-01T00:00:00Z",
        "2025-02-02T00:00:00Z",
    )
    assert shown["carriers"] == [
        {
            "carrier": "electricity",
            "unit": "kWh",
            "metered": "111.5",
            "allocated": "109.5",
            "unallocated": "2",
        }
    ]
    first, second = shown["products"]
    assert first["produced"] == {"amount": "30", "unit": "kg"}
    assert first["energy"] == [
        {"carrier": "electricity", "amount": "6.75", "unit": "kWh", "perUnit": "0.225"},
        {
            "carrier": "electricity",
            "line": "L1",
            "amount": "75.375",
            "unit": "kWh",
            "perUnit": "2.5125",
        },
    ]
    assert second["product"] == "B"
    assert {(one["reason"], one["amount"]) for one in shown["unallocated"]} == {
        ("no production in the period", "1"),
        ("not for products", "1"),
    }
    assert [one["meter"] for one in shown["gaps"]] == ["Z2"]
    assert "mass" in shown["rule"]["description"]
    part = await company.get("/energy", **{"from": "2025-02-01T00:00:00Z"})
    assert (part["carriers"][0]["metered"], part["products"]) == ("1", [])


async def test_a_correction_says_what_was_before(company: Company) -> None:
    await company.post("/energy/import", given())
    done = await company.post("/energy/import", given(READINGS.replace("100,5", "101")))
    assert done["readings"] == {"new": 0, "unchanged": 2, "corrected": 1}
    (correction,) = done["corrections"]
    assert (correction["kind"], correction["key"]) == ("reading", "Z1")
    assert (correction["old"]["amount"], correction["new"]["amount"]) == ("100.5", "101")


async def test_a_refusal_names_every_error(company: Company, refused: Refused) -> None:
    broken = READINGS.replace("100,5", "viel").replace("Z2", "Z3")
    done = await company.post("/energy/import", given(broken))
    assert [(one["file"], one["place"]) for one in done["problems"]] == [
        ("readings.csv", "cell D2 (kWh)"),
        ("readings.csv", "cell A4 (meter)"),
    ]
    assert all(one["hint"] for one in done["problems"])
    assert done["readings"]["new"] == 0
    assert "digest" not in done
    assert "no energy was imported" in refused(await company.http.get("/energy"), 404)


async def test_what_is_not_understood(company: Company, refused: Refused) -> None:
    for body in (b"", b"[]", b"{}", b'{"file": {"name": "x", "content": "?"}, "mapping": 1}'):
        answer = await company.http.post("/energy/import", content=body)
        refused(answer, 422)
    unknown = given() | {"more": 1}
    assert "more" in refused(await company.http.post("/energy/import", json=unknown), 422)
    answer = await company.http.get("/energy", params={"from": "yesterday"})
    assert "from" in refused(answer, 422)
    period = {"from": "2025-02-01T00:00:00Z", "until": "2025-01-01T00:00:00Z"}
    await company.post("/energy/import", given())
    answer = await company.http.get("/energy", params=period)
    assert "ends before it begins" in refused(answer, 409)


async def test_what_cannot_be_converted_is_refused_at_once(company: Company) -> None:
    gas = MAPPING.replace('"electricity" }\n\n', '"gas", unit = "m3" }\n\n').replace(
        "[rule]", '[carriers.gas]\nunit = "MJ"\n\n[rule]'
    )
    done = await company.post("/energy/import", given(mapping=gas))
    (problem,) = done["problems"]
    assert problem["place"] == "cell D4 (kWh)"
    assert "energy per volume (MJ per m3) is missing" in problem["message"]
    mixed = MAPPING.replace('line = "L1" }\n', 'line = "L1", unit = "m3" }\n', 1)
    done = await company.post("/energy/import", given(mapping=mixed))
    (problem,) = done["problems"]
    assert "cubic meter cannot be converted into kilowatt hour" in problem["message"]


async def test_limits(market: Market, refused: Refused) -> None:
    company = await market.open("small", max_import_bytes=100)
    done = await company.post("/energy/import", given())
    assert "at most 100 are taken" in done["problems"][0]["message"]
    big = b" " * (5 * 1024 * 1024)
    assert "larger than" in refused(await company.http.post("/energy/import", content=big), 413)
