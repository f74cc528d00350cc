"""A log that is not the one that was signed stops; the node does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import Session, select
from structlog.testing import capture_logs
from tests.behind import sql
from tests.node.exchange.conftest import Company, NewCompany, settle
from tests.node.exchange.receipting import pad, rows
from tests.node.exchange.test_receipts import acts, exported, problems

from underseal_node.exchange.sequencer import Sequencer
from underseal_node.store.audit_tables import AuditPending, ReceiptState
from underseal_node.store.tables import KeyKind
from underseal_node.trust import audit
from underseal_node.trust.key_changes import move, revoke, rotate
from underseal_protocol.audit_result import Checked
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.witness import read_witnesses

Make = Callable[..., Any]
OTHER_HASH = "(SELECT leaf FROM audit_entry WHERE number = 1)"
RECOVERY = SigningKey.generate(KeyPurpose.RECOVERY)


def take(company: Company, *statements: str) -> list[tuple[Any, ...]]:
    return sql(company.node, *statements)


def waiting(company: Company) -> list[str]:
    def work(session: Session) -> list[str]:
        return [row.members for row in session.exec(select(AuditPending))]

    return company.node.store.read_sync(work)


def checked(company: Company, held: list[str]) -> Checked:
    def work(session: Session) -> Checked:
        keys = audit.receipt_keys(session)
        return audit.check(session, read_witnesses(held, urls=company.node.urls(), keys=keys))

    return company.node.store.read_sync(work)


@pytest.fixture
async def ids(seller: Company, buyer: Company, make_footprint: Make) -> list[str]:
    made = await seller.publish(*(make_footprint(number) for number in range(3)))
    seller.grant(buyer, KeyKind.ALL)
    return made


async def test_a_node_whose_log_has_stopped_goes_on_serving(
    seller: Company, buyer: Company, ids: list[str], make_footprint: Make
) -> None:
    await seller.sequence()
    heads = take(seller, "SELECT size, token, created_at FROM audit_head")
    take(seller, "DELETE FROM audit_head")
    size = len(acts(seller))
    (more,) = await seller.publish(make_footprint(9))
    sequencer = Sequencer(seller.node)
    with capture_logs() as logged:
        for _ in range(3):
            await sequencer.step()
    assert [one["event"] for one in logged] == ["the audit log has stopped"]
    assert seller.alerts() == ["audit-log"]
    progress = await buyer.pull(seller)
    assert (progress.state, progress.alerts) == ("done", [])
    assert more in buyer.received()
    await seller.sequence()
    # Nothing was signed, and nothing that was done is lost.
    assert len(acts(seller)) == size
    assert take(seller, "SELECT * FROM audit_head") == []
    assert [row.state for row in rows(seller)] == [ReceiptState.PENDING]
    assert any("footprints-read" in one for one in waiting(seller))
    again = [{"size": size, "token": token, "at": at} for size, token, at in heads]
    sql(seller.node, "INSERT INTO audit_head VALUES (:size, :token, :at)", many=again)
    await seller.sequence()
    assert waiting(seller) == []
    assert {"footprints-read", "alert-raised", "acknowledgement-received"} <= set(acts(seller))
    assert problems(seller, []) == set()


async def test_a_node_whose_log_has_stopped_goes_on_receiving(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    await pad(buyer, 3)
    take(buyer, f"UPDATE audit_node SET hash = {OTHER_HASH}",
         f"UPDATE audit_entry SET leaf = {OTHER_HASH}")  # fmt: skip
    progress = await buyer.pull(seller)
    assert progress.state == "done"
    assert set(buyer.received()) == set(ids)
    # It does not sign where its log stands.
    assert rows(buyer) == []
    assert "nothing is acknowledged to seller" in progress.alerts[0]


@pytest.mark.parametrize("how", ["rotated", "revoked"])
async def test_heads_and_receipts_of_earlier_keys_still_count(
    new_company: NewCompany, make_footprint: Make, how: str
) -> None:
    seller, buyer = new_company("seller", recovery=RECOVERY), new_company("buyer")
    await seller.befriend(buyer)
    await seller.publish(make_footprint(1))
    seller.grant(buyer, KeyKind.ALL)
    await buyer.pull(seller)
    await seller.sequence()
    await buyer.pull(seller)
    held, kid = exported(buyer), seller.node.signing_key(KeyPurpose.RECEIPT).kid
    since = seller.clock()
    seller.clock.advance(days=1)
    if how == "rotated":
        await rotate(seller.node, [KeyPurpose.RECEIPT])
    else:
        await revoke(seller.node, [kid], since, RECOVERY)
    await settle(seller, buyer)
    await seller.sequence()
    found = checked(seller, held)
    assert (found.problems, found.witnesses) == ([], 1)
    said = [one for one in found.not_proved if kid in one]
    assert [f"revoked since {since:%Y-%m-%dT%H:%M:%SZ}" in one for one in said] == (
        [True] if how == "revoked" else []
    )


async def test_a_statement_under_an_address_before_a_move_is_not_foreign(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    await buyer.pull(seller)
    await seller.sequence()
    await buyer.pull(seller)
    held = exported(buyer)
    seller.network.apps["moved.example"] = seller.public
    await move(seller.node, "https://moved.example")
    await seller.sequence()
    assert checked(seller, held).problems == []
    nobody = PublicKeySet([])
    found = read_witnesses(held, urls=seller.node.urls(), keys=nobody)
    assert (len(found.forged), found.foreign) == (1, 0)
    found = read_witnesses(held, urls=["https://other.example"], keys=nobody)
    assert (len(found.forged), found.foreign, found.issuers) == (0, 1, {"https://seller.example"})
