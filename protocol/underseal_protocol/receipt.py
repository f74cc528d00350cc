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
from datetime import datetime, timedelta
from typing import Any

from underseal_protocol import base64url, jws
from underseal_protocol.audit import head_claims, read_head_claims
from underseal_protocol.claims import issue_time
from underseal_protocol.disclosure import Level
from underseal_protocol.errors import CredentialError
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey
from underseal_protocol.merkle import verify_consistency, verify_inclusion
from underseal_protocol.receipt_parts import (
    MAX_FOOTPRINTS,
    Head,
    Received,
    is_digest,
    read_acknowledged,
    read_answered,
    read_consistency,
    read_inclusion,
)
from underseal_protocol.times import format_time

__all__ = [
    "ACKNOWLEDGEMENT_TYPE",
    "MAX_CHARACTERS",
    "MAX_FOOTPRINTS",
    "MAX_SKEW",
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
MAX_CHARACTERS = 200 * MAX_FOOTPRINTS  # base64url of id, digest and level of each
MAX_SKEW = timedelta(seconds=60)  # between the clocks of the two nodes

_ACKNOWLEDGEMENT = frozenset({"iss", "aud", "iat", "footprints"})
_RECEIPT = frozenset(
    {"iss", "aud", "iat", "acknowledgement", "footprints", "unconfirmed", "head", "inclusion"}
)


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

    def check_time(self, acknowledged_at: datetime, now: datetime) -> None:
        """Check that this was signed between the acknowledgement and now.

        Only of one that has just come: later, `now` says nothing about it.

        Args:
            acknowledged_at: when what it answers was signed.
            now: aware.

        Raises:
            CredentialError: it was not, by more than `MAX_SKEW`.
        """
        earliest, latest = acknowledged_at - MAX_SKEW, now + MAX_SKEW
        if not earliest <= self.issued_at <= latest:
            raise CredentialError(
                f"the receipt is of {format_time(self.issued_at)}, expected between "
                f"{format_time(earliest)} and {format_time(latest)}"
            )

    def check_continues(self, before: Head) -> None:
        """Check that the log of the issuer only grew since an earlier receipt.

        Args:
            before: the head in that receipt.

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
        CredentialError: the key is for something else, or there are too few or too many, or one
            of them twice.
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
    read_acknowledged(claims["footprints"])
    return _signed(claims, ACKNOWLEDGEMENT_TYPE, key)


def read_acknowledgement(token: str, *, keys: PublicKeySet) -> Acknowledgement:
    """Check an acknowledgement.

    Args:
        token: as received.
        keys: the only keys trusted.

    Raises:
        CredentialError: it is malformed, not signed by one of the keys, or names a footprint
            twice.
        KeySetError: its key is not among them, or not for receipts.
    """
    claims = _verified(token, ACKNOWLEDGEMENT_TYPE, keys, _ACKNOWLEDGEMENT, {"head", "known"})
    known = claims.get("known")
    if known is not None and (type(known) is not int or known < 1):
        raise CredentialError(f"an acknowledgement knows a log of {known!r} entries")
    head = claims.get("head")
    return Acknowledgement(
        issuer=claims["iss"],
        audience=claims["aud"],
        issued_at=issue_time(claims["iat"]),
        footprints=read_acknowledged(claims["footprints"]),
        head=None if head is None else Head(*read_head_claims(head)),
        known_size=known,
        digest=jws.statement_digest(token),
        token=token,
    )


def issue_receipt(
    acknowledgement: Acknowledgement,
    *,
    confirmed: Mapping[tuple[str, str], Level],
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
        confirmed: level of each footprint that is confirmed, by id and digest of its credential;
            all others are not.
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
    given = [(one.footprint_id, one.digest) for one in acknowledgement.footprints]
    claims: dict[str, Any] = {
        "iss": acknowledgement.audience,
        "aud": acknowledgement.issuer,
        "iat": int(issued_at.timestamp()),
        "acknowledgement": acknowledgement.digest,
        "footprints": [[*one, confirmed[one].value] for one in given if one in confirmed],
        "unconfirmed": [one[0] for one in given if one not in confirmed],
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
    head = Head(*read_head_claims(claims["head"]))
    number, leaf, proof = read_inclusion(claims["inclusion"])
    known_size: int | None = None
    growth: Sequence[bytes] = ()
    if "consistency" in claims:
        known_size, growth = read_consistency(claims["consistency"])
    footprints, unconfirmed = read_answered(claims["footprints"], claims["unconfirmed"])
    if not is_digest(claims["acknowledgement"]):
        raise CredentialError("a receipt does not say which acknowledgement it answers")
    receipt = Receipt(
        issuer=claims["iss"],
        audience=claims["aud"],
        issued_at=issue_time(claims["iat"]),
        acknowledgement=claims["acknowledgement"],
        footprints=footprints,
        unconfirmed=unconfirmed,
        head=head,
        number=number,
        leaf=leaf,
        known_size=known_size,
        consistency=growth,
        token=token,
    )
    verify_inclusion(leaf, number - 1, head.size, proof, head.root)
    if acknowledgement is not None:
        _check_answers(receipt, acknowledgement)
    return receipt


def footprints_of(token: str) -> Sequence[Received]:
    """The footprints that a receipt confirms. It is not checked: it was, when it was stored.

    Raises:
        CredentialError: it is no receipt.
    """
    found = jws.parse(token, max_characters=MAX_CHARACTERS).payload.get("footprints")
    return read_answered(found, [])[0]


def _check_answers(receipt: Receipt, acknowledgement: Acknowledgement) -> None:
    expected = {
        "issuer": acknowledgement.audience,
        "audience": acknowledgement.issuer,
        "acknowledgement": acknowledgement.digest,
    }
    for name, value in expected.items():
        got = getattr(receipt, name)
        if got != value:
            raise CredentialError(f"the receipt has the {name} {got[:200]!r}, expected {value!r}")
    asked = {one.footprint_id: one.digest for one in acknowledgement.footprints}
    answered = {one.footprint_id: one.digest for one in receipt.footprints}
    for footprint_id, digest in answered.items():
        if asked.get(footprint_id) != digest:
            raise CredentialError(
                f"the receipt confirms the footprint {footprint_id} with the digest {digest}, "
                "which was not acknowledged"
            )
    told = answered.keys() | set(receipt.unconfirmed)
    if told != asked.keys():
        raise CredentialError(
            f"the receipt answers for other footprints than were acknowledged, such as "
            f"{min(told ^ asked.keys())}"
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
