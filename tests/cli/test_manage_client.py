"""What the command says when the node is not as it should be."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.conftest import Market, Run

Serve = Callable[[socket.socket], None]


@contextmanager
def listener(*answers: bytes | None) -> Iterator[str]:
    """Something at an address that is not a node: it answers call by call, or hangs up.

    Yields:
        Its URL.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for answer in answers:
                try:
                    connection, _ = server.accept()
                except OSError:  # closed
                    return
                with connection:
                    read_request(connection)
                    if answer is not None:
                        connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def read_request(connection: socket.socket) -> None:
    """All of it: what is left unread would break the connection before the answer is read."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
    while length is not None and len(body) < int(length[1]):
        body += connection.recv(65536)


def http(status: str, body: str, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose node file can be written by the test."""
    home = tmp_path / "home"
    for name in ("run", "secrets"):
        (home / name).mkdir(parents=True)
    (home / "underseal.toml").touch()
    (home / "secrets" / "operator.token").write_text("token\n", encoding="ascii")
    return home


def says_it_listens_at(home: Path, content: object) -> None:
    (home / "run" / "node.json").write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (None, "the connection to the node broke"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
            "the connection to the node broke",
        ),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "the connection to the node broke"),
        (http("200 OK", "<html>"), "what answers at the management address is not this node"),
        (http("404 Not Found", "<html>"), "what answers at the management address is not this"),
        (http("500 Oops", '{"error": 1}'), "what answers at the management address is not this"),
        (
            http("302 Found", "", "Location: http://127.0.0.1:1/"),
            "what answers at the management address is not this node",
        ),
        (http("409 Conflict", '{"message": "no", "hint": "Do that."}'), "Error: no\nDo that.\n"),
        (http("401 No", '{"message": "token"}'), "does not accept the operator token"),
    ],
)
def test_what_answers_is_not_what_was_expected(
    run: Run, home: Path, answer: bytes | None, named: str
) -> None:
    with listener(answer) as url:
        says_it_listens_at(home, {"manage_url": url})
        done = run("peer", "list", "--json", home=home)
    assert (done.status, done.out) == (1, "")
    assert named in done.err
    assert "token\n" not in done.err


@pytest.mark.parametrize(
    "content",
    [
        {"manage_url": "http://127.0.0.1:1"},
        {"manage_url": "https://127.0.0.1:1"},
        {"manage_url": "nonsense"},
        {"manage_url": 1},
        {},
        [],
        None,
    ],
)
def test_a_node_that_is_not_there_any_more(run: Run, home: Path, content: object) -> None:
    says_it_listens_at(home, content)
    done = run("peer", "list", home=home)
    assert done.status == 1
    assert "is not running" in done.err


def test_a_token_that_cannot_be_read(run: Run, home: Path) -> None:
    says_it_listens_at(home, {"manage_url": "http://127.0.0.1:1"})
    for content in ("", "a\nb", "é"):
        (home / "secrets" / "operator.token").write_text(content, encoding="utf-8")
        done = run("peer", "list", home=home)
        assert done.status == 1
        assert "cannot be read" in done.err
        assert "as the user that runs the node" in done.err


def test_what_was_published_before_the_node_went_away_is_told(
    run: Run, home: Path, tmp_path: Path
) -> None:
    published = {
        "dryRun": False,
        "published": 1,
        "unchanged": 0,
        "refused": 0,
        "footprints": [
            {
                "id": "4711",
                "productNameCompany": "spring",
                "file": "a.json",
                "outcome": "published",
                "findings": [],
            }
        ],
        "problems": [],
        "notified": [],
    }
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file in files:
        file.write_text("{}", encoding="utf-8")
    with listener(http("200 OK", json.dumps(published)), None) as url:
        says_it_listens_at(home, {"manage_url": url})
        done = run("footprint", "import", *files, home=home)
    assert done.status == 1
    assert "4711  published  spring" in done.out
    assert "the connection to the node broke" in done.err


@pytest.mark.xdist_group("cli")
def test_proxies_of_the_environment_are_not_asked(
    run: Run, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token must not travel to a proxy."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert run("peer", "list", home=market.seller.home).status == 0


@pytest.mark.xdist_group("cli")
class TestWithANode:
    """Against a node that runs."""

    def test_the_token_of_another_home_is_refused(
        self, run: Run, market: Market, home: Path
    ) -> None:
        content = (market.seller.home / "run" / "node.json").read_text(encoding="utf-8")
        (home / "run" / "node.json").write_text(content, encoding="utf-8")
        done = run("peer", "list", home=home)
        assert done.status == 1
        assert f"does not accept the operator token in {home}" in done.err

    @pytest.mark.parametrize(
        "name", ["../footprints", "a/b", "a?b#c", "..", "名前", "a b", "%2e", "x" * 300]
    )
    def test_odd_names_reach_the_node_as_they_are(
        self, run: Run, market: Market, name: str
    ) -> None:
        done = run("peer", "show", name, home=market.seller.home)
        assert (done.status, done.out) == (1, "")
        assert done.err.startswith("Error: ")

    def test_a_download_that_is_refused_leaves_no_file(
        self, run: Run, market: Market, tmp_path: Path
    ) -> None:
        file = tmp_path / "node.backup"
        done = run("backup", file, "--with-key", home=market.seller.home, stdin="short\n")
        assert done.status == 1
        assert "passphrase" in done.err
        assert list(tmp_path.glob("*node*")) == []
