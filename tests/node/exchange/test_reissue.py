"""After a theft: successors for what the stolen key has signed, seen by the same peers."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from tests.node.conftest import StandingClock
from tests.node.exchange.conftest import Company, Network, NewCompany, settle

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.publishing import changing, publish
from underseal_node.publishing.reissuing import count_signed_by, reissue
from underseal_node.store import footprints
from underseal_node.store.exchange_tables import VerificationState
from underseal_node.store.tables import KeyKind
from underseal_node.trust.key_changes import move, revoke, rotate
from underseal_protocol.credential import verify
from underseal_protocol.keys import KeyPurpose, SigningKey

MakeFootprint = Callable[..., dict[str, Any]]
RECOVERY = SigningKey.generate(KeyPurpose.RECOVERY)


@pytest.fixture
async def seller(new_company: NewCompany) -> Company:
    return new_company("seller", recovery=RECOVERY)


@pytest.fixture
async def buyer(new_company: NewCompany, seller: Company) -> Company:
    company = new_company("buyer")
    await seller.befriend(company)
    return company


def body(company: Company, footprint_id: str) -> dict[str, Any]:
    own = company.node.store.read_sync(lambda session: footprints.get(session, footprint_id))
    document: dict[str, Any] = json.loads(own.body or b"")
    return document


async def test_successors_have_the_same_content_and_reach_the_same_peers(
    seller: Company, buyer: Company, make_footprint: MakeFootprint, clock: StandingClock
) -> None:
    ids = await seller.publish(make_footprint(1), make_footprint(2))
    seller.grant(buyer, KeyKind.FOOTPRINT, ids[0])
    since = clock()
    clock.advance(days=1)
    await buyer.pull(seller)
    stolen = seller.node.signing_key(KeyPurpose.FOOTPRINT).kid
    with pytest.raises(RefusedError, match="is not revoked"):
        await reissue(seller.node, stolen)
    await revoke(seller.node, [stolen], since, RECOVERY)
    (fresh,) = await seller.publish(make_footprint(3))
    await settle(seller, buyer)
    assert buyer.received()[ids[0]].verification == VerificationState.INVALID

    dry = await reissue(seller.node, stolen, dry_run=True)
    assert (dry.found, dry.successors) == (2, {})
    done = await reissue(seller.node, stolen)
    assert list(done.successors) == ids
    assert done.notified == ["buyer"]
    for old, new in done.successors.items():
        was, now = body(seller, old), body(seller, new)
        assert (was["status"], now["status"]) == ("Deprecated", "Active")
        assert now["precedingPfIds"][-1] == old
        proven = verify(now, keys=seller.node.public_keys, issuer=seller.url)
        assert proven.kid != stolen
        for name in ("id", "status", "extensions", "precedingPfIds"):
            was.pop(name, None)
            now.pop(name, None)
        assert was == now
    assert body(seller, fresh)["status"] == "Active"
    again = await reissue(seller.node, stolen)
    assert (again.found, again.successors) == (0, {})

    await settle(seller, buyer)
    await buyer.pull(seller)
    new = done.successors[ids[0]]
    assert buyer.received()[new].verification == VerificationState.VERIFIED
    assert done.successors[ids[1]] not in buyer.received()


async def test_only_what_this_key_has_signed_counts(
    seller: Company, make_footprint: MakeFootprint
) -> None:
    await seller.publish(make_footprint(1))
    old = seller.node.signing_key(KeyPurpose.FOOTPRINT).kid
    await rotate(seller.node, [KeyPurpose.FOOTPRINT])
    await seller.publish(make_footprint(2), make_footprint(3))
    new = seller.node.signing_key(KeyPurpose.FOOTPRINT).kid
    counts = [
        await seller.node.store.read(partial(count_signed_by, kids=kids))
        for kids in ([old], [new], [old, new], [])
    ]
    assert counts == [1, 2, 3, 0]


async def test_a_key_that_signs_no_footprints_is_refused(seller: Company) -> None:
    for kid in ("nothing", seller.node.signing_key(KeyPurpose.CLIENT).kid):
        with pytest.raises(NotFoundError, match="no footprint key"):
            await reissue(seller.node, kid)


async def test_an_import_after_a_move_finds_what_is_there(
    seller: Company, make_footprint: MakeFootprint, network: Network
) -> None:
    """Ids that are derived from what a footprint is about do not depend on where the node is."""
    document = make_footprint(1)
    del document["id"]
    (first,) = await seller.publish(document)
    network.apps["new.example"] = network.apps["seller.example"]
    await move(seller.node, "https://new.example")
    files = [("again.json", json.dumps(document).encode())]
    result = await publish.import_files(seller.node, files, dry_run=False)
    assert [(one.id, one.outcome.value) for one in result.footprints] == [(first, "unchanged")]


async def test_nothing_is_published_with_a_key_that_was_revoked_meanwhile(
    seller: Company, make_footprint: MakeFootprint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import signs, then waits for the writer; the operator revokes in between."""
    (other,) = await seller.publish(make_footprint(2))
    stolen = seller.node.signing_key(KeyPurpose.FOOTPRINT)
    await revoke(seller.node, [stolen.kid], seller.clock(), RECOVERY)
    with monkeypatch.context() as patch:
        patch.setattr(seller.node, "signing_key", lambda _purpose: stolen)
        files = [("late.json", json.dumps(make_footprint(1)).encode())]
        with pytest.raises(RefusedError, match="was revoked while"):
            await publish.import_files(seller.node, files, dry_run=False)
        with pytest.raises(RefusedError, match="was revoked while"):
            await changing.deprecate(seller.node, other)
    assert (await publish.import_files(seller.node, files, dry_run=False)).published == 1
    assert body(seller, other)["status"] == "Active"
