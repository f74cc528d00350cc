"""Keeps the processes of a node running: the public workers and the management process.

The parent holds the listening sockets and one pipe to each child. A child tells over its pipe that
it is ready; when the pipe closes, because the parent stops it or because the parent is gone,
however it died, the child stops. A child that dies is started again, later each time.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import Any

import structlog

from underseal_node.errors import ConfigurationError

__all__ = ["READY", "ChildSpec", "Supervisor"]

log = structlog.get_logger(__name__)

READY = "ready"
WAKEUP_BYTES = 64
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

START_SECONDS = 60.0
FIRST_RESTART_SECONDS = 0.5
MAX_RESTART_SECONDS = 30.0
# A child that has run so long starts again at once.
STABLE_SECONDS = 60.0


@dataclass(frozen=True)
class ChildSpec:
    """What one child process is to do.

    Attributes:
        name: for the log.
        module: run with `python -m`; it gets the number of its end of the pipe as argument.
        message: sent to it first; it is pickled.
        descriptors: files that it inherits under the same numbers.
        withheld: environment variables that it does not inherit.
    """

    name: str
    module: str
    message: Any
    descriptors: tuple[int, ...] = ()
    withheld: tuple[str, ...] = ()


@dataclass
class _Child:
    spec: ChildSpec
    process: subprocess.Popen[bytes] | None = None
    channel: Connection[Any, Any] | None = None
    is_ready: bool = False
    started_at: float = 0.0
    restart_at: float | None = None
    failures: int = 0
    complaint: tuple[str, str | None] | None = None


class Supervisor:
    """Starts children, replaces those that die, stops them all.

    Args:
        specs: what to run.
        grace_seconds: how long children may take to stop before they are killed.
    """

    def __init__(self, specs: Sequence[ChildSpec], *, grace_seconds: float) -> None:
        self._children = [_Child(spec) for spec in specs]
        self._grace_seconds = grace_seconds
        self._stopping = False
        self._wakeup_reader, self._wakeup_writer = os.pipe()
        for end in (self._wakeup_reader, self._wakeup_writer):
            os.set_blocking(end, False)

    def run(self, on_ready: Callable[[], None]) -> None:
        """Run until a signal asks to stop. Only for the main thread.

        Args:
            on_ready: called once, when every child is ready.

        Raises:
            ConfigurationError: a child could not start; its reason is the message.
        """
        # Written by the signal itself: one that comes just before the wait would not interrupt it,
        # and its handler would run only after it.
        woken_before = signal.set_wakeup_fd(self._wakeup_writer, warn_on_full_buffer=False)
        before = {number: signal.signal(number, self._on_signal) for number in STOP_SIGNALS}
        try:
            for child in self._children:
                self._start(child)
            self._await_ready()
            if not self._stopping:
                on_ready()
            while not self._stopping:
                self._step()
        finally:
            self._stop()
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(woken_before)
            os.close(self._wakeup_reader)
            os.close(self._wakeup_writer)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _start(self, child: _Child) -> None:
        ours, theirs = Pipe(duplex=True)
        spec = child.spec
        child.process = subprocess.Popen(
            [sys.executable, "-m", spec.module, str(theirs.fileno())],
            pass_fds=(theirs.fileno(), *spec.descriptors),
            env={name: value for name, value in os.environ.items() if name not in spec.withheld},
            stdin=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C is for the parent, which stops the children in order
        )
        theirs.close()
        child.channel, child.is_ready, child.restart_at = ours, False, None
        child.started_at = time.monotonic()
        try:
            ours.send(spec.message)
        except (BrokenPipeError, ConnectionResetError):
            log.error("process died at once", process=spec.name)  # noticed again when waiting

    def _await_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._stopping and not all(child.is_ready for child in self._children):
            self._receive(max(0.0, deadline - time.monotonic()))
            for child in self._children:
                if child.process is None:
                    message, hint = child.complaint or (
                        f"the process {child.spec.name} ended while starting",
                        "The log above says more.",
                    )
                    raise ConfigurationError(message, hint=hint)
            if time.monotonic() >= deadline:
                raise ConfigurationError(
                    f"the node did not get ready within {START_SECONDS:.0f} seconds"
                )

    def _step(self) -> None:
        """Wait for news, and start again what is due."""
        now = time.monotonic()
        due = [child.restart_at for child in self._children if child.restart_at is not None]
        self._receive(max(0.0, min(due) - now) if due else None)
        if self._stopping:
            return
        for child in self._children:
            if child.restart_at is not None and child.restart_at <= time.monotonic():
                self._start(child)

    def _receive(self, timeout_seconds: float | None) -> None:
        channels = {child.channel: child for child in self._children if child.channel is not None}
        for source in wait([*channels, self._wakeup_reader], timeout_seconds):
            if not isinstance(source, Connection):
                os.read(self._wakeup_reader, WAKEUP_BYTES)
                continue
            child = channels[source]
            try:
                message = source.recv()
            except (EOFError, ConnectionResetError):
                self._buried(child)
                continue
            if message == READY:
                child.is_ready = True
            else:
                child.complaint = message

    def _buried(self, child: _Child) -> None:
        """A child is gone (or about to be): plan its replacement."""
        assert child.process is not None and child.channel is not None  # noqa: S101, PT018
        child.channel.close()
        code = _ended(child.process, self._grace_seconds)
        child.process = child.channel = None
        if self._stopping:
            return
        ran_seconds = time.monotonic() - child.started_at
        child.failures = 0 if ran_seconds >= STABLE_SECONDS else child.failures + 1
        delay = restart_delay(child.failures)
        child.restart_at = time.monotonic() + delay
        log.error(
            "process ended, starting it again",
            process=child.spec.name,
            exit_code=code,
            delay_seconds=delay,
            reason=child.complaint or None,
        )

    def _stop(self) -> None:
        """Close the pipes, wait for the children, kill those that stay."""
        self._stopping = True
        running = [child.process for child in self._children if child.process is not None]
        for child in self._children:
            if child.channel is not None:
                child.channel.close()
        deadline = time.monotonic() + self._grace_seconds
        for process in running:
            _ended(process, max(0.0, deadline - time.monotonic()))


def restart_delay(failures: int) -> float:
    """Seconds until a process is started again, doubled with each failure up to a limit.

    Args:
        failures: how often it has ended soon after its start; 0: it ran for long.
    """
    # Bounded before it is computed: with a database that is away for a day there are thousands.
    doubled = 2.0 ** min(failures - 1, 32)
    return min(FIRST_RESTART_SECONDS * doubled, MAX_RESTART_SECONDS)


def _ended(process: subprocess.Popen[bytes], grace_seconds: float) -> int:
    """Wait for a process, kill it if it does not end by itself."""
    try:
        return process.wait(grace_seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
