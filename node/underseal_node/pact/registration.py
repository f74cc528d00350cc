"""Where a partnership begins: the invitation behind a link, and dynamic client registration.

GET  /extensions/invitations/{id}   the signed invitation; its token is in the link only
POST /extensions/register           RFC 7591, the token as initial access token
POST /extensions/credentials        the partner tells what it has issued to us instead
"""

from __future__ import annotations

import html
import json
from datetime import datetime
from typing import Any

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from underseal_node.errors import NotFoundError
from underseal_node.pact.access import PublicContext, bearer_token, read_body
from underseal_node.pact.errors import (
    BadRequestError,
    TokenRequestError,
    UnauthenticatedError,
    oauth_refusals,
)
from underseal_node.pact.throttle import Attempt
from underseal_node.store import audit, pins
from underseal_node.store.audit import Act, Actor, Outcome
from underseal_node.store.tables import AuthMethod, PeerState
from underseal_node.trust import invitations
from underseal_node.trust.registrations import Registered, RegistrationTokenError, register
from underseal_protocol.errors import InvitationError, JsonError, TimeError
from underseal_protocol.strict_json import JsonLimits, loads
from underseal_protocol.times import format_time, parse_time
from underseal_protocol.uuids import is_uuid

__all__ = ["CredentialsEndpoint", "InvitationEndpoint", "RegistrationEndpoint"]

MAX_REGISTRATION_BYTES = 512 * 1024
MAX_CREDENTIALS_BYTES = 4 * 1024
MAX_CLIENT_ID_CHARACTERS = 200
JSON_DEPTH = 16
NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Invitation</title>
<h1>{company} invites you</h1>
<p>to exchange product carbon footprints, node to node. To accept, give the whole address of this
page, with everything that follows <code>#</code>, to your Underseal node:</p>
<pre>underseal peer accept 'ADDRESS OF THIS PAGE'</pre>
<p>The part after <code>#</code> is a key that counts once. Do not pass it on.</p></html>"""


class InvitationEndpoint:
    """Shows an invitation to whoever has its link.

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context

    async def handle(self, request: Request) -> Response:
        """Handle one request.

        Raises:
            NotFoundError: there is no such invitation.
        """
        invitation_id = request.path_params["id"].lower()
        if not is_uuid(invitation_id):
            raise NotFoundError("there is no such invitation")
        node = self._context.node
        document = await node.store.read(
            lambda session: invitations.public_document(session, invitation_id)
        )
        headers = NO_STORE | {"referrer-policy": "no-referrer"}
        if "text/html" in request.headers.get("accept", ""):
            page = PAGE.format(company=html.escape(node.identity.company_name))
            headers |= {"content-security-policy": "default-src 'none'"}
            return Response(page, headers=headers, media_type="text/html")
        return Response(document, headers=headers, media_type="application/json")


class RegistrationEndpoint:
    """Dynamic client registration (RFC 7591 section 3).

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context

    async def handle(self, request: Request) -> Response:
        """Handle one request.

        Raises:
            TokenRequestError: the registration is refused.
        """
        node = self._context.node
        try:
            token = bearer_token(request.scope["headers"])
        except UnauthenticatedError:
            message = "the registration token of an invitation is needed: Authorization: Bearer"
            raise TokenRequestError("invalid_token", message) from None
        body = await read_body(request.scope, request.receive, MAX_REGISTRATION_BYTES)
        try:
            document = loads(body, limits=JsonLimits(MAX_REGISTRATION_BYTES, JSON_DEPTH))
        except JsonError as error:
            raise TokenRequestError("invalid_client_metadata", error.message) from None
        with oauth_refusals():
            attempt = await self._context.throttle.begin(request.scope, None, node.now())
            registered = await self._register(document, token, attempt)
        answer = registration_answer(document, registered, node.now())
        return Response(json.dumps(answer), 201, NO_STORE, media_type="application/json")

    async def _register(self, document: Any, token: str, attempt: Attempt) -> Registered:
        node = self._context.node
        try:
            return await node.store.write(lambda session: register(session, node, document, token))
        except RegistrationTokenError as error:
            self._refused()
            await attempt.failed()
            raise TokenRequestError("invalid_token", error.message) from None
        except InvitationError as error:
            self._refused()
            raise TokenRequestError("invalid_client_metadata", error.message) from None

    def _refused(self) -> None:
        # Counted, because anybody can call this as often as the throttle allows.
        self._context.audit.count(Act.REGISTRATION_RECEIVED, None, Outcome.REFUSED)


class CredentialsEndpoint:
    """A partner has issued another client id to us; from now on we use that one.

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context

    async def handle(self, request: Request) -> Response:
        """Handle one request.

        Raises:
            BadRequestError: it is not understood, or the sender issues no credentials.
            RequesterUnknownError, PeerSuspendedError: the sender may not call.
        """
        context, now = self._context, self._context.node.now()
        requester = await context.requester(request.scope, now)
        body = await read_body(request.scope, request.receive, MAX_CREDENTIALS_BYTES)
        client_id, expires_at = _credentials(
            loads(body, limits=JsonLimits(MAX_CREDENTIALS_BYTES, JSON_DEPTH))
        )

        def work(session: Session) -> None:
            peer = pins.peer_row(session, requester.peer_id)
            if peer.auth_method != AuthMethod.PRIVATE_KEY_JWT:
                raise BadRequestError("this partnership uses a client secret")
            peer.client_id, peer.client_expires_at = client_id, expires_at
            session.add(peer)
            act, actor = Act.CLIENT_ID_RECEIVED, Actor.PEER
            audit.about_peer(session, act, now, peer, actor=actor, client=client_id)

        await context.node.store.write(work)
        return Response(status_code=204)


def registration_answer(document: Any, registered: Registered, now: datetime) -> dict[str, Any]:
    """The client information response (RFC 7591 section 3.2.1): what was registered, and as what.

    Args:
        document: the request.
        registered: what came of it.
        now: aware.
    """
    is_active = registered.peer.state == PeerState.ACTIVE
    return {
        "client_id": registered.client_id,
        "client_id_issued_at": int(now.timestamp()),
        **{name: document[name] for name in document if name != "underseal"},
        "underseal": {
            "state": (PeerState.ACTIVE if is_active else PeerState.PENDING).value,
            "expires_at": format_time(registered.expires_at),
        },
    }


def _credentials(document: Any) -> tuple[str, datetime]:
    client_id = document.get("clientId") if isinstance(document, dict) else None
    expires_at = document.get("expiresAt") if isinstance(document, dict) else None
    is_id = isinstance(client_id, str) and 0 < len(client_id) <= MAX_CLIENT_ID_CHARACTERS
    if not isinstance(client_id, str) or not is_id or not client_id.isprintable():
        raise BadRequestError("clientId is not a text of the usual length")
    try:
        return client_id, parse_time(str(expires_at))
    except TimeError as error:
        raise BadRequestError(f"expiresAt is not an instant: {error.message}") from None
