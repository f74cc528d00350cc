"""Calls of the console to the management endpoints, in this process.

The same requests that the command line sends, past the same checks: what a page can do is what an
operator with the token can do. Nothing goes over the network.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlencode

from pydantic import SecretStr
from starlette.types import ASGIApp, Message

__all__ = ["Answer", "Api", "ApiRefusedError", "Query", "segment"]

JSON = "application/json"
FIRST_ERROR = 400
NOT_FOUND = 404
ENCODED_SLASH = re.compile(r"%2f", re.IGNORECASE)
PIECES_AHEAD = 4

Query = Mapping[str, str | int | bool | Iterable[str] | None]


def segment(text: str) -> str:
    """A text as one segment of a path."""
    return quote(text, safe="")


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered.

    Attributes:
        status: of HTTP.
        headers: names in lower case.
        body: as it came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """The document; its decimals are texts already."""
        return json.loads(self.body) if self.body else None


class ApiRefusedError(Exception):
    """An endpoint refuses.

    Attributes:
        status: of HTTP.
        message: what is wrong.
        hint: what to do about it.
        problems: what is wrong with a file: `file`, `place`, `message`, `hint`.
    """

    def __init__(
        self,
        status: int,
        message: str,
        hint: str | None = None,
        problems: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        self.status = status
        self.message = message
        self.hint = hint
        self.problems = list(problems)
        super().__init__(message)


class Api:
    """The management endpoints of this node.

    Args:
        app: their application, guard included.
        host: that the guard answers for.
        token: of the operator.
    """

    def __init__(self, app: ASGIApp, host: str, token: SecretStr) -> None:
        self._app = app
        self._host = host
        self._token = token

    async def get(self, path: str, query: Query | None = None) -> Any:
        """GET a document.

        Raises:
            ApiRefusedError: the endpoint refuses.
        """
        return (await self.call("GET", path, query)).json

    async def post(self, path: str, body: Any = None, query: Query | None = None) -> Any:
        """POST a document.

        Raises:
            ApiRefusedError: the endpoint refuses.
        """
        content = json.dumps({} if body is None else body).encode()
        return (await self.call("POST", path, query, content, JSON)).json

    async def patch(self, path: str, body: Any) -> Any:
        """PATCH with a document.

        Raises:
            ApiRefusedError: the endpoint refuses.
        """
        return (await self.call("PATCH", path, None, json.dumps(body).encode(), JSON)).json

    async def delete(self, path: str) -> Any:
        """DELETE.

        Raises:
            ApiRefusedError: the endpoint refuses.
        """
        return (await self.call("DELETE", path)).json

    async def upload(self, path: str, content: bytes, query: Query | None = None) -> Any:
        """POST a file as it is.

        Raises:
            ApiRefusedError: the endpoint refuses.
        """
        return (await self.call("POST", path, query, content, "application/octet-stream")).json

    async def call(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        content: bytes = b"",
        content_type: str | None = None,
    ) -> Answer:
        """Any call.

        Args:
            method: of HTTP.
            path: with its parts quoted (`segment`).
            query: what is `None` is left out; of a list each is given.
            content: the body.
            content_type: of the body.

        Raises:
            ApiRefusedError: the endpoint refuses.
        """
        scope = self._scope(method, path, query, len(content), content_type)
        answer = await _answered(self._app, scope, content)
        if answer.status >= FIRST_ERROR:
            raise _refusal(answer)
        return answer

    async def pieces(self, path: str, query: Query | None = None) -> AsyncIterator[bytes]:
        """GET a file that may be large, piece by piece, so that it is never in memory as a whole.

        Args:
            path: with its parts quoted (`segment`).
            query: as for `call`.

        Raises:
            ApiRefusedError: the endpoint refuses.
        """
        opened = _Opened(self._app, self._scope("GET", path, query, 0, None))
        status, headers = await opened.begin()
        if status >= FIRST_ERROR:
            body = b"".join([piece async for piece in opened.pieces()])
            raise _refusal(Answer(status, headers, body))
        return opened.pieces()

    def _scope(
        self,
        method: str,
        path: str,
        query: Query | None,
        content_length: int,
        content_type: str | None,
    ) -> dict[str, Any]:
        if ENCODED_SLASH.search(path):
            # It would choose another endpoint; nothing that the node knows has one in its name.
            raise ApiRefusedError(NOT_FOUND, "a name with a slash names nothing here")
        headers = [
            (b"host", self._host.encode()),
            (b"authorization", b"Bearer " + self._token.get_secret_value().encode()),
            (b"content-length", str(content_length).encode()),
        ]
        if content_type is not None:
            headers.append((b"content-type", content_type.encode()))
        return {
            "type": "http",
            # From 2.4 on, nobody has to ask for a disconnection while an answer is sent.
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": _query(query or {}).encode(),
            "root_path": "",
            "headers": headers,
            "server": None,
            "client": None,
        }


class _Opened:
    """An answer that is read while it is made.

    Args:
        app: that makes it.
        scope: of the request, which has no body.
    """

    def __init__(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        self._said: asyncio.Queue[Message | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(PIECES_AHEAD)
        self._work = asyncio.create_task(self._make(app, scope))

    async def _make(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            await self._room.acquire()
            self._said.put_nowait(message)

        try:
            await app(scope, receive, send)
        finally:
            self._said.put_nowait(None)

    async def _next(self) -> Message | None:
        message = await self._said.get()
        self._room.release()
        return message

    async def begin(self) -> tuple[int, Mapping[str, str]]:
        """Status and headers."""
        message = await self._next()
        if message is None:
            await self._work
            return 500, {}
        return message["status"], _headers(message)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body; whoever stops reading stops the work."""
        try:
            is_over = False
            while not is_over:
                message = await self._next()
                is_over = message is None or not message.get("more_body", False)
                yield b"" if message is None else message.get("body", b"")
            await self._work
        finally:
            self._work.cancel()


def _refusal(answer: Answer) -> ApiRefusedError:
    said = answer.json if answer.headers.get("content-type", "").startswith(JSON) else {}
    return ApiRefusedError(
        answer.status,
        str(said.get("message", f"the node answered {answer.status}")),
        said.get("hint"),
        said.get("problems", ()),
    )


async def _answered(app: ASGIApp, scope: dict[str, Any], content: bytes) -> Answer:
    status, headers, parts = 500, dict[str, str](), list[bytes]()
    is_given = False

    async def receive() -> Message:
        nonlocal is_given
        if is_given:
            return {"type": "http.disconnect"}
        is_given = True
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, headers
        if message["type"] == "http.response.start":
            status = message["status"]
            headers = _headers(message)
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return Answer(status, headers, b"".join(parts))


def _headers(message: Message) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1")
        for name, value in message["headers"]
    }


def _query(query: Query) -> str:
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        if value is None:
            continue
        if isinstance(value, bool):
            pairs.append((name, "true" if value else "false"))
        elif isinstance(value, str | int):
            pairs.append((name, str(value)))
        else:
            pairs += [(name, one) for one in value]
    return urlencode(pairs)
