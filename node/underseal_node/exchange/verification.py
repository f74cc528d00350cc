"""What a received footprint is: verified, unsigned or invalid. Pure: no network, no database.

Verified means that the issuer-signed part verifies with the keys pinned for the peer and that the
footprint holds what was signed. Unsigned means that there is no credential, as most PACT solutions
send it; the peer is authenticated all the same. Everything else is invalid and never used.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from underseal_node.errors import NodeError
from underseal_node.exchange.pinned_log import newest_entry
from underseal_node.store.exchange_tables import VerificationState
from underseal_node.store.index import index_keys, summary_of
from underseal_node.store.tables import KeyKind, Peer
from underseal_protocol.canonical import digest
from underseal_protocol.credential import credential_of, verify
from underseal_protocol.criteria import FootprintIndex
from underseal_protocol.disclosure import content_of, is_attested
from underseal_protocol.errors import CredentialError, JsonError, ProtocolError, Violation
from underseal_protocol.footprint import schema_violations
from underseal_protocol.jws import named_key, statement_digest
from underseal_protocol.keys import PublicKeySet
from underseal_protocol.status import StatusStatement, verify_status
from underseal_protocol.strict_json import JsonLimits, loads
from underseal_protocol.text_limits import excesses
from underseal_protocol.times import format_time

__all__ = [
    "CREDENTIAL_OMITTED",
    "STORED_LIMITS",
    "Classified",
    "Trust",
    "UnusableItemError",
    "check_statement",
    "classify",
    "has_credential",
    "trust_in",
]

CREDENTIAL_OMITTED = "it carries no credential, although the peer signs its footprints"
SHOWN_VIOLATIONS = 10
MAX_REASON_CHARACTERS = 2000
# What is stored was within the limits of its day.
STORED_LIMITS = JsonLimits(max_bytes=2**31, max_depth=1_000)
_Judgement: TypeAlias = tuple[VerificationState, str | None, str | None, frozenset[str]]
"""State, reason, credential digest, withheld blocks."""


class UnusableItemError(NodeError):
    """A received item cannot even be kept: it is no JSON object with the id of a footprint."""


@dataclass(frozen=True)
class Trust:
    """Whom and what a peer's footprints are checked against.

    Attributes:
        keys: pinned; `None` for a peer that is not an Underseal node.
        issuer: expected in the credential.
        signed_before: then a missing credential is invalid.
        key_set: the keys as they are stored.
        former_issuers: what it signed under before it moved.
        revoked: keys that the peer has revoked, each with the instant since which it may have been
            in other hands.
    """

    keys: PublicKeySet | None
    issuer: str | None
    signed_before: bool
    key_set: str | None = field(default=None, repr=False)
    former_issuers: tuple[str, ...] = ()
    revoked: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def issuers(self) -> tuple[str, ...] | None:
        """Every name that the peer may have signed under; `None` if any may."""
        return None if self.issuer is None else (self.issuer, *self.former_issuers)

    def is_unknown(self, kid: str | None) -> bool:
        """Whether a key is neither pinned nor revoked: the peer may have rotated its keys."""
        if kid is None or self.keys is None or kid in self.revoked:
            return False
        return all(key.kid != kid for key in self.keys)

    def holds(self, peer: Peer) -> bool:
        """Whether this is still what is pinned, or the operator has confirmed something else."""
        former = tuple(json.loads(peer.former_issuers))
        known = (self.key_set, self.issuer, self.signed_before, self.former_issuers)
        return known == (peer.key_set, peer.issuer, peer.signed_before, former)


@dataclass(frozen=True)
class Classified:
    """A received footprint and what verification says of it.

    Attributes:
        footprint_id: in lower case.
        raw: as received.
        state: verified, unsigned or invalid.
        reason: why it is not verified; `None` when it is.
        status: as the peer sent it; part of no signature.
        body_digest: of everything but status and credential.
        credential_digest: names the issuer-signed part; only of a verified one.
        kid: the key that the credential names, verified or not.
        signed_digest: names the issuer-signed part, verified or not.
        withheld: names of the blocks that are not shown.
        index: what it can be found by; `None` when it is too broken for that.
        summary: for lists.
        is_attested: a verified one carries attestations.
    """

    footprint_id: str
    raw: bytes = field(repr=False)
    state: VerificationState
    reason: str | None
    status: str
    body_digest: str
    credential_digest: str | None
    withheld: frozenset[str]
    index: FootprintIndex | None = field(repr=False)
    summary: str = field(repr=False)
    kid: str | None = None
    signed_digest: str | None = None
    is_attested: bool = False

    @property
    def keys(self) -> list[tuple[KeyKind, str]]:
        """What it can be found by, kind and folded value."""
        return [] if self.index is None else index_keys(self.index)


def trust_in(peer: Peer) -> Trust:
    """What is pinned of a peer."""
    keys = None if peer.key_set is None else PublicKeySet.from_jwks(json.loads(peer.key_set))
    newest = newest_entry(peer)
    return Trust(
        keys,
        peer.issuer,
        peer.signed_before,
        peer.key_set,
        tuple(json.loads(peer.former_issuers)),
        {} if newest is None else newest.revoked,
    )


def classify(raw: bytes, trust: Trust, limits: JsonLimits) -> Classified:
    """Check one footprint as received.

    Args:
        raw: the bytes of one JSON value.
        trust: of the peer it came from.
        limits: of size and depth.

    Raises:
        UnusableItemError: it is no JSON object with the id of a footprint.
    """
    try:
        document = loads(raw, limits=limits)
    except JsonError as error:
        raise UnusableItemError(f"an item is not JSON: {error.message}") from error
    if not isinstance(document, dict):
        raise UnusableItemError("an item is not a JSON object")
    footprint_id = _id_of(document)
    violations = schema_violations(document) + excesses(document)
    kid, signed_digest = _signature_of(document)
    judgement: _Judgement = (VerificationState.INVALID, _listed(violations), None, frozenset())
    if not violations:
        try:
            judgement = _judge(document, trust, kid)
            if judgement[0] is VerificationState.VERIFIED:
                # Another number that is read as the same double was not what was signed.
                loads(raw, limits=limits, exact_numbers=True)
        except ProtocolError as error:
            judgement = (VerificationState.INVALID, error.message, None, frozenset())
    state, reason, credential_digest, withheld = judgement
    status = document.get("status")
    return Classified(
        footprint_id=footprint_id,
        raw=raw,
        state=state,
        reason=None if reason is None else reason[:MAX_REASON_CHARACTERS],
        status=status if isinstance(status, str) else "",
        body_digest=_body_digest(document, raw),
        credential_digest=credential_digest,
        withheld=withheld,
        index=None if violations else _index(document),
        summary=summary_of(document),
        kid=kid,
        signed_digest=signed_digest,
        is_attested=state is VerificationState.VERIFIED and is_attested(document),
    )


def has_credential(raw: bytes, limits: JsonLimits) -> bool:
    """Whether a footprint carries a credential, good or not."""
    try:
        document = loads(raw, limits=limits)
        return isinstance(document, dict) and credential_of(document) is not None
    except ProtocolError:
        return True  # one that is not of the form, or two


def check_statement(
    token: str, trust: Trust, footprint_id: str, credential_digest: str
) -> StatusStatement:
    """Check what a peer has signed about the status of a footprint that we hold.

    Raises:
        ProtocolError: it does not verify with the pinned keys, or is about something else.
        UnusableItemError: no keys are pinned for this peer.
    """
    if trust.keys is None:
        raise UnusableItemError("no keys are pinned for this peer")
    kid = named_key(token.strip())
    if kid is not None and kid in trust.revoked:
        raise CredentialError(_revoked_reason(kid, trust.revoked[kid]))
    return verify_status(
        token,
        keys=trust.keys,
        issuer=trust.issuers,
        footprint_id=footprint_id,
        credential_digest=credential_digest,
    )


def _judge(document: Mapping[str, Any], trust: Trust, kid: str | None) -> _Judgement:
    nothing: frozenset[str] = frozenset()
    if credential_of(document) is None:
        # Whoever shows keys for footprints signs all of them.
        if trust.signed_before or trust.keys is not None:
            return VerificationState.INVALID, CREDENTIAL_OMITTED, None, nothing
        return VerificationState.UNSIGNED, "it carries no credential", None, nothing
    if trust.keys is None:
        reason = "it carries a credential, and no keys of the peer are known to check it with"
        return VerificationState.INVALID, reason, None, nothing
    if kid is not None and kid in trust.revoked:
        reason = _revoked_reason(kid, trust.revoked[kid])
        return VerificationState.INVALID, reason, None, nothing
    verified = verify(document, keys=trust.keys, issuer=trust.issuers)
    withheld = frozenset(block.value for block in verified.withheld)
    return VerificationState.VERIFIED, None, verified.digest, withheld


def _signature_of(document: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The key that a credential names, and the digest of what it signed; unverified."""
    try:
        credential = credential_of(document)
    except ProtocolError:
        return None, None
    if credential is None:
        return None, None
    jwt = credential.partition("~")[0]
    kid = named_key(jwt)
    return kid, None if kid is None or not jwt.isascii() else statement_digest(jwt)


