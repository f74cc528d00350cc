"""A receipt says what was served, at the level it was served at, and to whom it was served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import delete
from sqlmodel import select
from tests.node.exchange.conftest import Company, NewCompany, product, settle
from tests.node.exchange.receipting import acknowledgement, exchange, post, rows, said_of

from underseal_node.exchange.requests import send_request
from underseal_node.exchange.sequencer import Sequencer
from underseal_node.store import audit_lists, audit_log, batches, footprints, grants, shown
from underseal_node.store.audit_tables import (
    AuditPending,
    ReceiptRole,
    ReceiptState,
    ShownFootprint,
)
from underseal_node.store.exchange_tables import Confirmation
from underseal_node.store.tables import KeyKind
from underseal_node.trust.receipts import MAX_REFUSED
from underseal_protocol.criteria import Criteria
from underseal_protocol.disclosure import Level
from underseal_protocol.receipt import Receipt, Received, read_receipt

FORGED = "F" * 43
NOT_SERVED = "nothing of this was served to you"
Make = Callable[..., Any]


@pytest.fixture
async def ids(seller: Company, make_footprint: Make) -> list[str]:
    """Published by the seller, granted to nobody."""
    return await seller.publish(*(make_footprint(number) for number in range(3)))


def receipts_of(buyer: Company, seller: Company) -> list[Receipt]:
    keys = seller.node.public_keys
    held = [row for row in rows(buyer) if row.state == ReceiptState.DONE]
    return [read_receipt(row.token or "", keys=keys) for row in held]


def levels_in(receipt: Receipt) -> dict[str, Level | None]:
    return {one.footprint_id: one.level for one in receipt.footprints}


def confirmations(buyer: Company) -> set[str]:
    return {row.confirmation for row in buyer.received().values()}


def digest_of(seller: Company, footprint_id: str) -> str:
    return seller.node.store.read_sync(
        lambda session: footprints.row(session, footprint_id).credential_digest
    )


def kept(seller: Company) -> int:
    """How many rows there are about what was shown to anybody."""
    return len(seller.node.store.read_sync(lambda s: s.exec(select(ShownFootprint)).all()))


async def lose_reads(company: Company) -> None:
    """What a worker has counted is lost, as with `kill -9`."""
    await company.public.state.context.audit.flush()
    company.node.store.write_sync(lambda session: session.execute(delete(AuditPending)))


def revoke_grants(company: Company, *grant_ids: int) -> None:
    def work(session: Any) -> None:
        for grant_id in grant_ids:
            grants.remove(session, grant_id)

    company.node.store.write_sync(work)


async def test_only_the_digest_that_was_served_is_confirmed(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    await buyer.pull(seller)
    said = [Received(ids[0], digest_of(seller, ids[0])), Received(ids[1], FORGED)]
    token = acknowledgement(buyer, seller, footprints=said)
    receipt = read_receipt(await post(buyer, seller, token), keys=seller.node.public_keys)
    assert [(one.footprint_id, one.digest) for one in receipt.footprints] == [
        (ids[0], digest_of(seller, ids[0]))
    ]
    assert list(receipt.unconfirmed) == [ids[1]]


async def test_the_level_is_the_one_it_was_served_at(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    given = seller.grant(buyer, KeyKind.ALL, level=Level.TOTAL)
    await buyer.pull(seller)
    seller.grant(buyer, KeyKind.ALL, level=Level.FULL)
    revoke_grants(seller, given)
    await seller.sequence()
    token = acknowledgement(buyer, seller, footprints=said_of(buyer))
    receipt = read_receipt(await post(buyer, seller, token), keys=seller.node.public_keys)
    assert levels_in(receipt) == dict.fromkeys(ids, Level.TOTAL)


async def test_a_higher_level_gets_a_receipt_of_its_own(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    for level in (Level.TOTAL, Level.FULL):
        seller.grant(buyer, KeyKind.ALL, level=level)
        await exchange(buyer, seller)
    found = [levels_in(one) for one in receipts_of(buyer, seller)]
    assert found == [dict.fromkeys(ids, Level.TOTAL), dict.fromkeys(ids, Level.FULL)]
    assert buyer.alerts() == []


async def test_what_is_granted_and_was_never_read_is_not_confirmed(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    seller.grant(buyer, KeyKind.FOOTPRINT, ids[0])
    await buyer.pull(seller)
    seller.grant(buyer, KeyKind.ALL)
    said = [Received(one, digest_of(seller, one)) for one in ids]
    token = acknowledgement(buyer, seller, footprints=said)
    receipt = read_receipt(await post(buyer, seller, token), keys=seller.node.public_keys)
    assert list(levels_in(receipt)) == ids[:1]
    assert list(receipt.unconfirmed) == ids[1:]


async def test_a_grant_that_is_removed_takes_back_no_receipt(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    given = seller.grant(buyer, KeyKind.ALL, level=Level.BREAKDOWN)
    await buyer.pull(seller)
    revoke_grants(seller, given)
    await seller.sequence()
    progress = await buyer.pull(seller)
    assert (progress.alerts, buyer.alerts()) == ([], [])
    (receipt,) = receipts_of(buyer, seller)
    assert levels_in(receipt) == dict.fromkeys(ids, Level.BREAKDOWN)


async def test_what_one_peer_got_is_not_confirmed_to_another(
    seller: Company, buyer: Company, ids: list[str], new_company: NewCompany
) -> None:
    other = new_company("other")
    await seller.befriend(other)
    for company in (buyer, other):
        seller.grant(company, KeyKind.ALL)
    await buyer.pull(seller)
    token = acknowledgement(other, seller, footprints=said_of(buyer))
    assert NOT_SERVED in await post(other, seller, token)


async def test_many_footprints_are_confirmed_from_the_sets_beside_the_log(
    seller: Company, buyer: Company, make_footprint: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several portions, each in a transaction of its own."""
    monkeypatch.setattr(shown, "IDS_AT_A_TIME", 25)
    monkeypatch.setattr(batches, "IDS_PER_QUERY", 7)
    made = await seller.publish(*(make_footprint(number) for number in range(150)))
    seller.grant(buyer, KeyKind.ALL, level=Level.QUALITY)
    await exchange(buyer, seller)
    (receipt,) = receipts_of(buyer, seller)
    assert levels_in(receipt) == dict.fromkeys(made, Level.QUALITY)
    peer_id = seller.peer(buyer).id or 0
    assert seller.node.store.write_sync(lambda s: shown.take_up(s, peer_id)) is False


