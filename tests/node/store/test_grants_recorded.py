"""Grants: what the audit log says of them, successors, and those that came with an invitation."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from underseal_node.node import Node
from underseal_node.store import grants
from underseal_node.store.audit_tables import AuditPending
from underseal_node.store.tables import AccessGrant, KeyKind
from underseal_node.store.types import utc_text
from underseal_protocol.disclosure import Level

AddPeer = Callable[..., int]
OLD, NEW, OTHER = (f"00000000-0000-4000-8000-00000000000{number}" for number in range(3))


@pytest.fixture
def write(node: Node) -> Callable[..., Any]:
    return node.store.write_sync


def stored(node: Node) -> list[AccessGrant]:
    statement = select(AccessGrant).order_by("id")
    return list(node.store.read_sync(lambda session: session.exec(statement).all()))


def recorded(node: Node) -> list[tuple[int | None, str, dict[str, Any]]]:
    """Peer, footprints and members of what waits for the log, about grants only."""
    rows = node.store.read_sync(lambda session: session.exec(select(AuditPending)).all())
    found = [(row.peer_id, row.footprint_ids, json.loads(row.members)) for row in rows]
    return [one for one in found if one[2]["act"].startswith("grant-")]


def test_every_member_of_a_grant_is_in_the_log(node: Node, add_peer: AddPeer, write: Any) -> None:
    peer_id, now = add_peer("buyer"), node.now()
    ends = now + timedelta(days=1)

    def work(session: Session) -> tuple[int | None, int | None]:
        given: dict[str, Any] = {"starts": now, "ends": ends, "terms": "t", "purpose": "p"}
        one = grants.add(session, peer_id, KeyKind.FOOTPRINT, OLD, Level.QUALITY, now, **given)
        everything = grants.add(session, peer_id, KeyKind.ALL, "", Level.TOTAL, now)
        grants.add(session, peer_id, KeyKind.ALL, "", Level.TOTAL, now, terms="other")
        grants.add(session, peer_id, KeyKind.ALL, "", Level.TOTAL, now, terms="other")
        grants.add(session, peer_id, KeyKind.PRODUCT, "urn:x:1", Level.TOTAL, now)
        return one.id, everything.id

    one, everything = write(work)
    first, second, third, fourth = recorded(node)
    assert first[:2] == (peer_id, OLD)
    expected = {
        "kind": "footprint",
        "value": OLD,
        "starts": utc_text(now),
        "ends": utc_text(ends),
        "purpose": "p",
        "terms": "t",
    }
    assert first[2] | {"detail": expected, "level": "quality", "grants": [one]} == first[2]
    assert (second[1], second[2]["act"], second[2]["level"]) == ("", "grant-added", "total")
    assert (second[2]["detail"], second[2]["grants"]) == ({"kind": "all"}, [everything])
    assert (third[2]["act"], third[2]["detail"]["terms"]) == ("grant-changed", "other")
    assert (fourth[1], fourth[2]["detail"]["value"]) == ("", "urn:x:1")


def test_a_successor_is_granted_as_what_it_replaces(
    node: Node, add_peer: AddPeer, write: Any
) -> None:
    buyer, other, now = add_peer("buyer"), add_peer("other"), node.now()

    def work(session: Session) -> None:
        given: dict[str, Any] = {"ends": now + timedelta(days=1), "terms": "t"}
        grants.add(session, buyer, KeyKind.FOOTPRINT, OLD, Level.BREAKDOWN, now, **given)
        grants.add(session, other, KeyKind.FOOTPRINT, OTHER, Level.FULL, now)
        grants.add(session, other, KeyKind.PRODUCT, OLD, Level.FULL, now)
        grants.inherit(session, OLD, NEW, now + timedelta(hours=1))

    write(work)
    old, *_, new = stored(node)
    assert len(stored(node)) == 4
    assert (new.value, new.shown_value, new.created_at) == (NEW, NEW, now + timedelta(hours=1))
    changed = {"id", "value", "shown_value", "created_at", "changed"}
    assert new.model_dump(exclude=changed) == old.model_dump(exclude=changed)
    assert new.changed > old.changed
    assert recorded(node)[-1][:2] == (buyer, NEW)
    last = recorded(node)[-1][2]
    assert (last["act"], last["time"]) == ("grant-added", utc_text(now + timedelta(hours=1)))
    assert last["grants"] == [new.id]


def test_what_an_invitation_offered_goes_with_it_and_what_was_given_stays(
    node: Node, add_peer: AddPeer, write: Any
) -> None:
    guest, other, now = add_peer("guest"), add_peer("other"), node.now()
    later = now + timedelta(hours=1)

    def work(session: Session) -> None:
        for peer_id in (guest, other):
            offered: dict[str, Any] = {"invitation_id": "first"}
            grants.add(session, peer_id, KeyKind.PRODUCT, "urn:x:1", Level.FULL, now, **offered)
        grants.add(session, guest, KeyKind.PRODUCT, "urn:x:2", Level.TOTAL, now)
        grants.withdraw_offered(session, guest, later)

    write(work)
    assert [(one.peer_id, one.shown_value) for one in stored(node)] == [
        (other, "urn:x:1"),
        (guest, "urn:x:2"),
    ]
    (removed,) = [one for one in recorded(node) if one[2]["act"] == "grant-removed"]
    assert (removed[0], removed[2]["time"]) == (guest, utc_text(later))
    assert removed[2]["detail"]["value"] == "urn:x:1"


@pytest.mark.parametrize(
    ("level", "stays"), [(Level.TOTAL, True), (Level.QUALITY, True), (Level.FULL, False)]
)
def test_an_offer_that_is_given_for_itself_too_stays(
    node: Node, add_peer: AddPeer, write: Any, level: Level, *, stays: bool
) -> None:
    """If what is given says no more than the offer; the other way round, the offer goes."""
    peer_id, now = add_peer("guest"), node.now()

    def work(session: Session) -> None:
        offered: dict[str, Any] = {"invitation_id": "first"}
        grants.add(session, peer_id, KeyKind.ALL, "", Level.QUALITY, now, **offered)
        grants.add(session, peer_id, KeyKind.ALL, "", level, now)

    write(work)
    offers = [one.invitation_id for one in stored(node) if one.level == Level.QUALITY.rank]
    assert offers == ([None] if stays else ["first"])
    # A second offer of the same takes nothing back.
    write(
        lambda session: grants.add(
            session, peer_id, KeyKind.ALL, "", Level.TOTAL, now, invitation_id="second"
        )
    )
    assert [one.invitation_id for one in stored(node) if one.level == Level.QUALITY.rank] == offers


def test_the_highest_level_that_is_known_answers(node: Node, add_peer: AddPeer, write: Any) -> None:
    peer_id, now = add_peer("buyer"), node.now()

    def add(session: Session, level: Level) -> int | None:
        return grants.add(session, peer_id, KeyKind.ALL, "", level, now).id

    low, high = (
        write(lambda session, one=one: add(session, one)) for one in (Level.TOTAL, Level.FULL)
    )
    assert write(lambda session: add(session, Level.TOTAL)) == high != low


def test_the_listing_is_oldest_first_each_with_its_peer(
    node: Node, add_peer: AddPeer, write: Any
) -> None:
    peers, now = [add_peer("b"), add_peer("a")], node.now()
    for peer_id in (*peers, *peers):
        value = f"urn:x:{len(stored(node))}"
        write(
            lambda session, peer_id=peer_id, value=value: grants.add(
                session, peer_id, KeyKind.PRODUCT, value, Level.TOTAL, now
            )
        )
    listed = node.store.read_sync(grants.listing)
    assert [(grant.shown_value, name) for grant, name in listed] == [
        ("urn:x:0", "b"),
        ("urn:x:1", "a"),
        ("urn:x:2", "b"),
        ("urn:x:3", "a"),
    ]
