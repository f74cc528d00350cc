"""Following a peer: what its pinned keys have signed is accepted, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlmodel import Session
from tests.node.conftest import StandingClock
from tests.node.exchange.conftest import Company, Network, NewCompany, settle

from underseal_node.exchange.errors import ConfirmationNeededError
from underseal_node.exchange.following import key_set_text
from underseal_node.store import peers, received
from underseal_node.store.exchange_tables import OutboxState, VerificationState
from underseal_node.store.tables import KeyKind
from underseal_node.trust.key_changes import move, revoke, rotate
from underseal_node.trust.keyring import newest_entry
from underseal_node.trust.peers import PeerChange, add_peer, change_peer
from underseal_protocol.credential import issue
from underseal_protocol.key_log import KeyLogEntry, first_entry, next_entry, read_entry
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

MakeFootprint = Callable[..., dict[str, Any]]

DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/.well-known/jwks.json"
KEY_LOG = "/.well-known/underseal-key-log"
RECOVERY = SigningKey.generate(KeyPurpose.RECOVERY)


@pytest.fixture
async def seller(new_company: NewCompany) -> Company:
    return new_company("seller", recovery=RECOVERY)


@pytest.fixture
async def buyer(new_company: NewCompany, seller: Company) -> Company:
    company = new_company("buyer")
    await seller.befriend(company)
    seller.grant(company, KeyKind.ALL)
    return company


def pinned(company: Company, other: Company) -> KeyLogEntry:
    """What a company knows of another."""
    return read_entry(json.loads(company.peer(other).key_log)[-1])


def own(company: Company) -> KeyLogEntry:
    return company.node.store.read_sync(newest_entry)


async def publish(company: Company, make_footprint: MakeFootprint, number: int = 1) -> str:
    (footprint_id,) = await company.publish(make_footprint(number))
    return footprint_id


async def test_the_first_contact_pins_the_newest_entry(seller: Company, buyer: Company) -> None:
    assert pinned(buyer, seller).digest == own(seller).digest


async def test_a_rotation_is_told_and_followed_without_a_question(
    seller: Company, buyer: Company, make_footprint: MakeFootprint
) -> None:
    old = await publish(seller, make_footprint, 1)
    for _ in range(3):
        await rotate(seller.node, [])
        await settle(seller)
    new = await publish(seller, make_footprint, 2)
    assert pinned(buyer, seller).digest == own(seller).digest
    await buyer.pull(seller)
    states = {one.footprint_id: one.verification for one in buyer.received().values()}
    assert states == {old: VerificationState.VERIFIED, new: VerificationState.VERIFIED}
    assert buyer.alerts() == []
    await settle(seller, buyer)
    assert {row.state for row in seller.outbox()} == {OutboxState.DELIVERED}


async def test_new_keys_are_found_when_something_is_signed_with_them(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    """What the seller tells is lost; nothing is judged with yesterday's keys all the same."""
    lose(network, "/extensions/key-log")
    await publish(seller, make_footprint)
    await buyer.pull(seller)
    await rotate(seller.node, [])
    footprint_id = await publish(seller, make_footprint, 2)
    await buyer.pull(seller)
    assert buyer.received()[footprint_id].verification == VerificationState.VERIFIED
    assert buyer.alerts() == []


