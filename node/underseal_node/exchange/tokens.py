"""Access tokens that peers issue to us: OAuth 2.0 client credentials (RFC 6749 section 4.4).

Between Underseal nodes the client is authenticated by an assertion that it signs (RFC 7523);
elsewhere by the secret that the peer issued.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote_plus, urlencode

from underseal_node.errors import PeerError
from underseal_node.exchange.access import Access
from underseal_node.exchange.errors import (
    AnswerError,
    ApprovalPendingError,
    ClientUnknownError,
    CredentialsRefusedError,
    PartnershipEndedError,
    ProtocolViolationError,
)
from underseal_node.exchange.http import Answer, Call, PeerHttp
from underseal_node.exchange.proving import prove
from underseal_node.trust import partnerships
from underseal_protocol.client_assertion import CLIENT_ASSERTION_TYPE, UNAUTHENTICATED
from underseal_protocol.errors import JsonError
from underseal_protocol.strict_json import JsonLimits, loads

__all__ = ["TokenClient", "refusal_of"]

MAX_ANSWER_BYTES = 64 * 1024
MAX_TOKEN_CHARACTERS = 16 * 1024
MAX_SHOWN_CHARACTERS = 200
# Of RFC 8628 section 3.5: said to a client that is known, and has to wait for a person.
PENDING = "authorization_pending"
ENDED = "access_denied"
SUSPENDED = "unauthorized_client"
JSON_LIMITS = JsonLimits(max_bytes=MAX_ANSWER_BYTES, max_depth=16)

# `expires_in` is only recommended (section 5.1); without it a token is used this long.
ASSUMED_LIFETIME_SECONDS = 300.0
MAX_LIFETIME_SECONDS = 86_400.0
# Renewed this long before it expires, or after nine tenths of a short life.
MARGIN_SECONDS = 30.0

# RFC 6750 section 2.1: what may stand in an Authorization header.
TOKEN_CHARACTERS = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/="
)


@dataclass
class _Cached:
    token: str = field(repr=False)
    usable_until: float


class TokenClient:
    """Gets tokens from peers and keeps them in this process until they expire.

    Args:
        http: makes the calls.
        clock: monotonic seconds.
        assertion: signs a client assertion: for this client id, to this issuer, with our newest
            client key (0) or with the one before it (1), ...; None when there is none.
        told: is told how each request for a token has ended; None when a token was issued. Every
            call to a peer comes by here: what its token endpoint says of us is heard here once.
    """

    def __init__(
        self,
        http: PeerHttp,
        clock: Callable[[], float],
        assertion: Callable[[str, str, int], str | None],
        told: Callable[[Access, PeerError | None], Awaitable[None]],
    ) -> None:
        self._http = http
        self._told = told
        self._assertion = assertion
        self._clock = clock
        self._cache: dict[bytes, _Cached] = {}
        self._in_body: set[bytes] = set()
        self._locks: dict[int, asyncio.Lock] = {}

    async def token(self, access: Access) -> str:
        """A token that is good for some time yet; asked for at most once at a time per peer.

        Raises:
            PartnershipEndedError: the peer has ended the partnership.
            CredentialsRefusedError: the peer does not accept our credentials.
            PeerError: the token endpoint cannot be reached or answers nonsense.
        """
        key = _key(access)
        async with self._locks.setdefault(access.peer_id, asyncio.Lock()):
            cached = self._cache.get(key)
            if cached is not None and self._clock() < cached.usable_until:
                return cached.token
            try:
                cached = await self._fetch(access, key)
            except PeerError as error:
                await self._told(access, error)
                raise
            self._cache[key] = cached
            await self._told(access, None)
            return cached.token

    def forget(self, access: Access, token: str) -> None:
        """The peer has refused this token: do not use it again."""
        key = _key(access)
        cached = self._cache.get(key)
        if cached is not None and cached.token == token:
            del self._cache[key]

    async def _fetch(self, access: Access, key: bytes) -> _Cached:
        """Basic first, as every OAuth server must accept it; then in the body, as some only do."""
        if access.audience_issuer is not None:
            return self._read(await self._prove(access, access.audience_issuer), access)
        orders = (True, False) if key in self._in_body else (False, True)
        answer: Answer | None = None
        for in_body in orders:
            answer = await self._ask(access, in_body=in_body)
            if answer.status == 200:
                if in_body:
                    self._in_body.add(key)
                else:
                    self._in_body.discard(key)
                return self._read(answer, access)
            if not _is_about_the_client(answer):
                break
        assert answer is not None  # noqa: S101 - both orders have two elements
        raise refusal_of(answer, access)

    async def _prove(self, access: Access, issuer: str) -> Answer:
        """Authenticate by an assertion."""

        def form(assertion: Callable[[], str]) -> bytes:
            items = [
                ("grant_type", "client_credentials"),
                ("client_id", access.client_id),
                ("client_assertion_type", CLIENT_ASSERTION_TYPE),
                ("client_assertion", assertion()),
                *access.extra,
            ]
            return urlencode(items).encode()

        answer = await prove(
            lambda age: self._assertion(access.client_id, issuer, age),
            lambda assertion: self._post(access, partial(form, assertion), {}),
        )
        if answer.status != 200:
            raise refusal_of(answer, access)
        return answer

    async def _ask(self, access: Access, *, in_body: bool) -> Answer:
        form = [("grant_type", "client_credentials"), *access.extra]
        headers = {}
        if in_body:
            form += [("client_id", access.client_id), ("client_secret", access.client_secret)]
        else:
            # Section 2.3.1: form-encoded before they are joined, so that `:` can be in them.
            pair = f"{quote_plus(access.client_id)}:{quote_plus(access.client_secret)}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return await self._post(access, urlencode(form).encode(), headers)

    async def _post(
        self, access: Access, content: bytes | Callable[[], bytes], headers: dict[str, str]
    ) -> Answer:
        return await self._http.send(
            Call(
                "POST",
                access.token_endpoint,
                frozenset({access.token_origin}),
                headers={
                    "content-type": "application/x-www-form-urlencoded",
                    "accept": "application/json",
                    **headers,
                },
                content=content,
                ca_pem=access.ca_pem,
                private_origins=access.private_origins,
                max_bytes=MAX_ANSWER_BYTES,
            )
        )

    def _read(self, answer: Answer, access: Access) -> _Cached:
        """Section 5.1."""
        where = f"the token endpoint of {access.name}"
        try:
            document = loads(answer.body, limits=JSON_LIMITS)
        except JsonError as error:
            raise ProtocolViolationError(f"{where} answered no JSON: {error.message}") from error
        token = document.get("access_token") if isinstance(document, dict) else None
        if not isinstance(document, dict) or not isinstance(token, str) or not token:
            raise ProtocolViolationError(f"{where} answered without an access token")
        if len(token) > MAX_TOKEN_CHARACTERS or not TOKEN_CHARACTERS.issuperset(token):
            raise ProtocolViolationError(f"{where} answered a token that fits into no header")
        if str(document.get("token_type", "bearer")).lower() != "bearer":
            raise ProtocolViolationError(f"{where} answered a token that is no bearer token")
        lifetime = _lifetime(document.get("expires_in"))
        margin = min(MARGIN_SECONDS, lifetime / 10)
        return _Cached(token, self._clock() + lifetime - margin)


def _lifetime(value: Any) -> float:
    """`expires_in` in seconds; some servers send it as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:9])
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return ASSUMED_LIFETIME_SECONDS
    return min(float(value), MAX_LIFETIME_SECONDS)


