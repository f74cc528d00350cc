"""Receipts that are no good are alerts, and stand in nobody's way; honest ones are none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.node.exchange.conftest import Company, Network, NewCompany, settle
from tests.node.exchange.receipting import exchange, pad, rewrite, rows

from underseal_node.store import receipts
from underseal_node.store.audit_tables import ReceiptRole, ReceiptState
from underseal_node.store.exchange_tables import Confirmation, VerificationState
from underseal_node.store.tables import KeyKind
from underseal_node.trust.key_changes import revoke, rotate
from underseal_protocol import jws
from underseal_protocol.keys import KeyPurpose, SigningKey
from underseal_protocol.receipt import MAX_CHARACTERS, RECEIPT_TYPE

RECOVERY = SigningKey.generate(KeyPurpose.RECOVERY)
Change = Callable[[dict[str, Any]], None]
Make = Callable[..., Any]


@pytest.fixture
async def seller(new_company: NewCompany) -> Company:
    return new_company("seller", recovery=RECOVERY)


@pytest.fixture
async def ids(seller: Company, buyer: Company, make_footprint: Make) -> list[str]:
    made = await seller.publish(*(make_footprint(number) for number in range(3)))
    seller.grant(buyer, KeyKind.ALL)
    return made


async def answered(buyer: Company, seller: Company, change: Change) -> list[str]:
    """A pull whose receipt says something else; the warnings of the one that fetches it."""
    await buyer.pull(seller)
    await seller.sequence()

    def work(session: Any) -> None:
        for row, _ in receipts.held(session):
            if row.token is not None and row.role == ReceiptRole.ISSUED:
                claims = dict(jws.parse(row.token, max_characters=MAX_CHARACTERS).payload)
                change(claims)
                key = seller.node.signing_key(KeyPurpose.RECEIPT)
                row.token = jws.sign(claims, typ=RECEIPT_TYPE, key=key)
                session.add(row)

    seller.node.store.write_sync(work)
    progress = await buyer.pull(seller)
    assert progress.state == "done"
    return progress.alerts


@pytest.mark.parametrize(
    "members",
    [
        {"consistency": 5},
        {"acknowledgement": 5},
        {"footprints": [["0" * 8 + "-0000-0000-0000-" + "0" * 12, "A" * 43, []]]},
        {"footprints": [], "unconfirmed": []},
        {"iat": 10**30},
    ],
    ids=str,
)
async def test_one_that_does_not_hold_is_an_alert_and_is_got_over(
    seller: Company, buyer: Company, ids: list[str], members: dict[str, Any]
) -> None:
    (alert,) = await answered(buyer, seller, lambda claims: claims.update(members))
    assert "the receipt of seller does not hold" in alert
    assert buyer.alerts() == ["receipt"]
    assert {row.receipt_id for row in buyer.received().values()} == {None}
    buyer.clock.advance(seconds=1)
    await exchange(buyer, seller)
    assert {row.confirmation for row in buyer.received().values()} == {Confirmation.CONFIRMED}
    assert [row.state for row in rows(buyer)].count(ReceiptState.DONE) == 1
    assert buyer.alerts() == ["receipt"]


@pytest.mark.parametrize(("seconds", "holds"), [(-61, False), (-60, True), (60, True), (61, False)])
async def test_its_time_is_that_of_the_exchange(
    seller: Company, buyer: Company, ids: list[str], seconds: int, holds: bool
) -> None:
    signed_at = int((buyer.clock() + timedelta(seconds=seconds)).timestamp())
    alerts = await answered(buyer, seller, lambda claims: claims.update(iat=signed_at))
    assert buyer.alerts() == ([] if holds else ["receipt"])
    assert all("expected between" in one for one in alerts)


async def test_one_that_took_days_holds_and_stays_good(
    seller: Company, buyer: Company, ids: list[str], make_footprint: Make
) -> None:
    """The node that signs receipts was down; later the receipt is only read, not taken."""
    await buyer.pull(seller)
    buyer.clock.advance(days=3)
    await seller.sequence()
    await buyer.pull(seller)
    buyer.clock.advance(days=300)
    await seller.publish(make_footprint(9))
    await exchange(buyer, seller)
    assert [row.state for row in rows(buyer)] == [ReceiptState.DONE] * 2
    assert buyer.alerts() == []


@pytest.mark.parametrize("how", ["rotated", "revoked"])
async def test_the_key_of_the_receipt_before_may_go(
    seller: Company, buyer: Company, ids: list[str], make_footprint: Make, how: str
) -> None:
    """No false alarm, and no gap either: just after a theft a rewritten log has to be noticed."""
    await exchange(buyer, seller)
    await let_go(seller, buyer, how)
    await seller.publish(make_footprint(9))
    await exchange(buyer, seller)
    assert "receipt" not in buyer.alerts()
    assert [row.state for row in rows(buyer)] == [ReceiptState.DONE] * 2
    assert {row.verification for row in buyer.received().values()} == {VerificationState.VERIFIED}


@pytest.mark.parametrize("how", ["rotated", "revoked"])
async def test_a_rewritten_log_is_noticed_although_the_key_is_gone(
    seller: Company, buyer: Company, ids: list[str], make_footprint: Make, how: str
) -> None:
    await exchange(buyer, seller)
    await let_go(seller, buyer, how)
    await seller.sequence()
    rewrite(seller)
    await pad(seller, 50)
    await seller.publish(make_footprint(9))
    await buyer.pull(seller)
    await seller.sequence()
    (alert,) = (await buyer.pull(seller)).alerts
    assert "not the one that it has shown us before" in alert
    assert "does not continue" in alert


async def let_go(seller: Company, buyer: Company, how: str) -> None:
    """The receipt key of the seller is replaced, and the buyer hears of it."""
    kid, since = seller.node.signing_key(KeyPurpose.RECEIPT).kid, seller.clock()
    seller.clock.advance(days=1)
    if how == "rotated":
        await rotate(seller.node, [KeyPurpose.RECEIPT])
    else:
        await revoke(seller.node, [kid], since, RECOVERY)
    await settle(seller, buyer)


async def test_a_receipt_with_a_key_that_is_not_known_yet_is_no_alert(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    """The seller rotates between the acknowledgement and its receipt, before the buyer hears it."""
    await buyer.pull(seller)
    await rotate(seller.node, [KeyPurpose.RECEIPT])
    seller.node.signing_key(KeyPurpose.RECEIPT)
    await seller.sequence()
    progress = await buyer.pull(seller)
    assert (progress.alerts, buyer.alerts()) == ([], [])
    assert {row.confirmation for row in buyer.received().values()} == {Confirmation.CONFIRMED}


async def test_a_refusal_that_is_the_same_every_time_is_told_once(
    seller: Company, buyer: Company, network: Network, ids: list[str], make_footprint: Make
) -> None:
    """Such as of a node that has no keys of ours, because we are a client with a secret there."""
    said = {"code": "AccessDenied", "message": "no keys of yours are known here"}
    status = [403]

    def fault(request: httpx.Request) -> httpx.Response | None:
        if request.url.path != "/extensions/receipts":
            return None
        return httpx.Response(status[0], json=said)

    network.fault = fault
    told = []
    for _ in range(3):
        told.append((await buyer.pull(seller)).alerts)
        buyer.clock.advance(minutes=1)
    assert ["403" in one for one in told[0]] == [True]
    assert told[1:] == [[], []]
    # Another reason is another matter, and so is the same one after it has worked.
    status[0] = 400
    assert ["400" in one for one in (await buyer.pull(seller)).alerts] == [True]
    network.fault = lambda request: None
    # At the same moment: which of both was last, their times do not tell.
    await exchange(buyer, seller)
    await seller.publish(make_footprint(9))
    network.fault = fault
    buyer.clock.advance(minutes=1)
    assert ["400" in one for one in (await buyer.pull(seller)).alerts] == [True]
