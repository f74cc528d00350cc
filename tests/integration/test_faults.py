"""Nothing is lost and nothing happens twice: a receiver that fails, a sender that is killed.

Two real nodes. One sends requests to the other, through a proxy that fails half of the time; its
processes are killed again and again (`kill -9`). The other rejects each, because it has nothing.
In the end every request is there once on both sides, and has exactly one outcome.
"""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from typing import Any

import pytest
from tests.integration.flaky_proxy import FlakyProxy

from underseal_cli.demo_nodes import DemoError, NodeProcess, Workbench

pytestmark = [pytest.mark.real_start, pytest.mark.timeout(1800), pytest.mark.xdist_group("faults")]

QUICK = {
    "outbox_first_retry_seconds": "0.1",
    "outbox_max_retry_seconds": "0.5",
    # A killed process holds the lease of what it was sending.
    "outbox_lease_seconds": "2",
    "http_timeout_seconds": "5",
}
COMPANY = "urn:pact:faults.example:company-id:1"


@pytest.mark.parametrize(
    ("events", "kills"), [(40, 3), pytest.param(500, 20, marks=pytest.mark.soak)]
)
def test_no_event_is_lost_and_none_has_an_effect_twice(
    workbench: Workbench, events: int, kills: int
) -> None:
    proxy_port = workbench.free_port()
    receiver = workbench.node(
        "receiver", public_port=proxy_port, settings=QUICK | {"requests_answer": "auto"}
    )
    sender = workbench.node("sender", settings=QUICK)
    for node in (receiver, sender):
        node.init(node.name, [COMPANY])
        node.start()
    befriend(workbench, sender, receiver)
    with FlakyProxy(
        proxy_port,
        receiver.port,
        server_context=workbench.server_context(),
        client_context=workbench.client_context(),
    ) as proxy:
        numbers = list(range(events))
        for turn in range(kills):
            for number in numbers[turn * events // kills : (turn + 1) * events // kills]:
                send(sender, number)
            sender.kill()
            sender.start()
        settled(events, sender, receiver)
        assert sum(proxy.fates.values()) - proxy.fates["pass"] > events / 4  # it did fail
    outgoing, incoming = all_requests(sender, "outgoing"), all_requests(receiver, "incoming")
    assert Counter(map(number_of, outgoing)) == Counter(range(events))
    assert Counter(map(number_of, incoming)) == Counter(range(events))
    assert {one["state"] for one in outgoing} == {one["state"] for one in incoming} == {"rejected"}
    for node in (sender, receiver):
        assert {one["state"] for one in look(node, "/outbox?limit=10000")} == {"delivered"}
        assert [one for one in look(node, "/alerts") if one["kind"] == "unasked"] == []


def befriend(workbench: Workbench, sender: NodeProcess, receiver: NodeProcess) -> None:
    """Each registers the other, with credentials for both directions."""
    secret = workbench.directory / "faults.secret"
    at_receiver = receiver.json("peer", "add", "sender", "--url", sender.url)
    secret.write_text(at_receiver["client_secret"], encoding="utf-8")
    at_sender = sender.json(
        *("peer", "add", "receiver", "--url", receiver.url),
        *("--client-id", at_receiver["client_id"], "--client-secret-file", str(secret)),
    )
    secret.write_text(at_sender["client_secret"], encoding="utf-8")
    receiver.run(
        *("peer", "set", "sender", "--client-id", at_sender["client_id"]),
        *("--client-secret-file", str(secret)),
    )


def send(node: NodeProcess, number: int) -> None:
    """Ask for a product that does not exist; the node answers once that is on disk."""
    token = (node.home / "secrets" / "operator.token").read_text(encoding="utf-8").strip()
    order = {"peer": "receiver", "criteria": {"productId": [f"urn:x-faults:{number}"]}}
    connection = http.client.HTTPConnection("127.0.0.1", node.manage_port, timeout=30)
    try:
        connection.request(
            "POST",
            "/requests",
            body=json.dumps(order),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        assert answer.status == http.HTTPStatus.CREATED, answer.read()
    finally:
        connection.close()


def look(node: NodeProcess, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = node.look(path)["data"]
    return found


def all_requests(node: NodeProcess, direction: str) -> list[dict[str, Any]]:
    return look(node, f"/requests?direction={direction}&limit=10000")


def number_of(request: dict[str, Any]) -> int:
    return int(request["criteria"]["productId"][0].rpartition(":")[2])


def settled(events: int, *nodes: NodeProcess, seconds_per_event: float = 1.0) -> None:
    """Wait until nothing is on its way: an answer can be there before it is acknowledged."""
    deadline = time.monotonic() + 60 + events * seconds_per_event
    while any(look(node, "/outbox?state=pending&limit=1") for node in nodes) or any(
        one["state"] == "pending" for node in nodes for one in look(node, "/requests?limit=10000")
    ):
        if time.monotonic() > deadline:
            raise DemoError(f"events are still on their way\n{nodes[0].log_tail()}")
        time.sleep(0.5)