async def test_a_request_is_answered_across_a_rotation(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    from underseal_node.exchange.requests import fulfil, send_request
    from underseal_protocol.criteria import Criteria

    lose(network, "/extensions/key-log")
    criteria = Criteria(product_ids=("urn:pact:company.example:product-id:1",))
    peer_id = buyer.peer(seller).id or 0
    buyer.node.store.write_sync(
        lambda session: send_request(session, buyer.node, peer_id, criteria, None, buyer.clock())
    )
    await settle(buyer, seller)
    await rotate(seller.node, [])
    footprint_id = await publish(seller, make_footprint)
    (request,) = seller.requests()
    seller.node.store.write_sync(
        lambda session: fulfil(session, seller.node, request.id or 0, [], seller.clock())
    )
    # The announcement stands before it in the line of this peer.
    seller.clock.advance(hours=1)
    network.fault = lambda _request: None
    await settle(seller, buyer)
    assert buyer.received()[footprint_id].verification == VerificationState.VERIFIED


def lose(network: Network, path: str) -> None:
    """Nothing arrives at this path."""

    def fault(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(503) if request.url.path == path else None

    network.fault = fault


def shows(network: Network, host: str, **documents: Any) -> None:
    """Somebody else answers for a host: what is shown there is made by a thief."""
    paths = {"jwks": JWKS, "log": KEY_LOG, "discovery": DISCOVERY}
    answers = {paths[name]: json.dumps(document).encode() for name, document in documents.items()}

    def fault(request: httpx.Request) -> httpx.Response | None:
        content = answers.get(request.url.path) if request.url.host == host else None
        return None if content is None else httpx.Response(200, content=content)

    network.fault = fault


async def test_keys_that_nothing_pinned_has_signed_stop_pulls_until_they_are_confirmed(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    """The domain was taken over: whoever has it has a certificate, and no key of the seller."""
    footprint_id = await publish(seller, make_footprint)
    await buyer.pull(seller)
    identity, footprint = (
        SigningKey.generate(purpose) for purpose in (KeyPurpose.IDENTITY, KeyPurpose.FOOTPRINT)
    )
    keys = PublicKeySet([identity.public_key(), footprint.public_key()])
    entry = first_entry(url=seller.url, keys=keys, recovery=None, key=identity, issued_at=clock())
    shows(network, "seller.example", jwks=keys.to_jwks(), log={"entries": [entry.token]})
    clock.advance(hours=2)
    with pytest.raises(ConfirmationNeededError, match="shows other keys") as caught:
        await buyer.pull(seller)
    assert "--confirm-keys" in str(caught.value.hint)
    assert buyer.alerts() == ["keys-changed"]
    assert pinned(buyer, seller).digest == own(seller).digest
    assert buyer.received()[footprint_id].verification == VerificationState.VERIFIED
    network.fault = lambda _request: None  # the seller has its domain again
    await buyer.pull(seller)
    assert buyer.peer(seller).pending_key_set is None


async def test_the_operator_can_confirm_keys_with_their_log(
    seller: Company, buyer: Company, network: Network, clock: StandingClock
) -> None:
    """As after a loss of everything: a new node at the same address."""
    identity = SigningKey.generate(KeyPurpose.IDENTITY)
    keys = PublicKeySet([identity.public_key()])
    entry = first_entry(url=seller.url, keys=keys, recovery=None, key=identity, issued_at=clock())
    shows(network, "seller.example", jwks=keys.to_jwks(), log={"entries": [entry.token]})
    clock.advance(hours=2)
    with pytest.raises(ConfirmationNeededError):
        await buyer.pull(seller)
    await change_peer(buyer.exchange, "seller", PeerChange(confirm_keys=True))
    assert pinned(buyer, seller).digest == entry.digest
    await buyer.pull(seller)
    later = next_entry(entry, key=identity, issued_at=clock(), recovery=RECOVERY.public_key())
    shows(
        network, "seller.example", jwks=keys.to_jwks(), log={"entries": [entry.token, later.token]}
    )
    clock.advance(hours=2)
    await buyer.pull(seller)
    assert pinned(buyer, seller).digest == later.digest


async def test_keys_that_are_confirmed_by_hand_bring_their_revocations(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, clock: StandingClock
) -> None:
    """The pinned log is another one, so the revocation does not follow from it."""
    early = await publish(seller, make_footprint, 1)
    await buyer.pull(seller)
    clock.advance(hours=1)
    since = clock()
    clock.advance(hours=1)
    late = await publish(seller, make_footprint, 2)
    await buyer.pull(seller)
    other = SigningKey.generate(KeyPurpose.IDENTITY)
    fork = first_entry(
        url=seller.url,
        keys=PublicKeySet([*own(seller).keys, other.public_key()]),
        recovery=None,
        key=other,
        issued_at=clock(),
    )

    def pin_fork(session: Session) -> None:
        peer = peers.by_name(session, "seller")
        peer.key_log, peer.key_set = json.dumps([fork.token]), key_set_text(fork.keys)
        session.add(peer)

    buyer.node.store.write_sync(pin_fork)
    key = seller.node.signing_key(KeyPurpose.FOOTPRINT)
    await revoke(seller.node, [key.kid], since, RECOVERY)
    await buyer.exchange.contact(buyer.peer(seller).id or 0)
    assert buyer.peer(seller).pending_key_set is not None
    _, warnings = await change_peer(buyer.exchange, "seller", PeerChange(confirm_keys=True))
    assert f"has taken back the key {key.kid}" in warnings[0]
    held = buyer.received()
    assert held[early].verification == VerificationState.VERIFIED
    assert held[late].verification == VerificationState.INVALID
    assert "keys-revoked" in buyer.alerts()


async def test_a_key_set_that_the_log_does_not_name_waits_for_the_operator(
    seller: Company, buyer: Company, network: Network, clock: StandingClock
) -> None:
    other = PublicKeySet([SigningKey.generate(KeyPurpose.FOOTPRINT).public_key()])
    shows(network, "seller.example", jwks=other.to_jwks())
    clock.advance(hours=2)
    with pytest.raises(ConfirmationNeededError):
        await buyer.pull(seller)
    assert buyer.alerts() == ["keys-changed"]


async def test_a_first_contact_with_two_stories_pins_nothing(
    seller: Company, new_company: NewCompany, network: Network
) -> None:
    other = PublicKeySet([SigningKey.generate(KeyPurpose.FOOTPRINT).public_key()])
    shows(network, "seller.example", jwks=other.to_jwks())
    careful = new_company("careful")
    peer, _, warnings = await add_peer(careful.exchange, "seller", PeerChange(url=seller.url))
    assert (peer.key_set, peer.key_log) == (None, "[]")
    assert "does not say the same" in warnings[0]


@pytest.mark.parametrize("log", [{}, {"entries": []}, {"entries": [7]}, {"entries": ["x.y.z"]}, []])
async def test_a_useless_log_is_a_problem_and_changes_nothing(
    seller: Company, buyer: Company, network: Network, clock: StandingClock, log: Any
) -> None:
    before = pinned(buyer, seller).digest
    shows(network, "seller.example", log=log)
    clock.advance(hours=2)
    await buyer.exchange.contact(buyer.peer(seller).id or 0)
    assert pinned(buyer, seller).digest == before


async def test_a_peer_pinned_before_there_were_logs_gets_its_log_pinned(
    seller: Company, buyer: Company, clock: StandingClock
) -> None:
    def as_before(session: Session) -> None:
        peer = peers.by_name(session, "seller")
        peer.key_log = "[]"
        session.add(peer)

    buyer.node.store.write_sync(as_before)
    clock.advance(hours=2)
    await buyer.pull(seller)
    assert pinned(buyer, seller).digest == own(seller).digest


async def test_a_theft_ends_with_the_recovery_key(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    """The thief has every key of the node, goes on with its log, and moves it to his own host."""
    early = await publish(seller, make_footprint, 1)
    await buyer.pull(seller)
    clock.advance(days=1)
    since = clock()
    clock.advance(days=1)
    late = await publish(seller, make_footprint, 2)  # honest, and nobody can tell
    await buyer.pull(seller)
    thief = SigningKey.generate(KeyPurpose.FOOTPRINT)
    stolen = {
        purpose: seller.node.signing_key(purpose)
        for purpose in (KeyPurpose.IDENTITY, KeyPurpose.FOOTPRINT)
    }
    theirs = next_entry(
        own(seller),
        key=stolen[KeyPurpose.IDENTITY],
        issued_at=clock(),
        url="https://thief.example",
        keys=PublicKeySet([*own(seller).keys, thief.public_key()]),
    )
    log = {"entries": [own(seller).token, theirs.token]}
    shows(network, "seller.example", jwks=theirs.keys.to_jwks(), log=log)
    await buyer.exchange.contact(buyer.peer(seller).id or 0)
    assert buyer.peer(seller).base_url == "https://thief.example"
    assert "moved" in buyer.alerts()
    network.fault = lambda _request: None

    kids = [key.kid for key in stolen.values()]
    await revoke(seller.node, kids, since, RECOVERY)
    await settle(seller)
    peer = buyer.peer(seller)
    assert (peer.base_url, peer.issuer) == (seller.url, seller.url)
    assert json.loads(peer.former_issuers) == []
    assert pinned(buyer, seller).digest == own(seller).digest
    assert thief.kid not in (peer.key_set or "")
    held = buyer.received()
    assert held[early].verification == VerificationState.VERIFIED
    assert held[late].verification == VerificationState.INVALID
    assert "received later" in (held[late].reason or "")
    assert "keys-revoked" in buyer.alerts()

    # What is served with the old signature is refused, but for what was here before.
    alerts = buyer.alerts()
    await buyer.pull(seller)
    held = buyer.received()
    assert held[early].verification == VerificationState.VERIFIED
    assert held[late].verification == VerificationState.INVALID
    assert buyer.alerts() == alerts
    new = await publish(seller, make_footprint, 3)
    await buyer.pull(seller)
    assert buyer.received()[new].verification == VerificationState.VERIFIED


async def test_a_new_footprint_signed_with_a_revoked_key_is_refused_whatever_its_date(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    key = seller.node.signing_key(KeyPurpose.FOOTPRINT)
    since = clock()
    clock.advance(days=1)
    await revoke(seller.node, [key.kid], since, RECOVERY)
    await settle(seller)
    document = make_footprint(1)
    signed = issue(document, key=key, issuer=seller.url, issued_at=since - timedelta(days=300))
    from underseal_protocol.disclosure import Level
    from underseal_protocol.segments import pack, render

    body = render(pack(document, signed, seller.url), Level.FULL, "Active")

    def fault(request: httpx.Request) -> httpx.Response | None:
        is_list = request.url.path == "/3/footprints"
        return httpx.Response(200, content=b'{"data":[' + body + b"]}") if is_list else None

    network.fault = fault
    await buyer.pull(seller)
    row = buyer.received()[document["id"]]
    assert row.verification == VerificationState.INVALID
    assert "its owner has revoked" in (row.reason or "")
    assert row.kid == key.kid


async def test_rows_from_before_there_was_a_column_are_judged_too(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, clock: StandingClock
) -> None:
    footprint_id = await publish(seller, make_footprint)
    since = clock()
    clock.advance(days=1)
    await buyer.pull(seller)

    def forget(session: Session) -> None:
        for row, _ in received.listing(session):
            row.kid = None
            session.add(row)

    buyer.node.store.write_sync(forget)
    kid = seller.node.signing_key(KeyPurpose.FOOTPRINT).kid
    await revoke(seller.node, [kid], since, RECOVERY)
    await settle(seller)
    assert buyer.received()[footprint_id].verification == VerificationState.INVALID
    assert buyer.received()[footprint_id].kid == kid


@pytest.mark.parametrize("was_here_before", [True, False])
async def test_a_statement_of_deprecation_counts_if_it_was_here_before(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    clock: StandingClock,
    was_here_before: bool,
) -> None:
    from underseal_node.publishing.changing import deprecate

    footprint_id = await publish(seller, make_footprint)
    await buyer.pull(seller)
    clock.advance(days=1)
    before = clock()
    clock.advance(days=1)
    await deprecate(seller.node, footprint_id)
    await buyer.pull(seller)
    assert buyer.received()[footprint_id].status_statement
    clock.advance(days=1)
    since = clock() if was_here_before else before
    kid = seller.node.signing_key(KeyPurpose.FOOTPRINT).kid
    await revoke(seller.node, [kid], since, RECOVERY)
    await settle(seller)
    row = buyer.received()[footprint_id]
    assert row.verification == VerificationState.VERIFIED  # received before both
    assert (row.status_statement is not None) == was_here_before


async def test_a_move_while_the_peer_is_down_is_learned_later(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    old = await publish(seller, make_footprint, 1)
    await buyer.pull(seller)
    down = network.apps.pop("buyer.example")
    network.apps["new.example"] = network.apps["seller.example"]
    await move(seller.node, "https://new.example")
    new = await publish(seller, make_footprint, 2)
    await settle(seller)
    assert seller.outbox()[0].state == OutboxState.PENDING
    assert buyer.peer(seller).base_url == "https://seller.example"
    network.apps["buyer.example"] = down
    clock.advance(hours=1)
    await settle(seller, buyer)
    peer = buyer.peer(seller)
    assert (peer.base_url, peer.issuer) == ("https://new.example", "https://new.example")
    assert json.loads(peer.former_issuers) == ["https://seller.example"]
    assert (peer.token_endpoint, peer.token_origin) == (
        "https://new.example/auth/token", "https://new.example",
    )  # fmt: skip
    assert buyer.alerts() == ["moved"]
    del network.apps["seller.example"]  # the old name is given up
    await buyer.pull(seller)
    held = buyer.received()
    assert {held[one].verification for one in (old, new)} == {VerificationState.VERIFIED}
    assert {row.state for row in seller.outbox()} == {OutboxState.DELIVERED}
    # Whoever has not pulled before gets both, with the old name in one of the signatures.
    await buyer.pull(seller)


async def test_a_move_is_found_at_the_old_address_if_nobody_tells(
    seller: Company,
    buyer: Company,
    make_footprint: MakeFootprint,
    network: Network,
    clock: StandingClock,
) -> None:
    lose(network, "/extensions/key-log")
    first = await publish(seller, make_footprint, 1)
    network.apps["new.example"] = network.apps["seller.example"]
    await move(seller.node, "https://new.example")
    await buyer.pull(seller)  # at the old name, which still leads there
    assert buyer.received()[first].verification == VerificationState.VERIFIED
    clock.advance(hours=2)
    await buyer.pull(seller)
    assert buyer.peer(seller).base_url == "https://new.example"
    assert buyer.alerts() == ["moved"]


async def test_a_peer_that_the_operator_calls_elsewhere_stays_there(
    seller: Company, buyer: Company, network: Network
) -> None:
    """Such as by way of a proxy of our own."""
    network.apps["detour.example"] = network.apps["new.example"] = network.apps["seller.example"]

    def elsewhere(session: Session) -> None:
        peer = peers.by_name(session, "seller")
        peer.base_url = "https://detour.example"
        session.add(peer)

    buyer.node.store.write_sync(elsewhere)
    await move(seller.node, "https://new.example")
    await settle(seller)
    peer = buyer.peer(seller)
    assert (peer.base_url, peer.issuer) == ("https://detour.example", "https://new.example")


async def test_the_permission_for_a_private_network_does_not_move_along(
    seller: Company, buyer: Company, network: Network
) -> None:
    def permit(session: Session) -> None:
        peer = peers.by_name(session, "seller")
        peer.allow_private_network = True
        session.add(peer)

    buyer.node.store.write_sync(permit)
    network.apps["new.example"] = network.apps["seller.example"]
    await move(seller.node, "https://new.example")
    await settle(seller)
    assert buyer.peer(seller).allow_private_network is False
