"""Merkle trees: against the definitions of RFC 9162 section 2.1, and against known values."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from underseal_protocol import merkle
from underseal_protocol.errors import MerkleError

SIZES = st.integers(1, 70)

# The leaves and heads that implementations of Certificate Transparency are tested with.
KNOWN_LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
KNOWN_HEADS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
KNOWN_INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
}
KNOWN_CONSISTENCY = {
    (1, 8): KNOWN_INCLUSION[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


class Grown:
    """A tree with all its perfect subtrees."""

    def __init__(self, entries: list[bytes]) -> None:
        self.tree = merkle.Tree()
        self.known: dict[tuple[int, int], bytes] = {}
        for entry in entries:
            for level, position, value in self.tree.append(merkle.leaf_hash(entry)):
                self.known[level, position] = value

    def node(self, level: int, position: int) -> bytes:
        return self.known[level, position]


def entries_of(size: int) -> list[bytes]:
    return [b"entry %d" % number for number in range(size)]


def naive_head(entries: list[bytes]) -> bytes:
    """Section 2.1.1, word for word."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    k = split(len(entries))
    return hashlib.sha256(b"\x01" + naive_head(entries[:k]) + naive_head(entries[k:])).digest()


def naive_path(m: int, entries: list[bytes]) -> list[bytes]:
    """Section 2.1.3.1."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if m < k:
        return [*naive_path(m, entries[:k]), naive_head(entries[k:])]
    return [*naive_path(m - k, entries[k:]), naive_head(entries[:k])]


def naive_proof(m: int, entries: list[bytes], b: bool = True) -> list[bytes]:
    """Section 2.1.4.1: SUBPROOF."""
    if m == len(entries):
        return [] if b else [naive_head(entries)]
    k = split(len(entries))
    if m <= k:
        return [*naive_proof(m, entries[:k], b), naive_head(entries[k:])]
    return [*naive_proof(m - k, entries[k:], False), naive_head(entries[:k])]


def split(size: int) -> int:
    k = 1
    while 2 * k < size:
        k *= 2
    return k


@pytest.mark.parametrize("size", range(9))
def test_heads_are_the_known_ones(size: int) -> None:
    grown = Grown(KNOWN_LEAVES[:size])
    assert grown.tree.head().hex() == KNOWN_HEADS[size]
    assert merkle.tree_head(size, grown.node).hex() == KNOWN_HEADS[size]


def test_proofs_are_the_known_ones() -> None:
    nodes = Grown(KNOWN_LEAVES).node
    for (index, size), expected in KNOWN_INCLUSION.items():
        assert [one.hex() for one in merkle.inclusion_proof(index, size, nodes)] == expected
    for (old, size), expected in KNOWN_CONSISTENCY.items():
        assert [one.hex() for one in merkle.consistency_proof(old, size, nodes)] == expected


@given(SIZES, st.data())
def test_heads_and_proofs_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    entries = entries_of(size)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    # A larger tree gives the proofs of a smaller one.
    nodes = Grown(entries_of(size + data.draw(st.integers(0, 20)))).node
    assert merkle.tree_head(size, nodes) == naive_head(entries)
    assert merkle.inclusion_proof(index, size, nodes) == naive_path(index, entries)
    assert merkle.consistency_proof(old, size, nodes) == naive_proof(old, entries)


@given(SIZES, st.data())
def test_what_is_in_the_tree_is_shown_to_be(size: int, data: st.DataObject) -> None:
    entries = entries_of(size)
    grown = Grown(entries)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    leaf, head = merkle.leaf_hash(entries[index]), grown.tree.head()
    proof = merkle.inclusion_proof(index, size, grown.node)
    merkle.verify_inclusion(leaf, index, size, proof, head)
    old_head = naive_head(entries[:old])
    proof = merkle.consistency_proof(old, size, grown.node)
    merkle.verify_consistency(old, old_head, size, head, proof)
    merkle.verify_consistency(0, merkle.EMPTY_ROOT, size, head, [])


@given(SIZES, st.data())
def test_another_leaf_is_not_shown_to_be_in_the_tree(size: int, data: st.DataObject) -> None:
    grown = Grown(entries_of(size))
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, grown.node)
    head, leaf = grown.tree.head(), merkle.leaf_hash(b"entry %d" % index)
    with pytest.raises(MerkleError):
        merkle.verify_inclusion(merkle.leaf_hash(b"another"), index, size, proof, head)
    for other in {(index + 1) % size, size} - {index}:
        with pytest.raises(MerkleError):
            merkle.verify_inclusion(leaf, other, size, proof, head)
    for changed in ([*proof, bytes(32)], proof[:-1], [bytes(32), *proof[1:]]):
        if changed != proof:
            with pytest.raises(MerkleError):
                merkle.verify_inclusion(leaf, index, size, changed, head)


@given(st.integers(2, 70), st.data())
def test_a_tree_that_was_rewritten_continues_nothing(size: int, data: st.DataObject) -> None:
    entries = entries_of(size)
    old, edited = data.draw(st.integers(1, size)), data.draw(st.integers(0, size - 1))
    old_head = naive_head(entries[:old])
    rewritten = Grown([*entries[:edited], b"rewritten", *entries[edited + 1 :]])
    proof = merkle.consistency_proof(old, size, rewritten.node)
    if edited < old:
        with pytest.raises(MerkleError):
            merkle.verify_consistency(old, old_head, size, rewritten.tree.head(), proof)
    else:
        merkle.verify_consistency(old, old_head, size, rewritten.tree.head(), proof)
    for changed in ([*proof, bytes(32)], proof[:-1], [bytes(32), *proof[1:]]):
        if changed != proof:
            with pytest.raises(MerkleError):
                merkle.verify_consistency(old, old_head, size, rewritten.tree.head(), changed)


@given(st.integers(0, 70), st.integers(1, 40))
def test_a_tree_goes_on_from_what_is_kept(size: int, more: int) -> None:
    whole = Grown(entries_of(size + more))
    resumed = merkle.Tree(size, whole.node)
    for entry in entries_of(size + more)[size:]:
        resumed.append(merkle.leaf_hash(entry))
    assert resumed.size == size + more
    assert resumed.head() == whole.tree.head()


def test_what_makes_no_sense_is_refused() -> None:
    grown = Grown(entries_of(3))
    with pytest.raises(MerkleError, match="no leaf 3"):
        merkle.inclusion_proof(3, 3, grown.node)
    with pytest.raises(MerkleError, match="no leaf -1"):
        merkle.verify_inclusion(bytes(32), -1, 3, [], bytes(32))
    for old, size in ((0, 3), (4, 3)):
        with pytest.raises(MerkleError, match="does not continue"):
            merkle.consistency_proof(old, size, grown.node)
    with pytest.raises(MerkleError, match="does not continue"):
        merkle.verify_consistency(4, bytes(32), 3, grown.tree.head(), [])
    with pytest.raises(MerkleError, match="129 hashes"):
        merkle.verify_inclusion(bytes(32), 0, 3, [bytes(32)] * 129, bytes(32))
    with pytest.raises(MerkleError, match="3 bytes"):
        merkle.verify_inclusion(bytes(32), 0, 3, [b"abc"], bytes(32))
    with pytest.raises(ValueError, match="needs its nodes"):
        merkle.Tree(3)
