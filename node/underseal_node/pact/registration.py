"""Where a partnership begins: the invitation behind a link, and dynamic client registration.

GET  /extensions/invitations/{id}   the signed invitation; its token is in the link only
POST /extensions/register           RFC 7591, the token as initial access token
"""

from __future__ import annotations

import html
import json
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from underseal_node.errors import NotFoundError
from underseal_node.pact.access import PublicContext, bearer_token, read_body
from underseal_node.pact.errors import TokenRequestError, UnauthenticatedError, oauth_refusals
from underseal_node.pact.throttle import Attempt
from underseal_node.store.audit import Act, Outcome
from underseal_node.store.tables import PeerState
from underseal_node.trust import invitations
from underseal_node.trust.registrations import Registered, RegistrationTokenError, register
from underseal_protocol.acceptance import EXTENSION, METADATA
from underseal_protocol.errors import InvitationError, JsonError
from underseal_protocol.strict_json import JsonLimits, loads
from underseal_protocol.times import format_time
from underseal_protocol.uuids import is_uuid

__all__ = ["InvitationEndpoint", "RegistrationEndpoint"]

MAX_REGISTRATION_BYTES = 512 * 1024
JSON_LIMITS = JsonLimits(MAX_REGISTRATION_BYTES, 16, allow_nul=False)
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
            document = loads(body, limits=JSON_LIMITS)
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
            raise TokenRequestError("invalid_token", error.message).recorded() from None
        except InvitationError as error:
            self._refused()
            raise TokenRequestError("invalid_client_metadata", error.message).recorded() from None

    def _refused(self) -> None:
        # Counted, because anybody can call this as often as the throttle allows.
        self._context.audit.count(Act.REGISTRATION_RECEIVED, None, Outcome.REFUSED)


def registration_answer(document: Any, registered: Registered, now: datetime) -> dict[str, Any]:
    """The client information response (RFC 7591 section 3.2.1): what was registered, and as what.

    Of the request only what belongs to a registration is repeated: what it says of the client id is
    not for the client to say.

    Args:
        document: the request.
        registered: what came of it.
        now: aware.
    """
    is_active = registered.peer.state == PeerState.ACTIVE
    return {
        **{name: document[name] for name in METADATA if name in document},
        "client_id": registered.client_id,
        "client_id_issued_at": int(now.timestamp()),
        EXTENSION: {
            "state": (PeerState.ACTIVE if is_active else PeerState.PENDING).value,
            "expires_at": format_time(registered.expires_at),
        },
    }
