"""No secret of a running node is on its disk in the clear, nor in its logs, answers and backups.

Two real nodes with all that they write, at the level of the log that says most; killed in the end,
so that the write-ahead log of the database is still there. `tests/node/test_canary_secrets.py` does
the same in memory, with failures that are hard to cause from outside.
"""

from __future__ import annotations

import base64
import gzip
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import pytest
from tests.integration.test_faults import befriend

from underseal_cli.demo_nodes import NodeProcess, Workbench
from underseal_node.node import open_node
from underseal_node.trust.keyring import VAULT_PURPOSE
from underseal_node.trust.master_key import MASTER_KEY_VARIABLE, read_master_key

VERBOSE = {"log_level": "debug", "access_log": "true"}
COMPANY = "urn:lei:529900T8BM49AURSDO55"
FOOTPRINT = Path(__file__).parents[1] / "vectors" / "credential" / "footprint.json"
PASSPHRASE = "cAnArY-passphrase-5d07"
WRONG_SECRET = "cAnArY-wrong-secret-91c2"
WRONG_TOKEN = "eyJhbGciOiJub25lIn0.cAnArY-token-4b1f.x"
GRANT = {"grant_type": "client_credentials"}


class Canaries:
    """Secrets in every form in which they could be found again."""

    def __init__(self) -> None:
        self.forms: dict[str, set[bytes]] = {}

    def text(self, name: str, secret: str) -> None:
        shown = {secret, quote(secret), quote_plus(secret), json.dumps(secret)[1:-1]}
        encoded = base64.b64encode(secret.encode()).rstrip(b"=")
        self.forms[name] = {one.encode() for one in shown} | {encoded}

    def key(self, name: str, secret: bytes) -> None:
        encoded = {base64.b64encode(secret), base64.urlsafe_b64encode(secret)}
        self.forms[name] = {secret, secret.hex().encode(), *(one.rstrip(b"=") for one in encoded)}

    def found_in(self, content: bytes) -> list[str]:
        return [name for name, forms in self.forms.items() if any(one in content for one in forms)]


@pytest.fixture
def nodes(workbench: Workbench) -> tuple[NodeProcess, NodeProcess]:
    """A seller with its master key in the environment, and a buyer with a file."""
    key = {"master_key": base64.b64encode(bytes(range(7, 39))).decode()}
    seller = workbench.node("seller", settings=VERBOSE | key)
    buyer = workbench.node("buyer", settings=VERBOSE)
    for node in (seller, buyer):
        node.init(node.name, [COMPANY])
        node.start("--workers", "2")
    return seller, buyer


def secrets_of(node: NodeProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, bytes]]:
    """The master key and every private key."""
    if MASTER_KEY_VARIABLE in node.environment:
        monkeypatch.setenv(MASTER_KEY_VARIABLE, node.environment[MASTER_KEY_VARIABLE])
    opened = open_node(node.home)
    try:
        yield f"master key of {node.name}", read_master_key(opened.home, opened.settings)
        for purpose in VAULT_PURPOSE:
            private = opened.signing_key(purpose).private_key.private_numbers().private_value
            yield f"{purpose} key of {node.name}", private.to_bytes(32, "big")
    finally:
        opened.close()
        monkeypatch.delenv(MASTER_KEY_VARIABLE, raising=False)


def misuse(workbench: Workbench, node: NodeProcess, client_id: str, secret: str) -> list[bytes]:
    """What somebody sends who guesses and errs, and what is said to that."""
    answers = []
    with httpx.Client(base_url=node.url, verify=workbench.client_context()) as client:
        right = client.post("/auth/token", data=GRANT, auth=(client_id, secret))
        token = right.json()["access_token"]
        for _ in range(8):
            answers.append(client.post("/auth/token", data=GRANT, auth=(client_id, WRONG_SECRET)))
        assert answers[-1].status_code == 429
        bodies = [
            {"data": GRANT | {"client_id": secret, "client_secret": secret}},
            {"data": {"grant_type": secret}, "auth": (client_id, secret)},
            {"content": secret, "headers": {"authorization": secret}},
        ]
        answers += [client.post("/auth/token", **body) for body in bodies]  # type: ignore[arg-type]
        for bearer in (WRONG_TOKEN, token + "x", secret):
            headers = {"authorization": f"Bearer {bearer}"}
            answers.append(client.get("/3/footprints", headers=headers))
        headers = {"authorization": f"Bearer {token}"}
        answers.append(client.post("/3/events", headers=headers, content=secret))
        for name in ("client_secret", "access_token", "password"):
            answers.append(client.get(f"/auth/token?x=1&{name}={quote(secret)}"))
        assert all(400 <= answer.status_code < 500 for answer in answers)
    return [token.encode(), *(b"%r" % answer.headers + answer.content for answer in answers)]