def _revoked_reason(kid: str, since: datetime) -> str:
    return (
        f"it is signed with the key {kid}, which its owner has revoked: it may have been in other "
        f"hands since {format_time(since)}"
    )


def _listed(violations: Sequence[Violation]) -> str:
    shown = [
        f"{violation.pointer or '/'}: expected {violation.expected}"
        for violation in violations[:SHOWN_VIOLATIONS]
    ]
    more = len(violations) - len(shown)
    return "; ".join([*shown, *([f"and {more} more"] if more else [])])


def _id_of(document: Mapping[str, Any]) -> str:
    value = document.get("id")
    if not isinstance(value, str) or len(value) != 36:
        raise UnusableItemError(f"an item has no usable id: {str(value)[:60]!r}")
    try:
        return str(UUID(value))
    except ValueError:
        raise UnusableItemError(f"an item has no usable id: {value!r}") from None


def _body_digest(document: Mapping[str, Any], raw: bytes) -> str:
    """Digest of what may never change. Formatting does not count, status neither."""
    try:
        return digest(content_of(document))
    except JsonError:  # numbers without a canonical form
        return hashlib.sha256(raw).hexdigest()


def _index(document: Mapping[str, Any]) -> FootprintIndex | None:
    try:
        return FootprintIndex.of(document)
    except ProtocolError:
        return None
