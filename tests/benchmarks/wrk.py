"""The client: `wrk` with one thread and 32 connections, on the core of the clients."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.stored import HOST

CONNECTIONS = 32
CLIENT_CORE = 1
LONG_SECONDS = 3600
LINES_OF_FUNCTION = 1000
ATTEMPTS = 5
GRACE_SECONDS = 60
INSTALL = "wrk is needed: `apt-get install wrk`, `brew install wrk`, or see the wrk project"

Request = tuple[str, str]
"""Path and token."""


@dataclass(frozen=True)
class Load:
    """What wrk found."""

    requests: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float


def is_there() -> bool:
    return shutil.which("wrk") is not None and shutil.which("taskset") is not None


def wrk(
    address: str, requests: Iterable[Request], seconds: float, *, is_refused: bool = False
) -> Load:
    """Send these requests in turn, over and over; all are answered or refused."""
    with tempfile.TemporaryDirectory() as directory:
        script = Path(directory) / "requests.lua"
        script.write_text(_script(requests), encoding="utf-8")
        output, sent = "", 0
        for attempt in range(ATTEMPTS):  # on a busy machine, a short run may bring nothing
            output = _run(address, script, seconds * 2**attempt)
            sent = int(_found(r"(\d+) requests in", output)[0])
            if sent > 0:
                break
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    assert sent > 0, output
    assert int(refused[1] if refused else "0") == (sent if is_refused else 0), output
    assert "Socket errors" not in output, output
    return Load(
        sent,
        float(_found(r"Requests/sec:\s+([\d.]+)", output)[0]),
        *(_milliseconds(*_found(rf"{p}%\s+([\d.]+)(us|ms|s)", output)) for p in (50, 99)),
    )


def _script(requests: Iterable[Request]) -> str:
    lines = [
        f'r[{number}] = wrk.format("GET", "{path}", '
        f'{{Host="{HOST}", Authorization="Bearer {token}"}})'
        for number, (path, token) in enumerate(requests, 1)
    ]
    # Lua allows so many constants in one function only: the requests are in several.
    functions = [
        "(function()\n" + "\n".join(lines[n : n + LINES_OF_FUNCTION]) + "\nend)()"
        for n in range(0, len(lines), LINES_OF_FUNCTION)
    ]
    return (
        "r = {}\n"
        + "init = function() wrk.headers = {}\n"
        + ";\n".join(functions)
        + "\nend\nlocal i = 0\nrequest = function() i = i % #r + 1 return r[i] end\n"
    )


def _run(address: str, script: Path, seconds: float) -> str:
    """Its output. It counts whole seconds; of a shorter run it says, interrupted, what it has."""
    is_whole = seconds >= 1
    duration = round(seconds) if is_whole else LONG_SECONDS
    command = ["taskset", "-c", str(CLIENT_CORE), "wrk", "-t1", f"-c{CONNECTIONS}"]
    command += [f"-d{duration}s", "--latency", "-s", str(script), address]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if not is_whole:
            time.sleep(seconds)
            _interrupt(process)
        output, complaint = process.communicate(timeout=duration + GRACE_SECONDS)
    finally:
        process.kill()
    if process.returncode == -signal.SIGINT:
        return "0 requests in"  # it had not begun
    assert process.returncode == 0, output + complaint
    return output


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Until it ends: what comes just before it waits is remembered, and does not wake it."""
    deadline = time.monotonic() + GRACE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)


def _found(pattern: str, output: str) -> tuple[str, ...]:
    found = re.search(pattern, output)
    assert found, output
    return found.groups()


def _milliseconds(number: str, unit: str) -> float:
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def fetch(address: str, path: str, token: str) -> tuple[int, bytes]:
    """Status and body."""
    headers = {"Host": HOST, "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(address + path, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()
