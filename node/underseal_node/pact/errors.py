"""Errors on the wire: which status and which PACT code each refusal gets, decided here alone.

    WireError
     ├─ BadRequestError         400 BadRequest
     ├─ UnauthenticatedError    401 BadRequest, with WWW-Authenticate
     ├─ AccessDeniedError       403 AccessDenied
     ├─ ConflictError           409 BadRequest
     ├─ BodyTooLargeError       413 BadRequest
     ├─ MisdirectedError        421 BadRequest
     ├─ TooManyRequestsError    429 BadRequest, with Retry-After
     └─ TokenRequestError       as RFC 6749 section 5.2 and RFC 7591 section 3.2.2 say

Everything else a peer can cause comes from the protocol package (400) or from the store and the
token check (`STATUS`). The body is always `{"code", "message"}` as `application/json`, except at
the OAuth endpoints: for tokens and for registrations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from underseal_node.errors import NodeError, NotFoundError
from underseal_node.store.serving import PeerSuspendedError, RequesterUnknownError
from underseal_node.trust.tokens import TokenExpiredError, TokenInvalidError
from underseal_protocol.errors import ErrorCode, ProtocolError, error_object

__all__ = [
    "AccessDeniedError",
    "BadRequestError",
    "BodyTooLargeError",
    "ConflictError",
    "MisdirectedError",
    "TokenRequestError",
    "TooManyRequestsError",
    "UnauthenticatedError",
    "WireError",
    "error_response",
    "exception_handlers",
    "oauth_refusals",
    "refusal",
]

JSON = "application/json"
INVALID_TOKEN = {"www-authenticate": 'Bearer error="invalid_token"'}  # RFC 6750 section 3.1


class WireError(NodeError):
    """A request is refused."""


class BadRequestError(WireError):
    """The request is malformed or asks for what there is not."""


class UnauthenticatedError(WireError):
    """There is no access token in the request."""


class AccessDeniedError(WireError):
    """The requester is known and may not do this."""


class ConflictError(WireError):
    """What is sent contradicts what is known of the requester."""


class BodyTooLargeError(WireError):
    """The request body exceeds the limit."""


class MisdirectedError(WireError):
    """The request names a host that this node is not."""


class TooManyRequestsError(WireError):
    """The requester has to wait (RFC 6585 section 4).

    Args:
        message: for a person.
        retry_after_seconds: how long; whole seconds.
    """

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class TokenRequestError(WireError):
    """An OAuth endpoint refuses (RFC 6749 section 5.2, RFC 7591 section 3.2.2).

    Args:
        error: the error code of the RFC, such as `invalid_client`.
        message: for `error_description`.
        retry_after_seconds: how long the client has to wait, if that is the reason.
    """

    def __init__(self, error: str, message: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.error = error
        self.retry_after_seconds = retry_after_seconds


@contextmanager
def oauth_refusals() -> Iterator[None]:
    """Say in the words of the OAuth endpoints that the client has to wait.

    Raises:
        TokenRequestError: instead of `TooManyRequestsError`.
    """
    try:
        yield
    except TooManyRequestsError as error:
        raise TokenRequestError(
            "temporarily_unavailable", error.message, retry_after_seconds=error.retry_after_seconds
        ) from None


STATUS: dict[type[Exception], tuple[int, ErrorCode, Mapping[str, str]]] = {
    BadRequestError: (400, ErrorCode.BAD_REQUEST, {}),
    ProtocolError: (400, ErrorCode.BAD_REQUEST, {}),
    UnauthenticatedError: (401, ErrorCode.BAD_REQUEST, {"www-authenticate": "Bearer"}),
    TokenInvalidError: (401, ErrorCode.BAD_REQUEST, INVALID_TOKEN),
    RequesterUnknownError: (401, ErrorCode.BAD_REQUEST, INVALID_TOKEN),
    TokenExpiredError: (401, ErrorCode.TOKEN_EXPIRED, INVALID_TOKEN),
    AccessDeniedError: (403, ErrorCode.ACCESS_DENIED, {}),
    PeerSuspendedError: (403, ErrorCode.ACCESS_DENIED, {}),
    NotFoundError: (404, ErrorCode.NOT_FOUND, {}),
    ConflictError: (409, ErrorCode.BAD_REQUEST, {}),
    BodyTooLargeError: (413, ErrorCode.BAD_REQUEST, {"connection": "close"}),
    MisdirectedError: (421, ErrorCode.BAD_REQUEST, {}),
}


def error_response(
    status: int, code: ErrorCode, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """A response with the Error object of PACT 3.0.

    Args:
        status: of HTTP.
        code: of PACT.
        message: for a person; no secrets, nothing that tells absent from not granted.
        headers: to add.
    """
    body = json.dumps(error_object(code, message), ensure_ascii=False).encode(
        "utf-8", "backslashreplace"
    )
    return Response(body, status, dict(headers or {}), media_type=JSON)


def refusal(error: NodeError | ProtocolError) -> Response:
    """The response to a refused request."""
    if isinstance(error, TokenRequestError):
        return _token_refusal(error)
    if isinstance(error, TooManyRequestsError):
        headers = {"retry-after": str(error.retry_after_seconds)}
        return error_response(429, ErrorCode.BAD_REQUEST, error.message, headers)
    for kind in type(error).__mro__:
        if kind in STATUS:
            status, code, more = STATUS[kind]
            return error_response(status, code, error.message, more)
    return error_response(500, ErrorCode.INTERNAL_ERROR, "internal error")


def _token_refusal(error: TokenRequestError) -> Response:
    headers = {"cache-control": "no-store", "pragma": "no-cache"}
    if error.error == "invalid_client":
        headers["www-authenticate"] = 'Basic realm="underseal", charset="UTF-8"'
    if error.error == "invalid_token":
        headers |= INVALID_TOKEN
    body = json.dumps({"error": error.error, "error_description": error.message})
    status = 401 if error.error in ("invalid_client", "invalid_token") else 400
    if error.retry_after_seconds is not None:
        status = 429
        headers["retry-after"] = str(error.retry_after_seconds)
    return Response(body, status, headers, media_type=JSON)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, NodeError | ProtocolError)  # noqa: S101 - registered for these
    return refusal(error)


async def _from_router(request: Request, error: Exception) -> Response:
    """What the router refuses itself: no such path, no such method."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for these
    headers = dict(error.headers or {})
    if error.status_code == 405:
        allowed = ", ".join(sorted(headers.pop("Allow", "").split(", ")))
        message = f"{request.method} is not allowed here; allowed: {allowed}"
        return error_response(405, ErrorCode.BAD_REQUEST, message, {"allow": allowed})
    if error.status_code == 404:
        return error_response(404, ErrorCode.NOT_FOUND, "there is nothing at this path")
    code = ErrorCode.INTERNAL_ERROR if error.status_code >= 500 else ErrorCode.BAD_REQUEST
    return error_response(error.status_code, code, error.detail, headers)


async def _unexpected(_request: Request, _error: Exception) -> Response:
    """No details: they may contain what the requester must not see. The server logs them."""
    return error_response(500, ErrorCode.INTERNAL_ERROR, "internal error")


ExceptionHandler = Callable[[Request, Any], Coroutine[Any, Any, Response]]

exception_handlers: dict[int | type[Exception], ExceptionHandler] = {
    NodeError: _refused,
    ProtocolError: _refused,
    HTTPException: _from_router,
    Exception: _unexpected,
}
