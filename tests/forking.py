"""Nodes of tests that start quickly: forked from a process that has imported everything.

Three processes of a node spend four seconds of processor on importing the same modules, and each
command spends most of its time so. Forked, they run in processes of their own as ever, with real
sockets and files. How a node really starts is what tests of `serve`, of the demo, of the
documentation, of deployments and of faults and load are about: these do without.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

from tests.forking_server import MAX_MESSAGE_BYTES

from underseal_cli.demo_nodes import NodeProcess, Workbench

__all__ = ["QuickWorkbench"]

SERVER = Path(__file__).with_name("forking_server.py")
BEFORE = ["-m", "underseal_cli.main"]  # after the interpreter, in every command
CAN_FORK = Path("/proc/self/fd").exists()
ASKING = threading.Lock()  # one server, also for several threads


class QuickWorkbench(Workbench):
    """A workbench whose nodes and their commands are forked, where the machine can."""

    def node(self, name: str, **options: Any) -> NodeProcess:
        node = super().node(name, **options)
        if CAN_FORK:
            node.start_process = ForkedProcess  # type: ignore[assignment]
            node.run_process = run_forked
        return node


class ForkedProcess:
    """As `subprocess.Popen`, as far as nodes need it."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        stdin: int | IO[bytes],
        stdout: IO[bytes],
        stderr: int | IO[bytes],
        start_new_session: bool = False,
    ) -> None:
        assert list(command[1:3]) == BEFORE, command
        asked = {
            "arguments": command[3:],
            "environment": dict(env),
            "directory": str(cwd),
            "session": start_new_session,
        }
        self.returncode: int | None = None
        reader, writer = os.pipe()
        self._told = open(reader, "rb", buffering=0)  # noqa: SIM115 - until it has ended
        try:
            with open(os.devnull, "rb") as nothing:
                streams = [
                    (nothing if isinstance(stdin, int) else stdin).fileno(),
                    stdout.fileno(),
                    (stdout if isinstance(stderr, int) else stderr).fileno(),
                ]
                _ask(json.dumps(asked).encode(), [*streams, writer])
        finally:
            os.close(writer)
        word, number = self._read()
        assert word == b"pid", "it ended before it was there"
        self.pid = number

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        return self._awaited(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code.

        Raises:
            subprocess.TimeoutExpired: it has not ended yet.
        """
        code = self._awaited(timeout)
        if code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired("a forked command", timeout)
        return code

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            # The server may have noticed its end just now.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _awaited(self, seconds: float | None) -> int | None:
        if self.returncode is None:
            told = select.poll()  # unlike select(), for any descriptor
            told.register(self._told, select.POLLIN)
            if told.poll(None if seconds is None else 1000 * seconds):
                try:
                    _, self.returncode = self._read()
                except RuntimeError:
                    self.returncode = -signal.SIGKILL
                    os.kill(self.pid, signal.SIGKILL)
                    raise
                finally:
                    self._told.close()
        return self.returncode

    def _read(self) -> tuple[bytes, int]:
        line = self._told.readline()
        if not line:
            server.cache_clear()
            raise RuntimeError("the process that forks others has ended; its error is above")
        word, number = line.split()
        return word, int(number)


def _ask(question: bytes, descriptors: Sequence[int]) -> None:
    assert len(question) < MAX_MESSAGE_BYTES, len(question)
    with ASKING:
        try:
            socket.send_fds(server(), [question], descriptors)
        except OSError:
            server.cache_clear()
            socket.send_fds(server(), [question], descriptors)


def run_forked(
    command: Sequence[str], *, input: str, timeout: float, check: bool, **options: Any
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run` with text, as far as commands of nodes need it."""
    given = {name: options[name] for name in ("env", "cwd")}
    with (
        tempfile.TemporaryFile() as stdin,
        tempfile.TemporaryFile() as stdout,
        tempfile.TemporaryFile() as stderr,
    ):
        stdin.write(input.encode())
        stdin.seek(0)
        process = ForkedProcess(command, stdin=stdin, stdout=stdout, stderr=stderr, **given)
        try:
            code = process.wait(timeout)
        except BaseException:
            process.kill()
            process.wait()
            raise
        said = []
        for stream in (stdout, stderr):
            stream.seek(0)
            said.append(stream.read().decode())
    done = subprocess.CompletedProcess(command, code, *said)
    if check:
        done.check_returncode()
    return done


@cache
def server() -> socket.socket:
    """The socket of the process that forks; it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("UNDERSEAL_")}
    process = subprocess.Popen(
        [sys.executable, "-P", str(SERVER), str(theirs.fileno())],
        pass_fds=(theirs.fileno(),),
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    theirs.close()
    atexit.register(_end, process, ours)
    return ours


def _end(process: subprocess.Popen[bytes], channel: socket.socket) -> None:
    channel.close()
    process.wait(10)
