"""Own footprints as the operator sees them, and as the operator sees peers see them."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from underseal_node.errors import NotFoundError
from underseal_node.node import Node
from underseal_node.publishing.changing import deprecate
from underseal_node.store import batches, footprints, grants
from underseal_node.store.footprints import NewFootprint
from underseal_node.store.tables import KeyKind
from underseal_node.store.viewing import Viewing
from underseal_protocol.disclosure import Level

Publish = Callable[..., str]
AddPeer = Callable[..., int]


def listed(node: Node, **arguments: Any) -> list[str]:
    found = node.store.read_sync(lambda session: footprints.listing(session, **arguments))
    return [one.id for one in found]


def new_footprint(number: int, **changes: Any) -> NewFootprint:
    footprint_id = str(uuid.UUID(int=number))
    values: dict[str, Any] = {
        "id": footprint_id,
        "segments": b"segments",
        "document_digest": "digest",
        "credential_digest": "credential",
        "valid_from": datetime(2026, 1, 1, tzinfo=UTC),
        "valid_until": datetime(2029, 1, 1, tzinfo=UTC),
        "geography": None,
        "product_name": f"Product {number}",
        "summary": "{}",
        "keys": frozenset({(KeyKind.ALL, ""), (KeyKind.FOOTPRINT, footprint_id)}),
    }
    return NewFootprint(**values | changes)


def store(node: Node, *new: NewFootprint) -> None:
    node.store.write_sync(lambda session: footprints.add_all(session, new, node.now()))


def view(node: Node, footprint_id: str, peer_id: int) -> tuple[bytes, Level]:
    viewing = Viewing(node.store.read_engine)
    seen = asyncio.run(viewing.footprint_seen_by(peer_id, footprint_id, node.now()))
    return seen.body, seen.level


# --- listing ----------------------------------------------------------------------------------


def test_the_newest_publication_comes_first(node: Node, publish: Publish) -> None:
    ids = [publish(number) for number in (3, 1, 2)]
    assert listed(node) == list(reversed(ids))
    assert listed(node, limit=2) == [ids[2], ids[1]]


def test_the_list_can_be_narrowed(node: Node, publish: Publish) -> None:
    first, second = publish(1), publish(2, productIds=["urn:x:2", "urn:x:Shared"])
    third = publish(3, productIds=["urn:x:shared"])
    asyncio.run(deprecate(node, second))
    assert listed(node, status="Active") == listed(node, status="active") == [third, first]
    assert listed(node, status="Deprecated") == [second]
    assert listed(node, status="Bogus") == []
    assert listed(node, product_id="URN:X:SHARED") == [third, second]
    assert listed(node, product_id="urn:x:shared", status="Active") == [third]
    assert listed(node, product_id="urn:x:9") == []


def test_a_class_is_no_product(node: Node, publish: Publish) -> None:
    publish(1, productClassifications=["urn:x:c"])
    assert listed(node, product_id="urn:x:c") == []


def test_what_a_list_shows(node: Node, publish: Publish) -> None:
    publish(1, precedingPfIds=[str(uuid.UUID(int=9))])
    (own,) = node.store.read_sync(footprints.listing)
    assert own.status == "Active"
    assert own.published_at == node.now()
    assert own.valid_from == datetime(2026, 1, 1, tzinfo=UTC)
    assert own.valid_until == datetime(2029, 1, 1, tzinfo=UTC)
    assert own.status_statement is None
    assert own.body is None
    assert (
        own.summary.items()
        >= {
            "productNameCompany": "Product 1",
            "productIds": ["urn:x:1"],
            "created": "2026-01-02T03:04:05Z",
            "pcfExcludingBiogenicUptake": "1.50",
            "declaredUnitAmount": "1",
            "declaredUnitOfMeasurement": "kilogram",
            "precedingPfIds": [str(uuid.UUID(int=9))],
        }.items()
    )


def test_a_list_does_not_read_the_bodies(node: Node, publish: Publish) -> None:
    publish(1)
    statements: list[str] = []
    event.listen(
        node.store.read_engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: statements.append(statement),
    )
    assert len(listed(node)) == 1
    assert statements
    assert not any("segments" in statement for statement in statements)


# --- one --------------------------------------------------------------------------------------


def test_one_with_its_body(node: Node, publish: Publish) -> None:
    footprint_id = publish(1)
    for written in (footprint_id, footprint_id.upper()):
        own = node.store.read_sync(partial(footprints.get, footprint_id=written))
        assert own.id == footprint_id
        assert own.body is not None
        assert json.loads(own.body)["comment"] == "told to few"
        assert json.loads(own.body)["status"] == "Active"


def test_one_that_is_deprecated_says_so(node: Node, publish: Publish) -> None:
    footprint_id = publish(1)
    asyncio.run(deprecate(node, footprint_id))
    own = node.store.read_sync(lambda session: footprints.get(session, footprint_id))
    assert own.status == json.loads(own.body or b"")["status"] == "Deprecated"
    assert own.status_statement is not None


@pytest.mark.parametrize("read", [footprints.get, footprints.row])
def test_one_that_is_not_there(node: Node, read: Callable[..., Any]) -> None:
    with pytest.raises(NotFoundError, match="there is no own footprint nowhere"):
        node.store.read_sync(lambda session: read(session, "nowhere"))


# --- as a peer sees it ------------------------------------------------------------------------


def test_a_peer_sees_nothing_without_a_grant(
    node: Node, publish: Publish, add_peer: AddPeer
) -> None:
    footprint_id, other = publish(1), publish(2)
    peer, granted = add_peer(), add_peer("granted")
    node.store.write_sync(
        lambda session: (
            grants.add(session, granted, KeyKind.ALL, "", Level.FULL, node.now()),
            grants.add(session, peer, KeyKind.FOOTPRINT, other, Level.FULL, node.now()),
        )
    )
    for looked_for, who in ((footprint_id, peer), (str(uuid.UUID(int=99)), granted)):
        with pytest.raises(NotFoundError, match="there is no such footprint"):
            view(node, looked_for, who)
    with pytest.raises(NotFoundError, match="there is no such peer"):
        view(node, footprint_id, 99)


def test_a_peer_sees_the_highest_level_that_is_in_force(
    node: Node, publish: Publish, add_peer: AddPeer, clock: Any
) -> None:
    footprint_id, peer = publish(1), add_peer()
    end = node.now() + timedelta(hours=1)

    def add(kind: KeyKind, value: str, level: Level, ends: datetime | None = None) -> None:
        node.store.write_sync(
            lambda session: grants.add(session, peer, kind, value, level, node.now(), ends=ends)
        )

    add(KeyKind.ALL, "", Level.TOTAL)
    body, level = view(node, footprint_id, peer)
    assert level is Level.TOTAL
    assert "comment" not in json.loads(body)
    add(KeyKind.PRODUCT, "urn:x:1", Level.FULL, end)
    body, level = view(node, footprint_id, peer)
    assert level is Level.FULL
    own = node.store.read_sync(lambda session: footprints.get(session, footprint_id))
    assert body == own.body
    clock.advance(hours=1)
    assert view(node, footprint_id, peer)[1] is Level.TOTAL


# --- finding and storing ----------------------------------------------------------------------


def test_many_are_found_by_id(
    node: Node, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "IDS_PER_QUERY", 2)
    ids = [publish(number) for number in range(1, 6)]
    wanted = [*ids[1:], str(uuid.UUID(int=99))]
    found = node.store.read_sync(lambda session: footprints.find_many(session, wanted))
    assert set(found) == set(ids[1:])
    assert all(row.id == footprint_id for footprint_id, row in found.items())
    assert node.store.read_sync(lambda session: footprints.find_many(session, [])) == {}


def test_many_are_found_by_product(node: Node, publish: Publish) -> None:
    first = publish(1, productIds=["urn:x:A", "urn:x:B"])
    second = publish(2, productIds=["urn:x:b"], productClassifications=["urn:x:c"])
    found = node.store.read_sync(
        lambda session: footprints.find_by_products(session, ["urn:x:a", "urn:x:b", "urn:x:c"])
    )
    assert {product: [one.id for one in rows] for product, rows in found.items()} == {
        "urn:x:a": [first],
        "urn:x:b": [first, second],
    }


def test_what_is_stored_together_has_one_change_number_and_its_order(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "IDS_PER_QUERY", 2)
    new = [new_footprint(number) for number in (5, 1, 4, 2, 3)]
    store(node, *new)
    ids = [one.id for one in new]
    assert listed(node) == list(reversed(ids))
    rows = node.store.read_sync(lambda session: footprints.find_many(session, ids))
    assert len({row.changed for row in rows.values()}) == 1
    store(node, new_footprint(6))
    later = node.store.read_sync(lambda session: footprints.row(session, str(uuid.UUID(int=6))))
    assert later.changed > rows[ids[0]].changed


def test_an_id_is_stored_once(node: Node) -> None:
    store(node, new_footprint(1))
    with pytest.raises(IntegrityError):
        store(node, new_footprint(2), new_footprint(1, product_name="other"))
    (own,) = node.store.read_sync(footprints.listing)
    assert own.id == str(uuid.UUID(int=1))


def test_only_the_named_one_is_deprecated(node: Node) -> None:
    store(node, new_footprint(1), new_footprint(2))
    first, second = (str(uuid.UUID(int=number)) for number in (1, 2))
    before = node.store.read_sync(lambda session: footprints.row(session, second))
    node.store.write_sync(lambda session: footprints.deprecate(session, first, "statement"))
    rows = node.store.read_sync(lambda session: footprints.find_many(session, [first, second]))
    assert (rows[first].status, rows[first].status_statement) == ("Deprecated", "statement")
    assert rows[first].changed > rows[second].changed
    assert rows[second].model_dump() == before.model_dump()
