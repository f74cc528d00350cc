"""`POST /extensions/credentials`: a partner tells us our new client id, and has its own renewed.

What it sends is signed with its client key (`underseal_protocol.client_notice`), so there is no
access token. It may come under a client id that has expired: such a client gets no token and reads
nothing; that its partnership can go on is all that is left to it.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from underseal_node.pact.access import PublicContext, read_body
from underseal_node.pact.errors import TokenRequestError, oauth_refusals
from underseal_node.pact.partners import Partners, require_active, throttled
from underseal_node.store import audit, clients
from underseal_node.store.audit import Act, Actor
from underseal_node.store.tables import AuthMethod, Peer, PeerState
from underseal_node.trust import partnerships
from underseal_protocol.client_assertion import client_of
from underseal_protocol.client_notice import IssuedClient, Notice, read_notice
from underseal_protocol.errors import AssertionRefusedError
from underseal_protocol.times import format_time

__all__ = ["ClientIdsEndpoint"]

MAX_NOTICE_BYTES = 8 * 1024
NO_STORE = {"cache-control": "no-store"}


class ClientIdsEndpoint:
    """Takes notices of partners.

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context
        self._partners = Partners(context)

    async def handle(self, request: Request) -> Response:
        """Handle one request: 200 with the end of the client id that the sender has here.

        Raises:
            TokenRequestError: the sender has not proved who it is, or is no active partner.
        """
        context, now = self._context, self._context.node.now()
        body = await read_body(request.scope, request.receive, MAX_NOTICE_BYTES)
        with oauth_refusals():
            try:
                notice = body.decode("ascii").strip()
                client_id = client_of(notice)
            except (UnicodeDecodeError, AssertionRefusedError):
                await (await context.throttle.begin(request.scope, None, now)).failed()
                message = "the body has to be a notice that is signed with a client key"
                raise TokenRequestError("invalid_client", message) from None
            async with throttled(context, request.scope, client_id, now):
                ends = await self._take(client_id, notice, now)
        answer = {} if ends is None else {"expiresAt": format_time(ends)}
        return Response(json.dumps(answer), headers=NO_STORE, media_type="application/json")

    async def _take(self, client_id: str, token: str, now: datetime) -> datetime | None:
        """Do what a notice is for; returns when the client id of its sender ends."""
        partner, notice = await self._partners.proved(read_notice, client_id, token, now)
        self._context.rate.check(client_id)
        work = partial(_taken, notice=notice, context=self._context, now=now)
        return await self._partners.once(notice.sender, partner.peer_id, now, work)


def _taken(
    session: Session, peer: Peer, *, notice: Notice, context: PublicContext, now: datetime
) -> datetime | None:
    require_active(PeerState(peer.state), peer.state_reason)
    partnerships.readmitted(session, peer, now, Actor.PEER, context.node.settings)
    if peer.auth_method != AuthMethod.PRIVATE_KEY_JWT:
        raise TokenRequestError("invalid_request", "this partnership uses a client secret")
    sender = clients.in_force(session, notice.sender.client_id)
    if sender is None:
        raise TokenRequestError("invalid_client", "these client credentials have ended")
    if (issued := notice.issued) is not None:
        peer.client_id, peer.client_expires_at = issued.client_id, issued.expires_at
        session.add(peer)
        _record(session, Act.CLIENT_ID_RECEIVED, now, peer, issued)
    ends = partnerships.lifetime_end(context.node.settings, now)
    if clients.renew(session, sender, now + partnerships.RENEWABLE, ends):
        _record(session, Act.CREDENTIALS_RENEWED, now, peer, IssuedClient(sender.client_id, ends))
    return sender.expires_at


def _record(session: Session, act: Act, now: datetime, peer: Peer, client: IssuedClient) -> None:
    until = format_time(client.expires_at)
    audit.about_peer(
        session, act, now, peer, actor=Actor.PEER, client=client.client_id, until=until
    )
