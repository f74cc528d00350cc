"""The audit log of a node: entries that name each other, and signed heads of the tree over them.

An entry is canonical JSON. It has its number (from 1), the hash of the entry before it, and 128
random bits: who is shown the hash of an entry, as a neighbour in a proof, cannot find out by trying
what the entry says. The hash of an entry is that of its leaf in the tree (RFC 9162 section 2.1.1).

Which footprints an entry is about is in it when they are few, otherwise as the digest of their set:
the ids themselves are kept beside the log, once for each set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from underseal_protocol import base64url, jws, strict_json
from underseal_protocol.canonical import canonical_bytes, digest_of_bytes
from underseal_protocol.claims import issue_time
from underseal_protocol.errors import AuditError, CredentialError, JsonError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.merkle import HASH_BYTES, leaf_hash

__all__ = [
    "MAX_INLINE_IDS",
    "RANDOM_BYTES",
    "TREE_HEAD_TYPE",
    "AuditEntry",
    "TreeHead",
    "head_claims",
    "issue_tree_head",
    "make_entry",
    "pack_ids",
    "read_entry",
    "read_hash",
    "read_hashes",
    "read_head_claims",
    "read_tree_head",
    "unpack_ids",
]

TREE_HEAD_TYPE = "underseal-tree-head+jwt"
RANDOM_BYTES = 16
MAX_INLINE_IDS = 16
MAX_ENTRY_BYTES = 64 * 1024
MAX_SIZE = 2**53 - 1

_LIMITS = strict_json.JsonLimits(max_bytes=MAX_ENTRY_BYTES, max_depth=8)
_REQUIRED = frozenset({"number", "time", "actor", "act", "outcome", "random"})
_ID_BYTES = 16


@dataclass(frozen=True)
class AuditEntry:
    """One entry, as read.

    Attributes:
        number: 1 for the first.
        act: what was done.
        previous: hash of the entry before; None for the first.
        members: everything in it.
        leaf: its hash.
    """

    number: int
    act: str
    previous: bytes | None
    members: Mapping[str, Any] = field(repr=False)
    leaf: bytes

    @property
    def set_digest(self) -> str | None:
        """The digest of the set of its footprints, when they are kept beside the log."""
        footprints = self.members.get("footprints")
        found = footprints.get("digest") if isinstance(footprints, Mapping) else None
        return found if isinstance(found, str) else None

    @property
    def acknowledgement(self) -> str | None:
        """The digest of the acknowledgement that it records."""
        detail = self.members.get("detail")
        found = detail.get("acknowledgement") if isinstance(detail, Mapping) else None
        return found if isinstance(found, str) else None


@dataclass(frozen=True)
class TreeHead:
    """What a node has signed about its log.

    Attributes:
        size: how many entries.
        root: hash of the tree over them.
        issuer: URL of the node.
        issued_at: by its clock.
    """

    size: int
    root: bytes
    issuer: str
    issued_at: datetime


def make_entry(
    number: int, previous: bytes | None, random: bytes, members: Mapping[str, Any]
) -> bytes:
    """Write an entry.

    Args:
        number: 1 for the first.
        previous: hash of the entry before.
        random: `RANDOM_BYTES` that nobody can guess.
        members: `time`, `actor`, `act`, `outcome` and what else there is to say.

    Raises:
        AuditError: it would not be an entry.
    """
    if len(random) != RANDOM_BYTES:
        raise AuditError(f"an entry needs {RANDOM_BYTES} random bytes, not {len(random)}")
    document = {**members, "number": number, "random": base64url.encode(random)}
    if previous is not None:
        document["previous"] = base64url.encode(previous)
    body = canonical_bytes(document)
    read_entry(body)
    return body


def read_entry(body: bytes) -> AuditEntry:
    """Read an entry.

    Raises:
        AuditError: it is none.
    """
    try:
        members = strict_json.loads(body, limits=_LIMITS)
    except JsonError as error:
        raise AuditError(f"an entry cannot be read: {error.message}") from error
    if not isinstance(members, dict) or not members.keys() >= _REQUIRED:
        raise AuditError(f"an entry needs the members {', '.join(sorted(_REQUIRED))}")
    number, previous = members["number"], members.get("previous")
    if type(number) is not int or not 1 <= number <= MAX_SIZE:
        raise AuditError(f"an entry has the number {number!r}")
    if (previous is None) != (number == 1):
        raise AuditError(f"entry {number} names {previous!r} as the entry before it")
    if not all(isinstance(members[name], str) for name in _REQUIRED - {"number"}):
        raise AuditError(f"entry {number} has a member that is no text")
    return AuditEntry(
        number=number,
        act=members["act"],
        previous=None if previous is None else read_hash(previous, "previous"),
        members=members,
        leaf=leaf_hash(body),
    )


def pack_ids(ids: Iterable[str]) -> tuple[bytes, str]:
    """A set of footprint ids as bytes, and its digest.

    Args:
        ids: UUIDs in any order, some perhaps twice.

    Raises:
        AuditError: one of them is no UUID.
    """
    try:
        packed = b"".join(sorted({bytes.fromhex(one.replace("-", "")) for one in ids}))
    except ValueError as error:
        raise AuditError("a set of footprints holds what is no UUID") from error
    if len(packed) % _ID_BYTES:
        raise AuditError("a set of footprints holds what is no UUID")
    return packed, digest_of_bytes(packed)


def unpack_ids(packed: bytes) -> list[str]:
    """The ids in a packed set, in order."""
    return [
        f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
        for text in (
            packed[start : start + _ID_BYTES].hex() for start in range(0, len(packed), _ID_BYTES)
        )
    ]


def issue_tree_head(
    *, size: int, root: bytes, key: SigningKey, issuer: str, issued_at: datetime
) -> str:
    """Sign the head of a log.

    Args:
        size: how many entries it has.
        root: hash of the tree over them.
        key: the receipt key of the node.
        issuer: URL of the node.
        issued_at: aware; the fraction of a second is dropped.

    Raises:
        CredentialError: the key is for something else.
    """
    if key.purpose is not KeyPurpose.RECEIPT:
        raise CredentialError(f"a key for {key.purpose} was used to sign a tree head")
    claims = {
        "iss": issuer.rstrip("/"),
        "iat": int(issued_at.timestamp()),
        **head_claims(size, root),
    }
    return jws.sign(claims, typ=TREE_HEAD_TYPE, key=key)


def read_tree_head(token: str, keys: PublicKeySet) -> TreeHead:
    """Check the signature of a tree head.

    Args:
        token: JWS.
        keys: the only keys trusted.

    Raises:
        CredentialError: it is not signed by one of them, or is no tree head.
        KeySetError: its key is not among them.
    """
    parsed = jws.verify(token, typ=TREE_HEAD_TYPE, purpose=KeyPurpose.RECEIPT, keys=keys)
    claims = parsed.payload
    if claims.keys() != {"iss", "iat", "size", "root"} or not isinstance(claims["iss"], str):
        raise CredentialError(f"a tree head has the claims {sorted(claims)}")
    size, root = read_head_claims(claims)
    return TreeHead(size, root, claims["iss"], issue_time(claims["iat"]))


def head_claims(size: int, root: bytes) -> dict[str, Any]:
    """Size and root of a tree as claims."""
    return {"size": size, "root": base64url.encode(root)}


def read_head_claims(claims: Any) -> tuple[int, bytes]:
    """Size and root from claims.

    Raises:
        CredentialError: they are malformed.
    """
    size = claims.get("size") if isinstance(claims, Mapping) else None
    if type(size) is not int or not 1 <= size <= MAX_SIZE:
        raise CredentialError(f"a tree head has the size {size!r}")
    try:
        return size, read_hash(claims.get("root"), "root")
    except AuditError as error:
        raise CredentialError(error.message) from error


def read_hash(text: Any, what: str) -> bytes:
    """A hash in base64url.

    Raises:
        AuditError: it is none.
    """
    try:
        value = base64url.decode(text) if isinstance(text, str) else b""
    except ValueError:
        value = b""
    if len(value) != HASH_BYTES:
        raise AuditError(f"{what} is {text!r}, expected {HASH_BYTES} bytes in base64url")
    return value


def read_hashes(texts: Any, what: str) -> Sequence[bytes]:
    """A list of hashes in base64url.

    Raises:
        AuditError: it is none.
    """
    if not isinstance(texts, list):
        raise AuditError(f"{what} is no list of hashes")
    return [read_hash(one, what) for one in texts]
