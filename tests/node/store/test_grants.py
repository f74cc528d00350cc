"""Grants: what is granted is covered, what is not is not, and nothing is granted by accident."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.node import Node
from underseal_node.publishing.changing import deprecate
from underseal_node.store import batches, grants
from underseal_node.store.tables import AccessGrant, ChangeCounter, KeyKind
from underseal_protocol.disclosure import Level

Publish = Callable[..., str]
AddPeer = Callable[..., int]

HOUR = timedelta(hours=1)


@pytest.fixture
def grant(node: Node) -> Callable[..., AccessGrant]:
    """`grant(peer_id, kind, value, level, starts=..., ends=...)`"""

    def add(
        peer_id: int, kind: KeyKind, value: str = "", level: Level = Level.TOTAL, **dates: Any
    ) -> AccessGrant:
        return node.store.write_sync(
            lambda session: grants.add(session, peer_id, kind, value, level, node.now(), **dates)
        )

    return add


def covering(node: Node, *ids: str) -> dict[int, list[str]]:
    return node.store.read_sync(lambda session: grants.covering(session, ids, node.now()))


def stored(node: Node) -> list[AccessGrant]:
    return list(node.store.read_sync(lambda session: session.exec(select(AccessGrant)).all()))


def changes(node: Node) -> int:
    def last(session: Session) -> int:
        return session.exec(select(ChangeCounter.last)).one()

    return node.store.read_sync(last)


def test_who_may_see_everything_shares_one_list(
    node: Node, publish: Publish, add_peer: AddPeer, grant: Any
) -> None:
    """A thousand of them, and a hundred thousand footprints, must fit into memory."""
    first, second = publish(1), publish(2)
    peers = [add_peer(f"peer-{number}") for number in range(3)]
    for peer_id in peers[:2]:
        grant(peer_id, KeyKind.ALL)
        grant(peer_id, KeyKind.FOOTPRINT, first)
    grant(peers[2], KeyKind.FOOTPRINT, second)
    found = covering(node, first, "00000000-0000-0000-0000-00000000dead", second)
    assert found == {peers[0]: [first, second], peers[1]: [first, second], peers[2]: [second]}
    assert found[peers[0]] is found[peers[1]]


# --- covering ---------------------------------------------------------------------------------


def test_without_a_grant_nothing_is_covered(
    node: Node, publish: Publish, add_peer: AddPeer
) -> None:
    add_peer()
    assert covering(node, publish()) == {}


def test_each_kind_covers_what_it_names(
    node: Node, publish: Publish, add_peer: AddPeer, grant: Any
) -> None:
    first, second = publish(1), publish(2, productClassifications=["urn:x:Class"])
    peers = [add_peer(name) for name in ("all", "product", "class", "one", "other")]
    grant(peers[0], KeyKind.ALL)
    grant(peers[1], KeyKind.PRODUCT, "URN:X:1")
    grant(peers[2], KeyKind.CLASSIFICATION, "urn:x:cLASS")
    grant(peers[3], KeyKind.FOOTPRINT, second.upper())
    grant(peers[4], KeyKind.PRODUCT, "urn:x:3")
    assert covering(node, first, second) == {
        peers[0]: [first, second],
        peers[1]: [first],
        peers[2]: [second],
        peers[3]: [second],
    }
    assert covering(node, second, first)[peers[0]] == [second, first]
    assert covering(node, first, first)[peers[0]] == [first]
    assert covering(node) == {}
    assert covering(node, "00000000-0000-0000-0000-00000000dead") == {}


def test_coverage_from_a_level_on(
    node: Node, publish: Publish, add_peer: AddPeer, grant: Any
) -> None:
    footprint_id = publish(1)
    peers = {level: add_peer(level) for level in Level}
    kinds = {Level.BREAKDOWN: KeyKind.PRODUCT, Level.TOTAL: KeyKind.PRODUCT}
    for level, peer_id in peers.items():
        kind = kinds.get(level, KeyKind.ALL)
        grant(peer_id, kind, "urn:x:1" if kind is KeyKind.PRODUCT else "", level=level)
    for lowest in Level:

        def work(session: Session, lowest: Level = lowest) -> dict[int, list[str]]:
            return grants.covering(session, [footprint_id], node.now(), lowest=lowest)

        found = node.store.read_sync(work)
        assert set(found) == {peers[one] for one in Level if one.rank >= lowest.rank}


def test_a_value_of_another_kind_covers_nothing(
    node: Node, publish: Publish, add_peer: AddPeer, grant: Any
) -> None:
    footprint_id = publish(1)
    peer = add_peer()
    grant(peer, KeyKind.PRODUCT, footprint_id)
    grant(peer, KeyKind.CLASSIFICATION, "urn:x:1")
    grant(peer, KeyKind.FOOTPRINT, "urn:x:1")
    assert covering(node, footprint_id) == {}


def test_several_grants_name_a_footprint_once(
    node: Node, publish: Publish, add_peer: AddPeer, grant: Any
) -> None:
    footprint_id, peer = publish(1), add_peer()
    grant(peer, KeyKind.ALL)
    grant(peer, KeyKind.PRODUCT, "urn:x:1", Level.FULL)
    assert covering(node, footprint_id) == {peer: [footprint_id]}


def in_force_or_later(node: Node) -> list[tuple[int, KeyKind, str, Level]]:
    return node.store.read_sync(lambda session: grants.levels_in_force(session, node.now()))


def test_what_is_in_force_or_will_be(node: Node, add_peer: AddPeer, grant: Any, clock: Any) -> None:
    first, second = add_peer("first"), add_peer("second")
    now = node.now()
    grant(first, KeyKind.PRODUCT, "URN:X:1", Level.QUALITY, starts=now + HOUR)
    grant(second, KeyKind.ALL, level=Level.FULL, ends=now + HOUR)
    without_end = (first, KeyKind.PRODUCT, "urn:x:1", Level.QUALITY)
    assert in_force_or_later(node) == [without_end, (second, KeyKind.ALL, "", Level.FULL)]
    clock.advance(minutes=59, seconds=59.999999)
    assert len(in_force_or_later(node)) == 2
    clock.advance(microseconds=1)
    assert in_force_or_later(node) == [without_end]


@pytest.mark.parametrize(("kind", "value"), [(KeyKind.ALL, ""), (KeyKind.PRODUCT, "urn:x:1")])
def test_a_grant_covers_from_its_start_until_before_its_end(
    node: Node,
    publish: Publish,
    add_peer: AddPeer,
    grant: Any,
    clock: Any,
    kind: KeyKind,
    value: str,
) -> None:
    footprint_id, peer = publish(1), add_peer()
    now = node.now()
    grant(peer, kind, value, starts=now + HOUR, ends=now + 2 * HOUR)
    assert covering(node, footprint_id) == {}
    clock.advance(hours=1)
    assert covering(node, footprint_id) == {peer: [footprint_id]}
    clock.advance(minutes=59, seconds=59.999999)
    assert covering(node, footprint_id) == {peer: [footprint_id]}
    clock.advance(microseconds=1)
    assert covering(node, footprint_id) == {}


def test_what_is_deprecated_stays_covered(
    node: Node, publish: Publish, add_peer: AddPeer, grant: Any
) -> None:
    footprint_id, peer = publish(1), add_peer()
    grant(peer, KeyKind.ALL)
    asyncio.run(deprecate(node, footprint_id))
    assert covering(node, footprint_id) == {peer: [footprint_id]}


def test_more_footprints_than_fit_into_one_query(
    node: Node, publish: Publish, add_peer: AddPeer, grant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "IDS_PER_QUERY", 2)
    ids, peer = [publish(number) for number in range(1, 6)], add_peer()
    grant(peer, KeyKind.ALL)
    assert covering(node, *ids) == {peer: ids}


def test_grants_in_force(node: Node, add_peer: AddPeer, grant: Any, clock: Any) -> None:
    peer, now = add_peer(), node.now()
    grant(peer, KeyKind.PRODUCT, "URN:X:1")
    grant(peer, KeyKind.ALL, ends=now + HOUR)
    grant(peer, KeyKind.FOOTPRINT, "later", starts=now + HOUR)

    def in_force() -> set[tuple[int, KeyKind, str]]:
        return set(node.store.read_sync(lambda session: grants.in_force(session, node.now())))

    assert in_force() == {(peer, KeyKind.PRODUCT, "urn:x:1"), (peer, KeyKind.ALL, "")}
    clock.advance(hours=1)
    assert in_force() == {(peer, KeyKind.PRODUCT, "urn:x:1"), (peer, KeyKind.FOOTPRINT, "later")}


def test_whether_a_grant_would_cover_anything(node: Node, publish: Publish) -> None:
    def has(kind: KeyKind, value: str) -> bool:
        return node.store.read_sync(lambda session: grants.has_footprints(session, kind, value))

    assert not has(KeyKind.ALL, "")
    footprint_id = publish(1)
    assert has(KeyKind.ALL, "")
    assert has(KeyKind.PRODUCT, "URN:x:1")
    assert has(KeyKind.FOOTPRINT, footprint_id)
    assert not has(KeyKind.PRODUCT, "urn:x:2")
    assert not has(KeyKind.CLASSIFICATION, "urn:x:1")


# --- adding -----------------------------------------------------------------------------------


def test_a_grant_is_kept_as_the_operator_wrote_it(
    node: Node, add_peer: AddPeer, grant: Any
) -> None:
    peer = add_peer()
    made = grant(peer, KeyKind.PRODUCT, "URN:X:1", Level.QUALITY, ends=node.now() + HOUR)
    (kept,) = stored(node)
    assert made.id == kept.id
    assert (kept.peer_id, kept.kind, kept.value) == (peer, "product", "urn:x:1")
    assert (kept.shown_value, kept.level) == ("URN:X:1", Level.QUALITY.rank)
    assert (kept.starts, kept.ends) == (None, "2026-03-01T13:00:00.000000Z")
    assert kept.created_at == node.now()
    assert kept.changed == changes(node)


def test_the_same_grant_again_changes_nothing(node: Node, add_peer: AddPeer, grant: Any) -> None:
    peer, ends = add_peer(), node.now() + HOUR
    first = grant(peer, KeyKind.PRODUCT, "urn:x:1", Level.QUALITY, ends=ends)
    before = changes(node)
    for level in (Level.QUALITY, Level.TOTAL):
        assert grant(peer, KeyKind.PRODUCT, "URN:X:1", level, ends=ends).id == first.id
    assert len(stored(node)) == 1
    assert changes(node) == before


def test_an_unlimited_grant_includes_limited_ones(
    node: Node, add_peer: AddPeer, grant: Any
) -> None:
    peer = add_peer()
    first = grant(peer, KeyKind.ALL, level=Level.QUALITY)
    again = grant(peer, KeyKind.ALL, level=Level.TOTAL, ends=node.now() + HOUR)
    assert (again.id, again.ends) == (first.id, None)


def test_more_is_another_grant(node: Node, add_peer: AddPeer, grant: Any) -> None:
    peer, other = add_peer(), add_peer("other")
    for arguments in (
        (peer, KeyKind.ALL, "", Level.TOTAL),
        (peer, KeyKind.ALL, "", Level.FULL),
        (peer, KeyKind.PRODUCT, "urn:x:1", Level.TOTAL),
        (peer, KeyKind.PRODUCT, "urn:x:2", Level.TOTAL),
        (peer, KeyKind.CLASSIFICATION, "urn:x:1", Level.TOTAL),
        (other, KeyKind.ALL, "", Level.TOTAL),
    ):
        grant(*arguments)
    assert len({one.id for one in stored(node)}) == 6
    assert len({one.changed for one in stored(node)}) == 6


def test_a_lower_level_for_longer_is_another_grant(
    node: Node, add_peer: AddPeer, grant: Any
) -> None:
    peer = add_peer()
    grant(peer, KeyKind.ALL, level=Level.FULL, ends=node.now() + HOUR)
    grant(peer, KeyKind.ALL, level=Level.TOTAL)
    assert [(one.level, one.ends is None) for one in stored(node)] == [(3, False), (0, True)]


def test_other_dates_at_the_same_level_replace_the_dates(
    node: Node, add_peer: AddPeer, grant: Any
) -> None:
    peer, now = add_peer(), node.now()
    first = grant(peer, KeyKind.ALL, ends=now + HOUR)
    before = changes(node)
    longer = grant(peer, KeyKind.ALL, ends=now + 2 * HOUR)
    assert longer.id == first.id
    (kept,) = stored(node)
    assert kept.ends == "2026-03-01T14:00:00.000000Z"
    assert kept.changed == changes(node) == before + 1
    grant(peer, KeyKind.ALL, ends=None)
    assert stored(node)[0].ends is None


def test_dates_that_are_left_out_stay_as_they_were(
    node: Node, add_peer: AddPeer, grant: Any
) -> None:
    peer, now = add_peer(), node.now()
    grant(peer, KeyKind.ALL, starts=now, ends=now + HOUR)
    grant(peer, KeyKind.ALL, terms="No resale.")
    (kept,) = stored(node)
    assert (kept.starts, kept.ends) == (
        "2026-03-01T12:00:00.000000Z",
        "2026-03-01T13:00:00.000000Z",
    )
    with pytest.raises(RefusedError, match="end before it starts"):
        grant(peer, KeyKind.ALL, starts=now + HOUR)
    grant(peer, KeyKind.ALL, ends=now + 2 * HOUR)
    grant(peer, KeyKind.ALL, starts=None)
    (kept,) = stored(node)
    assert (kept.starts, kept.ends) == (None, "2026-03-01T14:00:00.000000Z")
    # More is another grant, and has no dates of its own.
    grant(peer, KeyKind.ALL, level=Level.FULL)
    assert [(one.level, one.ends is None) for one in stored(node)] == [(0, False), (3, True)]


def test_terms_and_purpose_are_kept_changed_and_cleared(
    node: Node, add_peer: AddPeer, grant: Any
) -> None:
    peer = add_peer()
    texts = {"terms": "https://terms.example/1", "purpose": "CBAM report 2026"}
    first = grant(peer, KeyKind.ALL, **texts)
    before = changes(node)
    for again in ({}, texts, {"purpose": "CBAM report 2026"}):
        assert grant(peer, KeyKind.ALL, **again).id == first.id
    assert changes(node) == before
    grant(peer, KeyKind.ALL, terms="Not for resale.")
    (kept,) = stored(node)
    assert (kept.terms, kept.purpose) == ("Not for resale.", "CBAM report 2026")
    assert kept.changed == changes(node) == before + 1  # it is delivered again, with the terms
    grant(peer, KeyKind.ALL, terms="", purpose="")
    (kept,) = stored(node)
    assert (kept.terms, kept.purpose) == (None, None)


def test_a_lower_level_does_not_touch_the_terms_of_a_higher_one(
    node: Node, add_peer: AddPeer, grant: Any
) -> None:
    peer = add_peer()
    grant(peer, KeyKind.ALL, level=Level.FULL, terms="Not for resale.")
    grant(peer, KeyKind.ALL, level=Level.TOTAL, terms="Do as you like.")
    assert [one.terms for one in stored(node)] == ["Not for resale."]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (KeyKind.ALL, "urn:x:1"),
        (KeyKind.PRODUCT, ""),
        (KeyKind.CLASSIFICATION, ""),
        (KeyKind.FOOTPRINT, ""),
        (KeyKind.COMPANY, "urn:x:1"),
    ],
)
def test_what_no_grant_can_be_made_of(
    node: Node, add_peer: AddPeer, grant: Any, kind: KeyKind, value: str
) -> None:
    peer = add_peer()
    with pytest.raises(RefusedError, match="a grant cannot be made of"):
        grant(peer, kind, value)
    assert stored(node) == []


def test_a_grant_that_ends_before_it_starts(node: Node, add_peer: AddPeer, grant: Any) -> None:
    peer, now = add_peer(), node.now()
    for ends in (now, now - HOUR):
        with pytest.raises(RefusedError, match="end before it starts"):
            grant(peer, KeyKind.ALL, starts=now, ends=ends)
    assert stored(node) == []


# --- listing, removing ------------------------------------------------------------------------


def test_grants_are_listed_with_the_names_of_their_peers(
    node: Node, add_peer: AddPeer, grant: Any
) -> None:
    one, other = add_peer("one"), add_peer("other")
    first, second = grant(one, KeyKind.ALL), grant(other, KeyKind.PRODUCT, "urn:x:1")

    def listed(name: str | None = None) -> list[tuple[int | None, str]]:
        found = node.store.read_sync(lambda session: grants.listing(session, name))
        return [(row.id, peer) for row, peer in found]

    assert listed() == [(first.id, "one"), (second.id, "other")]
    assert listed("other") == [(second.id, "other")]
    assert listed("nobody") == []


def test_what_is_removed_covers_nothing(
    node: Node, publish: Publish, add_peer: AddPeer, grant: Any
) -> None:
    footprint_id, peer = publish(1), add_peer()
    made = grant(peer, KeyKind.ALL)
    before = changes(node)
    node.store.write_sync(lambda session: grants.remove(session, made.id))
    assert covering(node, footprint_id) == {}
    assert changes(node) == before + 1  # pages in memory are no longer true
    with pytest.raises(NotFoundError, match=f"there is no grant {made.id}"):
        node.store.write_sync(lambda session: grants.remove(session, made.id))
    assert changes(node) == before + 1


def test_one_grant(node: Node, add_peer: AddPeer, grant: Any) -> None:
    made = grant(add_peer(), KeyKind.ALL)
    assert node.store.read_sync(lambda session: grants.get(session, made.id)).id == made.id
    with pytest.raises(NotFoundError, match="there is no grant 99"):
        node.store.read_sync(lambda session: grants.get(session, 99))
