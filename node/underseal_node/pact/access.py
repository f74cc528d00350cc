"""Who sends a request: from the `Authorization` header to verified claims."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from starlette.types import Receive, Scope, Send

from underseal_node.node import Node
from underseal_node.pact.cursors import Cursors
from underseal_node.pact.errors import BadRequestError, BodyTooLargeError, UnauthenticatedError
from underseal_node.pact.rate import RateLimit
from underseal_node.pact.throttle import Throttle
from underseal_node.store.audit_buffer import AuditBuffer
from underseal_node.store.serving import Requester, Serving
from underseal_node.trust.tokens import AccessTokens, Claims

__all__ = ["PublicContext", "bearer_token", "read_body", "respond"]

BODY_SECONDS = 120.0


@dataclass(frozen=True)
class PublicContext:
    """What the endpoints share.

    Attributes:
        node: the node.
        serving: the queries of peers.
        tokens: issues and verifies access tokens.
        cursors: seals positions in lists.
        throttle: slows failed authentications.
        rate: slows clients that ask too often.
        audit: is told what peers do.
    """

    node: Node
    serving: Serving
    tokens: AccessTokens
    cursors: Cursors
    throttle: Throttle
    rate: RateLimit
    audit: AuditBuffer

    def claims(self, scope: Scope, now: datetime) -> Claims:
        """The claims of the access token of a request.

        The queries check the requester behind them.

        Raises:
            UnauthenticatedError: there is no token.
            TokenExpiredError, TokenInvalidError: it is not accepted.
            TooManyRequestsError: the client has asked too often.
        """
        claims = self.tokens.verify(bearer_token(scope["headers"]), now)
        self.rate.check(claims.client_id)
        return claims

    async def requester(self, scope: Scope, now: datetime) -> Requester:
        """The peer behind the access token of a request, where no query checks it.

        Raises:
            UnauthenticatedError, TokenExpiredError, TokenInvalidError: as for `claims`.
            TooManyRequestsError: the client has asked too often.
            RequesterUnknownError, PeerSuspendedError: the sender may not call.
        """
        claims = self.claims(scope, now)
        return await self.serving.requester(claims, now)


def bearer_token(headers: Sequence[tuple[bytes, bytes]]) -> str:
    """The token in `Authorization: Bearer TOKEN` (RFC 6750 section 2.1).

    Raises:
        UnauthenticatedError: there is none, or another scheme.
    """
    for name, value in headers:
        if name == b"authorization":
            if value[:7].lower() != b"bearer ":
                break
            return value[7:].strip().decode("latin-1")
    raise UnauthenticatedError("an access token is needed: Authorization: Bearer TOKEN")


async def read_body(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    """The body of a request, up to a limit.

    Args:
        scope: of the request.
        receive: of the request.
        max_bytes: the limit.

    Raises:
        BodyTooLargeError: it is longer, or says so.
        BadRequestError: the connection ended before the body, or it took too long.
    """
    for name, value in scope["headers"]:
        # Longer than 18 digits is too large without asking what number it is.
        says_length = name == b"content-length" and value.isdigit()
        if says_length and (len(value) > 18 or int(value) > max_bytes):
            raise BodyTooLargeError(f"the request body is larger than {max_bytes} bytes")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _received(receive, max_bytes)
    except TimeoutError:
        raise BadRequestError(
            f"the request body did not come within {BODY_SECONDS:.0f} seconds"
        ) from None


async def _received(receive: Receive, max_bytes: int) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequestError("the connection ended before the request body")
        body += message.get("body", b"")
        if len(body) > max_bytes:
            raise BodyTooLargeError(f"the request body is larger than {max_bytes} bytes")
        if not message.get("more_body", False):
            return bytes(body)


async def respond(
    send: Send, body: bytes, headers: Sequence[tuple[bytes, bytes]] = (), status: int = 200
) -> None:
    """Send a JSON body that exists as bytes already.

    Args:
        send: of the request.
        body: all of it.
        headers: besides content type and length.
        status: of HTTP.
    """
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
                *headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})
