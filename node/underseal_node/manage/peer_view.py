"""A peer as it is shown to the operator, with what there is to warn of."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from underseal_node.manage.grant_view import grant_shape, granted_to_us_shape
from underseal_node.manage.shapes.peers import FingerprintShape, PeerDetailShape, PeerShape
from underseal_node.node import Node
from underseal_node.settings import EndorsePolicy
from underseal_node.store import clients, granted, grants, invitations, peers
from underseal_node.store.identity_tables import Invitation
from underseal_node.store.tables import (
    Assurance,
    AuthMethod,
    Awaits,
    ClientCredential,
    Peer,
    PeerState,
)
from underseal_node.trust import partnerships
from underseal_node.trust.fingerprints import (
    Fingerprint,
    pending_fingerprint,
    pinned_fingerprint,
    thumbprints_of_text,
)
from underseal_protocol.criteria import fold
from underseal_protocol.urns import check_urn

__all__ = ["peer_detail", "peer_shape", "peer_shapes"]


async def peer_shape(node: Node, name: str, warnings: Sequence[str] = ()) -> PeerShape:
    """One peer.

    Args:
        node: whose peer.
        name: of the peer.
        warnings: to show beside those that follow from its state.

    Raises:
        NotFoundError: there is none of this name.
    """

    return await node.store.read(
        lambda session: _one(session, node, peers.by_name(session, name), warnings)
    )


async def peer_detail(node: Node, name: str) -> PeerDetailShape:
    """One peer, with what each side may see at the other.

    Args:
        node: whose peer.
        name: of the peer.

    Raises:
        NotFoundError: there is none of this name.
    """

    def work(session: Session) -> PeerDetailShape:
        peer, now = peers.by_name(session, name), node.now()
        told = granted.of_peer(peer)
        return PeerDetailShape(
            **dict(_one(session, node, peer)),
            granted_to_it=[grant_shape(now, *row) for row in grants.listing(session, peer.name)],
            granted_to_us=None if told is None else [granted_to_us_shape(now, one) for one in told],
            granted_to_us_at=peer.granted_to_us_at,
        )

    return await node.store.read(work)


async def peer_shapes(node: Node) -> list[PeerShape]:
    """All peers by name."""

    def work(session: Session) -> list[PeerShape]:
        now = node.now()
        held, invited = _held(session, now), invitations.unused(session)
        places = peers.at_addresses(session)
        return [
            _shape(
                peer,
                held.get(peer.id or 0, NOTHING),
                invited.get(peer.id or 0),
                now,
                [*_doubled(peer, places), *_ours(node, peer)],
            )
            for peer in peers.listing(session)
        ]

    return await node.store.read(work)


def _one(session: Session, node: Node, peer: Peer, warnings: Sequence[str] = ()) -> PeerShape:
    now = node.now()
    held = _held(session, now, peer.id).get(peer.id or 0, NOTHING)
    invited = invitations.unused(session, peer.id).get(peer.id or 0)
    said = [*warnings, *_doubled(peer, peers.at_addresses(session)), *_ours(node, peer)]
    return _shape(peer, held, invited, now, said)


@dataclass(frozen=True)
class _Held:
    """What a peer has here.

    Attributes:
        valid: what it can authenticate with at present, oldest first.
        in_use: what it is known to authenticate with; it may have expired.
    """

    valid: Sequence[ClientCredential] = ()
    in_use: ClientCredential | None = None


NOTHING = _Held()


def _held(session: Session, now: datetime, peer_id: int | None = None) -> dict[int, _Held]:
    valid = peers.credentials(session, now, peer_id)
    in_use = clients.in_use(session, peer_id)
    return {one: _Held(valid.get(one, ()), in_use.get(one)) for one in valid.keys() | in_use.keys()}


def _shape(
    peer: Peer,
    held: _Held,
    invitation: Invitation | None,
    now: datetime,
    warnings: Sequence[str],
) -> PeerShape:
    pending = peer.pending_key_set
    return PeerShape(
        name=peer.name,
        state=PeerState(peer.state),
        state_reason=peer.state_reason,
        ended_by_peer_at=peer.ended_by_peer_at,
        ended_by_peer_reason=peer.ended_by_peer_reason,
        awaits=None if peer.awaits is None else Awaits(peer.awaits),
        company_name=peer.company_name,
        company_ids=json.loads(peer.company_ids),
        assurance=Assurance(peer.assurance),
        fingerprint=_shape_of(pinned_fingerprint(peer)),
        auth_method=AuthMethod(peer.auth_method),
        invitation_id=None if invitation is None else invitation.id,
        invitation_expires_at=None if invitation is None else invitation.expires_at,
        expires_at=None if held.in_use is None else held.in_use.expires_at,
        client_expires_at=peer.client_expires_at,
        url=peer.base_url,
        auth_url=peer.auth_url,
        token_endpoint=peer.token_endpoint,
        token_origin=peer.token_origin,
        pending_token_endpoint=peer.pending_token_endpoint,
        is_underseal=peer.is_underseal,
        issuer=peer.issuer,
        key_thumbprints=thumbprints_of_text(peer.key_set),
        pending_key_thumbprints=None if pending is None else thumbprints_of_text(pending),
        pending_fingerprint=_shape_of(pending_fingerprint(peer)),
        has_credentials=peers.has_credentials(peer),
        client_id=peer.client_id,
        scope=peer.scope,
        audience=peer.audience,
        resource=peer.resource,
        has_ca=peer.ca_pem is not None,
        accept_unsigned=peer.accept_unsigned,
        allow_private_network=peer.allow_private_network,
        endorse=None if peer.endorse is None else EndorsePolicy(peer.endorse),
        endorse_named=peer.endorse_named,
        signed_before=peer.signed_before,
        issued_client_ids=[one.client_id for one in held.valid],
        created_at=peer.created_at,
        last_contact_at=peer.last_contact_at,
        last_problem_at=peer.last_problem_at,
        last_problem=peer.last_problem,
        warnings=[*warnings, *_warnings(peer, held, now)],
    )


def _shape_of(found: Fingerprint | None) -> FingerprintShape | None:
    return None if found is None else FingerprintShape(words=found.words, hex=found.hex)


def _ours(node: Node, peer: Peer) -> list[str]:
    """A company that names our own ids is ours, or is not what it says."""
    if peer.state == PeerState.REVOKED:
        return []
    own = {fold(one) for one in node.identity.company_ids}
    return [
        f"{peer.name} names the company id {one}, which is that of this company: ask on another "
        "way who that is, unless it is a node of your own"
        for one in json.loads(peer.company_ids)
        if fold(one) in own
    ]


def _warnings(peer: Peer, held: _Held, now: datetime) -> list[str]:
    """What the operator should do something about."""
    found: list[str] = []
    if peer.state in (PeerState.ACTIVE, PeerState.SUSPENDED):
        if peer.ended_by_peer_at is not None:
            sentence, advice = partnerships.end_by_peer(peer), partnerships.end_advice(peer.name)
            found.append(f"{sentence}; it is not called any more. {advice}")
        found += _expiry(peer, held, now)
    if peer.state != PeerState.REVOKED:
        for company_id in json.loads(peer.company_ids):
            for problem in check_urn(company_id):
                found.append(f"{peer.name} names the company id {company_id}: {problem.message}")
    return found


def _doubled(peer: Peer, places: Mapping[str, Sequence[str]]) -> list[str]:
    """Two peers at one address: two sets of grants for one reader, or somebody who is neither."""
    if peer.base_url is None or peer.state == PeerState.REVOKED:
        return []
    there = places.get(peers.address_key(peer.base_url), ())
    others = ", ".join(name for name in there if name != peer.name)
    return [f"{peer.name} has the same address as {others}: {peer.base_url}"] if others else []


def _expiry(peer: Peer, held: _Held, now: datetime) -> list[str]:
    """Credentials that end soon, or have ended; nodes of partners renew theirs themselves."""
    found, name = [], shlex.quote(peer.name)
    theirs = None if held.in_use is None else held.in_use.expires_at
    if not held.valid and peer.removed_at is None:
        found.append(
            f"{peer.name} has no valid credentials here: run `underseal peer rotate {name}`"
        )
    elif theirs is not None and theirs - now <= partnerships.RENEWABLE:
        what = "ended" if theirs <= now else "end"
        found.append(
            f"the credentials of {peer.name} here {what} on {theirs:%Y-%m-%d}: run `underseal peer "
            f"rotate {name}`"
        )
    if held.valid and held.valid[-1].confirmed_at is None:
        found.append(
            f"{peer.name} has not confirmed yet that it has its new client id; it is told again"
        )
    ours = peer.client_expires_at
    if ours is not None and ours - now <= partnerships.RENEWABLE:
        what = "ended" if ours <= now else "end"
        found.append(
            f"our credentials at {peer.name} {what} on {ours:%Y-%m-%d}: this node has them renewed "
            f"when it reaches {peer.name}; `underseal peer rotate {name}` tries it now"
        )
    return found
