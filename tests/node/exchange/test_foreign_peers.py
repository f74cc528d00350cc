"""Peers that are not Underseal nodes: what most PACT solutions send, and how they send it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.node.exchange.conftest import Company, Network, NewCompany

from underseal_node.trust.peers import PeerChange, add_peer

MakeFootprint = Callable[..., dict[str, Any]]

TOKEN = b'{"access_token":"t","token_type":"bearer","expires_in":3600}'


class Vendor:
    """A host system of another vendor, as its answers look."""

    def __init__(self, footprints: list[dict[str, Any]], page: int = 2) -> None:
        self.footprints = footprints
        self.page = page
        self.status = 200
        self.headers: dict[str, str] = {"content-type": "text/plain"}
        self.queries: list[dict[str, str]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/auth/token":
            return httpx.Response(200, content=TOKEN)
        if request.url.path != "/pact/3/footprints":
            return httpx.Response(404, content=b"<h1>not found</h1>")
        self.queries.append(dict(request.url.params))
        start = int(request.url.params.get("offset", "0"))
        data = self.footprints[start : start + self.page]
        headers = dict(self.headers)
        if start + self.page < len(self.footprints):
            headers["link"] = f'</pact/3/footprints?offset={start + self.page}>; rel="next"'
        body = b"\xef\xbb\xbf" + json.dumps({"data": data}).encode()
        return httpx.Response(self.status, headers=headers, content=body)


@pytest.fixture
async def buyer(new_company: NewCompany) -> Company:
    return new_company("buyer")


async def acquainted(buyer: Company, network: Network, vendor: Vendor) -> Vendor:
    network.fault = vendor
    change = PeerChange(
        url="https://vendor.example/pact",
        auth_url="https://vendor.example",
        client_id="us",
        client_secret="secret",
    )
    await add_peer(buyer.exchange, "vendor", change)
    return vendor


async def test_everything_is_walked_every_time_and_a_new_status_is_noticed(
    buyer: Company, network: Network, make_footprint: MakeFootprint
) -> None:
    documents = [make_footprint(number) for number in range(5)]
    vendor = await acquainted(buyer, network, Vendor(documents))
    progress = await buyer.pull("vendor")
    assert (progress.unsigned, progress.pages) == (5, 3)
    documents[4]["status"] = "Deprecated"
    progress = await buyer.pull("vendor")
    assert (progress.received, progress.changed, progress.unchanged) == (5, 1, 4)
    assert buyer.received()[documents[4]["id"]].status == "Deprecated"
    assert not any("x-underseal-changed-after" in query for query in vendor.queries)
    assert buyer.alerts() == []


async def test_another_change_under_the_same_id_is_an_alert_and_overwrites_nothing(
    buyer: Company, network: Network, make_footprint: MakeFootprint
) -> None:
    document = make_footprint(1, comment="before")
    await acquainted(buyer, network, Vendor([document]))
    await buyer.pull("vendor")
    document["comment"] = "after"
    progress = await buyer.pull("vendor")
    assert len(progress.alerts) == 1
    assert json.loads(buyer.received()[document["id"]].body)["comment"] == "before"
    assert buyer.alerts() == ["changed"]


async def test_what_cannot_be_kept_does_not_take_the_others_with_it(
    buyer: Company, network: Network, make_footprint: MakeFootprint
) -> None:
    good = make_footprint(1)
    broken: list[Any] = [{"id": "no uuid"}, "text", make_footprint(2) | {"pcf": None}]
    await acquainted(buyer, network, Vendor([good, *broken], page=10))
    progress = await buyer.pull("vendor")
    assert (progress.unsigned, progress.invalid, progress.received) == (1, 3, 4)
    assert buyer.received()[good["id"]].verification == "unsigned"
    assert len(buyer.received()) == 2


async def test_a_page_of_many_may_come_with_202(
    buyer: Company, network: Network, make_footprint: MakeFootprint
) -> None:
    vendor = Vendor([make_footprint(1)])
    vendor.status = 202
    await acquainted(buyer, network, vendor)
    assert (await buyer.pull("vendor")).unsigned == 1


async def test_unknown_extensions_are_kept_untouched(
    buyer: Company, network: Network, make_footprint: MakeFootprint
) -> None:
    extension = {
        "specVersion": "2.0.0",
        "dataSchema": "https://catalogue.example/x.json",
        "data": {"weight": 10.50, "none": None, "深": [1e2]},
    }
    document = make_footprint(1, extensions=[extension], somethingNew={"a": 1})
    await acquainted(buyer, network, Vendor([document]))
    assert (await buyer.pull("vendor")).unsigned == 1
    body = buyer.received()[document["id"]].body
    assert json.loads(body) == document
    assert body in json.dumps({"data": [document]}).encode()


async def test_whoever_shows_a_signature_without_known_keys_is_not_believed(
    buyer: Company, network: Network, new_company: NewCompany, make_footprint: MakeFootprint
) -> None:
    from underseal_node.store.tables import KeyKind

    seller, friend = new_company("seller"), new_company("friend")
    await seller.befriend(friend)
    seller.grant(friend, KeyKind.ALL)
    (footprint_id,) = await seller.publish(make_footprint(1))
    await friend.pull(seller)
    signed = json.loads(friend.received()[footprint_id].body)
    await acquainted(buyer, network, Vendor([signed]))
    assert (await buyer.pull("vendor")).invalid == 1


async def test_an_item_that_is_ambiguous_or_too_deep_takes_no_other_with_it(
    buyer: Company, network: Network, make_footprint: MakeFootprint
) -> None:
    good = make_footprint(1)
    vendor = await acquainted(buyer, network, Vendor([]))
    deep = b"[" * 100 + b"]" * 100
    body = b'{"data":[{"id":"a","id":"b"},' + deep + b"," + json.dumps(good).encode() + b"]}"
    network.fault = lambda request: (
        httpx.Response(200, content=body) if "footprints" in request.url.path else vendor(request)
    )
    progress = await buyer.pull("vendor")
    assert (progress.unsigned, progress.invalid) == (1, 2)


async def test_a_text_that_not_every_database_holds_keeps_nothing_else_away(
    buyer: Company, network: Network, make_footprint: MakeFootprint
) -> None:
    """The character NUL: in what is looked up, in a status, in the words of an error."""
    documents = [make_footprint(number) for number in range(4)]
    documents[0]["productIds"] = ["urn:x:a\0b", "urn:x:c"]
    documents[1] |= {"status": "Act\0ive", "productNameCompany": "A\0B"}
    documents[2]["p\0f"] = "\0"
    documents[3]["specVersion"] = "\0"
    await acquainted(buyer, network, Vendor(documents, page=4))
    progress = await buyer.pull("vendor")
    assert progress.state == "done"
    assert set(buyer.received()) == {one["id"] for one in documents}
