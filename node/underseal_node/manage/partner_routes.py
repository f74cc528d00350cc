"""Partnerships: invite, accept, and the moves from one state to another."""

from __future__ import annotations

import asyncio
import shlex
from datetime import timedelta

from fastapi import APIRouter
from sqlmodel import Session

from underseal_node.errors import NodeError, RefusedError
from underseal_node.exchange.accepting import Acceptance, accept
from underseal_node.exchange.approvals import look_for_approval
from underseal_node.exchange.approving import approve
from underseal_node.exchange.errors import (
    ClientUnknownError,
    CredentialsRefusedError,
    reason_of,
)
from underseal_node.exchange.resuming import resume as resume_partnership
from underseal_node.exchange.rotation import rotate
from underseal_node.manage.context import RESPONSE, Context
from underseal_node.manage.grant_view import grant_shape
from underseal_node.manage.peer_view import peer_shape
from underseal_node.manage.shapes.peers import (
    AcceptedShape,
    AcceptInput,
    ApprovedShape,
    CompleteInput,
    InvitationInput,
    InvitationShape,
    PeerShape,
    ReasonInput,
    RotatedShape,
    WordsInput,
)
from underseal_node.node import Node
from underseal_node.store import audit, grants, peers
from underseal_node.store.audit import Act, Outcome
from underseal_node.store.tables import Peer, PeerState
from underseal_node.trust import partnerships, registrations
from underseal_node.trust.fingerprints import check_words, pinned_fingerprint
from underseal_node.trust.invitations import Offer, create_invitation
from underseal_node.trust.partnerships import Move
from underseal_protocol.errors import InvitationError

__all__ = ["router"]

CALL_SECONDS = 10.0

router = APIRouter()


@router.post("/invitations", status_code=201, **RESPONSE)
async def invite(context: Context, given: InvitationInput) -> InvitationShape:
    """Invite a company."""
    node = context.node
    invited = await create_invitation(
        node,
        Offer(
            name=given.name,
            for_whom=given.for_whom,
            is_pre_approved=given.pre_approve,
            expires_after=timedelta(seconds=given.expires_seconds),
            product_ids=given.product_ids,
            level=given.level,
        ),
    )
    granted = await node.store.read(lambda session: grants.listing(session, invited.peer.name))
    return InvitationShape(
        name=invited.peer.name,
        id=invited.row.id,
        expires_at=invited.row.expires_at,
        link=invited.link,
        document=invited.document,
        replaced=invited.replaced,
        grants=[grant_shape(node.now(), *row) for row in granted],
    )


@router.post("/invitations/accept", **RESPONSE)
async def accept_invitation(context: Context, given: AcceptInput) -> AcceptedShape:
    """Accept the invitation of another company."""
    if (given.document is None) == (given.link is None):
        raise RefusedError("an invitation is a file or a link")
    accepted = await accept(
        context.exchange,
        Acceptance(
            document=given.document,
            link=given.link,
            name=given.name,
            ca_pem=given.ca_pem or None,
            allow_private_network=given.allow_private_network,
            as_file=given.as_file,
        ),
    )
    peer = await peer_shape(context.node, accepted.peer.name)
    return AcceptedShape(peer=peer, is_pre_approved=accepted.is_pre_approved, reply=accepted.reply)


@router.post("/invitations/complete", **RESPONSE)
async def complete(context: Context, given: CompleteInput) -> PeerShape:
    """Take a reply that came as a file."""
    node = context.node
    try:
        registered = await node.store.write(
            lambda session: registrations.register_file(session, node, given.document)
        )
    except InvitationError:
        await node.store.write(lambda session: _registration_refused(session, node))
        raise
    peer = registered.peer
    warnings = await _greet(context, peer) if peer.state == PeerState.ACTIVE else []
    return await peer_shape(node, peer.name, warnings)


@router.post("/peers/{name}/approve", **RESPONSE)
async def approve_peer(
    context: Context, name: str, given: WordsInput | None = None
) -> ApprovedShape:
    """Approve a partnership, if who registered is at its address; it is told by our first call."""
    node = context.node
    peer = await node.store.read(lambda session: peers.by_name(session, name))
    words = None if given is None else given.words
    await approve(context.exchange, peer.id or 0, words=words)
    warnings = await _greet(context, peer)
    shown = await peer_shape(node, name, warnings)
    return ApprovedShape(**dict(shown), is_reached=not warnings)


