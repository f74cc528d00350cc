"""What the operator is shown of a peer's view is what the peer gets, no more and no less."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.node.manage.conftest import Company

from underseal_node.exchange.access import access_of
from underseal_node.store.peers import by_name

CLASSIFICATION = "urn:pact:productclassification:cas:554-13-2"
Pair = tuple[Company, Company]
Documents = Callable[..., dict[str, Any]]
Refused = Callable[[httpx.Response, int], str]


class Reader:
    """The customer, reading from the supplier itself."""

    def __init__(self, customer: Company) -> None:
        self._exchange = customer.exchange
        peer = customer.node.store.read_sync(lambda session: by_name(session, "cathode"))
        self._access = access_of(peer, customer.node.vault)

    async def all(self, query: str = "?limit=2") -> list[bytes]:
        """Every footprint of the list, byte for byte, page by page."""
        url: str | None = f"{self._access.base_url}/3/footprints{query}"
        found: list[bytes] = []
        while url is not None:
            page = await self._exchange.client.page(self._access, url)
            found += page.items
            url = page.next_url
        return found

    async def one(self, footprint_id: str) -> bytes | None:
        return await self._exchange.client.footprint(self._access, footprint_id)


async def preview(supplier: Company, **query: Any) -> list[dict[str, Any]]:
    """All pages of a preview, two footprints each."""
    found: list[dict[str, Any]] = []
    after: dict[str, Any] = {}
    while True:
        page = await supplier.get("/grants/preview", peer="cell", limit=2, **after, **query)
        found += page["data"]
        if "next" not in page:
            assert page["total"] == sum(page["levels"].values()) == len(found)
            return found
        after = {"after": page["next"]}


GRANTS: dict[str, list[dict[str, Any]]] = {
    "nothing": [],
    "everything": [{"everything": True, "level": "quality"}],
    "products": [
        {"productIds": [f"urn:pact:cathode.example:product-id:{number}"], "level": level}
        for number, level in ((1, "total"), (3, "full"), (4, "breakdown"))
    ],
    "several": [
        {"classifications": [CLASSIFICATION]},
        {"productIds": ["urn:pact:cathode.example:product-id:2"], "level": "full"},
    ],
    "not yet": [{"everything": True, "starts": "2026-03-02T00:00:00Z"}],
    "no more": [{"everything": True, "ends": "2026-03-01T00:00:00Z"}],
}


@pytest.mark.parametrize("name", GRANTS)
async def test_a_preview_is_what_the_peer_is_served(
    pair: Pair, document: Documents, name: str
) -> None:
    customer, supplier = pair
    ids = await supplier.publish(*(document(number) for number in range(1, 6)))
    await supplier.post(f"/footprints/{ids[2]}/deprecate")
    for given in GRANTS[name]:
        await supplier.post("/grants", {"peer": "cell", **given}, 201)
    served = [json.loads(one) for one in await Reader(customer).all()]
    shown = await preview(supplier)
    assert [(one["id"], one["status"]) for one in shown] == [
        (one["id"], one["status"]) for one in served
    ]
    for line, footprint in zip(shown, served, strict=True):
        assert line["productIds"] == footprint["productIds"]
        assert ("comment" in footprint) == ("method" not in line["withheld"])
        assert ("dqi" in footprint["pcf"]) == ("quality" not in line["withheld"])
    levels = {
        one["id"]: (await supplier.get(f"/footprints/{one['id']}", **{"as": "cell"}))["level"]
        for one in served
    }
    assert levels == {one["id"]: one["level"] for one in shown}


@pytest.mark.parametrize("level", ["total", "quality", "breakdown", "full"])
async def test_the_very_bytes(pair: Pair, document: Documents, level: str) -> None:
    customer, supplier = pair
    ids = await supplier.publish(document(1, comment="Größe <&> \u2028"), document(2))
    await supplier.post(f"/footprints/{ids[1]}/deprecate")
    await supplier.post("/grants", {"peer": "cell", "everything": True, "level": level}, 201)
    reader = Reader(customer)
    listed = await reader.all("")
    for footprint_id, item in zip(ids, listed, strict=True):
        seen = await supplier.http.get(f"/footprints/{footprint_id}/seen", params={"as": "CELL"})
        assert seen.headers["content-type"] == "application/json"
        assert seen.content == await reader.one(footprint_id) == item
        detail = await supplier.http.get(f"/footprints/{footprint_id}", params={"as": "cell"})
        assert detail.content.endswith(b',"footprint":' + item + b"}")


async def test_what_a_peer_does_not_see_is_refused(
    pair: Pair, document: Documents, refused: Refused
) -> None:
    _, supplier = pair
    ids = await supplier.publish(document(1))
    for path in (f"/footprints/{ids[0]}", f"/footprints/{ids[0]}/seen"):
        said = refused(await supplier.http.get(path, params={"as": "cell"}), 404)
        assert "for this peer it does not exist" in said
        assert "underseal grant preview cell" in said
        refused(await supplier.http.get(path, params={"as": "nobody"}), 404)
    refused(await supplier.http.get("/grants/preview", params={"peer": "nobody"}), 404)


async def test_another_moment(pair: Pair, document: Documents) -> None:
    _, supplier = pair
    await supplier.publish(document(1))
    dates = {"starts": "2026-04-01T00:00:00Z", "ends": "2026-05-01T00:00:00Z"}
    await supplier.post("/grants", {"peer": "cell", "everything": True, **dates}, 201)
    seen = {
        at: len(await preview(supplier, at=at))
        for at in (
            "2026-03-31T23:59:59.999999Z",
            "2026-04-01T00:00:00Z",
            "2026-04-30T23:59:59Z",
            "2026-05-01T00:00:00Z",
        )
    }
    assert list(seen.values()) == [0, 1, 1, 0]


@pytest.mark.parametrize("state", ["invited", "pending", "suspended"])
async def test_a_peer_that_may_not_call_would_see(
    pair: Pair, document: Documents, state: str
) -> None:
    _, supplier = pair
    ids = await supplier.publish(document(1))
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)

    def change(session: Any) -> None:
        by_name(session, "cell").state = state

    supplier.node.store.write_sync(change)
    page = await supplier.get("/grants/preview", peer="cell")
    assert [one["id"] for one in page["data"]] == ids
    assert f"cell is {state}, so it sees nothing at present" in page["note"]
    detail = await supplier.get(f"/footprints/{ids[0]}", **{"as": "cell"})
    assert detail["note"] == page["note"]


async def test_more_than_a_page(pair: Pair, document: Documents, refused: Refused) -> None:
    _, supplier = pair
    ids = await supplier.publish(*(document(number) for number in range(1, 8)))
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    assert [one["id"] for one in await preview(supplier)] == ids
    for query in ({"limit": 0}, {"limit": 1001}, {"after": -1}, {"after": 2**63}, {"at": "soon"}):
        answer = await supplier.http.get("/grants/preview", params={"peer": "cell", **query})
        refused(answer, 422)
