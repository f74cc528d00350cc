"""Own keys: rotation takes nothing away, revocation needs the recovery key, both at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session
from tests.node.conftest import StandingClock

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.node import Node, Role, create_node, open_node
from underseal_node.pact.cursors import PAGE, Cursors
from underseal_node.pact.errors import BadRequestError
from underseal_node.store import key_log, keys
from underseal_node.trust.key_changes import change_recovery, move, own_keys, revoke, rotate
from underseal_node.trust.keyring import VAULT_PURPOSE, newest_entry
from underseal_node.trust.tokens import TokenInvalidError
from underseal_protocol.key_log import KeyLogEntry, advance, read_entry
from underseal_protocol.keys import KeyPurpose, SigningKey

RECOVERY, OTHER = (SigningKey.generate(KeyPurpose.RECOVERY) for _ in range(2))


@pytest.fixture
def owner(tmp_path: Path, clock: StandingClock) -> Iterator[Node]:
    """A node whose recovery key is `RECOVERY`."""
    home = create_node(
        tmp_path / "owner",
        company_name="Owner",
        company_ids=["urn:lei:529900T8BM49AURSDO55"],
        url="https://owner.example",
        recovery=RECOVERY.public_key(),
        clock=clock,
    )
    node = open_node(home.path, clock=clock)
    yield node
    node.close()


@pytest.fixture
def worker(owner: Node) -> Iterator[Node]:
    """A process of its public listener."""
    node = open_node(owner.home.path, role=Role.PUBLIC, clock=owner.clock)
    yield node
    node.close()


def log_of(node: Node) -> list[str]:
    return list(node.store.read_sync(key_log.entries))


def followed(first: KeyLogEntry, node: Node) -> list[KeyLogEntry]:
    """As a peer does that has pinned the first entry."""
    return advance([first], [read_entry(one) for one in log_of(node)])


async def test_every_key_is_rotated_and_nothing_is_lost(owner: Node) -> None:
    before = {purpose: owner.signing_key(purpose).kid for purpose in VAULT_PURPOSE}
    first = read_entry(log_of(owner)[0])
    changed = await rotate(owner, [])
    after = {purpose: owner.signing_key(purpose).kid for purpose in VAULT_PURPOSE}
    assert after == changed.new
    assert set(changed.rotated) == set(before.values())
    assert not set(before.values()) & set(after.values())
    accepted = followed(first, owner)[-1]
    assert accepted.digest == changed.entry.digest
    assert accepted.keys.thumbprints() == {*before.values(), *after.values()}
    assert owner.public_keys.thumbprints() == accepted.keys.thumbprints()
    for purpose, kid in after.items():
        assert accepted.current(purpose).kid == kid


async def test_rotation_three_times_in_one_instant(owner: Node) -> None:
    first = read_entry(log_of(owner)[0])
    for _ in range(3):
        changed = await rotate(owner, [KeyPurpose.IDENTITY, KeyPurpose.FOOTPRINT])
    assert followed(first, owner)[-1].digest == changed.entry.digest
    assert owner.signing_key(KeyPurpose.IDENTITY).kid == changed.new[KeyPurpose.IDENTITY]


async def test_the_private_half_of_a_rotated_footprint_key_is_gone(owner: Node) -> None:
    """Who steals the home later cannot sign with it; what it signed need not be doubted."""
    old = {purpose: owner.signing_key(purpose).kid for purpose in VAULT_PURPOSE}
    await rotate(owner, [])
    rows = {row.kid: row for row in owner.store.read_sync(keys.every)}
    kept = {purpose for purpose, kid in old.items() if rows[kid].private_encrypted}
    assert kept == {KeyPurpose.ACCESS_TOKEN, KeyPurpose.CLIENT}


async def test_a_worker_follows_without_a_restart(owner: Node, worker: Node) -> None:
    tokens, cursors = worker.access_tokens(), Cursors(worker.token_keys)
    old, page = tokens.issue("client", owner.now()), cursors.seal(PAGE, 7)
    await rotate(owner, [KeyPurpose.ACCESS_TOKEN])
    ours = owner.access_tokens()
    new, new_page = ours.issue("client", owner.now()), Cursors(owner.token_keys).seal(PAGE, 7)
    assert new_page != page
    # Asked for before the worker has looked by itself: what it does not know it looks up.
    assert tokens.verify(new, owner.now()).client_id == "client"
    assert cursors.open(PAGE, new_page) == 7
    for each in (tokens, ours):
        assert each.verify(old, owner.now()).client_id == "client"
    for sealed in (page, new_page):
        assert cursors.open(PAGE, sealed) == Cursors(owner.token_keys).open(PAGE, sealed) == 7


async def test_a_worker_takes_the_token_of_one_that_knows_of_a_move_before_it(
    owner: Node, worker: Node
) -> None:
    tokens, former = worker.access_tokens(), owner.identity.url
    old = tokens.issue("client", owner.now())
    await move(owner, "https://moved.example")
    new = owner.access_tokens().issue("client", owner.now())
    assert worker.own.identity.url == former  # it has not looked yet
    for token in (old, new):
        assert tokens.verify(token, owner.now()).client_id == "client"


async def test_a_revoked_token_key_ends_its_tokens_and_keeps_cursors_readable(
    owner: Node, worker: Node
) -> None:
    tokens, cursors = worker.access_tokens(), Cursors(worker.token_keys)
    stolen = owner.signing_key(KeyPurpose.ACCESS_TOKEN).kid
    token, page = tokens.issue("client", owner.now()), cursors.seal(PAGE, 7)
    tokens.verify(token, owner.now())
    await revoke(owner, [stolen], owner.now(), RECOVERY)
    for each in (tokens, owner.access_tokens()):
        if each is tokens:
            worker.refresh()  # what it does by itself after a second
        with pytest.raises(TokenInvalidError, match="not made with the key"):
            each.verify(token, owner.now())
    new = tokens.issue("client", owner.now())
    assert tokens.verify(new, owner.now()).client_id == "client"
    assert cursors.open(PAGE, page) == 7
    with pytest.raises(BadRequestError):
        cursors.open(PAGE, page[:-2] + "AA")


async def test_revocation_replaces_what_is_in_use_and_peers_can_follow(
    owner: Node, clock: StandingClock
) -> None:
    first = read_entry(log_of(owner)[0])
    stolen = [
        owner.signing_key(purpose).kid for purpose in (KeyPurpose.IDENTITY, KeyPurpose.FOOTPRINT)
    ]
    since = clock()
    clock.advance(days=3)
    changed = await revoke(owner, stolen, since, RECOVERY)
    entry = followed(first, owner)[-1]
    assert entry.revoked == dict.fromkeys(stolen, since)
    assert not entry.keys.thumbprints() & set(stolen)
    assert changed.new.keys() == {KeyPurpose.IDENTITY, KeyPurpose.FOOTPRINT}
    for purpose, kid in changed.new.items():
        assert owner.signing_key(purpose).kid == kid == entry.current(purpose).kid
    shown, _ = owner.store.read_sync(own_keys)
    assert {one.kid: one.compromised_since for one in shown if one.state == "revoked"} == (
        entry.revoked
    )
    await rotate(owner, [])  # the new identity key goes on
    assert followed(first, owner)[-1].number == 3


async def test_a_rotated_key_can_be_revoked_too(owner: Node) -> None:
    old = owner.signing_key(KeyPurpose.FOOTPRINT).kid
    await rotate(owner, [KeyPurpose.FOOTPRINT])
    used = owner.signing_key(KeyPurpose.FOOTPRINT).kid
    changed = await revoke(owner, [old, old], owner.now(), RECOVERY)
    assert (changed.new, changed.revoked) == ({}, [old])
    assert owner.signing_key(KeyPurpose.FOOTPRINT).kid == used


async def test_revocation_is_refused_without_the_right_key_and_changes_nothing(
    owner: Node, clock: StandingClock
) -> None:
    kid, before = owner.signing_key(KeyPurpose.FOOTPRINT).kid, log_of(owner)
    identity = owner.signing_key(KeyPurpose.IDENTITY)
    for wrong in (OTHER, identity):
        with pytest.raises(RefusedError, match="not the recovery key of this node"):
            await revoke(owner, [kid], clock(), wrong)
    with pytest.raises(NotFoundError, match="has no key"):
        await revoke(owner, [kid, "another"], clock(), RECOVERY)
    with pytest.raises(RefusedError, match="a time to come"):
        await revoke(owner, [kid], clock() + timedelta(seconds=1), RECOVERY)
    assert log_of(owner) == before
    assert owner.signing_key(KeyPurpose.FOOTPRINT).kid == kid
    await revoke(owner, [kid], clock(), RECOVERY)
    with pytest.raises(RefusedError, match="revoked already"):
        await revoke(owner, [kid], clock(), RECOVERY)


async def test_a_node_without_recovery_key_can_get_one_and_then_only_with_it(node: Node) -> None:
    kid = node.signing_key(KeyPurpose.FOOTPRINT).kid
    with pytest.raises(RefusedError, match="has no recovery key"):
        await revoke(node, [kid], node.now(), RECOVERY)
    with pytest.raises(RefusedError, match="no recovery key yet"):
        await change_recovery(node, RECOVERY.public_key(), OTHER)
    await change_recovery(node, RECOVERY.public_key())
    with pytest.raises(RefusedError, match="recovery key of this node is needed"):
        await change_recovery(node, OTHER.public_key())
    with pytest.raises(RefusedError, match="not the recovery key of this node"):
        await change_recovery(node, OTHER.public_key(), OTHER)
    await change_recovery(node, OTHER.public_key(), RECOVERY)
    newest = node.store.read_sync(newest_entry)
    assert newest.recovery is not None
    assert (newest.number, newest.recovery.kid) == (3, OTHER.kid)
    with pytest.raises(RefusedError, match="no recovery key"):
        await change_recovery(node, node.signing_key(KeyPurpose.IDENTITY).public_key(), OTHER)


async def test_the_recovery_key_is_not_rotated_here(owner: Node) -> None:
    with pytest.raises(RefusedError, match="is not in this node"):
        await rotate(owner, [KeyPurpose.RECOVERY])


async def test_old_keys_for_tokens_leave_the_public_set(owner: Node, clock: StandingClock) -> None:
    """They would fill it; the keys of what lasts stay."""
    for _ in range(40):
        clock.advance(days=3)
        await rotate(owner, [KeyPurpose.ACCESS_TOKEN, KeyPurpose.CLIENT])
    first = read_entry(log_of(owner)[0])
    assert len(followed(first, owner)[-1].keys) == len(VAULT_PURPOSE) + 2


async def test_more_keys_than_peers_read_are_refused_whole(owner: Node) -> None:
    for _ in range(15):
        await rotate(owner, [])
    with pytest.raises(RefusedError, match="more keys than peers read"):
        await rotate(owner, [])
    used = owner.signing_key(KeyPurpose.FOOTPRINT).kid
    assert owner.public_keys.thumbprints() >= {used}
    assert read_entry(log_of(owner)[-1]).current(KeyPurpose.FOOTPRINT).kid == used


async def test_a_move_is_known_to_every_process_and_tokens_stay_good(
    owner: Node, worker: Node
) -> None:
    tokens = worker.access_tokens()
    token = tokens.issue("client", owner.now())
    await move(owner, "https://new.example")
    assert owner.identity.url == "https://new.example"
    assert worker.refresh().urls == ("https://new.example", "https://owner.example")
    assert tokens.verify(token, owner.now()).client_id == "client"
    assert owner.access_tokens().verify(token, owner.now()).client_id == "client"
    with pytest.raises(RefusedError, match="example already"):
        await move(owner, "https://new.example")


async def test_what_fails_in_between_leaves_nothing(
    owner: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, url = log_of(owner), owner.identity.url

    def fail(_session: Session, *_rest: object, **_more: object) -> list[str]:
        raise RefusedError("no")

    monkeypatch.setattr("underseal_node.store.announcements.enqueue_key_log", fail)
    for attempt in (move(owner, "https://new.example"), rotate(owner, [])):
        with pytest.raises(RefusedError):
            await attempt
    assert (log_of(owner), owner.refresh().identity.url) == (before, url)
