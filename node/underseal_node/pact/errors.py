"""Errors on the wire: which status and which PACT code each refusal gets, decided here alone.

    WireError
     ├─ BadRequestError         400 BadRequest
     │   └─ ForeignSourceError  the same
     ├─ UnauthenticatedError    401 BadRequest, with WWW-Authenticate
     ├─ AccessDeniedError       403 AccessDenied
     ├─ ConflictError           409 BadRequest
     ├─ BodyTooLargeError       413 BadRequest
     ├─ MisdirectedError        421 BadRequest
     ├─ TooManyRequestsError    429 BadRequest, with Retry-After
     └─ TokenRequestError       as RFC 6749 section 5.2 and RFC 7591 section 3.2.2 say

Everything else a peer can cause comes from the protocol package (400) or from the store and the
token check (`ANSWERS`). The body is always `{"code", "message"}` as `application/json`, except at
the OAuth endpoints: for tokens and for registrations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from underseal_node.errors import NodeError, NotFoundError
from underseal_node.store.serving import PeerSuspendedError, RequesterUnknownError
from underseal_node.trust.tokens import TokenExpiredError, TokenInvalidError
from underseal_protocol.errors import ErrorCode, ProtocolError, error_object

__all__ = [
    "AccessDeniedError",
    "BadRequestError",
    "BodyTooLargeError",
    "ConflictError",
    "ForeignSourceError",
    "MisdirectedError",
    "Refuse",
    "TokenRequestError",
    "TooManyRequestsError",
    "UnauthenticatedError",
    "WireError",
    "error_response",
    "exception_handlers",
    "internal_error",
    "oauth_refusals",
    "reason_of",
    "refusal",
]

JSON = "application/json"
INVALID_TOKEN = {"www-authenticate": 'Bearer error="invalid_token"'}  # RFC 6750 section 3.1


class WireError(NodeError):
    """A request is refused.

    Attributes:
        is_recorded: the endpoint has put it into the audit log in words of its own.
    """

    is_recorded = False

    def recorded(self) -> Self:
        """This error, which is in the audit log already."""
        self.is_recorded = True
        return self


class BadRequestError(WireError):
    """The request is malformed or asks for what there is not."""


class ForeignSourceError(BadRequestError):
    """An event is in another's name."""


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


class _Answer(NamedTuple):
    """How an error is answered.

    Attributes:
        status: of HTTP.
        code: of PACT.
        reason: in the audit log (docs/reference/audit-log.md).
        headers: to add.
    """

    status: int
    code: ErrorCode
    reason: str
    headers: Mapping[str, str] = {}


ANSWERS: dict[type[Exception], _Answer] = {
    BadRequestError: _Answer(400, ErrorCode.BAD_REQUEST, "bad-request"),
    ProtocolError: _Answer(400, ErrorCode.BAD_REQUEST, "bad-request"),
    ForeignSourceError: _Answer(400, ErrorCode.BAD_REQUEST, "foreign-source"),
    UnauthenticatedError: _Answer(
        401, ErrorCode.BAD_REQUEST, "no-token", {"www-authenticate": "Bearer"}
    ),
    TokenInvalidError: _Answer(401, ErrorCode.BAD_REQUEST, "invalid-token", INVALID_TOKEN),
    RequesterUnknownError: _Answer(401, ErrorCode.BAD_REQUEST, "access-ended", INVALID_TOKEN),
    TokenExpiredError: _Answer(401, ErrorCode.TOKEN_EXPIRED, "expired-token", INVALID_TOKEN),
    AccessDeniedError: _Answer(403, ErrorCode.ACCESS_DENIED, "access-denied"),
    PeerSuspendedError: _Answer(403, ErrorCode.ACCESS_DENIED, "suspended"),
    NotFoundError: _Answer(404, ErrorCode.NOT_FOUND, "not-found"),
    ConflictError: _Answer(409, ErrorCode.BAD_REQUEST, "conflict"),
    BodyTooLargeError: _Answer(413, ErrorCode.BAD_REQUEST, "too-large", {"connection": "close"}),
    MisdirectedError: _Answer(421, ErrorCode.BAD_REQUEST, "other-host"),
    TooManyRequestsError: _Answer(429, ErrorCode.BAD_REQUEST, "too-many-requests"),
}
UNFORESEEN = _Answer(500, ErrorCode.INTERNAL_ERROR, "internal-error")


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
    answer = _answer_to(error)
    message = "internal error" if answer is UNFORESEEN else error.message
    headers = dict(answer.headers)
    if isinstance(error, TooManyRequestsError):
        headers["retry-after"] = str(error.retry_after_seconds)
    return error_response(answer.status, answer.code, message, headers)


def reason_of(error: NodeError | ProtocolError) -> str:
    """Why a request is refused, in one word of ours or of the RFC, for the audit log.

    Args:
        error: that `refusal` answers.
    """
    return error.error if isinstance(error, TokenRequestError) else _answer_to(error).reason


def _answer_to(error: Exception) -> _Answer:
    found = (ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)
    return next(found, UNFORESEEN)


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


def internal_error() -> Response:
    """No details: they may contain what the requester must not see. The server logs them."""
    return error_response(500, ErrorCode.INTERNAL_ERROR, "internal error")


async def _unexpected(_request: Request, _error: Exception) -> Response:
    return internal_error()


ExceptionHandler = Callable[[Request, Any], Coroutine[Any, Any, Response]]

Refuse = Callable[[Scope, NodeError | ProtocolError], Response]
"""Answers a request that is refused; see `refusals`."""


def exception_handlers(refuse: Refuse) -> dict[int | type[Exception], ExceptionHandler]:
    """What answers the errors of the application.

    Args:
        refuse: answers those that are ours.
    """

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, NodeError | ProtocolError)  # noqa: S101 - registered for these
        return refuse(request.scope, error)

    return {
        NodeError: refused,
        ProtocolError: refused,
        HTTPException: _from_router,
        Exception: _unexpected,
    }
