"""What the tests of receipts do: pull, acknowledge, and look at what both sides hold."""

from __future__ import annotations

from typing import Any

from tests.behind import sql
from tests.node.exchange.conftest import Company

from underseal_node.errors import PeerError
from underseal_node.exchange.access import Access
from underseal_node.exchange.access import access_of as exchange_access_of
from underseal_node.store import audit as recording
from underseal_node.store import pins, receipts
from underseal_node.store.audit import Act
from underseal_node.store.audit_tables import Receipt
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.receipt import Received, issue_acknowledgement

PATH = "/extensions/receipts"


def rows(company: Company) -> list[Receipt]:
    found = [row for row, _ in company.node.store.read_sync(receipts.held)]
    return sorted(found, key=lambda row: row.number or 0)


async def exchange(buyer: Company, seller: Company) -> None:
    """A pull, the signature on the receipt, and the pull that fetches it."""
    await buyer.pull(seller)
    await seller.sequence()
    await buyer.pull(seller)


def access_of(company: Company, other: Company) -> Access:
    def work(session: Any) -> Access:
        return exchange_access_of(
            pins.peer_row(session, company.peer(other).id or 0), company.node.vault
        )

    return company.node.store.read_sync(work)


def acknowledgement(buyer: Company, seller: Company, **changes: Any) -> str:
    given: dict[str, Any] = {
        "footprints": [Received("0" * 8 + "-0000-0000-0000-" + "0" * 12, "A" * 43)],
        "head": None,
        "known_size": None,
        "key": buyer.node.signing_key(KeyPurpose.RECEIPT),
        "issuer": buyer.url,
        "audience": seller.url,
        "issued_at": buyer.clock(),
    }
    return issue_acknowledgement(**{**given, **changes})


def said_of(buyer: Company) -> list[Received]:
    """What a buyer may honestly acknowledge."""
    found = buyer.received().values()
    return [Received(row.footprint_id, row.credential_digest or "") for row in found]


async def post(buyer: Company, seller: Company, token: str) -> str:
    """What comes of an acknowledgement: the receipt, or why there is none."""
    access = access_of(buyer, seller)
    try:
        await buyer.exchange.client.post_acknowledgement(access, token)
        await seller.sequence()
        # What is not in the log by then does not come any more.
        seller.clock.advance(seconds=3)
        await seller.sequence()
        return await buyer.exchange.client.post_acknowledgement(access, token) or ""
    except PeerError as error:
        return error.message


def rewrite(company: Company, keep: int = 0) -> None:
    """Make the log anew from an entry on, with the keys of the node."""
    sql(
        company.node,
        "DELETE FROM audit_entry WHERE number > :keep",
        "DELETE FROM audit_head WHERE size > :keep",
        "DELETE FROM audit_node WHERE ((position + 1) << level) > :keep",
        keep=keep,
    )


async def pad(company: Company, count: int) -> None:
    def work(session: Any) -> None:
        for _ in range(count):
            recording.record(session, Act.TOKEN_ISSUED, company.clock())

    await company.node.store.write(work)
    await company.sequence()
