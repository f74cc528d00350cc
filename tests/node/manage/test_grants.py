"""Grants over the management API, and what the peer sees of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

Company = Any
Pair = tuple[Any, Any]
Documents = Callable[..., dict[str, Any]]
Refused = Callable[[httpx.Response, int], str]

PRODUCT = "urn:pact:cathode.example:product-id:1"
CLASSIFICATION = "urn:pact:productclassification:cas:554-13-2"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("given", "kind", "value", "seen"),
    [
        ({"everything": True}, "all", "", 2),
        ({"productIds": [PRODUCT.upper()]}, "product", PRODUCT.upper(), 1),
        ({"classifications": [CLASSIFICATION]}, "classification", CLASSIFICATION, 2),
    ],
)
async def test_a_grant_shows_what_it_names(
    pair: Pair, document: Documents, given: dict[str, Any], kind: str, value: str, seen: int
) -> None:
    customer, supplier = pair
    await supplier.publish(document(1), document(2))
    assert (await customer.pull("cathode"))["received"] == 0
    (grant,) = (await supplier.post("/grants", {"peer": "CELL", **given}, 201))["data"]
    assert (grant["peer"], grant["kind"], grant["value"]) == ("cell", kind, value)
    assert (grant["level"], "warning" in grant) == ("total", False)
    assert (await supplier.get("/grants"))["data"] == [grant]
    assert (await customer.pull("cathode"))["received"] == seen


async def test_a_grant_of_a_footprint_is_of_one_that_there_is(
    pair: Pair, document: Documents, refused: Refused
) -> None:
    customer, supplier = pair
    ids = await supplier.publish(document(1), document(2))
    given = {"peer": "cell", "footprintIds": [ids[0].upper(), UNKNOWN], "level": "full"}
    assert UNKNOWN in refused(await supplier.http.post("/grants", json=given), 404)
    assert (await supplier.get("/grants"))["data"] == []
    given["footprintIds"] = [ids[0].upper()]
    (grant,) = (await supplier.post("/grants", given, 201))["data"]
    assert (grant["kind"], grant["value"], grant["level"]) == ("footprint", ids[0], "full")
    await customer.pull("cathode")
    (held,) = (await customer.get("/received"))["data"]
    assert (held["id"], held["withheld"]) == (ids[0], [])


async def test_a_grant_of_what_is_not_published_yet_is_made_with_a_warning(
    pair: Pair, document: Documents
) -> None:
    _, supplier = pair
    given = {"peer": "cell", "productIds": [PRODUCT, "urn:gtin:4712345060507"]}
    made = (await supplier.post("/grants", given, 201))["data"]
    assert [one["warning"] for one in made] == ["it covers no footprint yet"] * 2
    await supplier.publish(document(1))
    made = (await supplier.post("/grants", {"peer": "cell", "productIds": [PRODUCT]}, 201))["data"]
    assert ["warning" in one for one in made] == [False]
    listed = (await supplier.get("/grants"))["data"]
    assert len(listed) == 2  # the same again is the same grant
    assert all("warning" not in one for one in listed)


async def test_a_grant_can_begin_and_end(pair: Pair, document: Documents) -> None:
    customer, supplier = pair
    await supplier.publish(document(1))
    dates = {"starts": "2026-03-01T13:00:10+01:00", "ends": "2026-03-01T12:00:20Z"}
    (grant,) = (await supplier.post("/grants", {"peer": "cell", "everything": True, **dates}, 201))[
        "data"
    ]
    assert (grant["starts"], grant["ends"]) == ("2026-03-01T12:00:10Z", "2026-03-01T12:00:20Z")
    for seconds, seen in ((0, 0), (10, 1), (10, 0)):
        supplier.advance(seconds=seconds)
        assert (await customer.pull("cathode"))["state"] == "done"
        detail = await supplier.http.get(f"/footprints/{document(1)['id']}", params={"as": "cell"})
        assert (detail.status_code == 200) == bool(seen)


async def test_a_removed_grant_shows_nothing(
    pair: Pair, document: Documents, refused: Refused
) -> None:
    customer, supplier = pair
    await supplier.publish(document(1))
    (grant,) = (await supplier.post("/grants", {"peer": "cell", "everything": True}, 201))["data"]
    answer = await supplier.http.delete(f"/grants/{grant['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await customer.pull("cathode"))["received"] == 0
    refused(await supplier.http.delete(f"/grants/{grant['id']}"), 404)


async def test_grants_are_listed_by_peer(pair: Pair, refused: Refused) -> None:
    _, supplier = pair
    await supplier.post("/peers", {"name": "other"}, 201)
    for peer in ("cell", "other"):
        await supplier.post("/grants", {"peer": peer, "everything": True}, 201)
    assert len((await supplier.get("/grants"))["data"]) == 2
    (one,) = (await supplier.get("/grants", peer="OTHER"))["data"]
    assert one["peer"] == "other"
    refused(await supplier.http.get("/grants", params={"peer": "nobody"}), 404)


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({}, 409, "exactly one"),
        ({"everything": True, "productIds": [PRODUCT]}, 409, "exactly one"),
        ({"productIds": []}, 409, "exactly one"),
        ({"productIds": ["gtin 4712345060507"]}, 422, "not a URN"),
        ({"classifications": [""]}, 422, "not a URN"),
        ({"everything": True, "level": "everything"}, 422, "level"),
        ({"everything": True, "peer": "nobody"}, 404, "no peer 'nobody'"),
        ({"everything": True, "starts": "2026-03-01T12:00:00"}, 422, "starts"),
        ({"everything": True, "starts": "0001-01-01T00:00:00+14:00"}, 422, "starts"),
        ({"everything": True, "ends": "9999-12-31T23:59:59-14:00"}, 422, "ends"),
        (
            {"everything": True, "starts": "2026-03-02T00:00:00Z", "ends": "2026-03-01T00:00:00Z"},
            409,
            "end before it starts",
        ),
    ],
)
async def test_what_cannot_be_granted_is_refused(
    company: Company, refused: Refused, given: dict[str, Any], status: int, words: str
) -> None:
    await company.post("/peers", {"name": "buyer"}, 201)
    answer = await company.http.post("/grants", json={"peer": "buyer", **given})
    assert words in refused(answer, status)
    assert (await company.get("/grants"))["data"] == []


async def test_terms_and_purpose(company: Company) -> None:
    await company.post("/peers", {"name": "buyer"}, 201)
    given = {"peer": "buyer", "everything": True}
    texts = {"terms": "https://terms.example/1", "purpose": "CBAM"}
    (grant,) = (await company.post("/grants", given | texts, 201))["data"]
    assert grant.items() >= texts.items()
    (again,) = (await company.post("/grants", given | {"terms": ""}, 201))["data"]
    assert again["id"] == grant["id"]
    assert (again.get("terms"), again["purpose"]) == (None, "CBAM")
    (listed,) = (await company.get("/grants"))["data"]
    assert again.items() >= listed.items()


@pytest.mark.parametrize(("name", "most"), [("terms", 4000), ("purpose", 500)])
async def test_terms_have_a_limit(company: Company, refused: Refused, name: str, most: int) -> None:
    await company.post("/peers", {"name": "buyer"}, 201)
    given = {"peer": "buyer", "everything": True}
    refused(await company.http.post("/grants", json=given | {name: "x" * (most + 1)}), 422)
    refused(await company.http.post("/grants", json=given | {name: "\0"}), 422)
    await company.post("/grants", given | {name: "x" * most}, 201)


async def test_a_grant_says_whether_it_has_an_effect(company: Company) -> None:
    await company.post("/peers", {"name": "buyer"}, 201)
    dates = {"starts": "2026-03-01T12:00:10Z", "ends": "2026-03-01T12:00:20Z"}
    await company.post("/grants", {"peer": "buyer", "everything": True, **dates}, 201)
    for state in ("future", "active", "ended"):
        (grant,) = (await company.get("/grants"))["data"]
        assert grant["state"] == state
        company.advance(seconds=10)


async def test_a_limit_in_time_beside_a_grant_without_is_refused(
    company: Company, refused: Refused
) -> None:
    await company.post("/peers", {"name": "buyer"}, 201)
    given = {"peer": "buyer", "everything": True}
    (grant,) = (await company.post("/grants", given | {"terms": "a"}, 201))["data"]
    limited = given | {"ends": "2027-01-01T00:00:00Z", "terms": "b"}
    said = refused(await company.http.post("/grants", json=limited), 409)
    assert f"underseal grant remove {grant['id']}" in said
    (listed,) = (await company.get("/grants"))["data"]
    assert grant.items() >= listed.items()


@pytest.mark.parametrize(
    ("grant_id", "status"), [("1", 404), ("0", 422), ("-1", 422), ("x", 422), ("9" * 30, 422)]
)
async def test_a_grant_that_there_is_not(
    company: Company, refused: Refused, grant_id: str, status: int
) -> None:
    refused(await company.http.delete(f"/grants/{grant_id}"), status)


async def test_a_lower_level_beside_a_higher_one_is_refused(pair: Pair) -> None:
    _, supplier = pair
    given = {"peer": "cell", "everything": True}
    (grant,) = (await supplier.post("/grants", given | {"level": "quality"}, 201))["data"]
    refused = await supplier.http.post("/grants", json=given | {"level": "total"})
    assert refused.status_code == 409
    assert f"grant {grant['id']}" in refused.json()["message"]
    assert f"underseal grant remove {grant['id']}" in refused.json()["hint"]
    listed = (await supplier.get("/grants"))["data"]
    assert [one["level"] for one in listed] == ["quality"]


async def test_a_peer_is_shown_with_what_each_side_may_see_at_the_other(pair: Pair) -> None:
    customer, supplier = pair
    ours = {"starts": "2026-03-01T00:00:00Z", "ends": "2027-01-01T00:00:00Z", "purpose": "CBAM"}
    given = {"peer": "cell", "productIds": [PRODUCT], "level": "quality", "terms": "No resale."}
    await supplier.post("/grants", given | ours, 201)
    unknown = await customer.get("/peers/cathode")
    assert "grantedToUs" not in unknown
    assert "grantedToUsAt" not in unknown
    assert (await customer.pull("cathode"))["state"] == "done"
    assert (await customer.get("/peers/cathode"))["grantedToUs"] == [
        {
            "kind": "product",
            "value": PRODUCT,
            "level": "quality",
            "state": "active",
            "terms": "No resale.",
            **ours,
        }
    ]
    (there,) = (await supplier.get("/peers/cell"))["grantedToIt"]
    assert there == (await supplier.get("/grants"))["data"][0]


async def test_what_we_may_see_says_of_when_it_is(pair: Pair) -> None:
    customer, supplier = pair
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    await customer.pull("cathode")
    for day in ("2026-03-02", "2026-03-03"):  # also when nothing is different
        supplier.advance(days=1)
        assert (await customer.get("/peers/cathode"))["grantedToUsAt"][:10] < day
        await customer.pull("cathode")
        shown = await customer.get("/peers/cathode")
        assert shown["grantedToUsAt"][:10] == day
        assert [one["kind"] for one in shown["grantedToUs"]] == ["all"]
    assert "grantedToUs" not in (await customer.get("/peers"))["data"][0]


async def test_what_is_left_out_stays_and_an_empty_text_clears(company: Company) -> None:
    await company.post("/peers", {"name": "buyer"}, 201)
    given = {"peer": "buyer", "everything": True}
    dates = {"starts": "2026-03-01T12:00:00Z", "ends": "2026-03-01T12:00:20Z"}

    async def again(**changes: Any) -> Any:
        (grant,) = (await company.post("/grants", given | changes, 201))["data"]
        return grant

    await again(**dates)
    assert (await again(terms="a")).items() >= dates.items()
    company.advance(seconds=30)
    ended = await again(terms="b")
    assert (ended["state"], ended["ends"]) == ("ended", dates["ends"])
    assert 'it has ended, on 2026-03-01: --until ""' in ended["warning"]
    cleared = await again(ends="")
    assert ("ends" in cleared, cleared["starts"]) == (False, dates["starts"])
    assert "starts" not in await again(starts="")


async def test_a_peer_that_is_revoked_is_granted_nothing(
    company: Company, refused: Refused
) -> None:
    await company.post("/peers", {"name": "buyer"}, 201)
    await company.post("/peers/buyer/revoke", {"reason": "over"})
    answer = await company.http.post("/grants", json={"peer": "buyer", "everything": True})
    assert "is revoked" in refused(answer, 409)
    assert (await company.get("/grants"))["data"] == []
