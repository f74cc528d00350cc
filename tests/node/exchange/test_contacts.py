"""When a peer was last in contact: also by its calls to us."""

from __future__ import annotations

from datetime import timedelta

from tests.node.conftest import StandingClock
from tests.node.exchange.conftest import Company

from underseal_node.store.audit import Act, Outcome


async def test_a_token_is_a_contact_and_noted_once_a_minute(
    seller: Company, buyer: Company, clock: StandingClock
) -> None:
    clock.advance(hours=1)
    before = seller.peer(buyer).last_contact_at
    assert before != clock()
    await buyer.pull(seller)
    await seller.sequence()
    first = clock()
    assert seller.peer(buyer).last_contact_at == first
    for seconds, noted in ((30, first), (31, first + timedelta(seconds=61))):
        clock.advance(seconds=seconds)
        seller.public.state.context.audit.count(Act.TOKEN_ISSUED, seller.peer(buyer).id)
        await seller.sequence()
        assert seller.peer(buyer).last_contact_at == noted
    clock.advance(hours=1)
    refused = (Act.TOKEN_REFUSED, seller.peer(buyer).id, Outcome.REFUSED)
    seller.public.state.context.audit.count(*refused)
    await seller.sequence()
    assert seller.peer(buyer).last_contact_at == noted