def _is_about_the_client(answer: Answer) -> bool:
    """Whether the way the credentials were sent may be the reason of the refusal.

    403 and 422 are what gateways and frameworks say that look for them in the form.
    """
    if answer.status in (401, 403, 422):
        return True
    return answer.status == 400 and _oauth_error(answer)[0] in (
        "invalid_client",
        "invalid_request",
        "unauthorized_client",
        "",
    )


def _shown_error(answer: Answer, access: Access) -> str:
    """What may be shown of an error: nothing of a server that repeats the credentials."""
    error, description = _oauth_error(answer)
    pair = f"{quote_plus(access.client_id)}:{quote_plus(access.client_secret)}"
    basic = base64.b64encode(pair.encode()).decode().rstrip("=")
    said = error or description
    secrets = (access.client_secret, quote_plus(access.client_secret), basic)
    if access.client_secret and any(one in said for one in secrets):
        return ""
    return said[:MAX_SHOWN_CHARACTERS]


def _oauth_error(answer: Answer) -> tuple[str, str]:
    """Section 5.2: error and description; empty when there are none."""
    try:
        document = loads(answer.body, limits=JSON_LIMITS)
    except JsonError:
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    found = (document.get("error"), document.get("error_description"))
    error, description = (value if isinstance(value, str) else "" for value in found)
    return error, description


