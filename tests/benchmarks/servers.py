"""The servers that are measured, each in a process of its own on the core of the servers.

Run with `python -m tests.benchmarks.servers KIND ARGUMENT DESCRIPTOR...`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from tests.benchmarks.results import Json

from underseal_node.http_protocol import BoundedHttp

ROOT = Path(__file__).parents[2]
SERVER_CORE = 0
BACKLOG = 1024


class Raw:
    """Returns the same answer whatever is asked, as a bare ASGI application."""

    def __init__(self, status: int, body: bytes) -> None:
        self._status = status
        self._body = body
        self._headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]

    async def __call__(self, scope: Json, receive: Any, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": self._status, "headers": self._headers}
        )
        await send({"type": "http.response.body", "body": self._body})


class Sink:
    """A peer that issues tokens, takes every event, and has nothing else."""

    async def __call__(self, scope: Json, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        status, body = 404, b'{"message":"nothing here","code":"NotFound"}'
        if scope["path"] == "/auth/token":
            token = {"access_token": scope["server"][0], "token_type": "bearer", "expires_in": 3600}
            status, body = 200, json.dumps(token).encode()
        elif scope["path"] == "/3/events":
            status, body = 200, b""
        await Raw(status, body)(scope, receive, send)


@dataclass(frozen=True)
class Serving:
    """A running server.

    Attributes:
        pid: of its process.
        ports: on 127.0.0.1; one for each application.
    """

    pid: int
    ports: tuple[int, ...]

    @property
    def address(self) -> str:
        return self.addresses[0]

    @property
    def addresses(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports]


@contextmanager
def serving(
    kind: str, argument: Path, *, count: int = 1, sockets: Sequence[socket.socket] = ()
) -> Iterator[Serving]:
    """Run a server process.

    Args:
        kind: `ours` (argument: the home), `tls` (the same, with certificate.pem in its directory),
            `raw` (argument: a directory with the answers 0.STATUS, 1.STATUS, ..., one for each
            application) or `sink` (argument: a directory with certificate.pem).
        argument: of the kind.
        count: of applications.
        sockets: that are listened on already, instead of new ones.
    """
    with ExitStack() as stack:
        used = list(sockets) or [stack.enter_context(listening()) for _ in range(count)]
        descriptors = [one.fileno() for one in used]
        command = [sys.executable, "-m", "tests.benchmarks.servers", kind, str(argument)]
        process = subprocess.Popen(
            [*command, *map(str, descriptors)], pass_fds=descriptors, cwd=ROOT
        )
        try:
            yield Serving(process.pid, tuple(one.getsockname()[1] for one in used))
        finally:
            process.terminate()
            process.wait()


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A socket on a free port; who connects waits for the server to come up."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen(BACKLOG)
        yield one


def serve(apps: Sequence[Any], descriptors: Sequence[int], **options: Any) -> None:
    """Run one worker on the server's core, as `underseal serve` configures it."""
    os.sched_setaffinity(0, {SERVER_CORE})
    configs = [
        uvicorn.Config(
            app,
            loop="uvloop",
            http=BoundedHttp,
            ws="none",
            access_log=False,
            log_level="error",
            server_header=False,
            proxy_headers=False,
            **options,
        )
        for app in apps
    ]
    gc.collect()
    gc.freeze()
    factory = configs[0].get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_all(configs, descriptors))


async def _all(configs: Sequence[uvicorn.Config], descriptors: Sequence[int]) -> None:
    servers = [_Server(config) for config in configs]

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    sockets = [socket.socket(fileno=one) for one in descriptors]
    await asyncio.gather(
        *(server.serve(sockets=[one]) for server, one in zip(servers, sockets, strict=True))
    )


class _Server(uvicorn.Server):
    """Leaves signals to the process, which may have several."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main(arguments: Sequence[str]) -> None:
    kind, path, descriptors = arguments[0], Path(arguments[1]), [int(one) for one in arguments[2:]]
    tls = {"ssl_certfile": path / "certificate.pem", "ssl_keyfile": path / "certificate.pem"}
    if kind == "raw":
        answers = sorted(path.iterdir(), key=lambda file: int(file.stem))
        apps = [Raw(int(one.suffix[1:]), one.read_bytes()) for one in answers]
        serve(apps, descriptors, lifespan="off")
    elif kind == "sink":
        serve([Sink()], descriptors, lifespan="off", **tls)
    else:
        # Here, because what is not measured is there sooner without.
        from underseal_node.node import open_node
        from underseal_node.pact.app import create_public_app

        options = tls if kind == "tls" else {}
        node = open_node(path, role="public")
        # With its lifespan: what peers read is written into the audit log meanwhile.
        serve([create_public_app(node)], descriptors, lifespan="on", **options)
        node.close()


if __name__ == "__main__":
    main(sys.argv[1:])
