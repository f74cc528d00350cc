"""The commitment to the books behind a footprint: a Merkle tree of salted leaves.

A leaf is one thing that a calculation used: the product, a line of its bill, a factor, a received
footprint, a reading. Its entry in the tree is 16 random bytes and its RFC 8785 form; the tree is
that of RFC 9162. What the tree does not tell, and why:

- the content of a leaf: each has a salt of its own, of 128 bits, fresh for every footprint. So a
  hash that stands in a proof of another leaf is no test of a guess, however small the number;
- how many leaves there are: the tree is filled up to a power of two, at least `MIN_SIZE`, with
  leaves that look like all others until they are opened;
- which leaf is which: they lie in the order of their hashes, which the salts alone decide;
- that two footprints have a leaf in common: the salts differ.

The root is a disclosure of the credential of the footprint (`credential`), whose digest alone is
shown with the footprint. `opening` is what shows chosen leaves to somebody.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from underseal_protocol import base64url, merkle, sd_jwt
from underseal_protocol.canonical import canonical_bytes
from underseal_protocol.errors import CommitmentError, CredentialError, JsonError

__all__ = [
    "MAX_LEAVES",
    "PADDING_KIND",
    "Commitment",
    "Leaf",
    "ProvenLeaf",
    "SaltedLeaf",
    "commit",
    "digest_of_root",
    "leaf_entry",
    "read_commitment",
    "root_in",
]

SALT_BYTES = 16
MIN_SIZE = 16  # of a tree, so that a short bill does not tell that it is one
MAX_LEAVES = 1 << 20
MAX_NAME_CHARACTERS = 300
MAX_LEAF_BYTES = 64 * 1024
PADDING_KIND = "padding"
PADDING: Mapping[str, Any] = {"kind": PADDING_KIND}
ROOT_NAME = "root"  # of the disclosure
RECORD_TYPE = "underseal-commitment"
RECORD_VERSION = 1

Leaf: TypeAlias = Mapping[str, Any]
"""A JSON object with a `kind` and an `id`, which is unique among its leaves, and content."""
RandomBytes: TypeAlias = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class SaltedLeaf:
    """A leaf as it is in the tree.

    Attributes:
        salt: 16 random bytes.
        leaf: what they hide; for padding, `PADDING`.
    """

    salt: bytes = field(repr=False)
    leaf: Leaf = field(repr=False)

    @property
    def hash(self) -> bytes:
        """Of the leaf (RFC 9162 section 2.1.1).

        Raises:
            CommitmentError: the leaf has no canonical form, or is too large.
        """
        return merkle.leaf_hash(leaf_entry(self.salt, self.leaf))


@dataclass(frozen=True, slots=True)
class ProvenLeaf:
    """A leaf with what shows that it is in the tree.

    Attributes:
        leaf: with its salt.
        index: its place, from 0.
        proof: the inclusion proof (RFC 9162 section 2.1.3).
    """

    leaf: SaltedLeaf
    index: int
    proof: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Commitment:
    """The secret side of a commitment. Whoever has it can open every leaf.

    Attributes:
        salted: what is committed to, in the order in which it was given.
        padding: salts of the other leaves.
        disclosure: of the root, encoded, with the salt that the credential bears.
        root: of the tree.
    """

    salted: tuple[SaltedLeaf, ...] = field(repr=False)
    padding: tuple[bytes, ...] = field(repr=False)
    disclosure: str = field(repr=False)
    root: bytes

    @property
    def size(self) -> int:
        """Leaves of the tree, padding included: a power of two."""
        return len(self.salted) + len(self.padding)

    @property
    def leaves(self) -> list[Leaf]:
        """What is committed to, without salts."""
        return [dict(one.leaf) for one in self.salted]

    @property
    def digest(self) -> str:
        """Of the disclosure of the root: what the credential bears."""
        return sd_jwt.disclosure_digest(self.disclosure)

    def to_json(self) -> dict[str, Any]:
        """As it is stored: secret, because with it every leaf can be opened."""
        return {
            "type": RECORD_TYPE,
            "version": RECORD_VERSION,
            "root": base64url.encode(self.root),
            "disclosure": self.disclosure,
            "leaves": [
                {"salt": base64url.encode(one.salt), "leaf": dict(one.leaf)} for one in self.salted
            ],
            "padding": [base64url.encode(salt) for salt in self.padding],
        }

    def prove(self, ids: Collection[str] | None) -> list[ProvenLeaf]:
        """Leaves with their inclusion proofs, in the order of the tree.

        Args:
            ids: of the leaves; None for all, padding included, which shows that there is nothing
                else.

        Raises:
            CommitmentError: there is no such leaf, or none is asked for.
        """
        wanted = None if ids is None else set(ids)
        known = {one.leaf["id"] for one in self.salted}
        missing = sorted((wanted or set()) - known)
        if missing:
            raise CommitmentError(
                f"there is no line {missing[0]!r} in what is committed to",
                hint="`underseal audit open ID --list` shows what there is.",
            )
        if wanted is not None and not wanted:
            raise CommitmentError("no line is named, so there is nothing to open")
        tree = _Tree(_all(self.salted, self.padding))
        return [
            tree.proven(index)
            for index, one in enumerate(tree.leaves)
            if wanted is None or one.leaf.get("id") in wanted
        ]


def commit(leaves: Sequence[Leaf], random_bytes: RandomBytes = secrets.token_bytes) -> Commitment:
    """Commit to leaves, with fresh salts.

    Args:
        leaves: at least one, at most `MAX_LEAVES`.
        random_bytes: gives so many random bytes, of a cryptographic source.

    Raises:
        CommitmentError: there is none or there are too many; one has no `kind` or `id`, an id that
            another one has, the kind of padding, or no canonical form (RFC 8785).
    """
    _check(leaves)
    size = max(MIN_SIZE, 1 << (len(leaves) - 1).bit_length())
    drawn = random_bytes(SALT_BYTES * size)
    salts = [drawn[n * SALT_BYTES : (n + 1) * SALT_BYTES] for n in range(size)]
    if len(drawn) != SALT_BYTES * size or len(set(salts)) != size:
        raise CommitmentError("the source of random bytes gives too few, or the same ones again")
    salted = tuple(SaltedLeaf(salt, dict(leaf)) for salt, leaf in zip(salts, leaves, strict=False))
    padding = tuple(salts[len(leaves) :])
    root = _Tree(_all(salted, padding)).root
    salt = base64url.encode(random_bytes(SALT_BYTES))
    disclosure = sd_jwt.Disclosure.of_claim(salt, ROOT_NAME, base64url.encode(root))
    return Commitment(salted, padding, disclosure.encoded, root)


def read_commitment(value: Any) -> Commitment:
    """Read what `Commitment.to_json` wrote, and check that it is still the tree that it was.

    Args:
        value: as read by `strict_json.loads`.

    Raises:
        CommitmentError: it is none, or something in it was changed.
    """
    members = {"type", "version", "root", "disclosure", "leaves", "padding"}
    if (
        not isinstance(value, Mapping)
        or value.keys() != members
        or (value["type"], value["version"]) != (RECORD_TYPE, RECORD_VERSION)
    ):
        raise CommitmentError(
            f"this is no commitment: expected the type {RECORD_TYPE!r}, version {RECORD_VERSION}, "
            f"with the members {', '.join(sorted(members))}"
        )
    try:
        salted = tuple(
            SaltedLeaf(base64url.decode(one["salt"]), one["leaf"]) for one in value["leaves"]
        )
        padding = tuple(base64url.decode(one) for one in value["padding"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CommitmentError(f"a commitment cannot be read: {error}") from None
    _check([one.leaf for one in salted])
    root = _Tree(_all(salted, padding)).root
    found = base64url.encode(root)
    if found != value["root"] or found != root_in(value["disclosure"]):
        raise CommitmentError(
            f"the leaves of a commitment have the root {found}, expected {value['root']}",
            hint="What is stored was altered: restore the backup.",
        )
    return Commitment(salted, padding, value["disclosure"], root)


def root_in(disclosure: Any) -> str:
    """The root that a disclosure of a credential names, base64url.

    Args:
        disclosure: encoded (RFC 9901 section 4.2); whose it is, its digest tells.

    Raises:
        CommitmentError: it is not the disclosure of a root.
    """
    if not isinstance(disclosure, str):
        raise CommitmentError(f"the disclosure of a root is {disclosure!r}, expected a text")
    try:
        parsed = sd_jwt.Disclosure.parse(disclosure)
    except CredentialError as error:
        raise CommitmentError(f"the disclosure of a root: {error.message}") from None
    if parsed.name != ROOT_NAME:
        raise CommitmentError(
            f"a disclosure discloses {parsed.name!r}, expected {ROOT_NAME!r} of a commitment"
        )
    return check_root(parsed.value)


def digest_of_root(disclosure: Any) -> str:
    """The digest under which a credential bears the root that a disclosure names.

    Raises:
        CommitmentError: it is not the disclosure of a root.
    """
    root_in(disclosure)
    return sd_jwt.disclosure_digest(disclosure)


def check_root(value: Any) -> str:
    """A root as text.

    Raises:
        CommitmentError: it is none.
    """
    try:
        is_root = isinstance(value, str) and len(base64url.decode(value)) == merkle.HASH_BYTES
    except ValueError:
        is_root = False
    if not is_root:
        raise CommitmentError(f"a root is {value!r}, expected 32 bytes in base64url")
    return str(value)


def leaf_entry(salt: bytes, leaf: Leaf) -> bytes:
    """What is hashed as a leaf: 16 bytes of salt, and the RFC 8785 form of its content.

    Raises:
        CommitmentError: the salt has another length, or the leaf has no canonical form or is too
            large.
    """
    if len(salt) != SALT_BYTES:
        raise CommitmentError(f"a salt has {len(salt)} bytes, expected {SALT_BYTES}")
    try:
        content = canonical_bytes(leaf if isinstance(leaf, dict) else dict(leaf))
    except JsonError as error:
        raise CommitmentError(f"a line cannot be committed to: {error.message}") from None
    if len(content) > MAX_LEAF_BYTES:
        raise CommitmentError(f"a line has {len(content)} bytes, expected at most {MAX_LEAF_BYTES}")
    return salt + content


class _Tree:
    """All levels of a tree, its leaves in the order of their hashes.

    Raises:
        CommitmentError: their number is no power of two, or a leaf has no canonical form.
    """

    def __init__(self, leaves: Sequence[SaltedLeaf]) -> None:
        size = len(leaves)
        if size < MIN_SIZE or size & (size - 1):
            raise CommitmentError(
                f"a tree has {size} leaves, expected a power of two from {MIN_SIZE} on"
            )
        hashed = sorted(((one.hash, one) for one in leaves), key=lambda pair: pair[0])
        self.leaves = [one for _, one in hashed]
        self._levels = [[value for value, _ in hashed]]
        while len(below := self._levels[-1]) > 1:
            self._levels.append(
                [merkle.node_hash(*below[n : n + 2]) for n in range(0, len(below), 2)]
            )

    @property
    def root(self) -> bytes:
        """The hash of the tree."""
        return self._levels[-1][0]

    def proven(self, index: int) -> ProvenLeaf:
        """A leaf by its place, with its inclusion proof."""
        proof = merkle.inclusion_proof(
            index, len(self.leaves), lambda level, position: self._levels[level][position]
        )
        return ProvenLeaf(self.leaves[index], index, tuple(proof))


def _all(salted: Sequence[SaltedLeaf], padding: Sequence[bytes]) -> list[SaltedLeaf]:
    return [*salted, *(SaltedLeaf(salt, PADDING) for salt in padding)]


def check_leaf(leaf: Any) -> None:
    """The form that every leaf has.

    Raises:
        CommitmentError: it is no object with a `kind` and an `id`.
    """
    if not isinstance(leaf, Mapping):
        raise CommitmentError(f"a line is {type(leaf).__name__}, expected a JSON object")
    for name in ("kind", "id"):
        value = leaf.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME_CHARACTERS:
            raise CommitmentError(
                f"a line has {name} = {value!r}, expected a text of 1..{MAX_NAME_CHARACTERS} "
                "characters"
            )
    if leaf["kind"] == PADDING_KIND:
        raise CommitmentError(f"a line is of the kind {PADDING_KIND!r}, which is none")


def _check(leaves: Sequence[Any]) -> None:
    if not 1 <= len(leaves) <= MAX_LEAVES:
        raise CommitmentError(f"there are {len(leaves)} lines, expected 1 to {MAX_LEAVES}")
    ids: set[str] = set()
    for leaf in leaves:
        check_leaf(leaf)
        if leaf["id"] in ids:
            raise CommitmentError(f"two lines have the id {leaf['id']!r}")
        ids.add(leaf["id"])
