"""What runs in the child processes of `supervisor`: a public worker, or the management process.

`python -m underseal_node.process FD`, where FD is the child's end of the pipe to its parent.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from underseal_node.errors import NodeError
from underseal_node.http_protocol import BoundedHttp, bounded_http
from underseal_node.logs import configure_logging
from underseal_node.metrics import RequestCounts
from underseal_node.node import Node, Role, open_node
from underseal_node.settings import Settings
from underseal_node.supervisor import READY
from underseal_node.tls import TlsFiles, server_context
from underseal_node.trust.vault import Vault

__all__ = ["EXIT_SECONDS", "MODULE", "Listener", "Task"]

log = structlog.get_logger(__name__)

MODULE = "underseal_node.process"
KEEP_ALIVE_SECONDS = 30
MAX_OPEN_FILES = 65_536
COUNT_SECONDS = 1
# After the grace period of requests and deliveries, for closing the database.
EXIT_SECONDS = 2.0


class Listener(StrEnum):
    """Which listener a process serves."""

    PUBLIC = "public"
    MANAGE = "manage"


@dataclass(frozen=True)
class Task:
    """What a child process is to do; sent to it over the pipe.

    Attributes:
        listener: which application.
        home: directory of the node.
        settings: in force.
        vault: opens no more than the process needs.
        descriptor: of the listening socket.
        tls: certificate of the listener; `None` for plain HTTP.
    """

    listener: Listener
    home: Path
    settings: Settings
    vault: Vault
    descriptor: int
    tls: TlsFiles | None = None


class ChildServer(uvicorn.Server):
    """A server that tells its parent when it listens, and leaves signals to it.

    Args:
        config: of uvicorn.
        on_listening: called once.
    """

    def __init__(self, config: uvicorn.Config, on_listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_listening = on_listening

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The parent decides when to stop; SIGTERM is for those who want one worker renewed."""
        signal.signal(signal.SIGTERM, lambda _number, _frame: self.stop())
        yield

    def stop(self) -> None:
        """Finish requests under way, then end."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then report."""
        await super().startup(sockets)
        # What exists now stays: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        gc.enable()
        self._on_listening()


def main(descriptor: int) -> int:
    """Run one child process.

    Args:
        descriptor: of the pipe to the parent.

    Returns:
        the exit code.
    """
    # All that is made before it listens stays: to look for garbage in it only takes time.
    gc.disable()
    channel: Connection[Any, Any] = Connection(descriptor)
    try:
        task = channel.recv()
    except EOFError:
        return 0
    assert isinstance(task, Task)  # noqa: S101 - from the parent
    configure_logging(task.settings.log_level)
    _allow_open_files()
    try:
        _serve(task, channel)
    except NodeError as error:
        with contextlib.suppress(BrokenPipeError):
            channel.send((error.message, error.hint))
        return 1
    return 0


def _serve(task: Task, channel: Connection[Any, Any]) -> None:
    role = Role.PUBLIC if task.listener is Listener.PUBLIC else Role.MANAGE
    node = open_node(task.home, role=role, settings=task.settings, vault=task.vault)
    try:
        counts = RequestCounts(node.home.run, task.listener)
        config = _configuration(task, _application(task, node, counts), counts)
        server = ChildServer(config, lambda: _report_ready(channel, server))
        _follow_parent(channel, server, task.settings.shutdown_grace_seconds + EXIT_SECONDS)
        listening = socket.socket(fileno=task.descriptor)
        work = (
            _with_workers(server, node, listening)
            if role is Role.MANAGE
            else server.serve(sockets=[listening])
        )
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(work)
        counts.write()
    finally:
        node.close()


def _report_ready(channel: Connection[Any, Any], server: ChildServer) -> None:
    """Tell the parent; if it is gone, or has given up because of another child, end in order."""
    try:
        channel.send(READY)
    except (BrokenPipeError, ConnectionResetError):
        server.stop()


def _application(task: Task, node: Node, counts: RequestCounts) -> ASGIApp:
    if task.listener is Listener.PUBLIC:
        from underseal_node.pact.app import create_public_app

        return create_public_app(node, counts)
    from underseal_node.manage.app import create_manage_app

    return create_manage_app(node, counts)


def _configuration(task: Task, app: ASGIApp, counts: RequestCounts) -> uvicorn.Config:
    async def write_counts() -> None:
        counts.write()

    tls = task.tls
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=_protocol(task),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=task.settings.access_log,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, int(task.settings.shutdown_grace_seconds)),
        callback_notify=write_counts,
        timeout_notify=COUNT_SECONDS,
        ssl_context_factory=None if tls is None else lambda _config, _default: server_context(tls),
        ssl_certfile=None if tls is None else tls.certificate,
        ssl_keyfile=None if tls is None else tls.key,
    )


def _protocol(task: Task) -> type[BoundedHttp]:
    settings = task.settings
    has_proxy = settings.behind_proxy or bool(settings.trusted_proxies)
    is_counted = task.listener is Listener.PUBLIC and not has_proxy
    return bounded_http(
        max_connections=settings.max_connections,
        max_per_address=settings.max_connections_per_address if is_counted else None,
    )


def _allow_open_files() -> None:
    """Each connection is an open file; the usual limit of 1024 is for programs with select()."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(MAX_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _with_workers(server: ChildServer, node: Node, listening: socket.socket) -> None:
    """Serve the management listener and run the background workers beside it."""
    from underseal_node.exchange.worker import run_workers

    stop = asyncio.Event()
    workers = asyncio.create_task(run_workers(node, stop))
    # Without workers nothing is delivered: end, and be started again.
    workers.add_done_callback(lambda _task: server.stop())
    try:
        await server.serve(sockets=[listening])
    finally:
        stop.set()
        await asyncio.wait_for(workers, node.settings.shutdown_grace_seconds)


def _follow_parent(channel: Connection[Any, Any], server: ChildServer, grace: float) -> None:
    """End when the pipe closes; for certain, even if the event loop is stuck."""

    def watch() -> None:
        with contextlib.suppress(EOFError, OSError):
            channel.recv()
        server.stop()
        time.sleep(grace)
        os._exit(1)

    threading.Thread(target=watch, name="follow-parent", daemon=True).start()


if __name__ == "__main__":
    # Under its own name, so that what the parent has pickled is found again.
    from underseal_node.process import main as run_child

    sys.exit(run_child(int(sys.argv[1])))
