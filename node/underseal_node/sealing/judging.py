"""What the sealed sum of a received footprint shows us: by the keys that we have pinned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.exchange.attested import judged_of
from underseal_node.exchange.verification import STORED_LIMITS, Trust, trust_in
from underseal_node.home import Home
from underseal_node.node import Node
from underseal_node.rosters.trusting import known_rosters
from underseal_node.sealing.generators import make_ready
from underseal_node.store import peers, pins
from underseal_node.store.exchange_tables import ReceivedFootprint, VerificationState
from underseal_node.store.tables import Peer, PeerState
from underseal_node.trust.attesting import AttestationState
from underseal_protocol.attestation_claims import Attestation
from underseal_protocol.credential import VerifiedCredential, reopen
from underseal_protocol.errors import SealRefusedError
from underseal_protocol.jws import named_key
from underseal_protocol.keys import PublicKeySet
from underseal_protocol.seal.sealed_sum import SealedSum
from underseal_protocol.seal.trust import KnownNode, TrustList
from underseal_protocol.seal.verdict import SealVerdict
from underseal_protocol.seal.verifier import verify_sealed
from underseal_protocol.strict_json import loads

__all__ = ["Reader", "judge", "reader_of", "require_still_bound"]


@dataclass(frozen=True, slots=True)
class Reader:
    """What we know, to judge the sealed sum of one received footprint by.

    Attributes:
        document: the footprint.
        proven: what its credential proves.
        keys: pinned for its publisher.
        publishers: the URLs of its publisher.
        trusted: all that we have keys of.
        attestations: of verifiers that we know, which hold.
        revoked: keys of its publisher that are revoked, and as of when.
    """

    document: dict[str, Any] = field(repr=False)
    proven: VerifiedCredential = field(repr=False)
    keys: PublicKeySet
    publishers: tuple[str, ...]
    trusted: TrustList
    attestations: tuple[Attestation, ...] = ()
    revoked: Mapping[str, datetime] = field(default_factory=dict)


def reader_of(session: Session, node: Node, row: ReceivedFootprint) -> Reader:
    """What there is to judge a sealed sum by.

    Args:
        session: reads.
        node: the reader's.
        row: the footprint.

    Raises:
        RefusedError: the footprint is not verified, or no keys of its publisher are pinned.
        ProtocolError: what is stored does not hold any more.
    """
    trust = trust_in(pins.peer_row(session, row.peer_id))
    is_verified = row.verification == VerificationState.VERIFIED
    if not is_verified or row.credential_digest is None:
        raise RefusedError(f"the footprint {row.footprint_id} is not verified")
    if trust.keys is None or trust.issuers is None:
        raise RefusedError("no keys of its publisher are pinned")
    document = loads(row.body, limits=STORED_LIMITS)
    attested = tuple(
        one.claims
        for one in judged_of(session, row, node.now())
        if one.state is AttestationState.ATTESTED and one.claims is not None
    )
    return Reader(
        document,
        reopen(document, digest=row.credential_digest),
        trust.keys,
        trust.issuers,
        _trusted(session, node),
        attested,
        trust.revoked,
    )


def judge(
    node: Node,
    reader: Reader,
    found: SealedSum,
    *,
    time: datetime | None = None,
    is_bound: bool = False,
) -> SealVerdict:
    """Check a sealed sum; takes a part of a second, and seconds the first time in a home.

    Args:
        node: the reader's; its home has the generators.
        reader: what it knows.
        found: as received.
        time: when it was received; now by default.
        is_bound: whether it is known that its publisher stands by it.

    Raises:
        SealRefusedError: it does not hold; the message begins with the part.
    """
    make_ready(Home(node.home.path))
    if not is_bound:
        found.require_bound(reader.proven, keys=reader.keys, publisher=reader.publishers)
    return verify_sealed(
        found.document,
        reader.document,
        publisher=reader.publishers,
        trusted=reader.trusted,
        time=node.now() if time is None else time,
        attestations=reader.attestations,
    )


def require_still_bound(reader: Reader, found: SealedSum, received_at: datetime) -> None:
    """Whether the publisher of a document that was verified when it came still stands by it.

    A key that signed its statement and is rotated since has signed it all the same; one that is
    revoked has not, unless the document was here before the key came into other hands.

    Args:
        reader: what it knows.
        found: as received then.
        received_at: aware.

    Raises:
        SealRefusedError: it does not.
    """
    kid = None if found.statement is None else named_key(found.statement)
    since = None if kid is None else reader.revoked.get(kid)
    if since is not None and since <= received_at:
        raise SealRefusedError(
            f"binding: it is signed with the key {kid}, which its owner has revoked",
            hint="Ask the publisher to sign it again.",
        )


def _trusted(session: Session, node: Node) -> TrustList:
    """Our partners, and ourselves: a customer of ours may have our endorsement; and rosters."""
    nodes = [KnownNode(tuple(node.urls()), node.public_keys)]
    for peer in peers.listing(session):
        trust = trust_in(peer)
        if _counts(peer) and trust.keys is not None and trust.issuers is not None:
            nodes.append(_known(trust.issuers, trust.keys, trust))
    return TrustList(nodes, known_rosters(session))


def _counts(peer: Peer) -> bool:
    """Not one that was only invited, or whose partnership was ended: nobody vouches for it."""
    return peer.state in (PeerState.ACTIVE, PeerState.SUSPENDED)


def _known(issuers: tuple[str, ...], keys: PublicKeySet, trust: Trust) -> KnownNode:
    return KnownNode(issuers, keys, dict(trust.revoked))
