"""`serve` over real sockets: start, stop, kill, a port that is taken, TLS."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import Session

from underseal_node.home import Home
from underseal_node.metrics import exposition
from underseal_node.node import create_node, open_node
from underseal_node.publishing import publish
from underseal_node.store import audit_lists, grants, peers
from underseal_node.store.tables import KeyKind, Peer
from underseal_node.trust import audit
from underseal_node.trust.master_key import format_master_key
from underseal_protocol.disclosure import Level
from underseal_protocol.witness import Witnesses

SCRIPT = """
import json, sys
from underseal_node.errors import NodeError
from underseal_node.serve import run
try:
    run(sys.argv[1], **json.loads(sys.argv[2]), on_ready=lambda _: print("ready", flush=True))
except NodeError as error:
    sys.exit(error.diagnosis())
"""
SECONDS = 30.0
EXAMPLE = Path(__file__).parents[2] / "vectors" / "credential" / "footprint.json"


def eventually(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + SECONDS
    while not (result := condition()):
        assert time.monotonic() < deadline, f"not in {SECONDS:.0f} s: {what}"
        time.sleep(0.05)
    return result


@dataclass
class Served:
    """A node that runs in processes of its own."""

    home: Home
    process: subprocess.Popen[str]

    @property
    def running(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.home.run_file.read_text())
        return content

    @property
    def port(self) -> int:
        return int(self.running["public_address"].rpartition(":")[2])

    def client(self, **options: Any) -> httpx.Client:
        authority = self.home.tls / "development-ca.pem"
        context = ssl.create_default_context(cafile=authority) if authority.exists() else False
        scheme = "https" if authority.exists() else "http"
        return httpx.Client(
            base_url=f"{scheme}://localhost:{self.port}",
            verify=context,
            headers={"host": "localhost"},
            timeout=SECONDS,
            **options,
        )

    def children(self) -> list[int]:
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in found.split()]

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """`start(workers=2, ...)`: a node on free ports, ready."""
    with ExitStack() as stack:

        def launch(home: Home | None = None, *, wait: bool = True, **options: Any) -> Served:
            if home is None:
                home = create_node(
                    tmp_path / "home",
                    company_name="Node AG",
                    company_ids=["urn:lei:529900T8BM49AURSDO55"],
                    url="https://localhost",
                )
            options = {"host": "127.0.0.1", "port": 0, "manage_port": 0, **options}
            if not options.keys() & {"behind_proxy", "tls_cert"}:
                options.setdefault("dev_tls", True)
            process = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", SCRIPT, str(home.path), json.dumps(options)],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            stack.callback(process.kill)
            if wait:
                assert process.stdout is not None
                line = process.stdout.readline()
                assert line == "ready\n", process.communicate()[1]
            return Served(home, process)

        yield launch


pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")


def test_it_answers_over_tls_and_stops_without_a_trace(start: Callable[..., Served]) -> None:
    served = start(workers=2)
    assert served.running["pid"] == served.process.pid
    assert served.running["public_url"] == "https://localhost"
    children = served.children()
    assert len(children) == 3
    with served.client() as client:
        response = client.get("/.well-known/openid-configuration")
        assert response.status_code == 200
        assert "server" not in response.headers
        assert client.get("/3/footprints").status_code == 401
        eventually(lambda: b'route="/3/footprints"' in exposition(served.home.run), "counts")
    assert served.stop() == 0
    assert not served.home.run_file.exists()
    assert [pid for pid in children if is_alive(pid)] == []


def test_ctrl_c_stops_it_too(start: Callable[..., Served]) -> None:
    served = start()
    children = served.children()
    assert served.stop(signal.SIGINT) == 0
    assert [pid for pid in children if is_alive(pid)] == []


def test_children_do_not_outlive_a_killed_parent(start: Callable[..., Served]) -> None:
    served = start(workers=2)
    children = served.children()
    assert served.stop(signal.SIGKILL) == -signal.SIGKILL
    eventually(lambda: not any(map(is_alive, children)), "children end")
    # What it left behind does not keep it from starting again.
    again = start(served.home)
    assert again.running["pid"] == again.process.pid


def test_a_killed_worker_is_replaced(start: Callable[..., Served]) -> None:
    served = start(workers=1)
    before = served.children()
    os.kill(before[-1], signal.SIGKILL)
    eventually(
        lambda: len(served.children()) == len(before) and before[-1] not in served.children(),
        "a new worker",
    )
    with served.client() as client:
        assert client.get("/health").json() == {"status": "ok"}
    assert served.stop() == 0


def test_a_killed_node_loses_the_reads_of_a_second_at_most(
    start: Callable[..., Served], tmp_path: Path
) -> None:
    home, ids, token = with_footprints(tmp_path / "home", count=8)
    served = start(home, workers=2)
    bearer = {"authorization": f"Bearer {token}"}
    # A new connection each: so both workers get some.
    for footprint_id in ids[:6]:
        with served.client() as client:
            path = f"/3/footprints/{footprint_id}"
            assert client.get(path, headers={"host": "localhost", **bearer}).status_code == 200
    time.sleep(1.0)
    children = served.children()
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    served.stop(signal.SIGKILL)
    eventually(lambda: not any(map(is_alive, children)), "children end")
    assert read_of(home) == set(ids[:6])
    # In order, nothing is lost.
    again = start(home, workers=2)
    for footprint_id in ids[6:]:
        with again.client() as client:
            path = f"/3/footprints/{footprint_id}"
            assert client.get(path, headers={"host": "localhost", **bearer}).status_code == 200
    assert again.stop() == 0
    assert read_of(home) == set(ids)


def with_footprints(path: Path, count: int) -> tuple[Home, list[str], str]:
    """The home of a node with footprints, and a token of a peer that may see them."""
    home = create_node(
        path, company_name="Node AG", company_ids=["urn:lei:529900T8BM49AURSDO55"],
        url="https://localhost",
    )  # fmt: skip
    example = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    documents = [
        {**example, "id": str(uuid.uuid4()), "companyIds": ["urn:lei:529900T8BM49AURSDO55"],
         "productIds": [f"urn:pact:node.example:product-id:{number}"], "extensions": []}
        for number in range(count)
    ]  # fmt: skip
    node = open_node(home.path)
    try:
        file = ("file.json", json.dumps(documents).encode())
        made = asyncio.run(publish.import_files(node, [file], dry_run=False))
        assert made.problems == ()

        def befriend(session: Session) -> None:
            peer = peers.add(session, Peer(name="buyer", created_at=node.now()))
            peers.issue(session, peer.id or 0, "buyer", "-", node.now())
            grants.add(session, peer.id or 0, KeyKind.ALL, "", Level.FULL, node.now())

        node.store.write_sync(befriend)
        return (
            home,
            [one.id for one in made.footprints],
            node.access_tokens().issue("buyer", node.now()),
        )
    finally:
        node.close()


def read_of(home: Home) -> set[str]:
    """The footprints that the audit log says were read; what waits for it is put in."""
    node = open_node(home.path)
    try:
        asyncio.run(audit.append_all(node))
        checked = node.store.read_sync(lambda session: audit.check(session, Witnesses()))
        assert checked.problems == []
        found = node.store.read_sync(audit_lists.recent)
        reads = [one for one in found if one["act"] == "footprints-read"]
        return {footprint_id for one in reads for footprint_id in one["footprints"]["ids"]}
    finally:
        node.close()


def test_a_taken_port_is_named(start: Callable[..., Served]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        served = start(wait=False, port=port)
        _, error = served.process.communicate(timeout=SECONDS)
    assert served.process.returncode == 1
    assert f"port {port}: another program listens there" in error
    assert "Traceback" not in error
    assert not served.home.run_file.exists()


def test_a_second_serve_on_the_same_home_is_refused(start: Callable[..., Served]) -> None:
    served = start()
    second = start(served.home, wait=False)
    _, error = second.process.communicate(timeout=SECONDS)
    assert second.process.returncode == 1
    assert "is running already" in error
    with served.client() as client:
        assert client.get("/health").status_code == 200


@pytest.mark.parametrize(
    "options",
    [
        {"dev_tls": False},
        {"dev_tls": True, "behind_proxy": True},
        {"tls_cert": "missing.pem", "tls_key": "missing.pem"},
    ],
)
def test_without_a_usable_certificate_it_does_not_start(
    start: Callable[..., Served], options: dict[str, Any]
) -> None:
    served = start(wait=False, **options)
    _, error = served.process.communicate(timeout=SECONDS)
    assert served.process.returncode == 1
    assert "certificate" in error
    assert "Traceback" not in error


def test_plain_http_is_not_answered_on_the_public_listener(start: Callable[..., Served]) -> None:
    served = start()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{served.port}/health", timeout=5)


def test_old_tls_is_refused(start: Callable[..., Served]) -> None:
    served = start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the old versions themselves
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", served.port), timeout=5) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain, server_hostname="localhost")


def test_plain_http_behind_a_proxy(start: Callable[..., Served]) -> None:
    served = start(behind_proxy=True, trusted_proxies=["127.0.0.1"])
    with served.client() as client:
        assert client.get("/.well-known/jwks.json").status_code == 200
        from_http = {"x-forwarded-proto": "http"}
        assert client.get("/.well-known/jwks.json", headers=from_http).status_code == 400
        for_other = {"x-forwarded-host": "evil.example"}
        assert client.get("/.well-known/jwks.json", headers=for_other).status_code == 421


def test_a_wrong_master_key_is_told_in_words(start: Callable[..., Served], tmp_path: Path) -> None:
    home = create_node(
        tmp_path / "wrong-key",
        company_name="Cathode Works",
        company_ids=["urn:lei:529900T8BM49AURSDO55"],
        url="https://localhost",
    )
    for _ in range(3):  # which of the processes complains first is a matter of chance
        home.master_key_file.write_bytes(format_master_key(os.urandom(32)))
        served = start(home, wait=False)
        _, error = served.process.communicate(timeout=SECONDS)
        assert served.process.returncode == 1
        assert "Traceback" not in error
        assert "cannot be decrypted with this master key\nRestore the master key" in error


def test_only_the_management_process_inherits_the_master_key(
    start: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = format_master_key(os.urandom(32)).decode().strip()
    monkeypatch.setenv("UNDERSEAL_MASTER_KEY", key)
    served = start(workers=2)
    assert not served.home.master_key_file.exists()
    with served.client() as client:
        assert client.get("/.well-known/jwks.json").status_code == 200
    environments = [Path(f"/proc/{pid}/environ").read_bytes() for pid in served.children()]
    assert len(environments) == 3
    assert [key.encode() in one for one in environments].count(True) == 1
    headers = {"authorization": f"Bearer {served.home.operator_token()}"}
    with httpx.Client(base_url=served.running["manage_url"], headers=headers) as manage:
        with_key = manage.post("/backup", json={"passphrase": "correct horse battery"})
        assert with_key.status_code == 200
    assert served.stop() == 0
    _, logged = served.process.communicate()
    assert key not in logged


def say(served: Served, *parts: bytes) -> bytes:
    """What a running node answers to bytes over TLS, until it closes."""
    context = ssl.create_default_context(cafile=served.home.tls / "development-ca.pem")
    with (
        socket.create_connection(("127.0.0.1", served.port), SECONDS) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        answer = b""
        try:
            for part in parts:
                secure.sendall(part)
            while part := secure.recv(65536):
                answer += part
        except OSError:  # closed while we were sending, or instead of an answer
            pass
    return answer


def test_the_limits_of_http_hold_in_a_running_node(
    start: Callable[..., Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSEAL_MAX_CONNECTIONS_PER_ADDRESS", "5")
    served = start()
    get = b"GET /.well-known/jwks.json HTTP/1.1\r\nhost: localhost\r\n"
    last = b"connection: close\r\n\r\n"
    assert say(served, get + last).startswith(b"HTTP/1.1 200")
    assert say(served, get + b"a: b\r\n" * 300 + last).startswith(b"HTTP/1.1 431")
    assert b"200 OK" not in say(served, get, *[b"a" * 10_000] * 20)
    assert say(served, b"\0\1\2\r\n\r\n").startswith(b"HTTP/1.1 400")
    form = b"content-type: application/x-www-form-urlencoded\r\n"
    post = b"POST /auth/token HTTP/1.1\r\nhost: localhost\r\n" + form
    assert b'"invalid_request"' in say(served, post + b"content-length: 99999999\r\n" + last)
    chunked = b"transfer-encoding: chunked\r\n" + last
    answer = say(served, post + chunked, *[b"2000\r\n" + b"x" * 0x2000 + b"\r\n"] * 10)
    assert answer == b"" or b'"invalid_request"' in answer
    held = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(5)]
    context = ssl.create_default_context(cafile=served.home.tls / "development-ca.pem")
    secured = [context.wrap_socket(one, server_hostname="localhost") for one in held]
    time.sleep(0.2)
    assert say(served, get + last) == b""
    for one in secured:
        one.close()
    eventually(lambda: say(served, get + last).startswith(b"HTTP/1.1 200"), "places are free again")
    (worker, _) = served.children()
    limits = Path(f"/proc/{worker}/limits").read_text()
    soft, hard = re.search(r"Max open files +(\S+) +(\S+)", limits).groups()  # type: ignore[union-attr]
    assert "unlimited" in (soft, hard) or int(soft) >= min(65_536, int(hard))
    assert served.stop() == 0
