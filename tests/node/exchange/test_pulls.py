"""Pulling between two Underseal nodes: what comes, what changes, what is resumed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.node.exchange.conftest import Company, Network, NewCompany, product

from underseal_node.errors import PeerError, RefusedError
from underseal_node.exchange.errors import AnswerError, ProtocolViolationError
from underseal_node.publishing import changing
from underseal_node.store import audit_lists, grants
from underseal_node.store.audit import Act
from underseal_node.store.tables import KeyKind
from underseal_protocol.criteria import Criteria
from underseal_protocol.disclosure import Level

MakeFootprint = Callable[..., dict[str, Any]]


async def pulls_in_log(company: Company) -> list[tuple[str, str, int]]:
    """From whom, how they ended and how many pages came."""
    await company.sequence()
    rows = company.node.store.read_sync(audit_lists.recent)[::-1]
    return [
        (one["peer"]["name"], one["outcome"], one["detail"]["pages"])
        for one in rows
        if one["act"] == Act.FOOTPRINTS_PULLED
    ]


async def test_without_a_grant_nothing_comes(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    await seller.publish(make_footprint())
    progress = await buyer.pull(seller)
    assert (progress.received, progress.state) == (0, "done")
    assert buyer.received() == {}


async def test_what_is_granted_comes_verified(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    ids = await seller.publish(make_footprint(1), make_footprint(2))
    seller.grant(buyer, KeyKind.PRODUCT, product(1), Level.QUALITY)
    progress = await buyer.pull(seller)
    assert (progress.verified, progress.unsigned, progress.invalid) == (1, 0, 0)
    row = buyer.received()[ids[0]]
    assert row.verification == "verified"
    assert set(row.withheld[2:-2].split('", "')) == {"emissions", "carbon", "method", "other"}


async def test_the_bytes_are_kept_as_they_were_served(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    (footprint_id,) = await seller.publish(make_footprint(comment="碳足迹 ½"))
    seller.grant(buyer, KeyKind.ALL)
    await buyer.pull(seller)
    access = await buyer.exchange.access(buyer.peer(seller).id or 0)
    served = await buyer.exchange.client.footprint(access, footprint_id)
    assert buyer.received()[footprint_id].body == served


async def test_the_second_pull_gets_only_what_has_changed(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    first = await seller.publish(make_footprint(1), make_footprint(2))
    seller.grant(buyer, KeyKind.ALL)
    assert (await buyer.pull(seller)).received == 2
    assert (await buyer.pull(seller)).received == 0
    second = await seller.publish(make_footprint(3))
    progress = await buyer.pull(seller)
    assert (progress.received, progress.verified) == (1, 1)
    assert set(buyer.received()) == {*first, *second}


async def test_a_new_grant_and_a_higher_level_are_changes(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    (footprint_id,) = await seller.publish(make_footprint(1))
    assert (await buyer.pull(seller)).received == 0
    seller.grant(buyer, KeyKind.PRODUCT, product(1), Level.TOTAL)
    assert (await buyer.pull(seller)).received == 1
    least = buyer.received()[footprint_id]
    seller.grant(buyer, KeyKind.PRODUCT, product(1), Level.FULL)
    progress = await buyer.pull(seller)
    assert (progress.received, progress.changed) == (1, 1)
    most = buyer.received()[footprint_id]
    assert (most.withheld, most.credential_digest) == ("[]", least.credential_digest)
    assert buyer.alerts() == []


async def test_after_a_grant_is_taken_away_nothing_comes_and_what_came_stays(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    (footprint_id,) = await seller.publish(make_footprint(1))
    grant_id = seller.grant(buyer, KeyKind.ALL)
    await buyer.pull(seller)
    seller.node.store.write_sync(lambda session: grants.remove(session, grant_id))
    await seller.publish(make_footprint(2))
    assert (await buyer.pull(seller)).received == 0
    assert set(buyer.received()) == {footprint_id}


async def test_a_deprecation_comes_with_its_proof(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    (footprint_id,) = await seller.publish(make_footprint(1))
    seller.grant(buyer, KeyKind.ALL, level=Level.TOTAL)
    await buyer.pull(seller)
    await changing.deprecate(seller.node, footprint_id)
    progress = await buyer.pull(seller)
    assert (progress.received, progress.changed) == (1, 1)
    row = buyer.received()[footprint_id]
    assert row.status == "Deprecated"
    assert row.status_statement is not None


async def test_a_pull_goes_on_where_it_was_interrupted(
    new_company: NewCompany, seller: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    buyer = new_company("careful", pull_page_size=2, http_attempts=1)
    await seller.befriend(buyer)
    ids = await seller.publish(*(make_footprint(number) for number in range(7)))
    seller.grant(buyer, KeyKind.ALL)
    for broken in (2, 3):
        pages = 0

        def fail(request: httpx.Request, broken: int = broken) -> httpx.Response | None:
            nonlocal pages
            pages += request.url.path == "/3/footprints"
            return httpx.Response(500) if pages >= broken else None

        network.fault = fail
        with pytest.raises(AnswerError):
            await buyer.pull(seller)
    assert len(buyer.received()) == 2 * (1 + 2)  # what was stored is not fetched again
    network.fault = lambda request: None
    network.calls.clear()
    progress = await buyer.pull(seller)
    assert progress.received == 1
    assert set(buyer.received()) == set(ids)
    assert network.calls.count("GET /3/footprints") == 1


async def test_a_link_that_is_no_longer_good_starts_from_the_first_page(
    new_company: NewCompany, seller: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    buyer = new_company("careful", pull_page_size=2, http_attempts=1)
    await seller.befriend(buyer)
    ids = await seller.publish(*(make_footprint(number) for number in range(5)))
    seller.grant(buyer, KeyKind.ALL)

    def interrupt(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(500) if "cursor" in request.url.params else None

    network.fault = interrupt
    with pytest.raises(AnswerError):
        await buyer.pull(seller)

    def expire_once(request: httpx.Request) -> httpx.Response | None:
        if "cursor" in request.url.params:
            network.fault = lambda request: None
            return httpx.Response(400)
        return None

    network.fault = expire_once
    await buyer.pull(seller)
    assert set(buyer.received()) == set(ids)


@pytest.mark.parametrize(
    "link",
    [
        '<https://evil.example/3/footprints?cursor=x>; rel="next"',
        '<http://seller.example/3/footprints?cursor=x>; rel="next"',
        '<https://seller.example:8443/3/footprints?cursor=x>; rel="next"',
        '<https://seller.example@evil.example/>; rel="next"',
        '<//evil.example/3/footprints>; rel="next"',
    ],
)
async def test_a_link_to_another_origin_is_refused(
    seller: Company, buyer: Company, network: Network, link: str
) -> None:
    def lead_away(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/3/footprints":
            return httpx.Response(200, headers={"link": link}, content=b'{"data":[]}')
        return None

    network.fault = lead_away
    with pytest.raises(ProtocolViolationError):
        await buyer.pull(seller)
    assert not [call for call in network.calls if "evil" in call]
    network.fault = lambda _: None
    await buyer.pull(seller)
    assert await pulls_in_log(buyer) == [("seller", "failed", 0), ("seller", "done", 1)]


@pytest.mark.parametrize(
    "link", ["</3/footprints?cursor=a>; rel=next", "<?cursor=a>; rel='x next'"]
)
async def test_pages_that_go_in_a_circle_end(
    seller: Company, buyer: Company, network: Network, link: str
) -> None:
    def circle(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/3/footprints":
            return httpx.Response(200, headers={"link": link}, content=b'{"data":[]}')
        return None

    network.fault = circle
    if "rel=next" in link:
        with pytest.raises(ProtocolViolationError, match="circle"):
            await buyer.pull(seller)
    else:  # single quotes are no quotes
        await buyer.pull(seller)


async def test_endless_empty_pages_and_endless_pages_end(
    new_company: NewCompany, seller: Company, network: Network
) -> None:
    buyer = new_company("careful", max_pages=20)
    await seller.befriend(buyer)
    number = 0

    def endless(request: httpx.Request) -> httpx.Response | None:
        nonlocal number
        if request.url.path != "/3/footprints":
            return None
        number += 1
        link = f'</3/footprints?cursor={number}>; rel="next"'
        return httpx.Response(200, headers={"link": link}, content=b'{"data":[]}')

    network.fault = endless
    with pytest.raises(ProtocolViolationError, match="more than 20 pages"):
        await buyer.pull(seller)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"data":{}}',
        b'{"data":[1],"data":[]}',
        b"\xff\xfe",
        b"<html></html>",
        b'{"data":[{}]',
    ],
)
async def test_an_answer_that_is_no_list_is_refused(
    seller: Company, buyer: Company, network: Network, body: bytes
) -> None:
    network.fault = lambda request: (
        httpx.Response(200, content=body) if request.url.path == "/3/footprints" else None
    )
    with pytest.raises(PeerError):
        await buyer.pull(seller)
    assert buyer.received() == {}


async def test_the_filters_reach_the_peer(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    eclass = "urn:eclass:0173-1#01-AAA123#005"
    ids = await seller.publish(
        make_footprint(1, productClassifications=[eclass]), make_footprint(2)
    )
    seller.grant(buyer, KeyKind.ALL)
    await buyer.pull(seller, Criteria(classifications=(eclass,)))
    assert set(buyer.received()) == {ids[0]}
    await buyer.pull(seller, Criteria(product_ids=(product(2).upper(),)))
    assert set(buyer.received()) == set(ids)


async def test_a_peer_without_credentials_or_url_is_not_called(
    seller: Company, buyer: Company, network: Network
) -> None:
    from underseal_node.trust.peers import PeerChange, add_peer

    await add_peer(buyer.exchange, "silent", PeerChange())
    await add_peer(buyer.exchange, "stranger", PeerChange(url=seller.url))
    network.calls.clear()
    with pytest.raises(RefusedError, match="no URL"):
        await buyer.pull("silent")
    with pytest.raises(RefusedError, match="no credentials"):
        await buyer.pull("stranger")
    assert network.calls == []
    assert await pulls_in_log(buyer) == [("silent", "failed", 0), ("stranger", "failed", 0)]


async def test_a_tampered_footprint_is_invalid_and_the_others_are_not(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    ids = await seller.publish(make_footprint(1), make_footprint(2, comment="before"))
    seller.grant(buyer, KeyKind.ALL)
    access = await buyer.exchange.access(buyer.peer(seller).id or 0)
    page = await buyer.exchange.client.page(access, f"{seller.url}/3/footprints")
    body = b'{"data":[' + b",".join(page.items).replace(b'"before"', b'"after"') + b"]}"
    network.fault = lambda request: (
        httpx.Response(200, content=body) if request.url.path == "/3/footprints" else None
    )
    progress = await buyer.pull(seller)
    assert (progress.verified, progress.invalid) == (1, 1)
    assert {one: row.verification for one, row in buyer.received().items()} == {
        ids[0]: "verified",
        ids[1]: "invalid",
    }
    # What verifies later takes its place.
    network.fault = lambda request: None
    await buyer.pull(seller)
    assert buyer.received()[ids[1]].verification == "verified"


@pytest.mark.parametrize("kind", [KeyKind.ALL, KeyKind.PRODUCT])
async def test_a_grant_that_begins_later_is_noticed_when_it_does(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, kind: KeyKind
) -> None:
    await seller.publish(make_footprint(1))
    peer_id, starts = seller.peer(buyer).id or 0, seller.clock() + timedelta(hours=1)
    value = product(1) if kind is KeyKind.PRODUCT else ""
    seller.node.store.write_sync(
        lambda session: grants.add(
            session, peer_id, kind, value, Level.FULL, seller.clock(), starts=starts
        )
    )
    assert (await buyer.pull(seller)).received == 0
    seller.clock.advance(hours=2)
    assert (await buyer.pull(seller)).received == 1
