"""New credentials for a peer; the old ones work for some time beside them, so no call fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from underseal_node.errors import PeerError, RefusedError
from underseal_node.exchange.client_ids import taken_up, tell
from underseal_node.exchange.errors import (
    AnswerError,
    ProtocolViolationError,
    UnreachableError,
)
from underseal_node.exchange.exchange import Exchange
from underseal_node.node import Node
from underseal_node.store import audit, peers
from underseal_node.store.audit import Act, Actor, Outcome
from underseal_node.store.tables import AuthMethod, Peer, PeerState
from underseal_node.trust import partnerships
from underseal_node.trust.secrets import hash_secret, new_client_id, new_client_secret
from underseal_protocol.client_notice import IssuedClient
from underseal_protocol.times import format_time

__all__ = ["Rotated", "rotate"]


@dataclass(frozen=True)
class Rotated:
    """New credentials of a peer here.

    Attributes:
        client_id: the new one.
        client_secret: shown this once; None for a partner, who has been told the client id.
        expires_at: when the new credentials end.
        old_until: when the old ones end.
    """

    client_id: str
    client_secret: str | None = field(repr=False)
    expires_at: datetime
    old_until: datetime


async def rotate(exchange: Exchange, name: str) -> Rotated:
    """Issue new credentials to a peer; a partner is told at once.

    Raises:
        NotFoundError: there is no such peer.
        RefusedError: it is not active, or it is a partner and cannot be told; then nothing has
            changed.
    """
    node = exchange.node
    peer, uses_key = await node.store.read(lambda session: _chosen(session, node, name))
    now = node.now()
    client_id, secret = new_client_id(), None if uses_key else new_client_secret()
    expires_at = partnerships.lifetime_end(node.settings, now)
    old_until = now + timedelta(hours=node.settings.rotation_overlap_hours)
    peer_id = peer.id or 0

    def issue(session: Session) -> None:
        if not uses_key:
            peers.limit_credentials(session, peers.by_name(session, name), old_until)
        peers.issue(
            session,
            peer_id,
            client_id,
            "" if secret is None else hash_secret(secret),
            now,
            expires_at=expires_at,
            method=AuthMethod.PRIVATE_KEY_JWT if uses_key else AuthMethod.CLIENT_SECRET,
        )
        audit.about_peer(
            session,
            Act.CREDENTIALS_ROTATED,
            now,
            peer,
            client=client_id,
            oldUntil=format_time(old_until),
        )

    await node.store.write(issue)
    if uses_key:
        await _tell(exchange, peer, client_id, expires_at, old_until)
    return Rotated(client_id, secret, expires_at, old_until)


def _chosen(session: Session, node: Node, name: str) -> tuple[Peer, bool]:
    """The peer, and whether it authenticates with its client key."""
    peer = peers.by_name(session, name)
    peers.require_not_removed(peer)
    if peer.state not in (PeerState.ACTIVE, PeerState.SUSPENDED):
        raise RefusedError(f"{peer.name} is {peer.state}: there is nothing to rotate")
    held = peers.credentials(session, node.now(), peer.id).get(peer.id or 0, [])
    if not held:
        return peer, peer.auth_method == AuthMethod.PRIVATE_KEY_JWT
    return peer, held[-1].method == AuthMethod.PRIVATE_KEY_JWT


def _may_know(error: PeerError | RefusedError) -> bool:
    """Whether a partner may have taken up what it was told."""
    if isinstance(error, UnreachableError):
        return not error.is_unsent
    if isinstance(error, AnswerError):
        return error.status >= 500
    return isinstance(error, ProtocolViolationError)


async def _tell(
    exchange: Exchange, peer: Peer, client_id: str, expires_at: datetime, old_until: datetime
) -> None:
    """Tell a partner its new client id; if it cannot know it, take it back.

    Where the answer was lost the partner may use the new one already: then both stay good.
    """
    node = exchange.node

    def told(session: Session, outcome: Outcome) -> None:
        audit.about_peer(
            session,
            Act.CLIENT_ID_TOLD,
            node.now(),
            peer,
            actor=Actor.NODE,
            outcome=outcome,
            client=client_id,
        )

    def failed(session: Session) -> None:
        told(session, Outcome.FAILED)
        peers.withdraw_client(session, client_id)

    def done(session: Session) -> None:
        told(session, Outcome.DONE)
        current = peers.by_name(session, peer.name)
        peers.limit_credentials(session, current, old_until, but=client_id)
        taken_up(session, access, ours_until, node.now())

    try:
        access = await exchange.access(peer.id or 0)
        ours_until = await tell(exchange, access, IssuedClient(client_id, expires_at))
    except (PeerError, RefusedError) as error:
        if _may_know(error):
            await node.store.write(lambda session: told(session, Outcome.FAILED))
            raise RefusedError(
                f"{peer.name} was told a new client id and did not confirm it, so the old one and "
                f"the new one work: {error.message}",
                hint="Run the command again when it can be reached.",
            ) from error
        await node.store.write(failed)
        raise RefusedError(
            f"{peer.name} cannot be told its new client id, so nothing has changed: "
            f"{error.message}",
            hint=error.hint or "Try again when it can be reached.",
        ) from error
    await node.store.write(done)
