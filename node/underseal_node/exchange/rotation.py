"""New credentials for a peer; the old ones work for some time beside them, so no call fails."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlmodel import Session

from underseal_node.errors import PeerError, RefusedError
from underseal_node.exchange.client_ids import tell_issued
from underseal_node.exchange.errors import (
    AnswerError,
    ProtocolViolationError,
    UnreachableError,
)
from underseal_node.exchange.exchange import Exchange
from underseal_node.node import Node
from underseal_node.store import audit, clients, peers
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
        RefusedError: it is not active, or it is a partner and has not confirmed that it has been
            told. Where it cannot know of it, nothing has changed.
    """
    node = exchange.node
    peer, uses_key = await node.store.read(lambda session: _chosen(session, node, name))
    old_until = node.now() + timedelta(hours=node.settings.rotation_overlap_hours)
    if not uses_key:
        return await node.store.write(lambda session: _new_secret(session, node, name, old_until))
    issued, is_new = await node.store.write(
        lambda session: _new_client_id(session, node, name, old_until)
    )
    try:
        await tell_issued(exchange, peer.id or 0, issued)
    except (PeerError, RefusedError) as error:
        is_withdrawn = is_new and not _may_know(error)
        await node.store.write(
            lambda session: _not_told(session, node, peer, issued, is_withdrawn=is_withdrawn)
        )
        raise _refusal(peer, error, is_withdrawn=is_withdrawn) from error
    return Rotated(issued.client_id, None, issued.expires_at, old_until)


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


def _new_secret(session: Session, node: Node, name: str, old_until: datetime) -> Rotated:
    """A second pair of client id and secret; those before it get an end."""
    peer, now = peers.by_name(session, name), node.now()
    client_id, secret = new_client_id(), new_client_secret()
    ends = partnerships.lifetime_end(node.settings, now)
    peers.limit_credentials(session, peer, old_until)
    peers.issue(session, peer.id or 0, client_id, hash_secret(secret), now, expires_at=ends)
    _record(session, now, peer, client_id, old_until)
    return Rotated(client_id, secret, ends, old_until)


def _new_client_id(
    session: Session, node: Node, name: str, old_until: datetime
) -> tuple[IssuedClient, bool]:
    """What a partner has to be told, and whether it is new: one that it has not confirmed before
    is told again, because it may use that."""
    peer, now = peers.by_name(session, name), node.now()
    waiting = clients.unconfirmed(session, peer.id or 0, now + partnerships.RENEWABLE)
    if waiting is not None and waiting.expires_at is not None:
        return IssuedClient(waiting.client_id, waiting.expires_at), False
    last = clients.newest(session, peer.id or 0)
    # After the one before it, also where the clock was set back: the newest is the one that counts.
    created_at = now if last is None else max(now, last.created_at + timedelta(microseconds=1))
    client_id, ends = new_client_id(), partnerships.lifetime_end(node.settings, now)
    peers.issue(
        session,
        peer.id or 0,
        client_id,
        "",
        created_at,
        expires_at=ends,
        method=AuthMethod.PRIVATE_KEY_JWT,
        is_confirmed=False,
    )
    _record(session, now, peer, client_id, old_until)
    return IssuedClient(client_id, ends), True


def _record(
    session: Session, now: datetime, peer: Peer, client_id: str, old_until: datetime
) -> None:
    act, until = Act.CREDENTIALS_ROTATED, format_time(old_until)
    audit.about_peer(session, act, now, peer, client=client_id, oldUntil=until)


def _not_told(
    session: Session, node: Node, peer: Peer, issued: IssuedClient, *, is_withdrawn: bool
) -> None:
    act, actor, outcome = Act.CLIENT_ID_TOLD, Actor.NODE, Outcome.FAILED
    client = issued.client_id
    audit.about_peer(session, act, node.now(), peer, actor=actor, outcome=outcome, client=client)
    if is_withdrawn:
        peers.withdraw_client(session, client)


def _may_know(error: PeerError | RefusedError) -> bool:
    """Whether a partner may have taken up what it was told."""
    if isinstance(error, UnreachableError):
        return not error.is_unsent
    if isinstance(error, AnswerError):
        return error.status >= 500
    return isinstance(error, ProtocolViolationError)


def _refusal(peer: Peer, error: PeerError | RefusedError, *, is_withdrawn: bool) -> RefusedError:
    if is_withdrawn:
        return RefusedError(
            f"{peer.name} cannot be told its new client id, so nothing has changed: "
            f"{error.message}",
            hint=error.hint or "Try again when it can be reached.",
        )
    return RefusedError(
        f"{peer.name} was told a new client id and did not confirm it, so the old one and "
        f"the new one work: {error.message}",
        hint="This node tells it again by itself; running the command again does so at once.",
    )
