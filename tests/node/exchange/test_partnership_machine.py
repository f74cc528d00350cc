"""The partnership of two nodes as a state machine: whatever operators do, both stay consistent."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlmodel import Session
from tests.node.conftest import StandingClock
from tests.node.exchange.conftest import COMPANY, Network, no_pause

from underseal_node.errors import NodeError, NotFoundError
from underseal_node.exchange.accepting import Acceptance, accept
from underseal_node.exchange.approvals import look_for_approval
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.http import PeerHttp
from underseal_node.exchange.resuming import resume
from underseal_node.exchange.rotation import rotate
from underseal_node.node import Node, create_node, open_node
from underseal_node.pact.app import create_public_app
from underseal_node.settings import Settings
from underseal_node.store import alerts, peers
from underseal_node.store.tables import Awaits, Peer, PeerState
from underseal_node.trust import partnerships, registrations
from underseal_node.trust.invitations import Offer, create_invitation
from underseal_node.trust.partnerships import Move
from underseal_node.trust.peers import remove_peer
from underseal_protocol.criteria import Criteria
from underseal_protocol.errors import ProtocolError

HOST, GUEST = "host", "guest"
pytestmark = pytest.mark.timeout(600)  # some hundred steps, on a busy machine

SIDES = (HOST, GUEST)


class Side:
    """One node and what its operator does. The other side is called by its name."""

    def __init__(self, name: str, directory: Path, network: Network, clock: StandingClock) -> None:
        self.name = name
        home = create_node(
            directory / name,
            company_name=name.title(),
            company_ids=[COMPANY],
            url=f"https://{name}.example",
            clock=clock,
        )
        self.node: Node = open_node(home.path, settings=Settings(http_attempts=1), clock=clock)
        self.app = create_public_app(self.node)
        network.apps[f"{name}.example"] = self.app
        http = PeerHttp(self.node.settings, transport=network, sleep=no_pause)
        self.exchange = Exchange(self.node, http=http, clock=lambda: clock().timestamp())

    def peer(self, name: str) -> Peer | None:
        def find(session: Session) -> Peer | None:
            try:
                return peers.by_name(session, name)
            except NotFoundError:
                return None

        return self.node.store.read_sync(find)

    def move(self, name: str, which: Move) -> None:
        def work(session: Session) -> None:
            peer = peers.by_name(session, name)
            partnerships.move(session, peer, which, self.node.now(), reason="so it is")

        self.node.store.write_sync(work)

    def close(self) -> None:
        self.app.state.context.serving.close()
        self.node.close()


class Partnership(RuleBasedStateMachine):
    """Rules are what operators can do; a refusal is an answer, an inconsistency is not."""

    @initialize()
    def found(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.directory = tempfile.TemporaryDirectory(prefix="machine-")
        self.clock = StandingClock()
        self.network = Network()
        self.sides = {
            name: Side(name, Path(self.directory.name), self.network, self.clock) for name in SIDES
        }
        self.apps = dict(self.network.apps)
        self.invitations: list[dict[str, Any]] = []
        self.replies: list[dict[str, Any]] = []

    def do(self, work: Any) -> Any:
        """Run to the end; what is refused is refused with a message."""
        self.clock.advance(seconds=1)
        with suppress(NodeError, ProtocolError):
            return self.loop.run_until_complete(work)
        return None

    @rule(preapproved=st.booleans())
    def invite(self, preapproved: bool) -> None:
        offer = Offer(
            GUEST,
            for_whom="https://guest.example" if preapproved else None,
            is_pre_approved=preapproved,
        )
        made = self.do(create_invitation(self.sides[HOST].node, offer))
        if made is not None:
            self.invitations.append(made.document)

    @precondition(lambda self: self.invitations)
    @rule(number=st.integers(0, 3), as_file=st.booleans())
    def accept(self, number: int, as_file: bool) -> None:
        document = self.invitations[-1 - number % len(self.invitations)]
        given = Acceptance(document=document, name=HOST, as_file=as_file)
        accepted = self.do(accept(self.sides[GUEST].exchange, given))
        if accepted is not None and accepted.reply is not None:
            self.replies.append(accepted.reply)

    @precondition(lambda self: self.replies)
    @rule(number=st.integers(0, 3))
    def complete(self, number: int) -> None:
        reply = self.replies[-1 - number % len(self.replies)]
        node = self.sides[HOST].node
        self.do(node.store.write(lambda session: registrations.register_file(session, node, reply)))

    @rule(preapproved=st.booleans())
    def onboard(self, preapproved: bool) -> None:
        """The whole way, from wherever they are."""
        self.network.apps.update(self.apps)
        self.invite(preapproved)
        if self.invitations:
            self.accept(0, as_file=False)
        self.approve()
        self.ask(HOST)

    @rule()
    def approve(self) -> None:
        self._move(HOST, Move.APPROVE)

    @rule(side=st.sampled_from(SIDES), which=st.sampled_from([Move.SUSPEND, Move.RESUME]))
    def suspend_or_resume(self, side: str, which: Move) -> None:
        self._move(side, which)

    @rule(side=st.sampled_from(SIDES))
    def ask_whether_it_holds(self, side: str) -> None:
        """As `peer resume` does, whether the other side has ended it or not."""
        self.do(resume(self.sides[side].exchange, GUEST if side == HOST else HOST))

    @rule(side=st.sampled_from(SIDES))
    def lie(self, side: str) -> None:
        """Whoever stands in the place of a token endpoint says that the partnership has ended."""
        said = {"error": "access_denied", "error_description": "a lie"}
        host = f"{GUEST if side == HOST else HOST}.example"

        def answer(request: httpx.Request) -> httpx.Response | None:
            is_asked = request.url.host == host and request.url.path == "/auth/token"
            return httpx.Response(400, json=said) if is_asked else None

        name = GUEST if side == HOST else HOST
        before = self.sides[side].peer(name)
        if before is None:
            return
        self.clock.advance(hours=1)  # the token from before is used up
        self.network.fault = answer
        self.do(self._list(side, name))
        self.network.fault = lambda request: None
        after = self.sides[side].peer(name)
        assert after is not None
        if before.state == PeerState.PENDING:  # who waits has nothing to lose
            return
        assert (after.state, after.client_id) == (before.state, before.client_id)
        self.ask_whether_it_holds(side)
        there, again = self.sides[name].peer(side), self.sides[side].peer(name)
        if set(self.network.apps) != set(self.apps) or there is None or again is None:
            return
        if there.state == again.state == PeerState.ACTIVE:
            event("a lie is undone")
            assert again.ended_by_peer_at is None

    @rule(side=st.sampled_from(SIDES), which=st.sampled_from([Move.REJECT, Move.REVOKE]))
    def end(self, side: str, which: Move) -> None:
        self._move(side, which)

    def _move(self, side: str, which: Move) -> None:
        with suppress(NodeError):
            self.sides[side].move(GUEST if side == HOST else HOST, which)

    @rule(side=st.sampled_from(SIDES))
    def ask(self, side: str) -> None:
        peer = self.sides[side].peer(GUEST if side == HOST else HOST)
        if peer is not None:
            self.do(look_for_approval(self.sides[side].exchange, peer.id or 0))

    @rule(side=st.sampled_from(SIDES))
    def rotate(self, side: str) -> None:
        self.do(rotate(self.sides[side].exchange, GUEST if side == HOST else HOST))

    @rule(side=st.sampled_from(SIDES))
    def remove(self, side: str) -> None:
        """Only what has ended, as operators do."""
        peer = self.sides[side].peer(GUEST if side == HOST else HOST)
        if peer is not None and peer.state != PeerState.REVOKED:
            return
        self.do(remove_peer(self.sides[side].node, GUEST if side == HOST else HOST))

    @rule(side=st.sampled_from(SIDES))
    def cut_or_mend(self, side: str) -> None:
        """The node cannot be reached, or can again."""
        host = f"{side}.example"
        if host in self.network.apps:
            del self.network.apps[host]
        else:
            self.network.apps[host] = self.apps[host]

    @rule(days=st.integers(1, 5))
    def wait(self, days: int) -> None:
        self.clock.advance(days=days)

    @invariant()
    def nobody_is_active_without_keys_of_the_other(self) -> None:
        for side, other in ((HOST, GUEST), (GUEST, HOST)):
            peer = self.sides[side].peer(other)
            if peer is None:
                continue
            assert (peer.awaits is not None) == (peer.state == PeerState.PENDING)
            if peer.state in (PeerState.ACTIVE, PeerState.SUSPENDED):
                assert peer.key_set is not None
                assert peer.base_url == f"https://{other}.example"
                assert peer.client_secret_encrypted is None

    @invariant()
    def the_guest_is_active_only_after_the_host_has_approved(self) -> None:
        """Whoever accepted waits; it is the host that decides."""
        guest_view = self.sides[GUEST].peer(HOST)
        host_view = self.sides[HOST].peer(GUEST)
        if guest_view is not None and guest_view.state == PeerState.ACTIVE:
            assert host_view is None or host_view.awaits != Awaits.US

    @invariant()
    def who_is_not_active_sees_nothing(self) -> None:
        """Tried with a real call in each direction, where both can be reached."""
        if set(self.network.apps) != set(self.apps):
            return
        for side, other in ((HOST, GUEST), (GUEST, HOST)):
            answer = self.do(self._list(side, other))
            # Read afterwards: the call of who has approved is what tells the other side.
            here, there = self.sides[side].peer(other), self.sides[other].peer(side)
            event(f"{side} reads: {answer is not None}")
            if answer is None:
                self._has_noticed(here, there)
                continue
            assert here is not None
            assert here.is_called
            assert there is not None
            assert there.state == PeerState.ACTIVE

    def _has_noticed(self, here: Peer | None, there: Peer | None) -> None:
        """A call has failed; if the other side has ended the partnership, that is why."""
        has_ended = there is not None and there.state == PeerState.REVOKED and there.key_set
        if has_ended and here is not None and here.state == PeerState.ACTIVE:
            event("an end is noticed")
            assert here.ended_by_peer_at is not None
            assert here.ended_by_peer_reason is not None

    @invariant()
    def only_an_operator_ends_what_was_active(self) -> None:
        """What the other side says is a mark; who is marked has been told, once each time."""
        for side, other in ((HOST, GUEST), (GUEST, HOST)):
            peer = self.sides[side].peer(other)
            if peer is None or peer.ended_by_peer_at is None:
                continue
            assert peer.state in (PeerState.ACTIVE, PeerState.SUSPENDED, PeerState.REVOKED)
            assert peer.state != PeerState.ACTIVE or not peer.is_called
            told = self.sides[side].node.store.read_sync(alerts.listing)
            if peer.state != PeerState.REVOKED:
                words = partnerships.end_by_peer(peer)
                assert len([one for one, _ in told if one.message.startswith(words)]) == 1

    async def _list(self, side: str, other: str) -> Any:
        from underseal_node.exchange.access import list_address

        exchange = self.sides[side].exchange
        peer = self.sides[side].peer(other)
        access = await exchange.access(0 if peer is None else peer.id or 0)
        return await exchange.client.page(access, list_address(access, Criteria(), page_size=5))

    def teardown(self) -> None:
        if not hasattr(self, "sides"):
            return
        for side in self.sides.values():
            self.loop.run_until_complete(side.exchange.aclose())
            side.close()
        self.loop.close()
        self.directory.cleanup()


TestPartnership = Partnership.TestCase
TestPartnership.settings = settings(
    max_examples=25,
    derandomize=True,  # the same stories in every run: what fails can be repeated
    stateful_step_count=25,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