async def test_nothing_is_kept_of_peers_that_acknowledge_nothing(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    peer_id = seller.peer(buyer).id or 0
    access = await buyer.exchange.access(buyer.peer(seller).id or 0)
    await buyer.exchange.client.footprint(access, ids[0])
    await seller.sequence()
    assert kept(seller) == 0
    entries = seller.node.store.read_sync(
        lambda session: audit_log.shown_to(session, peer_id, after=0, limit=10)
    )
    assert [one[1:] for one in entries] == [(Level.FULL, [ids[0]])]
    await exchange(buyer, seller)
    assert kept(seller) == 3


# --- answers to requests ---


async def ask(buyer: Company, seller: Company) -> None:
    peer_id, wanted = buyer.peer(seller).id or 0, Criteria(product_ids=(product(1),))
    buyer.node.store.write_sync(
        lambda session: send_request(session, buyer.node, peer_id, wanted, None, buyer.clock())
    )
    await buyer.deliver()
    await seller.handle()


async def test_an_answer_has_shown_something_when_it_was_delivered(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    seller.grant(buyer, KeyKind.FOOTPRINT, ids[1], level=Level.QUALITY)
    await ask(buyer, seller)
    said = [Received(ids[1], digest_of(seller, ids[1]))]
    early = acknowledgement(buyer, seller, footprints=said)
    assert NOT_SERVED in await post(buyer, seller, early)
    await settle(seller, buyer)
    await seller.sequence()
    await buyer.pull(seller)
    await seller.sequence()
    assert levels_in(receipts_of(buyer, seller)[0]) == {ids[1]: Level.QUALITY}
    told = seller.node.store.read_sync(audit_lists.recent)
    (entry,) = [one for one in told if one["act"] == "event-delivered" and "footprints" in one]
    assert (entry["level"], entry["footprints"]["ids"]) == ("quality", [ids[1]])
    assert entry["detail"]["type"] == "org.wbcsd.pact.ProductFootprint.RequestFulfilledEvent.3"


async def test_an_answer_that_was_taken_back_has_shown_nothing(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    given = seller.grant(buyer, KeyKind.FOOTPRINT, ids[1])
    await ask(buyer, seller)
    revoke_grants(seller, given)
    await settle(seller, buyer)
    said = [Received(ids[1], digest_of(seller, ids[1]))]
    token = acknowledgement(buyer, seller, footprints=said)
    assert NOT_SERVED in await post(buyer, seller, token)


# --- who was served nothing, and reads that were lost ---


async def test_who_was_served_nothing_learns_nothing_of_the_log(
    seller: Company, buyer: Company, ids: list[str], new_company: NewCompany
) -> None:
    other = new_company("other")
    await seller.befriend(other)
    granted = new_company("granted")
    await seller.befriend(granted)
    seller.grant(granted, KeyKind.ALL)
    answers = set()
    for company in (other, granted):
        for said in ([Received(ids[0], digest_of(seller, ids[0]))], [Received(ids[0], FORGED)]):
            token = acknowledgement(company, seller, footprints=said)
            before = seller.node.store.read_sync(audit_log.newest_number)
            answers.add(await post(company, seller, token))
            for entry in seller.node.store.read_sync(audit_lists.recent):
                assert entry["number"] <= before or entry["act"] != "acknowledgement-received"
    (answer,) = answers
    assert NOT_SERVED in answer
    assert {row.state for row in rows(seller)} == {ReceiptState.REFUSED}


async def test_acknowledgements_of_nothing_do_not_fill_the_database(
    seller: Company, buyer: Company
) -> None:
    for number in range(MAX_REFUSED + 5):
        token = acknowledgement(buyer, seller, known_size=number + 1)
        assert NOT_SERVED in await post(buyer, seller, token)
    assert len(rows(seller)) == MAX_REFUSED


async def test_one_that_comes_before_its_reads_are_in_the_log_waits_for_them(
    seller: Company, buyer: Company, ids: list[str], clock: Any
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    await buyer.pull(seller)
    await Sequencer(seller.node).step()  # the worker has not written down what it counted
    assert [row.state for row in rows(seller)] == [ReceiptState.SETTLING]
    clock.advance(seconds=1)
    await seller.sequence()
    assert [row.state for row in rows(seller)] == [ReceiptState.DONE]
    await buyer.pull(seller)
    assert confirmations(buyer) == {Confirmation.CONFIRMED}
    assert buyer.alerts() == []


async def test_reads_that_were_lost_are_repeated_and_confirmed(
    seller: Company, buyer: Company, ids: list[str], clock: Any
) -> None:
    seller.grant(buyer, KeyKind.ALL, level=Level.QUALITY)
    await buyer.pull(seller)
    await lose_reads(seller)
    for _ in range(3):
        clock.advance(seconds=3)
        await seller.sequence()
        progress = await buyer.pull(seller)
        assert progress.alerts == []
    (receipt,) = receipts_of(buyer, seller)
    assert levels_in(receipt) == dict.fromkeys(ids, Level.QUALITY)
    assert confirmations(buyer) == {Confirmation.CONFIRMED}
    assert buyer.alerts() == []


async def test_what_cannot_be_read_again_is_an_alert_once(
    seller: Company, buyer: Company, ids: list[str], clock: Any
) -> None:
    given = seller.grant(buyer, KeyKind.ALL)
    await buyer.pull(seller)
    await lose_reads(seller)
    revoke_grants(seller, given)
    alerts: list[str] = []
    for _ in range(5):
        clock.advance(seconds=3)
        await seller.sequence()
        alerts += (await buyer.pull(seller)).alerts
    assert len(alerts) == 1
    assert "seller does not confirm 3 footprints that came from it, such as" in alerts[0]
    assert buyer.alerts() == ["receipt"]
    assert confirmations(buyer) == {Confirmation.REFUSED}
    held = [row for row in rows(buyer) if row.role == ReceiptRole.HELD]
    assert [row.state for row in held] == [ReceiptState.REFUSED] * 2
    # Shown again, it can be confirmed.
    seller.grant(buyer, KeyKind.ALL)
    await exchange(buyer, seller)
    assert confirmations(buyer) == {Confirmation.CONFIRMED}


async def test_a_peer_that_cannot_be_read_from_is_asked_another_time(
    seller: Company, buyer: Company, ids: list[str], clock: Any
) -> None:
    seller.grant(buyer, KeyKind.ALL)
    await buyer.pull(seller)
    await lose_reads(seller)
    clock.advance(seconds=3)
    await seller.sequence()
    buyer.network.fault = lambda request: (
        httpx.Response(503) if request.url.path.startswith("/3/footprints/") else None
    )
    await buyer.pull(seller)
    assert confirmations(buyer) == {Confirmation.DENIED}
    assert buyer.alerts() == []
    buyer.network.fault = lambda request: None
    await exchange(buyer, seller)
    assert confirmations(buyer) == {Confirmation.CONFIRMED}
