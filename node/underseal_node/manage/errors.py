"""Refusals of the management listener: which status each error gets, decided here alone."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import InternalError, OperationalError, ProgrammingError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from underseal_node.errors import (
    ConfigurationError,
    NodeError,
    NotFoundError,
    PeerError,
    RefusedError,
)
from underseal_node.exchange.errors import AddressError
from underseal_node.logs import redact
from underseal_node.manage.context import problem_shapes
from underseal_node.manage.shapes.refusals import ProblemShape, RefusalShape
from underseal_node.pact.errors import BadRequestError, BodyTooLargeError
from underseal_node.publishing.results import UnpublishableError
from underseal_protocol.errors import ProtocolError

__all__ = ["exception_handlers", "refusal", "refused"]

STATUS: dict[type[Exception], int] = {
    BadRequestError: 400,
    AddressError: 400,
    BodyTooLargeError: 413,
    NotFoundError: 404,
    UnpublishableError: 422,
    RefusedError: 409,
    PeerError: 502,
    ConfigurationError: 500,
    ProtocolError: 422,
}

# What is one kind of error with SQLite is three with PostgreSQL.
DATABASE_FAILURES = (OperationalError, ProgrammingError, InternalError)


def refused(
    status: int,
    message: str,
    hint: str | None = None,
    problems: Sequence[ProblemShape] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A response with the shape of every refusal."""
    shape = RefusalShape(
        message=message, hint=hint, problems=None if problems is None else list(problems)
    )
    body = shape.model_dump_json(by_alias=True, exclude_none=True)
    return Response(body, status, headers, media_type="application/json")


def refusal(error: NodeError | ProtocolError) -> Response:
    """The response to what one of our own errors refuses."""
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
    problems = problem_shapes(error.problems) if isinstance(error, UnpublishableError) else None
    headers = {"connection": "close"} if isinstance(error, BodyTooLargeError) else None
    return refused(status, error.message, error.hint, problems, headers=headers)


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, NodeError | ProtocolError)  # noqa: S101 - registered for these
    return refusal(error)


async def _not_understood(_request: Request, error: Exception) -> Response:
    """Only where and why: what was sent may hold a secret."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    problems = [
        ProblemShape(
            file="", place=".".join(map(str, one["loc"][1:])), message=str(one["msg"]), hint=None
        )
        for one in error.errors()
    ]
    first = problems[0]
    message = f"{first.place}: {first.message}" if first.place else first.message
    return refused(422, message, None, problems)


async def _from_router(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    messages = {
        404: "there is nothing at this path",
        405: f"{request.method} is not allowed here",
    }
    message = messages.get(error.status_code, str(error.detail))
    return refused(error.status_code, message, headers=error.headers)


async def _database_failed(_request: Request, error: Exception) -> Response:
    assert isinstance(error, DATABASE_FAILURES)  # noqa: S101 - registered for it
    return refused(
        503,
        f"the database failed: {redact(str(error.orig))}",
        "Nothing was changed. Check the free space, then try again.",
    )


async def _unexpected(_request: Request, _error: Exception) -> Response:
    return refused(500, "internal error", "The log of the node says more.")


ExceptionHandler = Callable[[Request, Any], Coroutine[Any, Any, Response]]

exception_handlers: dict[int | type[Exception], ExceptionHandler] = {
    NodeError: _refused,
    ProtocolError: _refused,
    RequestValidationError: _not_understood,
    HTTPException: _from_router,
    **dict.fromkeys(DATABASE_FAILURES, _database_failed),
    Exception: _unexpected,
}
