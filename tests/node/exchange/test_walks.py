"""Walks through pages: interrupted anywhere, read in portions, led astray."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from sqlmodel import Session
from tests.node.exchange.conftest import Company, Network, NewCompany

from underseal_node.errors import PeerError
from underseal_node.exchange import peer_client, receiving
from underseal_node.exchange.access import Access
from underseal_node.exchange.addresses import origin_of
from underseal_node.exchange.errors import ProtocolViolationError
from underseal_node.exchange.intake import take_all
from underseal_node.exchange.peer_client import next_link
from underseal_node.store import received
from underseal_node.store.exchange_tables import PullState, ReceivedFootprint, ReceivedKey
from underseal_node.store.list_tables import ReceivedEntry
from underseal_node.store.tables import KeyKind, Peer
from underseal_node.trust.peers import PeerChange, change_peer
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

MakeFootprint = Callable[..., dict[str, Any]]

ACCESS = Access(
    peer_id=1,
    name="acme",
    base_url="https://acme.example/pact",
    token_endpoint="https://acme.example/auth/token",
    token_origin=origin_of("https://acme.example"),
    client_id="us",
    client_secret="secret",
)
PAGE = "https://acme.example/pact/3/footprints?limit=2"


def forget_everything(company: Company) -> None:
    def work(session: Session) -> None:
        for table in (ReceivedKey, ReceivedEntry, ReceivedFootprint, PullState):
            session.execute(delete(table))

    company.node.store.write_sync(work)


async def test_interrupted_anywhere_nothing_is_missed_and_nothing_read_twice(
    new_company: NewCompany, seller: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    buyer = new_company("careful", pull_page_size=1, http_attempts=1)
    await seller.befriend(buyer)
    ids = await seller.publish(*(make_footprint(number) for number in range(6)))
    seller.grant(buyer, KeyKind.ALL)
    await buyer.exchange.access(buyer.peer(seller).id or 0)

    async def walk(stops: list[int]) -> list[str]:
        """The addresses of the pages that were answered, over all attempts."""
        answered: list[str] = []
        for stop in [*stops, None]:
            pages = 0

            def fault(request: httpx.Request, stop: int | None = stop) -> httpx.Response | None:
                nonlocal pages
                if request.url.path != "/3/footprints":
                    return None
                pages += 1
                if stop is not None and pages > stop:
                    return httpx.Response(500)
                answered.append(str(request.url))
                return None

            network.fault = fault
            try:
                await buyer.pull(seller)
            except PeerError:
                continue
            break
        return answered

    @settings(
        max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(stops=st.lists(st.integers(0, 3), max_size=5))
    def check(stops: list[int]) -> None:
        forget_everything(buyer)
        loop = asyncio.new_event_loop()
        try:
            answered = loop.run_until_complete(walk(stops))
        finally:
            loop.close()
        assert set(buyer.received()) == set(ids)
        assert len(answered) == len(set(answered)) == 6

    await asyncio.to_thread(check)


async def test_a_large_page_is_stored_in_portions(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "ITEMS_PER_TRANSACTION", 2)
    sizes: list[int] = []

    def note(session: Session, peer_id: int, items: Any, *rest: Any) -> Any:
        sizes.append(len(items))
        return take_all(session, peer_id, items, *rest)

    monkeypatch.setattr(receiving, "take_all", note)
    ids = await seller.publish(*(make_footprint(number) for number in range(5)))
    seller.grant(buyer, KeyKind.ALL)
    progress = await buyer.pull(seller)
    assert (sizes, progress.received) == ([2, 2, 1], 5)
    assert set(buyer.received()) == set(ids)


async def test_keys_confirmed_while_a_page_is_judged_count(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was judged with the old keys is judged again, not stored as invalid for ever."""
    await seller.publish(make_footprint(1))
    seller.grant(buyer, KeyKind.ALL)
    right = buyer.peer(seller).key_set
    wrong = PublicKeySet([SigningKey.generate(KeyPurpose.FOOTPRINT).public_key()])

    def set_keys(key_set: str | None) -> None:
        def work(session: Session) -> None:
            peer = session.get_one(Peer, buyer.peer(seller).id)
            peer.key_set = key_set
            session.add(peer)

        buyer.node.store.write_sync(work)

    set_keys(json.dumps(wrong.to_jwks()))
    judged = 0
    classify_all = receiving.classify_all

    def judge(*arguments: Any) -> Any:
        nonlocal judged
        judged += 1
        found = classify_all(*arguments)
        if judged == 1:
            set_keys(right)
        return found

    monkeypatch.setattr(receiving, "classify_all", judge)
    progress = await buyer.pull(seller)
    assert (judged, progress.verified, progress.invalid) == (2, 1, 0)
    assert buyer.alerts() == []


