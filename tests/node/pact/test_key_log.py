"""`POST /extensions/key-log`: only what follows from what is pinned for exactly this peer."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from sqlmodel import select

from underseal_node.exchange.following import key_set_text
from underseal_node.store.announcements import ANNOUNCED_ENTRIES, MAX_ANNOUNCEMENT_BYTES
from underseal_node.store.exchange_tables import Alert
from underseal_node.store.tables import Peer
from underseal_protocol import jws
from underseal_protocol.key_log import (
    MAX_ENTRY_CHARACTERS,
    KeyLogEntry,
    first_entry,
    next_entry,
)
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

World = Any

PATH = "/extensions/key-log"
IDENTITY, NEW, OTHER = (SigningKey.generate(KeyPurpose.IDENTITY) for _ in range(3))


@pytest.fixture
def first(world: World) -> KeyLogEntry:
    """Pinned for the buyer; another peer has a log of its own."""
    world.add_peer("other", base_url="https://other.example")
    entries = {}
    for name, key in (("buyer", IDENTITY), ("other", OTHER)):
        keys = PublicKeySet([key.public_key()])
        url = f"https://{name}.example"
        entry = first_entry(url=url, keys=keys, recovery=None, key=key, issued_at=world.now)
        entries[name] = entry
        world.change_peer(
            name,
            key_log=json.dumps([entry.token]),
            key_set=key_set_text(keys),
            issuer=url,
            is_underseal=True,
        )
    return entries["buyer"]


def rotated(world: World, before: KeyLogEntry, key: SigningKey = IDENTITY) -> KeyLogEntry:
    keys = PublicKeySet([*before.keys, NEW.public_key()])
    return next_entry(before, key=key, issued_at=world.now, keys=keys)


def peer(world: World, name: str = "buyer") -> Peer:
    found: Peer = world.node.store.read_sync(
        lambda session: session.get(Peer, world.peer_ids[name])
    )
    return found


async def test_what_follows_is_accepted_once(world: World, first: KeyLogEntry) -> None:
    entry = rotated(world, first)
    async with world.client("buyer") as client:
        for count in (1, 0):
            response = await client.post(PATH, json={"entries": [first.token, entry.token]})
            assert (response.status_code, response.json()) == (200, {"accepted": count})
    assert peer(world).key_set == key_set_text(entry.keys)
    assert json.loads(peer(world).key_log) == [first.token, entry.token]


async def test_another_peer_cannot_say_it(world: World, first: KeyLogEntry) -> None:
    entry = rotated(world, first)
    before = peer(world, "other").key_log
    async with world.client("other") as client:
        response = await client.post(PATH, json={"entries": [entry.token]})
    assert (response.status_code, response.json()["code"]) == (409, "BadRequest")
    assert json.loads(peer(world).key_log) == [first.token]
    assert peer(world, "other").key_log == before


async def test_what_does_not_follow_is_refused_whole_and_is_an_alert(
    world: World, first: KeyLogEntry
) -> None:
    good = rotated(world, first)
    thief = SigningKey.generate(KeyPurpose.IDENTITY)
    forged = first_entry(
        url="https://buyer.example",
        keys=PublicKeySet([thief.public_key()]),
        recovery=None,
        key=thief,
        issued_at=world.now,
    )
    bad = next_entry(forged, key=thief, issued_at=world.now)
    async with world.client("buyer") as client:
        response = await client.post(PATH, json={"entries": [good.token, bad.token]})
    assert response.status_code == 409
    assert json.loads(peer(world).key_log) == [first.token]
    (alert,) = world.node.store.read_sync(lambda session: session.exec(select(Alert)).all())
    assert alert.kind == "keys-changed"
    assert bad.token in alert.evidence.decode()


async def test_an_address_that_must_not_be_called_is_refused(
    world: World, first: KeyLogEntry
) -> None:
    for url in ("http://buyer.example", "https://user:x@buyer.example", "ftp://x", "7"):
        entry = next_entry(first, key=IDENTITY, issued_at=world.now, url=url)
        async with world.client("buyer") as client:
            response = await client.post(PATH, json={"entries": [entry.token]})
        assert response.status_code == 409
        assert peer(world).base_url == "https://buyer.example"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"7",
        b"\xff",
        b"{}",
        b"[]",
        b'{"entries":[]}',
        b'{"entries":[7]}',
        b'{"entries":"x"}',
        b'{"entries":[[[[["x"]]]]]}',
        json.dumps({"entries": ["x"] * 17}).encode(),
    ],
)
async def test_what_is_no_list_of_entries_is_malformed(
    world: World, first: KeyLogEntry, body: bytes
) -> None:
    async with world.client("buyer") as client:
        response = await client.post(PATH, content=body)
    assert (response.status_code, response.json()["code"]) == (400, "BadRequest")
    assert json.loads(peer(world).key_log) == [first.token]


@pytest.mark.parametrize("token", ["x", "x.y.z", "a" * 200_000, ""])
async def test_what_is_no_entry_is_refused(world: World, first: KeyLogEntry, token: str) -> None:
    async with world.client("buyer") as client:
        response = await client.post(PATH, json={"entries": [token]})
    assert response.status_code == 409
    assert json.loads(peer(world).key_log) == [first.token]


async def test_a_log_is_read_before_the_database_is_held(
    world: World, first: KeyLogEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A partner must not be able to hold up the writer with signatures and points on a curve."""
    entries = [first]
    for _ in range(10):
        entries.append(next_entry(entries[-1], key=IDENTITY, issued_at=world.now))
    thief = next_entry(first, key=IDENTITY, issued_at=world.now, url="https://thief.example")
    writer = world.write(lambda _session: threading.get_ident())
    readers: list[int] = []
    verify = jws.verify

    def noted(*given: Any, **more: Any) -> jws.Jws:
        readers.append(threading.get_ident())
        return verify(*given, **more)

    monkeypatch.setattr(jws, "verify", noted)
    tokens = [one.token for one in entries]
    async with world.client("buyer") as client:
        response = await client.post(PATH, json={"entries": tokens})
        assert response.json() == {"accepted": 10}, response.text
        once = len(readers)
        assert once == len(set(tokens))
        response = await client.post(PATH, json={"entries": [tokens[-1]] * 9})
        assert response.json() == {"accepted": 0}
        assert (await client.post(PATH, json={"entries": [thief.token]})).status_code == 409
    assert len(readers) == once + 1  # each entry is read once, however often it comes
    assert not {writer, threading.get_ident()} & set(readers)


async def test_a_log_has_the_size_of_honest_ones(world: World, first: KeyLogEntry) -> None:
    sizes = (MAX_ANNOUNCEMENT_BYTES - 50, MAX_ANNOUNCEMENT_BYTES + 50)
    async with world.client("buyer") as client:
        for size, status in zip(sizes, (409, 413), strict=True):
            response = await client.post(PATH, json={"entries": ["x" * size]})
            assert response.status_code == status
    longest = [f"{number:0{MAX_ENTRY_CHARACTERS}}" for number in range(ANNOUNCED_ENTRIES)]
    assert len(json.dumps({"entries": longest})) <= MAX_ANNOUNCEMENT_BYTES
