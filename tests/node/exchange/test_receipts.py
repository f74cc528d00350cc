"""Receipts: who received acknowledges, who served confirms, and neither can rewrite its log."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.behind import sql
from tests.node.exchange.conftest import Company, product, settle
from tests.node.exchange.receipting import (
    PATH,
    access_of,
    acknowledgement,
    exchange,
    pad,
    post,
    rewrite,
    rows,
    said_of,
)

from underseal_node.exchange.requests import send_request
from underseal_node.store import audit_lists, audit_log, receipts
from underseal_node.store.audit_tables import ReceiptRole, ReceiptState
from underseal_node.store.tables import KeyKind
from underseal_node.trust import audit
from underseal_protocol.audit_check import ProblemKind
from underseal_protocol.credential import verify
from underseal_protocol.criteria import Criteria
from underseal_protocol.disclosure import Level
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.receipt import (
    Received,
    read_acknowledgement,
    read_receipt,
)
from underseal_protocol.witness import read_witnesses, receipts_about

Make = Callable[..., Any]


def exported(company: Company) -> list[str]:
    """What `underseal audit receipts` writes."""
    return [
        json.dumps({"kind": "acknowledgement", "token": row.acknowledgement})
        if row.role == ReceiptRole.ISSUED
        else json.dumps({"kind": "receipt", "token": row.token})
        for row in rows(company)
        if row.state == ReceiptState.DONE
    ]


def problems(company: Company, held: list[str]) -> set[ProblemKind]:
    def work(session: Any) -> audit.Checked:
        keys = audit.receipt_keys(session)
        others = read_witnesses(held, urls=company.node.urls(), keys=keys)
        assert len(others.claims) == len(held)
        return audit.check(session, others)

    return {one.kind for one in company.node.store.read_sync(work).problems}


def acts(company: Company) -> list[str]:
    return [one["act"] for one in company.node.store.read_sync(audit_lists.recent)][::-1]


@pytest.fixture
async def ids(seller: Company, buyer: Company, make_footprint: Make) -> list[str]:
    """Published by the seller, granted to the buyer at the level quality."""
    made = await seller.publish(*(make_footprint(number) for number in range(3)))
    seller.grant(buyer, KeyKind.ALL, level=Level.QUALITY)
    return made


async def test_a_pull_brings_a_receipt(seller: Company, buyer: Company, ids: list[str]) -> None:
    first = await buyer.pull(seller)
    assert first.alerts == []  # it only takes its time
    assert {row.receipt_id for row in buyer.received().values()} == {None}
    await seller.sequence()
    second = await buyer.pull(seller)
    assert (second.alerts, buyer.alerts()) == ([], [])
    (held,), (issued,) = rows(buyer), rows(seller)
    assert (held.role, issued.role) == (ReceiptRole.HELD, ReceiptRole.ISSUED)
    assert held.token == issued.token
    assert {row.receipt_id for row in buyer.received().values()} == {held.id}
    keys = seller.node.public_keys
    given = read_acknowledgement(held.acknowledgement, keys=buyer.node.public_keys)
    receipt = read_receipt(held.token or "", keys=keys, acknowledgement=given)
    assert {one.footprint_id for one in receipt.footprints} == set(ids)
    assert {one.level for one in receipt.footprints} == {Level.QUALITY}
    assert receipt.unconfirmed == []
    for footprint_id, row in buyer.received().items():
        signed = verify(json.loads(row.body), keys=keys, issuer=seller.url)
        for digest, expected in ((signed.digest, [receipt.number]), ("A" * 43, [])):
            about = receipts_about(
                exported(buyer), footprint_id=footprint_id, digest=digest, keys=keys
            )
            assert [one.number for one in about] == expected
    await buyer.sequence()
    assert "acknowledgement-received" in acts(seller)
    assert {"footprints-received", "acknowledgement-sent", "receipt-received"} <= set(acts(buyer))


async def test_a_pull_that_brings_nothing_asks_for_no_receipt(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    await exchange(buyer, seller)
    calls = len(buyer.network.calls)
    await buyer.pull(seller)
    assert f"POST {PATH}" not in buyer.network.calls[calls:]
    assert len(rows(buyer)) == 1


async def test_the_next_receipt_shows_that_the_log_only_grew(
    seller: Company, buyer: Company, ids: list[str], make_footprint: Make
) -> None:
    await exchange(buyer, seller)
    await seller.publish(make_footprint(9))
    await exchange(buyer, seller)
    first, second = (read_receipt(row.token or "", keys=seller.node.public_keys)
                     for row in rows(buyer))  # fmt: skip
    assert second.known_size == first.head.size
    second.check_continues(first.head)
    assert buyer.alerts() == []


async def test_a_fulfilled_request_brings_a_receipt(
    seller: Company, buyer: Company, make_footprint: Make, new_company: Any
) -> None:
    (footprint_id,) = await seller.publish(make_footprint(1))
    seller.grant(buyer, KeyKind.FOOTPRINT, footprint_id, level=Level.TOTAL)
    peer_id, wanted = buyer.peer(seller).id or 0, Criteria(product_ids=(product(1),))
    buyer.node.store.write_sync(
        lambda session: send_request(session, buyer.node, peer_id, wanted, None, buyer.clock())
    )
    await settle(buyer, seller)
    assert [row.state for row in rows(buyer)] == [ReceiptState.PENDING]
    await seller.sequence()
    await buyer.pull(seller)
    assert [row.state for row in rows(buyer)] == [ReceiptState.DONE]
    receipt = read_receipt(rows(buyer)[0].token or "", keys=seller.node.public_keys)
    assert [one.footprint_id for one in receipt.footprints] == [footprint_id]


async def test_a_log_that_was_rewritten_is_found_with_what_the_other_side_holds(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    await exchange(buyer, seller)
    await buyer.sequence()
    held, given = exported(buyer), exported(seller)
    assert problems(seller, held) == problems(buyer, given) == set()
    for company, others in ((seller, held), (buyer, given)):
        size = company.node.store.read_sync(audit_log.newest_number)
        rewrite(company)
        await pad(company, size)
        # The keys are its own: within the node everything fits.
        assert problems(company, []) == set()
        assert ProblemKind.REWRITTEN in problems(company, others)


async def test_a_log_that_was_cut_off_with_its_heads_is_found_with_what_the_other_side_holds(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    await exchange(buyer, seller)
    await buyer.sequence()
    for company, others in ((seller, exported(buyer)), (buyer, exported(seller))):
        heads = company.node.store.read_sync(lambda session: list(audit_log.heads(session)))
        rewrite(company, keep=heads[0].size)
        # The oldest head is signed, and nothing in the node says that there were newer ones.
        assert problems(company, []) == set()
        assert problems(company, others) & {ProblemKind.TRUNCATED, ProblemKind.DELETED}
        # Anywhere else than at a head it shows, and the node signs nothing on top of it.
        rewrite(company, keep=heads[0].size - 1)
        await pad(company, 1)
        assert ProblemKind.UNSIGNED in problems(company, others)
        assert problems(company, []) == {ProblemKind.UNSIGNED}


async def test_a_peer_that_rewrote_its_log_is_noticed_at_the_next_receipt(
    seller: Company, buyer: Company, ids: list[str], make_footprint: Make
) -> None:
    await exchange(buyer, seller)
    size = seller.node.store.read_sync(audit_log.newest_number)
    rewrite(seller)
    await pad(seller, size + 5)
    await seller.publish(make_footprint(9))
    await buyer.pull(seller)
    await seller.sequence()
    progress = await buyer.pull(seller)
    assert "not the one that it has shown us before" in progress.alerts[0]
    assert buyer.alerts() == ["receipt"]


async def test_a_receipt_that_does_not_hold_is_an_alert_and_fails_no_pull(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    await buyer.pull(seller)
    await seller.sequence()

    def spoil(session: Any) -> None:
        (row, _), = receipts.held(session)  # fmt: skip
        assert row.token is not None
        row.token = row.token[:-6] + "AAAAAA"
        session.add(row)

    seller.node.store.write_sync(spoil)
    progress = await buyer.pull(seller)
    assert progress.state == "done"
    assert "does not hold" in progress.alerts[0]
    assert buyer.alerts() == ["receipt"]
    assert len(buyer.received()) == 3


async def test_a_peer_without_receipts_fails_no_pull(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    buyer.network.fault = lambda request: (
        httpx.Response(404, json={"code": "NotFound", "message": "no"})
        if request.url.path == PATH
        else None
    )
    progress = await buyer.pull(seller)
    assert progress.state == "done"
    assert "no receipt of seller" in progress.alerts[0]
    assert buyer.alerts() == []


# --- what peers may not do ---


async def test_what_was_not_served_is_not_confirmed(
    seller: Company, buyer: Company, ids: list[str], make_footprint: Make
) -> None:
    digests = {
        row.footprint_id: row.credential_digest
        for row in (await _after_pull(buyer, seller)).values()
    }
    claimed = [
        Received(ids[0], digests[ids[0]] or ""),
        Received(ids[1], digests[ids[0]] or ""),  # the credential of another
        Received("0" * 8 + "-0000-0000-0000-" + "0" * 12, "A" * 43),
    ]
    token = acknowledgement(buyer, seller, footprints=claimed)
    receipt = read_receipt(await post(buyer, seller, token), keys=seller.node.public_keys)
    assert [one.footprint_id for one in receipt.footprints] == [ids[0]]
    assert list(receipt.unconfirmed) == [claimed[1].footprint_id, claimed[2].footprint_id]


async def _after_pull(buyer: Company, seller: Company) -> Any:
    await buyer.pull(seller)
    return buyer.received()


async def test_no_figure_is_in_any_log(
    seller: Company, buyer: Company, make_footprint: Make
) -> None:
    document = make_footprint(1, comment="cAnArY-comment")
    document["pcf"] |= dict.fromkeys(
        ("pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake", "fossilGhgEmissions"),
        "98765.4321",
    )
    await seller.publish(document)
    seller.grant(buyer, KeyKind.ALL, level=Level.FULL)
    await exchange(buyer, seller)
    await buyer.sequence()
    for company in (seller, buyer):
        text = str(sql(company.node, "SELECT body FROM audit_entry"))
        assert "footprints-" in text
        assert "98765" not in text + str(exported(company))
        assert "cAnArY" not in text + str(exported(company))


async def test_nobody_acknowledges_for_another(seller: Company, buyer: Company) -> None:
    own = seller.node.signing_key(KeyPurpose.RECEIPT)
    for token, expected in (
        (acknowledgement(buyer, seller, issuer="https://other.example"), "not from you"),
        (acknowledgement(buyer, seller, audience="https://other.example"), "another node"),
        (acknowledgement(buyer, seller, key=own), "not in the trusted key set"),
        ("no JWS", "three parts"),
    ):
        assert expected in await post(buyer, seller, token)
    assert rows(seller) == []


async def test_the_same_acknowledgement_gets_the_same_receipt(
    seller: Company, buyer: Company, ids: list[str]
) -> None:
    await buyer.pull(seller)
    token = acknowledgement(buyer, seller, footprints=said_of(buyer))
    first = await post(buyer, seller, token)
    assert first == await post(buyer, seller, token)
    assert [row.token for row in rows(seller) if row.state == ReceiptState.DONE].count(first) == 1


async def test_too_many_that_wait_are_refused(seller: Company, buyer: Company) -> None:
    access = access_of(buyer, seller)
    for number in range(10):
        token = acknowledgement(buyer, seller, known_size=number + 1)
        assert await buyer.exchange.client.post_acknowledgement(access, token) is None
    token = acknowledgement(buyer, seller, known_size=99)
    assert "too many acknowledgements" in await post(buyer, seller, token)
    await seller.sequence()
    assert await post(buyer, seller, token)
