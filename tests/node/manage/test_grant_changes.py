"""Grants that take the place of others, in one step; and what a peer would see then."""

from __future__ import annotations

from typing import Any

import pytest
from tests.node.manage.conftest import Company, make_document

from underseal_node.products import gate
from underseal_protocol.errors import ReleaseRefusedError

Pair = tuple[Company, Company]
PRODUCT = "urn:pact:cathode.example:product-id:{}"
CLASSIFICATION = "urn:pact:productclassification:cas:554-13-2"


@pytest.fixture
async def supplier(pair: Pair) -> Company:
    """With three products and the customer `cell`."""
    await pair[1].publish(*(make_document(number) for number in (1, 2, 3)))
    return pair[1]


async def granted(company: Company, **what: Any) -> int:
    made = await company.post("/grants", {"peer": "cell", **what}, 201)
    return int(made["data"][0]["id"])


async def grants(company: Company) -> list[dict[str, Any]]:
    return list((await company.get("/grants"))["data"])


async def acts(company: Company) -> list[tuple[str, str, list[int]]]:
    await company.post("/audit/verify")  # what was recorded is appended
    return [
        (one["act"], one["level"], one["grants"])
        for one in (await company.get("/audit", sort="number"))["data"]
        if one["act"].startswith("grant-")
    ]


async def seen(company: Company) -> dict[str, str]:
    """What the peer sees, by the queries that serve it."""
    found = (await company.get("/grants/preview", peer="cell"))["data"]
    return {one["id"]: one["level"] for one in found}


async def test_a_lower_grant_takes_the_place_of_a_higher_one(supplier: Company) -> None:
    old = await granted(supplier, everything=True, level="full", purpose="CBAM")
    new = {"peer": "CELL", "everything": True, "level": "quality"}
    (made,) = (await supplier.post("/grants/replace", {"replaced": [old], "grant": new}))["data"]
    assert [one["id"] for one in await grants(supplier)] == [made["id"]]
    assert (made["level"], made["peer"], "purpose" in made) == ("quality", "cell", False)
    assert set((await seen(supplier)).values()) == {"quality"}
    # The log has what two steps would have put there.
    assert await acts(supplier) == [
        ("grant-added", "full", [old]),
        ("grant-removed", "full", [old]),
        ("grant-added", "quality", [made["id"]]),
    ]


async def test_several_go_at_once(supplier: Company) -> None:
    numbers = [
        await granted(supplier, productIds=[PRODUCT.format(1)], level=level)
        for level in ("total", "full")
    ]
    kept = await granted(supplier, productIds=[PRODUCT.format(2)])
    assert (await supplier.post("/grants/replace", {"replaced": numbers}))["data"] == []
    assert [one["id"] for one in await grants(supplier)] == [kept]


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"replaced": [99_999]}, 404, "no grant 99999"),
        ({"replaced": []}, 422, "replaced"),
        ({"replaced": [0]}, 422, "replaced.0"),
        ({"replaced": [2**31]}, 422, "replaced.0"),
        ({"grant": {"peer": "other", "everything": True}}, 409, "not one of other"),
        ({"grant": {"peer": "nobody", "everything": True}}, 404, "no peer"),
        ({"grant": {"peer": "cell"}}, 409, "everything, of products"),
        ({"grant": {"peer": "cell", "productIds": ["no urn"]}}, 422, "URN"),
        ({"grant": {"peer": "cell", "footprintIds": ["no id"]}}, 404, "no own footprint"),
        ({"grant": {"peer": "cell", "everything": True, "starts": "2027-01-01T00:00:00Z",
                    "ends": "2026-01-01T00:00:00Z"}}, 409, "end before it starts"),
    ],
)  # fmt: skip
async def test_what_is_refused_leaves_everything(
    supplier: Company, changes: dict[str, Any], status: int, said: str
) -> None:
    await supplier.post("/peers", {"name": "other"}, 201)
    old = await granted(supplier, everything=True, level="full")
    before, log = await grants(supplier), await acts(supplier)
    body = {"replaced": [old], "grant": {"peer": "cell", "everything": True}, **changes}
    answer = await supplier.http.post("/grants/replace", json=body)
    assert (answer.status_code, said in answer.json()["message"]) == (status, True), answer.text
    assert await grants(supplier) == before
    assert await acts(supplier) == log