def refusal_of(answer: Answer, access: Access) -> AnswerError:
    """What an OAuth endpoint of a peer refuses, as an exception."""
    shown = _shown_error(answer, access)
    said = f": {shown}" if shown else ""
    if access.audience_issuer is not None and answer.status in (400, 401):
        return _partnership_refusal(answer, access, said)
    if answer.status in (400, 401, 403, 422):
        name = shlex.quote(access.name)
        return CredentialsRefusedError(
            f"the token endpoint of {access.name} does not accept our client id and secret, or not "
            f"any more ({answer.status}{said})",
            status=answer.status,
            hint=f"Ask {access.name} whether it has issued others, or has ended the exchange. "
            f"Enter others with `underseal peer set {name} --client-id ID --client-secret-file "
            f"FILE`; end it here, too, with `underseal peer revoke {name} --reason TEXT`.",
        )
    return AnswerError(
        f"the token endpoint of {access.name} answered {answer.status}{said}",
        status=answer.status if answer.status >= 500 else 503,
        retry_after_seconds=answer.retry_after_seconds,
    )


def _partnership_refusal(answer: Answer, access: Access, said: str) -> AnswerError:
    """What an Underseal node says to a client whose assertion it has checked."""
    error, description = _oauth_error(answer)
    if error == PENDING:
        return ApprovalPendingError(
            f"{access.name} has not approved the partnership yet",
            status=answer.status,
            hint="Its operator has to run `underseal peer approve`.",
        )
    # On one line: it is shown to the operator, and kept.
    reason = " ".join(description.split())[:MAX_SHOWN_CHARACTERS]
    if error == SUSPENDED:
        return CredentialsRefusedError(
            f"{access.name} has suspended the partnership",
            status=answer.status,
            hint="Ask its operator, who can resume it; there is nothing to do here.",
        )
    if error == ENDED:
        return PartnershipEndedError(
            f"{access.name} has ended the partnership{': ' if reason else ''}{reason}",
            status=answer.status,
            reason=reason,
            hint=partnerships.end_advice(access.name),
        )
    if description == UNAUTHENTICATED:
        return ClientUnknownError(
            f"the node at {access.token_origin} knows nothing of a partnership with this node "
            f"({answer.status}{said})",
            status=answer.status,
            hint=f"{access.name} may have removed it, or its address is another node's now: ask on "
            "another way. To begin anew, remove the peer first, then invite or be invited.",
        )
    return CredentialsRefusedError(
        f"{access.name} does not accept our client key ({answer.status}{said}): {reason}",
        status=answer.status,
        hint="It may not have heard of our new keys, or our client id there has expired: "
        f"`underseal peer rotate {shlex.quote(access.name)}` has it renewed. If that is refused, "
        "too, ask it to run the same for this node.",
    )


def _key(access: Access) -> bytes:
    """New credentials or another endpoint never meet an old token."""
    parts = (
        str(access.peer_id),
        access.token_endpoint,
        access.client_id,
        access.client_secret,
        access.audience_issuer or "",
        *(f"{name}={value}" for name, value in access.extra),
    )
    return hashlib.sha256("\0".join(parts).encode()).digest()
