"""A small supplier without a public address, reached through a tunnel that it opens outwards."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.reverse_tunnel import Loop, PublicEnd, Tunnel

from underseal_cli.demo_nodes import NodeProcess, Workbench

pytestmark = [pytest.mark.timeout(300), pytest.mark.xdist_group("tunnel")]

PATIENCE_SECONDS = 60.0
QUICK = {
    "approval_poll_seconds": "0.2",
    "outbox_first_retry_seconds": "0.2",
    "outbox_max_retry_seconds": "1",
    "http_timeout_seconds": "5",
}


class HiddenNode(NodeProcess):
    """Speaks plain HTTP on the loopback address, and nothing else."""

    def launch(self, *options: str) -> None:
        command = self.command(
            *("serve", "--behind-proxy", "--host", "127.0.0.1", "--port", str(self.port)),
            *("--manage-port", str(self.manage_port), *options),
        )
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health", headers={"Host": self.url.split("//")[1]})
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()


class Stage:
    """A customer, a supplier that nobody can call, and the machine with the public name."""

    def __init__(self, bench: Workbench, loop: Loop) -> None:
        public_port, tunnel_port = bench.free_port(), bench.free_port()
        self.pack = bench.node("pack", settings=QUICK)
        self.cathode = HiddenNode(
            "cathode",
            bench.directory,
            port=bench.free_port(),
            manage_port=bench.free_port(),
            environment=bench.environment()
            | {f"UNDERSEAL_{name.upper()}": value for name, value in QUICK.items()},
            public_port=public_port,
        )
        bench.nodes["cathode"] = self.cathode
        self.pack.init("Harzquell Akkupack GmbH", ["urn:lei:999900HARZQUELLAKK54"])
        self.cathode.init("Wierzbolit Katody", ["urn:lei:999900WIERZBOLITKA02"])
        bench.start_all()
        self._loop, self._tunnel_port = loop, tunnel_port
        self.public = PublicEnd(public_port, tunnel_port, bench.server_context())
        loop.run(self.public.open())

    @contextlib.contextmanager
    def tunnel(self) -> Iterator[None]:
        """The supplier has its tunnel open."""
        tunnel = Tunnel(self._tunnel_port, self.cathode.port)
        self._loop.run(tunnel.open())
        try:
            yield
        finally:
            self._loop.run(tunnel.close())

    def doctor(self) -> tuple[int, dict[str, Any]]:
        """What the supplier is told of its node: the status, and each check."""
        done = self.cathode.run("doctor", "--json", check=False)
        return done.returncode, {one["name"]: one for one in self.cathode.look("/doctor")["data"]}


@pytest.fixture
def stage(workbench: Workbench) -> Iterator[Stage]:
    with Loop() as loop:
        made = Stage(workbench, loop)
        yield made
        loop.run(made.public.close())


def wait_until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.1)


def error_of(node: NodeProcess, peer: str) -> str | None:
    """Of a pull."""
    done = node.run("pull", peer, "--json", check=False)
    assert "Traceback" not in done.stderr
    error: str | None = json.loads(done.stdout)["data"][0].get("error")
    return error


def events(node: NodeProcess) -> list[str]:
    return [one["state"] for one in node.look("/outbox")["data"]]


def test_from_the_invitation_to_events_that_wait(stage: Stage, battery: Path) -> None:
    pack, cathode = stage.pack, stage.cathode
    own = sorted(map(str, (battery / "footprints" / "wierzbolit").glob("*.json")))
    theirs = sorted(map(str, (battery / "footprints" / "harzquell").glob("*.json")))

    # Nobody can call the supplier. It can accept, and notices the approval by itself.
    status, checks = stage.doctor()
    assert status == 1
    assert checks["address"]["result"] == "problem"
    assert "answers 502" in checks["address"]["message"]
    assert "is the tunnel up" in checks["address"]["hint"]
    link = pack.json("peer", "invite", "cathode")["link"]
    accepted = cathode.json("peer", "accept", link, "--name", "pack")
    assert accepted["peer"]["state"] == "pending"
    refused = pack.run("peer", "approve", "cathode", check=False)
    assert refused.returncode == 1
    assert "nobody at" in refused.stderr
    words = cathode.look("/node")["fingerprint"]["words"]
    assert f"\n  their words   {words}\n  our words     " in refused.stderr
    approved = pack.run("peer", "approve", "cathode", "--words", words)
    assert "could not be told yet; its node asks by itself" in approved.stderr
    wait_until(lambda: cathode.look("/peers/pack")["state"] == "active")

    # It can pull and be told nothing; it cannot be pulled from.
    pack.run("footprint", "import", *theirs)
    pack.run("grant", "add", "cathode", "--all")
    cathode.run("footprint", "import", *own)
    cathode.run("grant", "add", "pack", "--all", "--level", "quality")
    assert error_of(cathode, "pack") is None
    assert {one["verification"] for one in cathode.look("/received")["data"]} == {"verified"}
    assert "502" in (error_of(pack, "cathode") or "")

    # The tunnel is up: everything works, in both directions.
    with stage.tunnel():
        status, checks = stage.doctor()
        assert status == 0, checks
        assert all(checks[name]["result"] == "ok" for name in ("address", "keys", "discovery"))
        assert error_of(pack, "cathode") is None
        assert len(pack.look("/received")["data"]) == len(own)
        wait_until(lambda: set(events(pack)) <= {"delivered"})
        pack.run("peer", "rotate", "cathode")

    # It is down: events wait, and are delivered when it is back.
    request = pack.json("request", "send", "cathode", "--product-id", "urn:gtin:4712345060507")
    time.sleep(1)
    assert "pending" in events(pack)
    assert cathode.look("/requests?direction=incoming")["data"] == []
    refused = pack.run("peer", "rotate", "cathode", check=False)
    assert refused.returncode == 1
    with stage.tunnel():
        wait_until(lambda: set(events(pack)) <= {"delivered"})
        wait_until(lambda: len(cathode.look("/requests?direction=incoming")["data"]) == 1)
        (incoming,) = cathode.look("/requests?direction=incoming")["data"]
        cathode.run("request", "reject", str(incoming["id"]), "--reason", "we do not make that")
        wait_until(lambda: pack.look(f"/requests/{request['id']}")["state"] == "rejected")
    for node in (pack, cathode):
        assert "Traceback" not in node.log_file.read_text(encoding="utf-8")
