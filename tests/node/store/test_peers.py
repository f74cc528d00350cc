"""Queries on peers: names, credentials, and what removing one leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from sqlmodel import Session, SQLModel, select

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.node import Node
from underseal_node.store import ending, grants, inbox, leases, outbox, peers, pulls, requests
from underseal_node.store.exchange_tables import (
    Direction,
    InboxEvent,
    OutboxEvent,
    OutboxState,
    PullState,
    Request,
    RequestState,
)
from underseal_node.store.tables import AccessGrant, ChangeCounter, KeyKind, Peer, PeerState
from underseal_protocol.criteria import Criteria
from underseal_protocol.disclosure import Level
from underseal_protocol.events import EventType

T = TypeVar("T")
Write = Callable[[Callable[[Session], T]], T]


@pytest.fixture
def write(node: Node) -> Callable[[Callable[[Session], Any]], Any]:
    """Run work in a transaction."""
    return node.store.write_sync


def new_peer(node: Node, name: str) -> int:
    def work(session: Session) -> int:
        peer = peers.add(session, Peer(name=name, created_at=node.now()))
        assert peer.id is not None
        return peer.id

    return node.store.write_sync(work)


def rows(node: Node, table: type[SQLModel]) -> list[Any]:
    return node.store.read_sync(lambda session: list(session.exec(select(table)).all()))


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("Acme", "aCME"),
        ("Straße", "STRASSE"),
        ("Müller", "Mu\u0308ller"),  # composed and decomposed
        ("ﬁrma", "firma"),
    ],
)
def test_names_that_read_alike_are_one(node: Node, name: str, asked: str) -> None:
    peer_id = new_peer(node, name)
    found = node.store.read_sync(lambda session: peers.by_name(session, asked))
    assert (found.id, found.name) == (peer_id, name)
    with pytest.raises(RefusedError, match="already"):
        new_peer(node, asked)


def test_a_name_that_nobody_has(node: Node) -> None:
    new_peer(node, "acme")
    with pytest.raises(NotFoundError, match="there is no peer 'acm'"):
        node.store.read_sync(lambda session: peers.by_name(session, "acm"))


def test_peers_are_listed_by_name_whatever_the_case(node: Node) -> None:
    for name in ("beta", "Alpha", "Gamma"):
        new_peer(node, name)
    listed = node.store.read_sync(peers.listing)
    assert [peer.name for peer in listed] == ["Alpha", "beta", "Gamma"]


def test_only_credentials_in_force_are_named(node: Node) -> None:
    one, other = new_peer(node, "one"), new_peer(node, "other")

    def work(session: Session) -> None:
        peers.issue(session, one, "first", "hash", node.now())
        peers.revoke_credentials(session, peers.by_name(session, "one"), node.now())
        peers.issue(session, one, "second", "hash", node.now() + timedelta(seconds=1))
        peers.issue(session, other, "third", "hash", node.now())

    node.store.write_sync(work)
    held = node.store.read_sync(lambda session: peers.credentials(session, node.now()))
    ids = {peer_id: [row.client_id for row in rows] for peer_id, rows in held.items()}
    assert ids == {one: ["second"], other: ["third"]}
    only = node.store.read_sync(lambda session: peers.credentials(session, node.now(), one))
    assert only.keys() == {one}


def busy(node: Node, name: str) -> int:
    """A peer with a grant, a pull, events both ways and a request both ways."""
    peer_id = new_peer(node, name)
    now = node.now()

    def work(session: Session) -> None:
        grants.add(session, peer_id, KeyKind.ALL, "", Level.TOTAL, now)
        pulls.begin(session, peer_id, "", now)
        inbox.accept(session, peer_id, "theirs", EventType.PUBLISHED, b"{}", now)
        for direction in Direction:
            requests.add(
                session,
                direction=direction,
                peer_id=peer_id,
                event_id=str(direction),
                criteria=Criteria(product_ids=("urn:gtin:4712345060507",)),
                comment=None,
                now=now,
            )
        for state in (OutboxState.PENDING, OutboxState.PAUSED, OutboxState.DELIVERED):
            row = outbox.enqueue(
                session,
                peer_id=peer_id,
                event_id=f"{name} {state}",
                event_type=EventType.PUBLISHED,
                body=b"{}",
                now=now,
            )
            row.state = state
            session.add(row)

    node.store.write_sync(work)
    return peer_id


def test_removing_ends_everything_that_waits(node: Node, write: Any) -> None:
    busy(node, "gone")
    busy(node, "stays")
    kept_as = write(
        lambda session: ending.remove(session, peers.by_name(session, "GONE"), node.now())
    )
    assert kept_as == "gone (removed)"
    found = {peer.name: peer for peer in rows(node, Peer)}
    assert found.keys() == {"gone (removed)", "stays"}
    gone = found["gone (removed)"]
    assert (gone.state, gone.token_not_before) == (PeerState.REVOKED, node.now())
    for table in (AccessGrant, PullState):
        assert [row.peer_id for row in rows(node, table)] == [found["stays"].id]
    events = [row for row in rows(node, OutboxEvent) if row.peer_id == gone.id]
    assert sorted(row.state for row in events) == ["dead", "dead", "delivered"]
    assert {row.last_error for row in events} == {None, "the peer was removed"}
    outcomes = {
        row.direction: (row.state, row.error_message)
        for row in rows(node, Request)
        if row.peer_id == gone.id
    }
    assert outcomes == {
        Direction.INCOMING: (RequestState.REJECTED, "the peer was removed"),
        Direction.OUTGOING: (RequestState.FAILED, "the peer was removed"),
    }
    handled = {row.peer_id: row.handled_at for row in rows(node, InboxEvent)}
    assert handled == {gone.id: node.now(), found["stays"].id: None}
    untouched = [row.state for row in rows(node, Request) if row.peer_id == found["stays"].id]
    assert untouched == [RequestState.PENDING] * 2


def test_a_peer_is_removed_once(node: Node, write: Any) -> None:
    busy(node, "gone")
    write(lambda session: ending.remove(session, peers.by_name(session, "gone"), node.now()))
    with pytest.raises(RefusedError, match="has been removed"):
        write(
            lambda session: ending.remove(
                session, peers.by_name(session, "gone (removed)"), node.now()
            )
        )


def test_names_of_removed_peers_do_not_collide(node: Node, write: Any) -> None:
    for expected in ("gone (removed)", "gone (removed 2)", "gone (removed 3)"):
        peer_id = new_peer(node, "gone")
        write(
            lambda session, peer_id=peer_id: inbox.accept(
                session, peer_id, "1", EventType.PUBLISHED, b"", node.now()
            )
        )
        found = write(
            lambda session: ending.remove(session, peers.by_name(session, "gone"), node.now())
        )
        assert found == expected


def test_a_peer_that_nothing_refers_to_is_deleted(node: Node, write: Any) -> None:
    peer_id = new_peer(node, "gone")

    def furnish(session: Session) -> None:
        grants.add(session, peer_id, KeyKind.ALL, "", Level.TOTAL, node.now())
        peers.issue(session, peer_id, "client", "hash", node.now())
        pulls.begin(session, peer_id, "", node.now())

    write(furnish)
    before = rows(node, ChangeCounter)[0].last
    assert (
        write(lambda session: ending.remove(session, peers.by_name(session, "gone"), node.now()))
        is None
    )
    assert rows(node, Peer) == []
    # Workers that keep pages in memory notice that a grant is gone.
    assert rows(node, ChangeCounter)[0].last > before


def test_peers_that_cannot_be_delivered_to_are_named_with_the_reason(
    node: Node, write: Any
) -> None:
    failing, well = busy(node, "failing"), busy(node, "well")

    def fail(session: Session) -> None:
        delivery = leases.claim(session, failing, node.now(), timedelta(minutes=1))
        assert delivery is not None
        later = node.now() + timedelta(minutes=1)
        leases.failed(session, delivery, error="down", next_attempt_at=later)

    assert node.store.read_sync(peers.failing) == {}
    write(fail)
    assert node.store.read_sync(peers.failing) == {failing: "down"}
    assert well != failing


def test_how_far_pulls_came_can_be_forgotten(node: Node, write: Any) -> None:
    one, other = busy(node, "one"), busy(node, "other")
    write(lambda session: ending.forget_pulls(session, one))
    assert [row.peer_id for row in rows(node, PullState)] == [other]
    assert json.loads(rows(node, Request)[0].footprint_ids) == []


def test_ids_of_peers_and_grants_are_not_given_again(node: Node, write: Any) -> None:
    """The audit log and receipts name them, also when they are gone."""

    def made(session: Session) -> tuple[int | None, int | None]:
        peer = peers.add(session, Peer(name="one", created_at=node.now()))
        grant = grants.add(session, peer.id or 0, KeyKind.ALL, "", Level.TOTAL, node.now())
        found = peer.id, grant.id
        ending.remove(session, peer, node.now())
        return found

    seen = [write(made) for _ in range(3)]
    assert seen == [(1, 1), (2, 2), (3, 3)]
