"""What the conformance tests share: the host system under test, and a listener it calls back."""

from __future__ import annotations

import base64
import http.server
import json
import re
import secrets
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from underseal_cli.demo_nodes import NodeProcess

Json = dict[str, Any]
EVENT_PREFIX = "org.wbcsd.pact.ProductFootprint."
CLOUD_EVENTS = "application/cloudevents+json; charset=UTF-8"
CALLBACK_TIMEOUT_SECONDS = 30.0
EXTRA_ID = "5f1d3c9e-0000-4000-8000-000000000000"
NEXT_LINK = re.compile(r'<(?P<url>https://[^>\s]+)>; rel="next"')


@dataclass(frozen=True)
class Target:
    """A host system: where it is and how this test run identifies itself to it."""

    url: str
    auth_url: str
    client_id: str
    client_secret: str
    tls: ssl.SSLContext
    webhook: str | None

    def client(self, *, plain_http: bool = False) -> httpx.Client:
        """A client without a token, for HTTPS or (to be refused) for HTTP."""
        url = self.url.replace("https://", "http://", 1) if plain_http else self.url
        return httpx.Client(base_url=url, verify=self.tls, timeout=30)

    def token_endpoint(self) -> str:
        """Discovered, else `/auth/token` below the authentication base."""
        with self.client() as client:
            answer = client.get(f"{self.auth_url}/.well-known/openid-configuration")
        if answer.status_code == httpx.codes.OK:
            return str(answer.json()["token_endpoint"])
        return f"{self.auth_url}/auth/token"

    def request_token(
        self,
        *,
        endpoint: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        **more: str,
    ) -> httpx.Response:
        """Ask for a token with Basic credentials."""
        credentials = (client_id or self.client_id, client_secret or self.client_secret)
        with self.client() as client:
            return client.post(
                endpoint or self.token_endpoint(),
                data={"grant_type": "client_credentials", **more},
                auth=credentials,
            )


class Api:
    """The three actions of the API, called with a valid token.

    Args:
        client: sends the requests; its base URL is that of the host system.
        source: the `source` of the events that are sent.
    """

    def __init__(self, client: httpx.Client, source: str) -> None:
        self.client = client
        self.source = source

    def page(self, *parameters: tuple[str, str], **single: str) -> httpx.Response:
        """`GET /3/footprints` with these query parameters."""
        query: list[tuple[str, Any]] = [*parameters, *single.items()]
        return self.client.get("/3/footprints", params=httpx.QueryParams(query))

    def items(self, *parameters: tuple[str, str], **single: str) -> list[Json]:
        """The footprints of a first page, which must be there."""
        answer = self.page(*parameters, **single)
        assert answer.status_code == httpx.codes.OK, answer.text
        data: list[Json] = answer.json()["data"]
        assert isinstance(data, list)
        return data

    def ids(self, *parameters: tuple[str, str], **single: str) -> set[str]:
        return {item["id"] for item in self.items(*parameters, **single)}

    def walk(self, **parameters: str) -> Iterator[httpx.Response]:
        """Follow the links of a list to its end."""
        answer = self.page(**parameters)
        for _ in range(1_000):
            assert answer.status_code == httpx.codes.OK, answer.text
            yield answer
            url = next_link(answer)
            if url is None:
                return
            answer = self.client.get(url)
        raise AssertionError("the list does not end")

    def get(self, footprint_id: str) -> httpx.Response:
        return self.client.get(f"/3/footprints/{footprint_id}")

    def send(self, event: Json) -> httpx.Response:
        return self.client.post(
            "/3/events", content=json.dumps(event), headers={"Content-Type": CLOUD_EVENTS}
        )

    def event(self, kind: str, data: Json, *, event_id: str | None = None, **more: Any) -> Json:
        """A CloudEvent of a type such as `RequestCreatedEvent.3`."""
        return {
            "specversion": "1.0",
            "id": event_id or str(uuid.uuid4()),
            "source": self.source,
            "time": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "type": EVENT_PREFIX + kind,
            "data": data,
        } | more


