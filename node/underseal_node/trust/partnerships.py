"""The states of a partnership, and which move leads from one to the other.

    invited --(registration)--> pending --approve--> active <--suspend/resume--> suspended
    pending --reject--> revoked;  invited, pending, active, suspended --revoke--> revoked

Whoever has been revoked stays so; a new invitation begins a new partnership. Each move takes effect
with the next request of the peer, because its state is read with every request.

That the other side has ended it is no state: what we show is the decision of our operator. A peer
that has said so is marked, and not called until it lets us in or calls us again.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.settings import Settings
from underseal_node.store import announcements, audit, ending, invitations, outbox, peers
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.audit import Act, Actor
from underseal_node.store.database import next_change
from underseal_node.store.tables import Assurance, Awaits, Peer, PeerState

__all__ = [
    "RENEWABLE",
    "Move",
    "activated",
    "confirm",
    "end_advice",
    "end_by_peer",
    "ended",
    "ended_by_peer",
    "lifetime_end",
    "move",
    "readmitted",
    "require_move",
]

MAX_REASON_CHARACTERS = 1_000
# So long before a client id ends it is warned of, and a partner that asks gets a longer term.
RENEWABLE = timedelta(days=30)


class Move(StrEnum):
    """What an operator can do to a partnership."""

    APPROVE = "approve"
    REJECT = "reject"
    SUSPEND = "suspend"
    RESUME = "resume"
    REVOKE = "revoke"


@dataclass(frozen=True)
class _Rule:
    """From where to where a move leads.

    Attributes:
        sources: states in which it is possible.
        target: the state after it.
        act: what it is called in the audit log.
    """

    sources: frozenset[PeerState]
    target: PeerState
    act: Act


PENDING, ACTIVE, SUSPENDED = (
    frozenset({state}) for state in (PeerState.PENDING, PeerState.ACTIVE, PeerState.SUSPENDED)
)
NOT_REVOKED = frozenset(PeerState) - {PeerState.REVOKED}
RULES = {
    Move.APPROVE: _Rule(PENDING, PeerState.ACTIVE, Act.PARTNERSHIP_APPROVED),
    Move.REJECT: _Rule(PENDING, PeerState.REVOKED, Act.PARTNERSHIP_REJECTED),
    Move.SUSPEND: _Rule(ACTIVE, PeerState.SUSPENDED, Act.PARTNERSHIP_SUSPENDED),
    Move.RESUME: _Rule(SUSPENDED, PeerState.ACTIVE, Act.PARTNERSHIP_RESUMED),
    Move.REVOKE: _Rule(NOT_REVOKED, PeerState.REVOKED, Act.PARTNERSHIP_REVOKED),
}


def move(
    session: Session,
    peer: Peer,
    which: Move,
    now: datetime,
    *,
    reason: str | None = None,
    actor: Actor = Actor.OPERATOR,
) -> None:
    """Make a move.

    Args:
        session: writes.
        peer: whose partnership.
        which: the move.
        now: aware.
        reason: of the operator; needed for `reject` and `revoke`, and told to the peer.
        actor: who makes it.

    Raises:
        RefusedError: it cannot be made from the state that the partnership is in.
    """
    require_move(peer, which)
    if reason is not None and len(reason) > MAX_REASON_CHARACTERS:
        raise RefusedError(f"the reason is longer than {MAX_REASON_CHARACTERS} characters")
    rule = RULES[which]
    audit.about_peer(session, rule.act, now, peer, actor=actor, reason=reason)
    if rule.target is PeerState.REVOKED:
        ended(session, peer, now, reason or f"the operator chose to {which} it")
        return
    peer.state, peer.awaits = rule.target, None
    peer.state_reason = reason if rule.target is PeerState.SUSPENDED else None
    _save(session, peer)


def require_move(peer: Peer, which: Move) -> None:
    """Refuse a move that cannot be made.

    Raises:
        RefusedError: not from the state that the partnership is in, or it is for the other side.
    """
    peers.require_not_removed(peer)
    rule = RULES[which]
    if peer.state not in rule.sources:
        possible = " or ".join(sorted(rule.sources))
        raise RefusedError(
            f"{peer.name} is {peer.state}; to {which} it, it has to be {possible}",
            hint=_hint(peer),
        )
    if which in (Move.APPROVE, Move.REJECT) and peer.awaits != Awaits.US:
        raise RefusedError(
            f"{peer.name} has to approve this partnership, not we",
            hint="Ask them to run `underseal peer approve` for this node.",
        )


def activated(session: Session, peer: Peer, now: datetime, actor: Actor = Actor.NODE) -> None:
    """The other side has approved: it has called us, or lets us call it."""
    if peer.state == PeerState.PENDING and peer.awaits == Awaits.THEM:
        peer.state, peer.awaits, peer.state_reason, peer.registration = (
            PeerState.ACTIVE,
            None,
            None,
            None,
        )
        audit.about_peer(session, Act.PARTNERSHIP_ACTIVATED, now, peer, actor=actor)
        _save(session, peer)


def ended_by_peer(session: Session, peer: Peer, now: datetime, reason: str) -> None:
    """The token endpoint of the peer says that it has ended the partnership, or rejected it.

    While it had to approve, nothing has begun that could go on: that is the end here, too. An
    active partnership is only marked. The answer is not signed: whoever stands in the place of the
    token endpoint must not be able to end for good what two operators have approved.

    Args:
        session: writes.
        peer: who says so.
        now: aware.
        reason: in its words, on one line.
    """
    waits = peer.state == PeerState.PENDING and peer.awaits == Awaits.THEM
    if not waits and (peer.state not in (ACTIVE | SUSPENDED) or peer.ended_by_peer_at is not None):
        return
    act, actor = Act.PARTNERSHIP_ENDED, Actor.PEER
    audit.about_peer(session, act, now, peer, actor=actor, reason=reason or None)
    peer.ended_by_peer_at, peer.ended_by_peer_reason = now, reason or None
    if waits:
        ended(session, peer, now, end_by_peer(peer))
        return
    raise_alert(
        session,
        AlertKind.PARTNERSHIP_ENDED,
        f"{end_by_peer(peer)}; it is not called any more, and still sees what it is granted. "
        f"{end_advice(peer.name)}",
        now,
        peer_id=peer.id,
    )
    _save(session, peer)


def readmitted(
    session: Session, peer: Peer, now: datetime, actor: Actor, settings: Settings
) -> None:
    """The peer lets us in, or calls us: if it has ended the partnership, then not for good.

    It is told of what it has missed of our key log while it was not called.

    Args:
        session: writes.
        peer: who has authenticated here, or has issued a token to us.
        now: aware.
        actor: whose call it was.
        settings: how long it is tried to tell it.
    """
    if peer.ended_by_peer_at is None or peer.state not in (ACTIVE | SUSPENDED):
        return
    outbox.woken(session, peer.id or 0, peer.ended_by_peer_at, now)
    peer.ended_by_peer_at = peer.ended_by_peer_reason = None
    audit.about_peer(session, Act.PARTNERSHIP_RESUMED, now, peer, actor=actor)
    _save(session, peer)
    give_up_after = timedelta(hours=settings.outbox_give_up_hours)
    announcements.enqueue_missed(session, peer, now, give_up_after=give_up_after)


def end_by_peer(peer: Peer) -> str:
    """In one sentence, that a peer has ended the partnership, when, and why."""
    reason = f": {peer.ended_by_peer_reason}" if peer.ended_by_peer_reason else ""
    when = f"{peer.ended_by_peer_at:%Y-%m-%d %H:%M} UTC"
    return f"{peer.name} has ended the partnership ({when}){reason}"


def end_advice(name: str) -> str:
    """What the operator can do when a peer has ended the partnership.

    Args:
        name: of the peer.
    """
    quoted = shlex.quote(name)
    return (
        f"`underseal peer revoke {quoted} --reason TEXT` ends it here, too; then `underseal peer "
        f"remove {quoted}`, and a new invitation begins anew. If they say that it goes on: "
        f"`underseal peer resume {quoted}`."
    )


def ended(session: Session, peer: Peer, now: datetime, reason: str) -> None:
    """End a partnership: credentials, tokens, invitation, and what waits for the peer.

    What was exchanged stays, and the grants are kept to be looked at; they have no effect.
    """
    peers.revoke_credentials(session, peer, now)
    for invitation in invitations.unused(session, peer.id or 0).values():
        audit.about_peer(session, Act.INVITATION_WITHDRAWN, now, peer, invitation=invitation.id)
    invitations.withdraw(session, peer.id or 0)
    ending.settle(session, peer, now, "the partnership has ended")
    peer.state, peer.state_reason, peer.awaits = PeerState.REVOKED, reason, None
    peer.client_secret_encrypted = peer.registration = None
    peer.pending_token_endpoint = peer.pending_key_set = peer.pending_key_log = None
    _save(session, peer)


def confirm(session: Session, peer: Peer) -> None:
    """The operator has compared the fingerprint of the pinned keys with the peer on another way.

    Raises:
        RefusedError: no keys are pinned.
    """
    peers.require_not_removed(peer)
    if peer.key_set is None:
        raise RefusedError(
            f"no keys of {peer.name} are pinned, so there is nothing to confirm",
            hint="Only Underseal nodes have keys to compare.",
        )
    peer.assurance = Assurance.CONFIRMED
    session.add(peer)
    session.flush()


def lifetime_end(settings: Settings, now: datetime) -> datetime:
    """When credentials that are issued now expire."""
    return now + timedelta(days=settings.credential_lifetime_days)


def _save(session: Session, peer: Peer) -> None:
    next_change(session)  # pages that are kept in memory are no longer true
    session.add(peer)
    session.flush()


def _hint(peer: Peer) -> str | None:
    name = shlex.quote(peer.name)
    if peer.state == PeerState.REVOKED:
        return f"What is revoked stays so: `underseal peer remove {name}`, then invite it again."
    if peer.state == PeerState.INVITED:
        return f"{peer.name} has not accepted the invitation yet."
    if peer.state == PeerState.PENDING:
        if peer.awaits == Awaits.THEM:
            return f"{peer.name} has to approve it first."
        return f"Approve it first: `underseal peer approve {name}`."
    if peer.state == PeerState.SUSPENDED:
        return f"End the suspension with `underseal peer resume {name}`."
    return None
