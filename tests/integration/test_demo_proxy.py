"""The proxy of the demo passes everything on, until it is told to lie."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from tests.conformance.harness import Listener, listening

from underseal_cli.demo_nodes import Workbench
from underseal_cli.demo_proxy import TamperingProxy


@pytest.fixture
def upstream(workbench: Workbench) -> Iterator[Listener]:
    with listening(workbench.server_context(), url=str) as listener:
        yield listener


@pytest.fixture
def proxy(workbench: Workbench, upstream: Listener) -> Iterator[tuple[TamperingProxy, str]]:
    port = workbench.free_port()
    with TamperingProxy(
        port,
        int(upstream.url),
        server_context=workbench.server_context(),
        client_context=workbench.client_context(),
    ) as running:
        yield running, f"https://localhost:{port}"


def test_requests_and_answers_pass_unchanged(
    workbench: Workbench, upstream: Listener, proxy: tuple[TamperingProxy, str]
) -> None:
    _, url = proxy
    with httpx.Client(base_url=url, verify=workbench.client_context()) as client:
        answer = client.post("/3/events?x=1", content=json.dumps({"figure": "6.556"}))
        missing = client.get("/nothing")
    assert answer.status_code == 200
    assert upstream.received[0].path == "/3/events?x=1"
    assert upstream.received[0].event == {"figure": "6.556"}
    assert missing.status_code == 404
    assert missing.json() == {"code": "NotFound", "message": "nothing here"}


def test_an_answer_is_changed_when_told_so(
    workbench: Workbench, proxy: tuple[TamperingProxy, str]
) -> None:
    liar, url = proxy
    liar.replacing = (b"nothing here", b"something else, longer")
    with httpx.Client(base_url=url, verify=workbench.client_context()) as client:
        assert client.get("/nothing").json()["message"] == "something else, longer"
    assert liar.replaced == 1


def test_a_node_that_is_down_is_a_bad_gateway(
    workbench: Workbench, proxy: tuple[TamperingProxy, str]
) -> None:
    running, url = proxy
    running.upstream_port = workbench.free_port()
    with httpx.Client(base_url=url, verify=workbench.client_context()) as client:
        assert client.get("/").status_code == 502