def next_link(answer: httpx.Response) -> str | None:
    """The URL of the next page, if there is one; the header must have the one right form."""
    header = answer.headers.get("link")
    if header is None:
        return None
    found = NEXT_LINK.fullmatch(header)
    assert found, f"not a pagination link: {header}"
    return found["url"]


def assert_error(answer: httpx.Response, statuses: set[int], codes: set[str]) -> None:
    """The answer is an Error object of the API."""
    assert answer.status_code in statuses, f"{answer.status_code} {answer.text}"
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    body = answer.json()
    assert body["code"] in codes, body
    assert isinstance(body["message"], str)
    assert body["message"]


def publish_copy(operator: NodeProcess, base: Json, tmp_path: Path) -> Json:
    """Publish a copy of a footprint under another id and product."""
    document: Json = json.loads(json.dumps(base))
    document["id"] = str(uuid.uuid4())
    document["productIds"] = [f"urn:pact:jichuan.example:product-id:{random_word()}"]
    document.pop("extensions", None)
    document.pop("precedingPfIds", None)
    document["status"] = "Active"
    file = tmp_path / f"{document['id']}.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    operator.run("footprint", "import", str(file))
    return document


def random_word() -> str:
    return secrets.token_hex(8)


@dataclass
class Callback:
    """One event that the host system sent to the listener."""

    path: str
    content_type: str
    authorised: bool
    event: Json


@dataclass
class Listener:
    """The data recipient's side: a token endpoint and an events endpoint.

    `fail_times` makes the events endpoint answer 500 so many times first.
    """

    url: str
    received: list[Callback] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    fail_times: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    def about(self, request_event_id: str) -> list[Callback]:
        """What was received in answer to a request, at this moment."""
        return [
            callback
            for callback in self.received
            if callback.event.get("data", {}).get("requestEventId") == request_event_id
        ]

    def wait_for(self, request_event_id: str) -> Callback:
        """The first answer to a request; fails when there is none in time."""
        deadline = time.monotonic() + CALLBACK_TIMEOUT_SECONDS
        with self.changed:
            while not (found := self.about(request_event_id)):
                left = deadline - time.monotonic()
                assert left > 0, f"no callback about {request_event_id!r}: {self.received}"
                self.changed.wait(left)
        return found[0]

    def note(self, callback: Callback) -> None:
        with self.changed:
            self.received.append(callback)
            self.changed.notify_all()


def _handler(listener: Listener) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

        def answer(self, status: int, document: Json | None = None) -> None:
            body = b"" if document is None else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self.answer(404, {"code": "NotFound", "message": "nothing here"})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            if urlsplit(self.path).path == "/auth/token":
                self.issue_token(body)
            elif listener.fail_times > 0:
                listener.fail_times -= 1
                self.answer(500, {"code": "InternalError", "message": "as the test wants it"})
            else:
                self.take_event(body)

        def issue_token(self, body: bytes) -> None:
            kind, _, credentials = self.headers.get("Authorization", "").partition(" ")
            if kind != "Basic" or ":" not in base64.b64decode(credentials).decode():
                return self.answer(401, {"error": "invalid_client"})
            if parse_qs(body.decode()).get("grant_type") != ["client_credentials"]:
                return self.answer(400, {"error": "unsupported_grant_type"})
            token = secrets.token_urlsafe()
            listener.tokens.add(token)
            return self.answer(
                200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600}
            )

        def take_event(self, body: bytes) -> None:
            token = self.headers.get("Authorization", "").removeprefix("Bearer ")
            listener.note(
                Callback(
                    path=self.path,
                    content_type=self.headers.get("Content-Type", ""),
                    authorised=token in listener.tokens,
                    event=json.loads(body),
                )
            )
            self.answer(200)

    return Handler


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Quiet: a client that hangs up is no failure of a test."""


@contextmanager
def listening(
    context: ssl.SSLContext, *, url: Callable[[int], str], host: str = "127.0.0.1", port: int = 0
) -> Iterator[Listener]:
    """Run a listener.

    Args:
        context: its certificate.
        url: from the port it listens on to the URL it is known by.
        host: the address to listen on.
        port: the port to listen on; 0 for any.
    """
    listener = Listener(url="")
    server = Server((host, port), _handler(listener))
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    listener.url = url(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
