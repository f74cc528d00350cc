"""Looking at a peer: what is found is pinned, what differs later stops calls until confirmed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.node.conftest import StandingClock
from tests.node.exchange.conftest import Company, Network, NewCompany

from underseal_node.errors import PeerError, RefusedError
from underseal_node.exchange import discovery
from underseal_node.exchange.errors import AddressError, ConfirmationNeededError
from underseal_node.store.tables import KeyKind
from underseal_node.trust.peers import PeerChange, add_peer, change_peer
from underseal_protocol.key_log import KEY_LOG_PATH
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

MakeFootprint = Callable[..., dict[str, Any]]

CONFIGURATION = "/.well-known/openid-configuration"
KEYS = "/.well-known/jwks.json"


def saying(network: Network, path: str, document: Any, status: int = 200) -> None:
    """From now on, this document is at this path of every host."""
    before = network.fault

    def answer(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == path:
            return httpx.Response(status, content=json.dumps(document).encode())
        return before(request)

    network.fault = answer


async def test_an_underseal_node_is_recognised_and_its_keys_are_pinned(
    seller: Company, buyer: Company
) -> None:
    peer = buyer.peer(seller)
    assert (peer.is_underseal, peer.issuer) == (True, seller.url)
    pinned = PublicKeySet.from_jwks(json.loads(peer.key_set or ""))
    assert pinned.thumbprints() == seller.node.public_keys.thumbprints()
    assert (peer.token_endpoint, peer.token_origin) == (f"{seller.url}/auth/token", seller.url)


async def test_a_peer_that_cannot_be_reached_is_added_and_pinned_to_its_own_origin(
    new_company: NewCompany,
) -> None:
    company = new_company("careful")
    change = PeerChange(url="https://nowhere.example/pact/")
    peer, credentials, warnings = await add_peer(company.exchange, "nowhere", change)
    assert peer.token_origin == "https://nowhere.example"
    assert peer.token_endpoint == "https://nowhere.example/pact/auth/token"
    assert "cannot be reached" in warnings[0]
    assert credentials.client_secret


async def test_an_external_identity_provider_is_pinned(
    new_company: NewCompany, network: Network
) -> None:
    company = new_company("careful")
    saying(network, CONFIGURATION, {"token_endpoint": "https://login.idp.example/t"})
    peer, _, warnings = await add_peer(
        company.exchange, "acme", PeerChange(url="https://acme.example")
    )
    assert peer.token_origin == "https://login.idp.example"
    assert (peer.is_underseal, peer.key_set, warnings) == (False, None, [])


async def test_discovery_starts_at_the_auth_url(new_company: NewCompany, network: Network) -> None:
    company = new_company("careful")
    hosts: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response | None:
        hosts.append(request.url.host)
        return httpx.Response(404)

    network.fault = answer
    change = PeerChange(url="https://acme.example", auth_url="https://auth.acme.example")
    peer, _, _ = await add_peer(company.exchange, "acme", change)
    assert hosts[0] == "auth.acme.example"
    assert peer.token_endpoint == "https://auth.acme.example/auth/token"


@pytest.mark.parametrize(
    "document",
    [
        {"token_endpoint": "http://acme.example/token"},
        {"token_endpoint": "https://user:x@acme.example/token"},
        {"token_endpoint": 7},
        {"token_endpoint": ""},
        {"token_endpoint": "https:///t"},
        [],
        "text",
    ],
)
async def test_a_useless_discovery_document_leads_to_the_fallback(
    new_company: NewCompany, network: Network, document: Any
) -> None:
    company = new_company("careful")
    saying(network, CONFIGURATION, document)
    peer, _, _ = await add_peer(company.exchange, "acme", PeerChange(url="https://acme.example"))
    assert peer.token_endpoint == "https://acme.example/auth/token"


async def test_a_moved_token_endpoint_stops_calls_until_it_is_confirmed(
    seller: Company, buyer: Company, network: Network, clock: StandingClock
) -> None:
    network.fault = lambda request: None
    configuration = {"token_endpoint": "https://evil.example/t", "issuer": seller.url}
    saying(network, CONFIGURATION, configuration)
    clock.advance(hours=2)  # time to look again
    with pytest.raises(ConfirmationNeededError, match=r"evil\.example"):
        await buyer.pull(seller)
    assert "endpoint-changed" in buyer.alerts()
    network.calls.clear()
    with pytest.raises(ConfirmationNeededError):
        await buyer.pull(seller)
    assert [call for call in network.calls if call.startswith("POST")] == []
    peer, _ = await change_peer(buyer.exchange, seller.name, PeerChange(confirm_endpoint=True))
    assert peer.token_origin == "https://evil.example"
    with pytest.raises(RefusedError, match="no change"):
        await change_peer(buyer.exchange, seller.name, PeerChange(confirm_endpoint=True))


async def test_another_path_at_the_pinned_origin_needs_no_confirmation(
    seller: Company, buyer: Company, network: Network, clock: StandingClock
) -> None:
    saying(network, CONFIGURATION, {"token_endpoint": f"{seller.url}/elsewhere"})
    clock.advance(hours=2)
    access = await buyer.exchange.access(buyer.peer(seller).id or 0)
    assert access.token_endpoint == f"{seller.url}/elsewhere"


async def test_new_keys_are_not_used_until_they_are_confirmed(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    (footprint_id,) = await seller.publish(make_footprint())
    seller.grant(buyer, KeyKind.ALL)
    await buyer.pull(seller)
    other = PublicKeySet([SigningKey.generate(KeyPurpose.FOOTPRINT).public_key()])
    saying(network, KEYS, other.to_jwks())
    clock.advance(hours=2)
    with pytest.raises(ConfirmationNeededError, match="other keys"):
        await buyer.pull(seller)
    assert buyer.received()[footprint_id].verification == "verified"  # by the pinned keys
    assert buyer.alerts() == ["keys-changed"]
    peer, _ = await change_peer(buyer.exchange, seller.name, PeerChange(confirm_keys=True))
    assert PublicKeySet.from_jwks(json.loads(peer.key_set or "")).thumbprints() == (
        other.thumbprints()
    )


async def test_keys_at_another_origin_are_not_pinned(
    new_company: NewCompany, seller: Company, network: Network
) -> None:
    company = new_company("careful")
    saying(
        network,
        CONFIGURATION,
        {
            "issuer": "https://evil.example",
            "token_endpoint": f"{seller.url}/auth/token",
            "jwks_uri": "https://evil.example/keys",
            "underseal_version": "1.0",
        },
    )
    peer, _, warnings = await add_peer(company.exchange, "acme", PeerChange(url=seller.url))
    assert (peer.is_underseal, peer.key_set) == (False, None)
    assert "not at its own address" in warnings[0]


async def test_a_new_url_is_looked_at_as_a_new_peer(
    seller: Company, buyer: Company, new_company: NewCompany
) -> None:
    other = new_company("other")
    peer, _ = await change_peer(buyer.exchange, seller.name, PeerChange(url=other.url))
    assert peer.token_origin == other.url


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.example",
        "https://",
        "ftp://acme.example",
        "acme.example",
        "https://user:secret@acme.example",
        "https://acme.example?x=1",
        "https://acme.example/#a",
        "https://acme example",
    ],
)
async def test_a_url_that_must_not_be_called_is_refused(new_company: NewCompany, url: str) -> None:
    company = new_company("careful")
    with pytest.raises((AddressError, RefusedError)) as caught:
        await add_peer(company.exchange, "acme", PeerChange(url=url, client_secret="secret"))
    assert "secret" not in str(caught.value)
    with pytest.raises(RefusedError):
        company.peer("acme")


async def test_the_document_is_looked_at_again_only_after_a_while(
    seller: Company, buyer: Company, network: Network, clock: StandingClock
) -> None:
    peer_id = buyer.peer(seller).id or 0
    await buyer.exchange.access(peer_id)
    network.calls.clear()
    await buyer.exchange.access(peer_id)
    assert network.calls == []
    clock.advance(hours=2)
    await buyer.exchange.access(peer_id)
    assert network.calls == [f"GET {CONFIGURATION}", f"GET {KEY_LOG_PATH}", f"GET {KEYS}"]


@pytest.mark.parametrize("host", ["999.1.1.1", "xn--", "[v1.x]", "a..b", "é" * 70 + ".com"])
async def test_a_token_endpoint_of_no_host_is_an_error_in_words(
    new_company: NewCompany, network: Network, host: str
) -> None:
    company = new_company("careful")
    saying(network, CONFIGURATION, {"token_endpoint": f"https://{host}/t"})
    change = PeerChange(url="https://acme.example", client_id="us", client_secret="secret")
    await add_peer(company.exchange, "acme", change)
    with pytest.raises(PeerError) as caught:
        await company.pull("acme")
    assert caught.value.message


async def test_every_change_of_keys_is_an_alert(
    seller: Company, buyer: Company, network: Network, clock: StandingClock
) -> None:
    for _ in range(2):
        other = PublicKeySet([SigningKey.generate(KeyPurpose.FOOTPRINT).public_key()])
        saying(network, KEYS, other.to_jwks())
        for _ in range(3):  # the same keys again are the same alert
            clock.advance(hours=2)
            await buyer.exchange.access(buyer.peer(seller).id or 0)
        change = PeerChange(confirm_keys=True)
        await change_peer(buyer.exchange, seller.name, change)
    assert buyer.alerts() == ["keys-changed"] * 2


async def test_an_empty_key_set_is_not_pinned(
    new_company: NewCompany, seller: Company, network: Network
) -> None:
    company = new_company("careful")
    saying(network, KEYS, {"keys": []})
    peer, _, warnings = await add_peer(company.exchange, "acme", PeerChange(url=seller.url))
    assert (peer.is_underseal, peer.key_set) == (False, None)
    assert "key set is empty" in warnings[0]


async def test_a_document_that_never_comes_does_not_stop_deliveries(
    new_company: NewCompany,
    seller: Company,
    network: Network,
    clock: StandingClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    buyer = new_company("buyer")
    await seller.befriend(buyer)
    monkeypatch.setattr(discovery, "DISCOVERY_SECONDS", 0.05)
    carry, looks = network.handle_async_request, 0

    async def hang(request: httpx.Request) -> httpx.Response:
        nonlocal looks
        if request.url.path == CONFIGURATION:
            looks += 1
            await asyncio.Event().wait()
        return await carry(request)

    monkeypatch.setattr(network, "handle_async_request", hang)
    clock.advance(hours=2)
    peer_id = buyer.peer(seller).id or 0
    access = await buyer.exchange.access(peer_id)
    assert (access.token_endpoint, looks) == (f"{seller.url}/auth/token", 1)
    assert await buyer.exchange.client.footprint(access, "x") is None
    await buyer.exchange.access(peer_id)
    assert looks == 1  # not looked at again at once
    clock.advance(minutes=2)
    await buyer.exchange.access(peer_id)
    assert looks == 2


async def test_what_is_found_at_an_address_that_was_changed_meanwhile_is_not_pinned(
    seller: Company,
    buyer: Company,
    new_company: NewCompany,
    network: Network,
    clock: StandingClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = new_company("other")
    waiting, go_on = asyncio.Event(), asyncio.Event()
    carry = network.handle_async_request

    async def slowly(request: httpx.Request) -> httpx.Response:
        if request.url.host == "seller.example":
            waiting.set()
            await go_on.wait()
        return await carry(request)

    monkeypatch.setattr(network, "handle_async_request", slowly)
    clock.advance(hours=2)
    looking = asyncio.create_task(buyer.exchange.access(buyer.peer(seller).id or 0))
    await waiting.wait()
    await change_peer(buyer.exchange, seller.name, PeerChange(url=other.url))
    go_on.set()
    await looking
    peer = buyer.peer(seller)
    assert (peer.token_origin, peer.pending_token_endpoint) == (other.url, None)
    assert "endpoint-changed" not in buyer.alerts()
