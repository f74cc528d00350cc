"""The process that `tests.forking` asks for others: it has imported everything, and forks itself.

`python -P forking_server.py FD`, where FD is a socket. A message is one JSON document with the
arguments of a command of Underseal, its environment and its directory; with it come standard input,
output and error, and the end of a pipe to which `pid N` is written once the process is there, and
`end CODE` at last.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

PACKAGES = ("underseal_protocol", "underseal_node", "underseal_cli")
# Imported late by libraries, and by every node.
LATE = (
    "uvicorn.lifespan.on",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
    "encodings.idna",
)
MAX_MESSAGE_BYTES = 1 << 17  # of an AF_UNIX packet, arguments and environment
WAKEUP_BYTES = 64


def main(descriptor: int) -> int:
    """Serve until nobody is at the other end."""
    _import_everything()
    gc.collect()
    gc.freeze()
    channel = socket.socket(fileno=descriptor)
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    status_ends: dict[int, int] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        selector.register(reader, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not channel:
                    os.read(reader, WAKEUP_BYTES)
                elif not _serve_one(channel, status_ends):
                    _stop(status_ends)
                    return 0
            _tell_who_has_ended(status_ends)


def _serve_one(channel: socket.socket, status_ends: dict[int, int]) -> bool:
    """Fork once; False if nobody asks any more."""
    message, descriptors, *_ = socket.recv_fds(channel, MAX_MESSAGE_BYTES, 4)
    if not message:
        return False
    *streams, status_end = descriptors
    pid = os.fork()
    if pid == 0:
        _end_with(lambda: _run(json.loads(message), streams, status_end))
    for one in streams:
        os.close(one)
    status_ends[pid] = status_end
    return True


def _tell_who_has_ended(status_ends: dict[int, int]) -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            end = status_ends.pop(pid)
            _tell(end, "end", os.waitstatus_to_exitcode(status))
            os.close(end)


def _tell(end: int, word: str, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(end, f"{word} {number}\n".encode())


def _stop(pids: Iterable[int]) -> None:
    """End what is still there: whoever started it is gone. A node ends its own processes."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _run(asked: Mapping[str, Any], streams: Sequence[int], status_end: int) -> int:
    """What `python -m underseal_cli.main` would do, from its start to its end."""
    from underseal_cli.main import main as command
    from underseal_node import supervisor

    if asked["session"]:
        os.setsid()
    _fresh_signals()
    _tell(status_end, "pid", os.getpid())
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    _close_all_but({0, 1, 2})
    _standard_streams()
    _environment(asked["environment"])
    os.chdir(asked["directory"])
    sys.argv = ["underseal", *asked["arguments"]]
    setattr(supervisor, "subprocess", _SubprocessOfSupervisor)  # noqa: B010 - not its to export
    return command()


class _SubprocessOfSupervisor:
    """What the supervisor of a node needs of the module of that name, with children forked."""

    DEVNULL = subprocess.DEVNULL
    TimeoutExpired = subprocess.TimeoutExpired

    class Popen:
        """A child of a node."""

        def __init__(
            self,
            command: Sequence[str],
            *,
            pass_fds: Sequence[int],
            env: Mapping[str, str],
            stdin: int,
            process_group: int,
        ) -> None:
            from underseal_node import process

            assert command[1:3] == ["-m", process.MODULE]
            assert (stdin, process_group) == (subprocess.DEVNULL, 0)
            self.returncode: int | None = None
            # What is garbage now would close files of the child later.
            gc.collect()
            self.pid = os.fork()
            if self.pid == 0:
                _end_with(lambda: _run_child(int(command[3]), pass_fds, env))

        def wait(self, timeout: float | None = None) -> int:
            """Its exit code.

            Raises:
                subprocess.TimeoutExpired: it has not ended yet.
            """
            deadline = None if timeout is None else time.monotonic() + timeout
            while self.returncode is None:
                pid, status = os.waitpid(self.pid, 0 if deadline is None else os.WNOHANG)
                if pid:
                    self.returncode = os.waitstatus_to_exitcode(status)
                elif deadline is not None and time.monotonic() > deadline:
                    assert timeout is not None
                    raise subprocess.TimeoutExpired("a process of the node", timeout)
                else:
                    time.sleep(0.01)
            return self.returncode

        def kill(self) -> None:
            if self.returncode is None:
                os.kill(self.pid, signal.SIGKILL)


def _run_child(descriptor: int, inherited: Sequence[int], environment: Mapping[str, str]) -> int:
    """What `python -m underseal_node.process` would do."""
    from underseal_node import process

    os.setpgid(0, 0)
    _fresh_signals()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    _close_all_but({0, 1, 2, *inherited})
    _standard_streams()
    _environment(environment)
    return process.main(descriptor)


def _end_with(run: Callable[[], int]) -> None:
    """Run, and end as an interpreter would, without what the parent wanted to do at its own end."""
    code = 1
    try:
        code = run()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            threading._shutdown()  # type: ignore[attr-defined]
            for stream in (sys.stdout, sys.stderr):
                with contextlib.suppress(OSError, ValueError):
                    stream.flush()
        finally:
            os._exit(code)


def _fresh_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _close_all_but(kept: set[int]) -> None:
    for entry in os.listdir("/proc/self/fd"):
        if int(entry) not in kept:
            with contextlib.suppress(OSError):  # what listed them
                os.close(int(entry))


def _standard_streams() -> None:
    """As a new interpreter opens them, unbuffered."""
    reader = io.BufferedReader(io.FileIO(0, closefd=False))
    sys.stdin = io.TextIOWrapper(reader, "utf-8", newline="\n")
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(
            io.FileIO(number, "wb", closefd=False), "utf-8", errors, write_through=True
        )
        for number, errors in ((1, "strict"), (2, "backslashreplace"))
    )


def _environment(variables: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()


def _import_everything() -> None:
    for name in PACKAGES:
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if ".migrations" not in found.name:
                importlib.import_module(found.name)
    for name in LATE:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
