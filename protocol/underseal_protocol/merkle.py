"""Merkle trees over a log that only grows (RFC 9162 section 2.1, SHA-256).

The tree of n leaves is made of perfect subtrees. Whoever keeps these needs no more than a few dozen
of them for a tree head or a proof; here they come from a function, so that they can lie in a
database. A node is named by its level (0: the leaves) and its position in that level.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from underseal_protocol.errors import MerkleError

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "MAX_PROOF_HASHES",
    "Nodes",
    "Tree",
    "consistency_proof",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "tree_head",
    "verify_consistency",
    "verify_inclusion",
]

HASH_BYTES = 32
MAX_PROOF_HASHES = 128  # of a tree of 2^64 leaves, twice
EMPTY_ROOT = hashlib.sha256().digest()

Nodes: TypeAlias = Callable[[int, int], bytes]
"""Gives the hash of a perfect subtree by level and position."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf: other than that of any inner node (section 2.1.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node (section 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree to which leaves are added; of the perfect subtrees only the open ones are kept.

    Args:
        size: leaves that there are already.
        nodes: gives their perfect subtrees.
    """

    def __init__(self, size: int = 0, nodes: Nodes | None = None) -> None:
        self._size = size
        # The roots of the perfect subtrees that make up the tree, from the left.
        self._peaks: list[bytes] = []
        if size and nodes is None:
            raise ValueError("a tree with leaves needs its nodes")
        if nodes is not None:
            self._peaks = [nodes(level, position) for level, position in _cover(0, size)]

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._size

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Add a leaf.

        Args:
            leaf: its hash.

        Returns:
            level, position and hash of every perfect subtree that it completes, from the leaf up.
        """
        done = [(0, self._size, leaf)]
        rest, level, value = self._size, 0, leaf
        while rest & 1:
            value = node_hash(self._peaks.pop(), value)
            rest, level = rest >> 1, level + 1
            done.append((level, rest, value))
        self._peaks.append(value)
        self._size += 1
        return done

    def head(self) -> bytes:
        """The hash of the whole tree."""
        return _folded(self._peaks)


def tree_head(size: int, nodes: Nodes) -> bytes:
    """The hash of the tree of the first leaves, `MTH(D[0:size])` (section 2.1.1)."""
    return _range_hash(0, size, nodes)


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """What shows that a leaf is in a tree, `PATH(index, D[0:size])` (section 2.1.3.1).

    Args:
        index: of the leaf, from 0.
        size: of the tree.
        nodes: of a tree of this size or a larger one.

    Raises:
        MerkleError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise MerkleError(f"a tree of {size} leaves has no leaf {index}")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(_range_hash(middle, end, nodes))
            end = middle
        else:
            proof.append(_range_hash(start, middle, nodes))
            start = middle
    return proof[::-1]


def consistency_proof(old_size: int, size: int, nodes: Nodes) -> list[bytes]:
    """What shows that a tree only grew, `PROOF(old_size, D[0:size])` (section 2.1.4.1).

    Args:
        old_size: of the tree before; at least 1.
        size: of the tree after.
        nodes: of a tree of this size or a larger one.

    Raises:
        MerkleError: the tree before is empty, or larger than the one after.
    """
    if not 1 <= old_size <= size:
        raise MerkleError(f"a tree of {size} leaves does not continue one of {old_size}")
    proof: list[bytes] = []
    start, end, is_known = 0, size, True
    while old_size != end:
        middle = start + _split(end - start)
        if old_size <= middle:
            proof.append(_range_hash(middle, end, nodes))
            end = middle
        else:
            proof.append(_range_hash(start, middle, nodes))
            start, is_known = middle, False
    if not is_known:
        proof.append(_range_hash(start, end, nodes))
    return proof[::-1]


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Check that a leaf is in the tree with this head (section 2.1.3.2).

    Args:
        leaf: its hash.
        index: where it is said to be, from 0.
        size: of the tree.
        proof: as `inclusion_proof` made it.
        root: hash of the tree.

    Raises:
        MerkleError: it is not shown to be there.
    """
    _check_proof(proof)
    if not 0 <= index < size:
        raise MerkleError(f"a tree of {size} leaves has no leaf {index}")
    position, last, value = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise MerkleError("the inclusion proof is longer than the tree is high")
        if position & 1 or position == last:
            value = node_hash(sibling, value)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise MerkleError("the inclusion proof is shorter than the tree is high")
    _check_root(value, root, f"leaf {index} is not in the tree of {size} leaves")


def verify_consistency(
    old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> None:
    """Check that a tree is the continuation of an earlier one (section 2.1.4.2).

    Args:
        old_size: of the tree before; the empty tree is the beginning of every tree.
        old_root: its hash.
        size: of the tree after.
        root: its hash.
        proof: as `consistency_proof` made it; empty for trees of the same size.

    Raises:
        MerkleError: it is not shown to be.
    """
    _check_proof(proof)
    what = f"the tree of {size} leaves does not continue the one of {old_size}"
    if not 0 <= old_size <= size:
        raise MerkleError(what)
    if old_size in (0, size):
        if proof:
            raise MerkleError("the consistency proof is not empty, although nothing was added")
        _check_root(EMPTY_ROOT if old_size == 0 else root, old_root, what)
        return
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise MerkleError("the consistency proof is empty")
    position, last = old_size - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old_value = value = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise MerkleError("the consistency proof is longer than the tree is high")
        if position & 1 or position == last:
            old_value, value = node_hash(sibling, old_value), node_hash(sibling, value)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        position, last = position >> 1, last >> 1
    if last:
        raise MerkleError("the consistency proof is shorter than the tree is high")
    _check_root(old_value, old_root, what)
    _check_root(value, root, what)


def _split(size: int) -> int:
    """The largest power of two that is smaller than `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def _cover(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Level and position of the perfect subtrees of a range, the largest first.

    Args:
        start: a multiple of the largest power of two that fits into the range.
        end: exclusive.
    """
    while start < end:
        level = (end - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def _range_hash(start: int, end: int, nodes: Nodes) -> bytes:
    return _folded([nodes(level, position) for level, position in _cover(start, end)])


def _folded(peaks: Sequence[bytes]) -> bytes:
    """The hash of a tree from its perfect subtrees: the small ones on the right join first."""
    if not peaks:
        return EMPTY_ROOT
    value = peaks[-1]
    for peak in reversed(peaks[:-1]):
        value = node_hash(peak, value)
    return value


def _check_proof(proof: Sequence[bytes]) -> None:
    if len(proof) > MAX_PROOF_HASHES:
        raise MerkleError(f"a proof has {len(proof)} hashes, expected at most {MAX_PROOF_HASHES}")
    for one in proof:
        if len(one) != HASH_BYTES:
            raise MerkleError(f"a hash of a proof has {len(one)} bytes, expected {HASH_BYTES}")


def _check_root(got: bytes, expected: bytes, what: str) -> None:
    if got != expected:
        raise MerkleError(f"{what}: its head would be {got.hex()}, expected {expected.hex()}")
