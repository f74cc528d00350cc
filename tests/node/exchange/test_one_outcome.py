"""A request has exactly one outcome, whoever answers and however often; under concurrency, too."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlmodel import Session
from tests.node.conftest import StandingClock
from tests.node.exchange.conftest import Company, NewCompany, product
from tests.node.exchange.test_requests import ask

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.exchange import requests as answering
from underseal_node.exchange.withdrawal import permitted
from underseal_node.node import open_node
from underseal_node.settings import Settings
from underseal_node.store import grants, leases
from underseal_node.store.tables import KeyKind, Peer
from underseal_protocol.criteria import Criteria
from underseal_protocol.disclosure import Level
from underseal_protocol.events import (
    EventType,
    RequestCreatedEvent,
    parse_event,
    request_created_event,
)

MakeFootprint = Callable[..., dict[str, Any]]
ANSWERS = (EventType.REQUEST_FULFILLED, EventType.REQUEST_REJECTED)


async def test_two_processes_that_answer_at_once_give_one_answer(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, clock: StandingClock
) -> None:
    (footprint_id,) = await seller.publish(make_footprint(1))
    count = 12
    for _ in range(count):
        ask(buyer, seller)
    await buyer.deliver()
    await seller.handle()
    numbers = [one.id or 0 for one in seller.requests()]
    other = open_node(seller.node.home.path, settings=Settings(), clock=clock)
    start = threading.Barrier(4)
    given: list[int] = []

    def answer(node: Any, is_yes: bool) -> None:
        start.wait()
        for number in numbers:

            def work(session: Session, number: int = number) -> None:
                if is_yes:
                    answering.fulfil(session, node, number, [footprint_id], clock())
                else:
                    answering.reject(session, node, number, "no", clock())

            try:
                node.store.write_sync(work)
            except RefusedError:
                continue
            given.append(number)

    threads = [
        threading.Thread(target=answer, args=arguments)
        for arguments in itertools.product((seller.node, other), (True, False))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert sorted(given) == numbers
    answers = [row.request_id for row in seller.outbox() if row.type in ANSWERS]
    assert sorted(answers) == numbers  # type: ignore[type-var]


class Answering(RuleBasedStateMachine):
    """What a peer, an operator and a network do to the requests of one peer, in any order.

    The peer sees an answer when it is sent; whether that is acknowledged, chance decides.
    """

    seller: ClassVar[Company]
    footprint_id: ClassVar[str]
    numbers: ClassVar[Iterator[int]] = itertools.count(1)

    def __init__(self) -> None:
        super().__init__()
        number = next(self.numbers)
        self.peer_id: int = self.write(lambda session: self._peer(session, number))
        self.events: list[bytes] = []
        self.seen: dict[str, list[tuple[str, str]]] = {}
        self.in_doubt: set[str] = set()

    def _peer(self, session: Session, number: int) -> int:
        peer = Peer(
            name=f"peer {number}", created_at=self.now(), base_url=f"https://p{number}.example"
        )
        session.add(peer)
        session.flush()
        return peer.id or 0

    def now(self) -> Any:
        return self.seller.clock()

    def write(self, work: Callable[[Session], Any]) -> Any:
        return self.seller.node.store.write_sync(work)

    def mine(self) -> list[Any]:
        return [one for one in self.seller.requests() if one.peer_id == self.peer_id]

    @initialize(is_granted=st.booleans())
    def begins(self, is_granted: bool) -> None:
        if is_granted:
            self.grant(Level.FULL)
        self.asks(exists=True)

    @rule(exists=st.booleans())
    def asks(self, exists: bool) -> None:
        if len(self.events) == 2:  # few, so that much happens to each
            return
        self.events.append(
            request_created_event(
                event_id=f"{self.peer_id}-{len(self.events)}",
                source="https://peer.example",
                time=self.now(),
                criteria=Criteria(product_ids=(product(1 if exists else 99),)),
                comment=None,
            )
        )
        self.arrives(len(self.events) - 1)

    @rule(index=st.integers(0, 1))
    def arrives(self, index: int) -> None:
        """Also again: delivered at least once."""
        if index >= len(self.events):
            return
        event = parse_event(json.loads(self.events[index]))
        assert isinstance(event, RequestCreatedEvent)
        self.write(
            lambda session: answering.accept_created(
                session, self.seller.node, self.peer_id, event, self.now()
            )
        )

    @rule(index=st.integers(0, 1), is_yes=st.booleans())
    def operator_answers(self, index: int, is_yes: bool) -> None:
        found = self.mine()
        if index >= len(found):
            return
        number, node = found[index].id, self.seller.node

        def work(session: Session) -> None:
            if is_yes:
                ids = [self.footprint_id]
                answering.fulfil(session, node, number, ids, self.now(), level=Level.FULL)
            else:
                answering.reject(session, node, number, "no", self.now())

        was_open = found[index].state == "pending"
        try:
            self.write(work)
        except RefusedError:
            assert not was_open
        else:
            assert was_open

    @rule(level=st.sampled_from([Level.TOTAL, Level.FULL]))
    def grant(self, level: Level) -> None:
        self.write(
            lambda session: grants.add(session, self.peer_id, KeyKind.ALL, "", level, self.now())
        )

    @rule()
    def revoke(self) -> None:
        def work(session: Session) -> None:
            for grant, _ in grants.listing(session):
                if grant.peer_id == self.peer_id:
                    grants.remove(session, grant.id or 0)

        self.write(work)

    @rule(arrives=st.booleans(), acknowledged=st.sampled_from([True, True, False]))
    def sends(self, arrives: bool, acknowledged: bool) -> None:
        node, lease = self.seller.node, timedelta(seconds=60)

        def claim(session: Session) -> Any:
            while (found := leases.claim(session, self.peer_id, self.now(), lease)) is not None:
                allowed = permitted(session, node, found, self.now())
                if allowed is not None:
                    return allowed
            return None

        delivery = self.write(claim)
        if delivery is None:
            return
        if arrives:
            data = json.loads(delivery.body)["data"]
            event_id = data["requestEventId"]
            self.seen.setdefault(event_id, []).append((delivery.event_id, delivery.type))
            if not acknowledged:
                self.in_doubt.add(event_id)
        if arrives and acknowledged:
            self.write(lambda session: leases.delivered(session, delivery, self.now()))
        else:
            self.write(
                lambda session: leases.failed(
                    session, delivery, error="no", next_attempt_at=self.now()
                )
            )

    @rule(index=st.integers(0, 1))
    def operator_sends_again(self, index: int) -> None:
        found = [row for row in self.seller.outbox() if row.peer_id == self.peer_id]
        dead = [row for row in found if row.state == "dead"]
        if index >= len(dead):
            return
        try:
            self.write(
                lambda session: answering.retry_delivery(
                    session, self.seller.node, dead[index].id or 0, self.now()
                )
            )
        except (RefusedError, NotFoundError):
            return

    @invariant()
    def at_most_one_answer_is_seen(self) -> None:
        for event_id, answers in self.seen.items():
            # After a loss nobody knew of, a revoked answer is rejected; see `permitted`.
            allowed = 2 if event_id in self.in_doubt else 1
            assert len({one for one, _ in answers}) <= allowed, answers

    def teardown(self) -> None:
        """Everything that is answered gets to the peer in the end, and each once."""
        for _ in range(60):
            before = {key: len(value) for key, value in self.seen.items()}
            self.sends(arrives=True, acknowledged=True)
            if before == {key: len(value) for key, value in self.seen.items()}:
                break
        for one in self.mine():
            if one.state == "pending":
                assert one.event_id not in self.seen or one.event_id in self.in_doubt
                continue
            answers = dict.fromkeys(kind for _, kind in self.seen[one.event_id])
            assert list(answers)[-1].rsplit(".", 2)[1].lower().startswith(f"request{one.state}")


async def test_whatever_happens_a_request_has_one_outcome(
    new_company: NewCompany, make_footprint: MakeFootprint
) -> None:
    seller = new_company("answerer", requests_answer="assist")
    (footprint_id,) = await seller.publish(make_footprint(1, comment="all of it"))
    Answering.seller, Answering.footprint_id = seller, footprint_id
    run_state_machine_as_test(
        Answering,
        settings=settings(
            max_examples=60,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