async def test_countless_broken_items_raise_a_few_alerts(
    seller: Company, buyer: Company, network: Network
) -> None:
    items = b",".join(b'{"id":"%d"}' % number for number in range(90))
    network.fault = lambda request: (
        httpx.Response(200, content=b'{"data":[' + items + b"]}")
        if request.url.path == "/3/footprints"
        else None
    )
    progress = await buyer.pull(seller)
    assert (progress.invalid, len(buyer.alerts())) == (90, receiving.MAX_ALERTS_PER_PORTION)


@pytest.mark.parametrize("limit", ["MAX_PAGE_ITEMS", "MAX_JSON_PARTS"])
async def test_a_page_of_too_many_items_is_refused(
    seller: Company, buyer: Company, network: Network, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(peer_client, limit, 5)
    network.fault = lambda request: (
        httpx.Response(200, content=b'{"data":[1,1,1,1,1,1,1]}')
        if request.url.path == "/3/footprints"
        else None
    )
    with pytest.raises(ProtocolViolationError):
        await buyer.pull(seller)
    assert buyer.received() == {}


async def test_a_single_footprint_may_begin_with_a_byte_order_mark(
    seller: Company, buyer: Company, network: Network
) -> None:
    body = b'\xef\xbb\xbf{"data": {"id": 1}}'
    network.fault = lambda request: (
        httpx.Response(200, content=body) if "/3/footprints/" in request.url.path else None
    )
    access = await buyer.exchange.access(buyer.peer(seller).id or 0)
    assert await buyer.exchange.client.footprint(access, "x") == b'{"id": 1}'


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ('<?offset=2>; rel="next"', "https://acme.example/pact/3/footprints?offset=2"),
        ("</a>; rel=next", "https://acme.example/a"),
        ('</a>; rel="prev", </b>; REL="Next last"', "https://acme.example/b"),
        ('</a>; title="x, y"; rel="next"', "https://acme.example/a"),
        ('</a>; rel="prev"; rel="next"', None),  # RFC 8288 section 3.3: the first one counts
        ('</a>; rel="prev"; title="; rel=next"', None),
        ('</a>; rel="nextish"', None),
        (
            '</a?classification=urn:eclass:0173-1#01-AAA#005&o=2>; rel="next"',
            "https://acme.example/a?classification=urn:eclass:0173-1%2301-AAA%23005&o=2",
        ),
    ],
)
def test_the_link_to_the_next_page(header: str | None, expected: str | None) -> None:
    assert next_link(header, PAGE, ACCESS) == expected


@pytest.mark.parametrize("piece", ["<", "<a>;", '<a>; rel="', "<a>; x=", ' ; "', "<a>;;;;", ","])
def test_a_hostile_link_header_takes_no_time(piece: str) -> None:
    header = piece * (64_000 // len(piece))
    begin = time.perf_counter()
    assert next_link(header, PAGE, ACCESS) is None
    assert time.perf_counter() - begin < 2


async def test_confirming_keys_judges_what_waited_without_loading_everything(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    ids = await seller.publish(*(make_footprint(number) for number in range(3)))
    seller.grant(buyer, KeyKind.ALL)
    other = PublicKeySet([SigningKey.generate(KeyPurpose.FOOTPRINT).public_key()])

    def swap(session: Session) -> None:
        """As if other keys had been pinned, those of a node without a key log."""
        peer = session.get_one(Peer, buyer.peer(seller).id)
        peer.key_set, peer.key_log = json.dumps(other.to_jwks()), "[]"
        session.add(peer)

    buyer.node.store.write_sync(swap)
    # Looked at for the sake of the unknown key, the seller shows others than are pinned.
    assert (await buyer.pull(seller)).invalid == 3
    await change_peer(buyer.exchange, seller.name, PeerChange(confirm_keys=True))
    assert {row.verification for row in buyer.received().values()} == {"verified"}
    assert set(buyer.received()) == set(ids)


def test_what_is_not_verified_is_read_in_portions(
    buyer: Company, seller: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(received, "ROWS_AT_A_TIME", 2)
    peer_id, now = buyer.peer(seller).id or 0, buyer.clock()

    def fill(session: Session) -> None:
        for number in range(7):
            session.add(
                ReceivedFootprint(
                    peer_id=peer_id,
                    footprint_id=f"{number}",
                    body=b"{}",
                    body_digest="",
                    status="Active",
                    verification="verified" if number == 3 else "invalid",
                    received_at=now,
                    changed_at=now,
                    valid_from="",
                    valid_until="",
                    summary="{}",
                )
            )

    buyer.node.store.write_sync(fill)
    found = buyer.node.store.read_sync(
        lambda session: [row.footprint_id for row in received.not_verified(session, peer_id)]
    )
    assert found == ["0", "1", "2", "4", "5", "6"]
