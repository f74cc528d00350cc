"""`POST /extensions/key-log`: a peer tells of new entries in its key log.

They change nothing but what is pinned for the peer whose token it is, and only if they follow from
that by signatures: whoever has stolen its token, and not its keys, can do nothing here.
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

import structlog
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from underseal_node.errors import NodeError
from underseal_node.exchange.following import Followed, follow
from underseal_node.exchange.pinned_log import new_entries, require_log
from underseal_node.pact.access import PublicContext, read_body
from underseal_node.pact.errors import BadRequestError, ConflictError
from underseal_node.store import audit, pins
from underseal_node.store.alerts import AlertKind, raise_alert
from underseal_node.store.announcements import ANNOUNCED_ENTRIES, MAX_ANNOUNCEMENT_BYTES
from underseal_node.store.audit import Act, Actor, Outcome
from underseal_node.store.serving import PeerSuspendedError, Requester, RequesterUnknownError
from underseal_node.store.standing import standing_peer
from underseal_protocol.errors import KeyLogError
from underseal_protocol.key_log import KeyLogEntry
from underseal_protocol.strict_json import JsonLimits, loads

__all__ = ["KeyLogEndpoint"]

log = structlog.get_logger(__name__)

MAX_DEPTH = 3
MAX_EVIDENCE_BYTES = 1024 * 1024


class KeyLogEndpoint:
    """Takes up what peers say of their keys.

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context
        allowed = context.node.settings.max_request_body_bytes
        self._max_bytes = min(allowed, MAX_ANNOUNCEMENT_BYTES)
        self._limits = JsonLimits(max_bytes=self._max_bytes, max_depth=MAX_DEPTH)
        self._one_at_a_time = asyncio.Semaphore(1)

    async def handle(self, request: Request) -> Response:
        """Handle one request: 200 with the number of entries that were new.

        Raises:
            ProtocolError: the body is not JSON.
            BadRequestError: it is no list of entries.
            ConflictError: they do not follow from what is pinned for the requester.
            RequesterUnknownError, PeerSuspendedError: the sender may not call.
        """
        context = self._context
        requester = await context.requester(request.scope, context.node.now())
        body = await read_body(request.scope, request.receive, self._max_bytes)
        tokens = _tokens(loads(body, limits=self._limits))
        async with self._one_at_a_time:
            done = await self._take_up(requester, tokens)
        if isinstance(done, str):
            context.audit.count(Act.KEY_LOG_RECEIVED, requester.peer_id, Outcome.REFUSED)
            raise ConflictError(done).recorded()
        if done.warnings:
            log.warning("keys of a peer", peer=requester.name, warnings=done.warnings)
        return Response(json.dumps({"accepted": done.accepted}), media_type="application/json")

    async def _take_up(self, requester: Requester, tokens: list[str]) -> Followed | str:
        """Read entries beside the event loop, and compare them with what is pinned; the text of a
        refusal, whose alert is kept."""
        node = self._context.node
        peer = await node.store.read(lambda session: pins.peer_row(session, requester.peer_id))
        try:
            require_log(peer)
            entries = await asyncio.to_thread(new_entries, peer, tokens)
            return await node.store.write(
                lambda session: _follow(session, requester, entries, node.now())
            )
        except (RequesterUnknownError, PeerSuspendedError):
            raise
        except KeyLogError as error:
            reason = error.message
            await node.store.write(
                lambda session: _alert(session, requester, tokens, reason, node.now())
            )
            return reason
        except NodeError as error:
            return error.message


def _tokens(document: object) -> list[str]:
    entries = document.get("entries") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(one, str) for one in entries):
        raise BadRequestError('the body must be {"entries": [...]} with the entries as texts')
    if not 0 < len(entries) <= ANNOUNCED_ENTRIES:
        raise BadRequestError(
            f"there are {len(entries)} entries, expected 1 to {ANNOUNCED_ENTRIES}"
        )
    return entries


def _follow(
    session: Session, requester: Requester, entries: list[KeyLogEntry], now: datetime
) -> Followed:
    """Take up all entries, or none."""
    peer = standing_peer(session, requester, now)
    done = follow(session, peer, entries, now)
    if done.accepted:
        act, actor = Act.KEY_LOG_RECEIVED, Actor.PEER
        audit.about_peer(session, act, now, peer, actor=actor, entries=done.accepted)
    return done


def _alert(
    session: Session, requester: Requester, tokens: list[str], reason: str, now: datetime
) -> None:
    peer = standing_peer(session, requester, now)
    raise_alert(
        session,
        AlertKind.KEYS_CHANGED,
        f"{peer.name} has told of keys that do not follow from the pinned ones: {reason}; they are "
        "not used",
        now,
        peer_id=requester.peer_id,
        evidence="\n".join(tokens).encode()[:MAX_EVIDENCE_BYTES],
    )
