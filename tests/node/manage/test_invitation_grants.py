"""What an invitation grants, and what is left of that when another one takes its place."""

from __future__ import annotations

from typing import Any

from tests.node.manage.conftest import Company
from tests.node.manage.test_partners import invite

PRODUCT, OTHER = "urn:gtin:4712345060507", "urn:gtin:4712345060514"


def levels(granted: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((one["value"], one["level"]) for one in granted)


async def held(company: Company) -> list[tuple[str, str]]:
    return levels((await company.get("/grants", peer="Cathode"))["data"])


async def test_what_the_invitation_before_granted_goes_with_it(company: Company) -> None:
    first = await invite(company, productIds=[PRODUCT, OTHER], level="full")
    assert "replaced" not in first
    second = await invite(company, productIds=[PRODUCT], level="total")
    assert second["replaced"] == first["id"]
    assert levels(second["grants"]) == await held(company) == [(PRODUCT, "total")]
    assert (await invite(company))["grants"] == await held(company) == []
    await company.post("/audit/verify")
    acts = [one["act"] for one in (await company.get("/audit"))["data"]]
    assert (acts.count("grant-added"), acts.count("grant-removed")) == (3, 3)


async def test_what_the_operator_has_granted_besides_stays(company: Company) -> None:
    await invite(company, productIds=[PRODUCT], level="full")
    for value, level in ((OTHER, "quality"), (PRODUCT, "full")):
        given = {"peer": "Cathode", "productIds": [value], "level": level}
        await company.post("/grants", given, 201)
    last = await invite(company, productIds=[OTHER], level="total")
    assert levels(last["grants"]) == await held(company) == [(PRODUCT, "full"), (OTHER, "quality")]
