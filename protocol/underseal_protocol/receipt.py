"""Acknowledgement and receipt: what both sides of an exchange keep of it, signed by the other.

Who received footprints signs an acknowledgement: which ones, with the digest of the credential of
each, and where its own audit log stands. Who served them answers with a receipt: which of them it
confirms, at which level, the head of its log and the proof that an entry about the acknowledgement
is in it. If both know an earlier head of that log, the proof that it only grew is in it as well.

Both are JWS, signed with the receipt key of a node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from underseal_protocol import base64url, jws
from underseal_protocol.audit import head_claims, read_hash, read_hashes, read_head_claims
from underseal_protocol.credential import issue_time
from underseal_protocol.disclosure import Level
from underseal_protocol.errors import AuditError, CredentialError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.merkle import verify_consistency, verify_inclusion
from underseal_protocol.uuids import is_uuid

__all__ = [
    "ACKNOWLEDGEMENT_TYPE",
    "MAX_CHARACTERS",
    "MAX_FOOTPRINTS",
    "RECEIPT_TYPE",
    "Acknowledgement",
    "Head",
    "Receipt",
    "Received",
    "footprints_of",
    "issue_acknowledgement",
    "issue_receipt",
    "read_acknowledgement",
    "read_receipt",
]

ACKNOWLEDGEMENT_TYPE = "underseal-acknowledgement+jwt"
RECEIPT_TYPE = "underseal-receipt+jwt"
MAX_FOOTPRINTS = 5_000
MAX_CHARACTERS = 200 * MAX_FOOTPRINTS  # base64url of id, digest and level of each

_ACKNOWLEDGEMENT = frozenset({"iss", "aud", "iat", "footprints"})
_RECEIPT = frozenset(
    {"iss", "aud", "iat", "acknowledgement", "footprints", "unconfirmed", "head", "inclusion"}
)
_DIGEST_CHARACTERS = 43


@dataclass(frozen=True)
class Head:
    """Where a log stands.

    Attributes:
        size: how many entries.
        root: hash of the tree over them.
    """

    size: int
    root: bytes


@dataclass(frozen=True)
class Received:
    """A footprint that was received.

    Attributes:
        footprint_id: which.
        digest: of its credential.
        level: at which it was shown; None in an acknowledgement, which cannot know.
    """

    footprint_id: str
    digest: str
    level: Level | None = None


@dataclass(frozen=True)
class Acknowledgement:
    """What somebody says to have received.

    Attributes:
        issuer: URL of the node that received.
        audience: URL of the node that served.
        issued_at: by the clock of the issuer.
        footprints: what was received.
        head: of the log of the issuer; None if there is nothing in it.
        known_size: how long the log of the other side was by the newest receipt; None if there is
            none.
        digest: by which this acknowledgement is known.
        token: the JWS.
    """

    issuer: str
    audience: str
    issued_at: datetime
    footprints: Sequence[Received] = field(repr=False)
    head: Head | None
    known_size: int | None
    digest: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Receipt:
    """What the one that served confirms.

    Attributes:
        issuer: URL of the node that served.
        audience: URL of the node that received.
        issued_at: by the clock of the issuer.
        acknowledgement: digest of what it answers.
        footprints: confirmed, with their levels.
        unconfirmed: ids of those that it does not confirm.
        head: of the log of the issuer.
        number: of the entry about the acknowledgement in that log.
        leaf: hash of that entry.
        known_size: of the earlier head from which the log is shown to have only grown.
        consistency: the proof of that.
        token: the JWS.
    """

    issuer: str
    audience: str
    issued_at: datetime
    acknowledgement: str
    footprints: Sequence[Received] = field(repr=False)
    unconfirmed: Sequence[str]
    head: Head
    number: int
    leaf: bytes
    known_size: int | None
    consistency: Sequence[bytes] = field(repr=False)
    token: str = field(repr=False)

    def check_continues(self, before: Head) -> None:
        """Check that the log of the issuer only grew since an earlier receipt.

        Raises:
            MerkleError: it did not, or is not shown to.
        """
        proof = self.consistency if self.known_size == before.size else ()
        verify_consistency(before.size, before.root, self.head.size, self.head.root, proof)


def issue_acknowledgement(
    *,
    footprints: Iterable[Received],
    head: Head | None,
    known_size: int | None,
    key: SigningKey,
    issuer: str,
    audience: str,
    issued_at: datetime,
) -> str:
    """Sign what was received.

    Args:
        footprints: at least one and at most `MAX_FOOTPRINTS`.
        head: of the own log.
        known_size: of the log of the other side, by the newest receipt.
        key: the receipt key of the node that received.
        issuer: its URL.
        audience: URL of the node that served.
        issued_at: aware; the fraction of a second is dropped.

    Raises:
        CredentialError: the key is for something else, or there are too few or too many.
    """
    claims: dict[str, Any] = {
        "iss": issuer.rstrip("/"),
        "aud": audience.rstrip("/"),
        "iat": int(issued_at.timestamp()),
        "footprints": [[one.footprint_id, one.digest] for one in footprints],
    }
    if head is not None:
        claims["head"] = head_claims(head.size, head.root)
    if known_size is not None:
        claims["known"] = known_size
    _check_count(claims["footprints"])
    return _signed(claims, ACKNOWLEDGEMENT_TYPE, key)


def read_acknowledgement(token: str, *, keys: PublicKeySet) -> Acknowledgement:
    """Check an acknowledgement.

    Args:
        token: as received.
        keys: the only keys trusted.

    Raises:
        CredentialError: it is malformed, or not signed by one of the keys.
        KeySetError: its key is not among them, or not for receipts.
    """
    claims = _verified(token, ACKNOWLEDGEMENT_TYPE, keys, _ACKNOWLEDGEMENT, {"head", "known"})
    _check_count(claims["footprints"])
    known = claims.get("known")
    if known is not None and (type(known) is not int or known < 1):
        raise CredentialError(f"an acknowledgement knows a log of {known!r} entries")
    head = claims.get("head")
    return Acknowledgement(
        issuer=claims["iss"],
        audience=claims["aud"],
        issued_at=issue_time(claims["iat"]),
        footprints=[_received(one, 2) for one in claims["footprints"]],
        head=None if head is None else Head(*read_head_claims(head)),
        known_size=known,
        digest=jws.statement_digest(token),
        token=token,
    )


def issue_receipt(
    acknowledgement: Acknowledgement,
    *,
    confirmed: Mapping[str, Level],
    head: Head,
    number: int,
    leaf: bytes,
    inclusion: Sequence[bytes],
    consistency: Sequence[bytes] | None,
    key: SigningKey,
    issued_at: datetime,
) -> str:
    """Sign a receipt.

    Args:
        acknowledgement: what it answers.
        confirmed: level of each footprint that is confirmed; all others are not.
        head: of the own log.
        number: of the entry about the acknowledgement in it.
        leaf: hash of that entry.
        inclusion: the proof that it is in the log.
        consistency: the proof that the log only grew since `known_size`; None without one.
        key: the receipt key of the node that served.
        issued_at: aware; the fraction of a second is dropped.

    Raises:
        CredentialError: the key is for something else.
    """
    ids = [one.footprint_id for one in acknowledgement.footprints]
    claims: dict[str, Any] = {
        "iss": acknowledgement.audience,
        "aud": acknowledgement.issuer,
        "iat": int(issued_at.timestamp()),
        "acknowledgement": acknowledgement.digest,
        "footprints": [
            [one.footprint_id, one.digest, confirmed[one.footprint_id].value]
            for one in acknowledgement.footprints
            if one.footprint_id in confirmed
        ],
        "unconfirmed": [one for one in ids if one not in confirmed],
        "head": head_claims(head.size, head.root),
        "inclusion": {
            "number": number,
            "leaf": base64url.encode(leaf),
            "proof": [base64url.encode(one) for one in inclusion],
        },
    }
    if consistency is not None:
        claims["consistency"] = {
            "size": acknowledgement.known_size,
            "proof": [base64url.encode(one) for one in consistency],
        }
    return _signed(claims, RECEIPT_TYPE, key)


def read_receipt(
    token: str, *, keys: PublicKeySet, acknowledgement: Acknowledgement | None = None
) -> Receipt:
    """Check a receipt: its signature, and that the entry that it names is in the log.

    Args:
        token: as received.
        keys: the only keys trusted.
        acknowledgement: what it has to answer; None if it stands for itself.

    Raises:
        CredentialError: it is malformed, not signed by one of the keys, or answers something else.
        KeySetError: its key is not among them, or not for receipts.
        MerkleError: it does not show that the entry is in the log.
    """
    claims = _verified(token, RECEIPT_TYPE, keys, _RECEIPT, {"consistency"})
    inclusion, consistency = claims["inclusion"], claims.get("consistency")
    head = Head(*read_head_claims(claims["head"]))
    number = inclusion.get("number") if isinstance(inclusion, Mapping) else None
    known = None if consistency is None else _member(consistency, "size")
    if type(number) is not int or not (known is None or type(known) is int):
        raise CredentialError("a receipt has a malformed proof")
    lists = (claims["footprints"], claims["unconfirmed"])
    if not all(isinstance(one, list) for one in lists) or sum(map(len, lists)) > MAX_FOOTPRINTS:
        raise CredentialError("a receipt has no list of footprints, or too long a one")
    try:
        leaf = read_hash(inclusion.get("leaf"), "leaf")
        proof = read_hashes(inclusion.get("proof"), "proof")
        growth = [] if consistency is None else read_hashes(consistency.get("proof"), "proof")
    except AuditError as error:
        raise CredentialError(f"a receipt has a malformed proof: {error.message}") from error
    receipt = Receipt(
        issuer=claims["iss"],
        audience=claims["aud"],
        issued_at=issue_time(claims["iat"]),
        acknowledgement=str(claims["acknowledgement"]),
        footprints=[_received(one, 3) for one in claims["footprints"]],
        unconfirmed=[str(one) for one in claims["unconfirmed"]],
        head=head,
        number=number,
        leaf=leaf,
        known_size=known,
        consistency=growth,
        token=token,
    )
    verify_inclusion(leaf, number - 1, head.size, proof, head.root)
    if acknowledgement is not None:
        _check_answers(receipt, acknowledgement)
    return receipt


def footprints_of(token: str) -> Sequence[Received]:
    """The footprints that a receipt confirms. It is not checked: it was, when it was stored."""
    found = jws.parse(token, max_characters=MAX_CHARACTERS).payload["footprints"]
    return [_received(one, 3) for one in found]


def _check_answers(receipt: Receipt, acknowledgement: Acknowledgement) -> None:
    expected = {
        "issuer": acknowledgement.audience,
        "audience": acknowledgement.issuer,
        "acknowledgement": acknowledgement.digest,
    }
    for name, value in expected.items():
        got = getattr(receipt, name)
        if got != value:
            raise CredentialError(f"the receipt has the {name} {got!r}, expected {value!r}")
    asked = {(one.footprint_id, one.digest) for one in acknowledgement.footprints}
    surplus = {(one.footprint_id, one.digest) for one in receipt.footprints} - asked
    if surplus:
        raise CredentialError(
            f"the receipt confirms the footprint {min(surplus)[0]}, which was not acknowledged"
        )


def _signed(claims: Mapping[str, Any], typ: str, key: SigningKey) -> str:
    if key.purpose is not KeyPurpose.RECEIPT:
        raise CredentialError(f"a key for {key.purpose} was used to sign a receipt")
    return jws.sign(claims, typ=typ, key=key)


def _verified(
    token: str, typ: str, keys: PublicKeySet, required: frozenset[str], optional: set[str]
) -> dict[str, Any]:
    parsed = jws.verify(
        token, typ=typ, purpose=KeyPurpose.RECEIPT, keys=keys, max_characters=MAX_CHARACTERS
    )
    claims = parsed.payload
    if not required <= claims.keys() <= required | optional:
        raise CredentialError(f"{typ} has the claims {sorted(claims)}, expected {sorted(required)}")
    if not all(isinstance(claims[name], str) for name in ("iss", "aud")):
        raise CredentialError(f"{typ} does not say from whom and for whom it is")
    return claims


def _check_count(footprints: Any) -> None:
    if not isinstance(footprints, list) or not 1 <= len(footprints) <= MAX_FOOTPRINTS:
        raise CredentialError(
            f"an acknowledgement is about 1 to {MAX_FOOTPRINTS} footprints, in a list"
        )


def _received(item: Any, length: int) -> Received:
    if not isinstance(item, list) or len(item) != length:
        raise CredentialError(f"a footprint of a receipt is {item!r}")
    footprint_id, digest = item[:2]
    is_digest = isinstance(digest, str) and len(digest) == _DIGEST_CHARACTERS
    if not is_uuid(footprint_id) or not is_digest:
        raise CredentialError(f"a footprint of a receipt is {item!r}")
    if length == 2:
        return Received(footprint_id.lower(), digest)
    if item[2] not in set(Level):
        raise CredentialError(f"a footprint of a receipt has the level {item[2]!r}")
    return Received(footprint_id.lower(), digest, Level(item[2]))


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else value