async def test_the_release_gate_refuses_all_of_it(
    supplier: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await granted(supplier, productIds=[PRODUCT.format(1)], level="full")
    before, log = await grants(supplier), await acts(supplier)
    real = gate.require_grant

    def stricter(*given: Any) -> Any:
        *_, value, _level, _said = given
        if value == PRODUCT.format(2):
            raise ReleaseRefusedError("it tells a number")
        return real(*given)

    monkeypatch.setattr(gate, "require_grant", stricter)
    new = {"peer": "cell", "productIds": [PRODUCT.format(1), PRODUCT.format(2)]}
    await supplier.post("/grants/replace", {"replaced": [old], "grant": new}, 422)
    assert await grants(supplier) == before
    assert await acts(supplier) == log


EFFECTS: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]] = [
    ([{"everything": True, "level": "quality"}], [{"productIds": [PRODUCT.format(1)]}]),
    ([{"productIds": [PRODUCT.format(1).upper()], "level": "full"}], []),
    (
        [{"classifications": [CLASSIFICATION], "level": "total"}],
        [{"productIds": [PRODUCT.format(2)], "level": "full", "starts": "2027-01-01T00:00:00Z"}],
    ),
    (
        [{"productIds": [PRODUCT.format(1)], "level": "full", "ends": "2026-02-01T00:00:00Z"}],
        [{"everything": True, "level": "breakdown", "ends": "2027-01-01T00:00:00Z"}],
    ),
]


@pytest.mark.parametrize(("before", "after"), EFFECTS)
@pytest.mark.parametrize("are_removed", [True, False])
async def test_effects_are_what_is_served_then(
    supplier: Company,
    before: list[dict[str, Any]],
    after: list[dict[str, Any]],
    are_removed: bool,
) -> None:
    numbers = [await granted(supplier, **one) for one in before]
    listed, log = await grants(supplier), await acts(supplier)
    ids = [one["id"] for one in (await supplier.get("/footprints"))["data"]]
    body = {
        "peer": "cell",
        "removed": numbers if are_removed else [],
        "added": [{"peer": "cell", **one} for one in after],
        "footprintIds": [one.upper() for one in ids],
    }
    answer = (await supplier.post("/grants/effects", body))["data"]
    assert [one["id"] for one in answer] == ids
    assert {one["id"]: one["before"] for one in answer if "before" in one} == await seen(supplier)
    # Nothing has been changed.
    assert await grants(supplier) == listed
    assert await acts(supplier) == log
    for number in body["removed"]:
        await supplier.http.delete(f"/grants/{number}")
    for one in after:
        await supplier.http.post("/grants", json={"peer": "cell", **one})
    assert {one["id"]: one["after"] for one in answer if "after" in one} == await seen(supplier)


async def test_effects_of_what_there_is_not(supplier: Company) -> None:
    body: dict[str, Any] = {"peer": "cell", "footprintIds": ["no such footprint"]}
    assert (await supplier.post("/grants/effects", body))["data"] == [{"id": "no such footprint"}]
    await supplier.post("/grants/effects", {**body, "peer": "nobody"}, 404)
    await supplier.post("/grants/effects", {**body, "removed": [7]}, 404)
    added = [{"peer": "cathode", "everything": True}]
    await supplier.post("/grants/effects", {**body, "added": added}, 404)
    await supplier.post("/peers", {"name": "other"}, 201)
    added = [{"peer": "other", "everything": True}]
    await supplier.post("/grants/effects", {**body, "added": added}, 409)
    await supplier.post("/grants/effects", {**body, "footprintIds": ["x"] * 10_001}, 422)
