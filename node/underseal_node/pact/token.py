"""`POST /auth/token`: OAuth 2.0 client credentials (RFC 6749 sections 2.3.1, 4.4 and 5).

A client authenticates with the secret that was issued to it, or by an assertion that it has signed
with a pinned key (RFC 7523). To a client that has done so, the answer may say why there is no token
for it: that the partnership waits for approval, or has ended.

`scope`, `audience` and `resource` are accepted and change nothing: what a peer sees follows from
its grants alone.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import Request
from starlette.responses import Response

from underseal_node.pact.access import PublicContext, read_body
from underseal_node.pact.errors import BodyTooLargeError, TokenRequestError, oauth_refusals
from underseal_node.pact.partners import Partners, issue_instant, throttled
from underseal_node.store.audit import Act, Outcome
from underseal_node.store.serving import PeerSuspendedError, RequesterUnknownError
from underseal_node.trust.secrets import SecretMismatchError, check_secret
from underseal_protocol.client_assertion import UNAUTHENTICATED

__all__ = ["TokenEndpoint"]

FORM = "application/x-www-form-urlencoded"
GRANT_TYPE = "client_credentials"
MAX_PARAMETERS = 64
SINGLE = (
    "grant_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "scope",
)
NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}  # RFC 6749 section 5.1


class TokenEndpoint:
    """Exchanges client credentials for access tokens.

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context
        self._partners = Partners(context)

    async def handle(self, request: Request) -> Response:
        """Handle one request.

        Raises:
            TokenRequestError: the request is refused.
        """
        context = self._context
        limit = context.node.settings.max_token_request_bytes
        try:
            body = await read_body(request.scope, request.receive, limit)
        except BodyTooLargeError as error:
            raise TokenRequestError("invalid_request", error.message) from None
        form = form_of(request.headers.get("content-type"), body)
        with oauth_refusals():
            return await self._answer(request, form)

    async def _answer(self, request: Request, form: Mapping[str, str]) -> Response:
        context, partners = self._context, self._partners
        now = context.node.now()
        authorization = request.headers.get("authorization")
        uses_assertion = "client_assertion" in form or "client_assertion_type" in form
        try:
            if uses_assertion:
                client_id, secret = partners.client_of(authorization, form), ""
            else:
                client_id, secret = credentials_of(authorization, form)
        except TokenRequestError as error:
            if error.error == "invalid_client":
                await (await context.throttle.begin(request.scope, None, now)).failed()
            raise
        _check_grant_type(form)
        async with throttled(context, request.scope, client_id, now):
            if uses_assertion:
                issued_at = await partners.authenticate(client_id, form, now)
            else:
                issued_at = await self._authenticate(client_id, secret, now)
        answer = {
            "access_token": context.tokens.issue(client_id, issued_at),
            "token_type": "Bearer",
            "expires_in": context.tokens.lifetime_seconds,
        }
        return Response(json.dumps(answer), headers=NO_STORE, media_type="application/json")

    async def _authenticate(self, client_id: str, secret: str, now: datetime) -> datetime:
        """Check the secret; return the instant to issue the token at."""
        context = self._context
        try:
            client = await context.serving.client(client_id, now)
            check_secret(secret, client.secret_hash)
        except (RequesterUnknownError, PeerSuspendedError):
            context.audit.count(Act.TOKEN_REFUSED, None, Outcome.REFUSED)
            # The same work and the same answer as for a wrong secret.
            with suppress(SecretMismatchError):
                check_secret(secret, None)
            raise TokenRequestError("invalid_client", UNAUTHENTICATED).recorded() from None
        except SecretMismatchError:
            context.audit.count(Act.TOKEN_REFUSED, client.peer_id, Outcome.REFUSED)
            raise TokenRequestError("invalid_client", UNAUTHENTICATED).recorded() from None
        context.audit.count(Act.TOKEN_ISSUED, client.peer_id)
        return issue_instant(client.tokens_from, now)


def _check_grant_type(form: Mapping[str, str]) -> None:
    grant_type = form.get("grant_type")
    if not grant_type:
        raise TokenRequestError("invalid_request", "grant_type is missing")
    if grant_type != GRANT_TYPE:
        raise TokenRequestError("unsupported_grant_type", f"only {GRANT_TYPE} is supported")


def form_of(content_type: str | None, body: bytes) -> Mapping[str, str]:
    """The parameters of a form.

    Raises:
        TokenRequestError: it is no form, or a parameter is there twice (RFC 6749 section 3.2).
    """
    if content_type is not None and content_type.split(";")[0].strip().lower() != FORM:
        raise TokenRequestError("invalid_request", f"the content type must be {FORM}")
    try:
        items = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError:  # UnicodeDecodeError is one
        raise TokenRequestError("invalid_request", "the form is malformed") from None
    names = [name for name, _ in items]
    for name in SINGLE:
        if names.count(name) > 1:
            raise TokenRequestError("invalid_request", f"{name} is there more than once")
    return dict(items)


def credentials_of(authorization: str | None, form: Mapping[str, str]) -> tuple[str, str]:
    """Client id and secret, from the header or from the body, not both (section 2.3).

    Raises:
        TokenRequestError: none, malformed or both.
    """
    if authorization is None:
        if not form.get("client_id") or "client_secret" not in form:
            raise TokenRequestError("invalid_client", "client credentials are missing")
        return form["client_id"], form["client_secret"]
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise TokenRequestError("invalid_client", "only the scheme Basic is supported here")
    client_id, secret = _basic(encoded.strip())
    if "client_secret" in form:
        raise TokenRequestError(
            "invalid_request", "client credentials are in the header and in the body"
        )
    if form.get("client_id", client_id) != client_id:
        raise TokenRequestError("invalid_request", "the header and the body name two clients")
    return client_id, secret


def _basic(encoded: str) -> tuple[str, str]:
    """Decode `base64(urlencode(id):urlencode(secret))` (section 2.3.1)."""
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
        client_id, colon, secret = text.partition(":")
        if not colon:
            raise ValueError("no colon")
        return unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError):
        raise TokenRequestError("invalid_client", "the Authorization header is malformed") from None
