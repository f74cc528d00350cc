"""Usage terms of a grant reach the side that receives, and stay with what was received."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from tests.node.exchange.conftest import Company, Network, product, settle

from underseal_node.exchange.granting import ask_for_grants
from underseal_node.store import granted, grants
from underseal_node.store.tables import KeyKind
from underseal_protocol.disclosure import Level
from underseal_protocol.usage_terms import GrantedToUs

Documents = Callable[..., dict[str, Any]]

PATH = "/extensions/grants"


def grant(seller: Company, buyer: Company, kind: KeyKind, value: str = "", **texts: Any) -> int:
    peer_id, level = seller.peer(buyer).id or 0, texts.pop("level", Level.TOTAL)

    def work(session: Any) -> int:
        now = seller.clock()
        return grants.add(session, peer_id, kind, value, level, now, **texts).id or 0

    return seller.node.store.write_sync(work)


def terms(buyer: Company, footprint_id: str) -> list[tuple[str | None, str | None]]:
    row = buyer.received()[footprint_id]
    return [(one.terms, one.purpose) for one in granted.terms_of(row)]


async def test_terms_and_purpose_come_with_what_they_cover(
    seller: Company, buyer: Company, make_footprint: Documents
) -> None:
    first, second = await seller.publish(make_footprint(1), make_footprint(2))
    grant(seller, buyer, KeyKind.ALL)
    grant(seller, buyer, KeyKind.PRODUCT, product(1).upper(), terms="Not for resale.")
    grant(seller, buyer, KeyKind.FOOTPRINT, first, purpose="CBAM")
    grant(seller, buyer, KeyKind.PRODUCT, product(9), terms="of another product")
    await buyer.pull(seller)
    assert terms(buyer, first) == [("Not for resale.", None), (None, "CBAM")]
    assert terms(buyer, second) == []
    told = granted.of_peer(buyer.peer(seller))
    assert told is not None
    assert [one.kind for one in told] == ["all", "product", "footprint", "product"]


async def test_they_are_asked_for_once_in_a_pull(
    seller: Company, buyer: Company, network: Network, make_footprint: Documents
) -> None:
    await seller.publish(*(make_footprint(number) for number in range(5)))
    grant(seller, buyer, KeyKind.ALL, terms="a")
    buyer.node.settings.__dict__["pull_page_size"] = 2
    network.calls.clear()
    await buyer.pull(seller)
    assert network.calls.count(f"GET {PATH}") == 1
    assert network.calls.count("GET /3/footprints") == 3


async def test_other_terms_reach_what_was_received_before(
    seller: Company, buyer: Company, make_footprint: Documents
) -> None:
    (first,) = await seller.publish(make_footprint(1))
    grant(seller, buyer, KeyKind.ALL, terms="first")
    await buyer.pull(seller)
    grant(seller, buyer, KeyKind.ALL, terms="second")
    await buyer.pull(seller)
    assert terms(buyer, first) == [("second", None)]
    grant(seller, buyer, KeyKind.ALL, terms="")
    await buyer.pull(seller)
    assert terms(buyer, first) == []


async def test_what_was_promised_stays_when_the_grant_ends(
    seller: Company, buyer: Company, make_footprint: Documents
) -> None:
    (first,) = await seller.publish(make_footprint(1))
    number = grant(seller, buyer, KeyKind.ALL, terms="Not for resale.")
    await buyer.pull(seller)
    seller.node.store.write_sync(lambda session: grants.remove(session, number))
    await buyer.pull(seller)
    assert granted.of_peer(buyer.peer(seller)) == []
    assert terms(buyer, first) == [("Not for resale.", None)]


async def test_what_an_event_announces_comes_with_its_terms(
    seller: Company, buyer: Company, make_footprint: Documents
) -> None:
    grant(seller, buyer, KeyKind.ALL, terms="Not for resale.")
    (first,) = await seller.publish(make_footprint(1))
    await settle(seller, buyer)
    assert terms(buyer, first) == [("Not for resale.", None)]


ANSWERS: dict[str, httpx.Response] = {
    "an older node": httpx.Response(404, json={"code": "NotFound", "message": "nothing"}),
    "an error": httpx.Response(500, text="oh"),
    "a refusal": httpx.Response(403, json={"code": "AccessDenied", "message": "no"}),
    "no JSON": httpx.Response(200, text="<html>"),
    "no list": httpx.Response(200, json={"data": {}}),
    "no grant": httpx.Response(200, json={"data": [{"kind": "all"}]}),
    "terms without end": httpx.Response(
        200, json={"data": [{"kind": "all", "level": "full", "terms": "x" * 4001}]}
    ),
    "too many": httpx.Response(200, json={"data": [{"kind": "all", "level": "full"}] * 10_001}),
    "too large": httpx.Response(
        200, json={"data": [{"kind": "all", "level": "full", "terms": "x" * 4000}] * 300}
    ),
    "a circle": httpx.Response(
        200,
        json={"data": []},
        headers={"link": f'<https://seller.example{PATH}?cursor=x>; rel="next"'},
    ),
    "a trap": httpx.Response(
        200, json={"data": []}, headers={"link": '<https://evil.example/>; rel="next"'}
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_nonsense_keeps_no_footprint_away_and_changes_nothing(
    seller: Company, buyer: Company, network: Network, make_footprint: Documents, name: str
) -> None:
    first, second = await seller.publish(make_footprint(1), make_footprint(2))
    grant(seller, buyer, KeyKind.FOOTPRINT, first, terms="Not for resale.")
    await buyer.pull(seller)
    before = granted.of_peer(buyer.peer(seller))
    grant(seller, buyer, KeyKind.FOOTPRINT, second, terms="other")
    network.fault = lambda request: ANSWERS[name] if request.url.path == PATH else None
    progress = await buyer.pull(seller)
    assert (progress.state, set(buyer.received())) == ("done", {first, second})
    assert granted.of_peer(buyer.peer(seller)) == before
    assert terms(buyer, first) == [("Not for resale.", None)]
    assert terms(buyer, second) == []
    assert not [call for call in network.calls if "evil" in call]


async def test_a_peer_of_another_make_is_not_asked(
    seller: Company, buyer: Company, network: Network
) -> None:
    grant(seller, buyer, KeyKind.ALL, terms="Not for resale.")
    access = await buyer.exchange.access(buyer.peer(seller).id or 0)
    network.calls.clear()
    await ask_for_grants(buyer.exchange, replace(access, is_underseal=False))
    assert network.calls == []
    assert granted.of_peer(buyer.peer(seller)) is None
    await ask_for_grants(buyer.exchange, access)
    assert network.calls.count(f"GET {PATH}") == 1


@pytest.mark.parametrize(
    ("kind", "value", "covers"),
    [
        ("all", "", True),
        ("product", "URN:X:1", True),
        ("product", "urn:x:class", False),
        ("classification", "urn:x:Class", True),
        ("classification", "urn:x:1", False),
        ("footprint", "ID", True),
        ("footprint", "urn:x:1", False),
    ],
)
def test_what_is_covered(kind: Any, value: str, covers: bool) -> None:
    grant = GrantedToUs(kind=kind, value=value, level=Level.TOTAL)
    keys = {("product", "urn:x:1"), ("classification", "urn:x:class"), ("company", "urn:x:c")}
    assert granted.Coverage([grant]).of("id", keys) == ([grant] if covers else [])


async def test_many_footprints_get_other_terms_in_portions(
    seller: Company, buyer: Company, make_footprint: Documents, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await seller.publish(*(make_footprint(number) for number in range(5)))
    grant(seller, buyer, KeyKind.ALL)
    await buyer.pull(seller)
    monkeypatch.setattr(granted, "ROWS_AT_A_TIME", 2)
    for text in ("first", "second"):
        grant(seller, buyer, KeyKind.ALL, terms=text)
        access = await buyer.exchange.access(buyer.peer(seller).id or 0)
        await ask_for_grants(buyer.exchange, access)
        assert [terms(buyer, one) for one in ids] == [[(text, None)]] * 5
