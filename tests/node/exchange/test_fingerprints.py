"""Fingerprints: the same words mean the same keys, all of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from tests.node.exchange.conftest import Company, NewCompany, settle

from underseal_node.store.tables import Peer
from underseal_node.trust.fingerprints import fingerprint, own_fingerprint, pinned_fingerprint
from underseal_node.trust.key_changes import rotate
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

IDENTITY, FOOTPRINT, OTHER = (
    SigningKey.generate(purpose)
    for purpose in (KeyPurpose.IDENTITY, KeyPurpose.FOOTPRINT, KeyPurpose.FOOTPRINT)
)
RECOVERY, FOREIGN = (SigningKey.generate(KeyPurpose.RECOVERY).public_key() for _ in range(2))


def of(*keys: SigningKey) -> PublicKeySet:
    return PublicKeySet([key.public_key() for key in keys])


def test_every_key_counts_and_their_order_does_not() -> None:
    first = fingerprint(of(IDENTITY, FOOTPRINT), RECOVERY)
    assert fingerprint(of(FOOTPRINT, IDENTITY), RECOVERY) == first
    others = [
        fingerprint(of(IDENTITY, OTHER), RECOVERY),
        fingerprint(of(IDENTITY, FOOTPRINT, OTHER), RECOVERY),
        fingerprint(of(IDENTITY), RECOVERY),
        fingerprint(of(IDENTITY, FOOTPRINT), FOREIGN),
        fingerprint(of(IDENTITY, FOOTPRINT), None),
    ]
    assert len({first.words, *(one.words for one in others)}) == len(others) + 1


def test_eight_words_of_the_digest_that_stands_beside_them() -> None:
    found = fingerprint(of(IDENTITY), None)
    assert len(found.words.split()) == 8
    assert len(found.hex.replace(" ", "")) == 64


def test_a_peer_without_keys_has_none() -> None:
    now = datetime.now(UTC)
    assert pinned_fingerprint(Peer(name="x", created_at=now)) is None
    bare = Peer(name="x", created_at=now, key_set=json.dumps(of(FOOTPRINT).to_jwks()))
    assert pinned_fingerprint(bare) == fingerprint(of(FOOTPRINT), None)


async def test_both_sides_have_the_same_words_also_after_rotations(new_company: NewCompany) -> None:
    seller = new_company("seller", recovery=SigningKey.generate(KeyPurpose.RECOVERY))
    buyer = new_company("buyer")
    await seller.befriend(buyer)
    await buyer.pull(seller)

    def words(company: Company) -> tuple[str, str]:
        pinned = pinned_fingerprint(company.peer(seller))
        assert pinned is not None
        return pinned.words, own_fingerprint(seller.node.refresh()).words

    seen = set()
    for _ in range(3):
        pinned, own = words(buyer)
        assert pinned == own
        seen.add(own)
        await rotate(seller.node, [KeyPurpose.IDENTITY])
        await settle(seller, buyer)
        await buyer.pull(seller)
    assert len(seen) == 3