@router.post("/peers/{name}/reject", **RESPONSE)
async def reject(context: Context, name: str, given: ReasonInput) -> PeerShape:
    """Reject a partnership that waits for us."""
    await _move(context, name, Move.REJECT, given.reason)
    return await peer_shape(context.node, name)


@router.post("/peers/{name}/suspend", **RESPONSE)
async def suspend(context: Context, name: str, given: ReasonInput) -> PeerShape:
    """Let a peer neither call nor be called for a time."""
    await _move(context, name, Move.SUSPEND, given.reason)
    return await peer_shape(context.node, name)


@router.post("/peers/{name}/resume", **RESPONSE)
async def resume(context: Context, name: str) -> PeerShape:
    """End a suspension, with the keys that the peer has now, and tell it of ours; or ask a peer
    that has ended the partnership whether that still holds."""
    warnings = await resume_partnership(context.exchange, name)
    return await peer_shape(context.node, name, warnings)


@router.post("/peers/{name}/revoke", **RESPONSE)
async def revoke(context: Context, name: str, given: ReasonInput) -> PeerShape:
    """End a partnership for good."""
    await _move(context, name, Move.REVOKE, given.reason)
    return await peer_shape(context.node, name)


@router.post("/peers/{name}/confirm", **RESPONSE)
async def confirm(context: Context, name: str, given: WordsInput) -> PeerShape:
    """The operator has compared the fingerprint of the peer's keys on another way."""

    def work(session: Session) -> None:
        peer = peers.by_name(session, name)
        expected = pinned_fingerprint(peer)
        if given.words is None and peer.state == PeerState.PENDING:
            # For an address that shows no keys, they are what an approval rests on.
            raise RefusedError(
                f"{peer.name} is no partner yet: its words are compared as they were read out",
                hint=f'underseal peer confirm {shlex.quote(peer.name)} --words "..."',
            )
        if given.words is not None and expected is not None:
            check_words(expected, given.words, f"the keys pinned for {peer.name}")
        partnerships.confirm(session, peer)
        act, typed = Act.PEER_CONFIRMED, given.words is not None
        audit.about_peer(session, act, context.node.now(), peer, words=typed)

    await context.node.store.write(work)
    return await peer_shape(context.node, name)


@router.post("/peers/{name}/rotate", status_code=201, **RESPONSE)
async def rotate_credentials(context: Context, name: str) -> RotatedShape:
    """Issue new credentials to a peer; the old ones work for some time beside them."""
    rotated = await rotate(context.exchange, name)
    url = context.node.identity.url
    return RotatedShape(
        name=name,
        client_id=rotated.client_id,
        client_secret=rotated.client_secret,
        token_url=f"{url}/auth/token",
        base_url=url,
        expires_at=rotated.expires_at,
        old_until=rotated.old_until,
    )


@router.post("/peers/{name}/ask", **RESPONSE)
async def ask(context: Context, name: str) -> PeerShape:
    """Ask a peer that has to approve whether it has."""
    node = context.node
    peer = await node.store.read(lambda session: peers.by_name(session, name))
    await look_for_approval(context.exchange, peer.id or 0)
    return await peer_shape(node, name)


def _registration_refused(session: Session, node: Node) -> None:
    audit.record(
        session,
        Act.REGISTRATION_RECEIVED,
        node.now(),
        outcome=Outcome.REFUSED,
        detail={"way": "file"},
    )


async def _move(context: Context, name: str, which: Move, reason: str | None = None) -> int:
    node = context.node
    if which in (Move.REJECT, Move.REVOKE) and not (reason or "").strip():
        raise RefusedError(f"to {which} a partnership needs a reason", hint="--reason TEXT")

    def work(session: Session) -> int:
        peer = peers.by_name(session, name)
        partnerships.move(session, peer, which, node.now(), reason=reason)
        return peer.id or 0

    return await node.store.write(work)


async def _greet(context: Context, peer: Peer) -> list[str]:
    """Call a new partner once, which shows it that we have approved."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            await context.exchange.ask_approval(peer.id or 0)
    except ClientUnknownError:
        return [
            f"the node at {peer.base_url} does not know this partnership: it is not the one that "
            "has registered, or has forgotten it; ask the company on another way, and revoke the "
            "partnership if it is not with whom you think"
        ]
    except CredentialsRefusedError as error:
        return [f"the node of the partner answers, and does not let us in: {error.message}"]
    except (TimeoutError, NodeError) as error:
        return [
            "the partner could not be told yet; its node asks by itself: "
            f"{reason_of(error) if isinstance(error, NodeError) else 'no answer in time'}"
        ]
    return []