@pytest.mark.sqlite("its file and its write-ahead log are what is looked into")
def test_no_secret_of_a_running_node_is_found_anywhere(
    workbench: Workbench, nodes: tuple[NodeProcess, NodeProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    seller, buyer = nodes
    canaries = Canaries()
    befriend(workbench, buyer, seller)
    issued = seller.json("peer", "credentials", "sender", "--renew")
    file = workbench.directory / "secret"
    file.write_text(issued["client_secret"])
    renewed = ("--client-id", issued["client_id"], "--client-secret-file", str(file))
    buyer.json("peer", "set", "receiver", *renewed)
    seller.run("grant", "add", "sender", "--all")
    seller.run("footprint", "import", str(FOOTPRINT))
    (pulled,) = buyer.json("pull", "receiver")["data"]
    assert pulled["verified"] == 1
    token, *answers = misuse(workbench, seller, issued["client_id"], issued["client_secret"])

    file.write_text(PASSPHRASE)
    archives = [workbench.directory / "with-key.backup", workbench.directory / "without.backup"]
    seller.run("backup", str(archives[0]), "--with-key", "--passphrase-file", str(file))
    seller.run("backup", str(archives[1]))
    metrics = [node.run("doctor", check=False).stdout.encode() for node in nodes]
    for node in nodes:
        operator = (node.home / "secrets" / "operator.token").read_text().strip()
        canaries.text(f"operator token of {node.name}", operator)
        manage = f"http://127.0.0.1:{node.manage_port}"
        with httpx.Client(base_url=manage, headers={"authorization": f"Bearer {operator}"}) as one:
            metrics.append(one.get("/metrics").content)
            metrics.append(one.post("/peers", json={"name": "/", "clientSecret": "x"}).content)
        node.kill()

    assert (seller.home / "underseal.db-wal").stat().st_size > 0
    assert list((seller.home / "secrets").iterdir()) == [seller.home / "secrets" / "operator.token"]
    written = {file: file.read_bytes() for node in nodes for file in kept_files(node)}
    with sqlite3.connect(seller.home / "underseal.db") as database:
        assert database.execute("SELECT count(*) FROM auth_failure").fetchone()[0] > 0
    database.close()
    for node in nodes:
        for name, secret in secrets_of(node, monkeypatch):
            canaries.key(name, secret)
    canaries.text("issued secret", issued["client_secret"])
    canaries.text("access token", token.decode())
    canaries.text("passphrase", PASSPHRASE)
    canaries.text("wrong secret", WRONG_SECRET)
    canaries.text("wrong token", WRONG_TOKEN)

    assert len(canaries.forms) > 15
    leaks = {str(file): canaries.found_in(content) for file, content in written.items()}
    assert {file: found for file, found in leaks.items() if found} == {}
    for archive in archives:
        assert canaries.found_in(gzip.decompress(archive.read_bytes())) == []
    for content in [*answers, *metrics]:
        assert canaries.found_in(content) == [], content
    assert b"failed authentications are slowed" in written[seller.log_file]


def kept_files(node: NodeProcess) -> list[Path]:
    """All that a node has written, but for the files whose purpose is to hold a secret."""
    inside = [one for one in node.home.rglob("*") if one.is_file()]
    return [one for one in inside if one.parent.name != "secrets"] + [node.log_file]


def test_a_secret_would_be_found() -> None:
    canaries = Canaries()
    canaries.key("key", bytes(range(32)))
    canaries.text("text", "a/secret+of=mine")
    for name, forms in canaries.forms.items():
        assert len(forms) >= 3
        for form in forms:
            assert canaries.found_in(b"before " + form + b" behind") == [name]
