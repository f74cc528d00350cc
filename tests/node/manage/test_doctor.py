"""What the doctor says: of a node that runs, and of one where everything is wrong."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
import uvicorn

from underseal_node.doctor.checks import Check, Result
from underseal_node.doctor.doctor import examine
from underseal_node.doctor.outside import look_from_outside
from underseal_node.exchange.http import PeerHttp
from underseal_node.node import Node, create_node, open_node
from underseal_node.pact.app import create_public_app
from underseal_node.settings import Settings
from underseal_node.store import inbox
from underseal_protocol.events import EventType

Company = Any
Market = Any
Pair = tuple[Any, Any]

CRITERIA = {"productId": ["urn:gtin:4712345060507"]}


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


async def diagnosis(company: Company) -> dict[str, dict[str, str]]:
    """What GET /doctor answers, by name."""
    return {one["name"]: one for one in (await company.get("/doctor"))["data"]}


def answering(**answers: Any) -> PeerHttp:
    """What is at the public address: by the last part of the path, `status` or a JSON document."""

    def answer(request: httpx.Request) -> httpx.Response:
        last = request.url.path.rpartition("/")[2].replace("-", "_").partition(".")[0]
        content = answers.get(last, 404)
        headers = {"date": answers.get("date", "")} if "date" in answers else {}
        if isinstance(content, int):
            made = httpx.Response(content, headers=headers)
        else:
            made = httpx.Response(200, json=content, headers=headers)
        stream = httpx.ByteStream(made.content)
        return httpx.Response(made.status_code, headers=made.headers, stream=stream)

    return PeerHttp(Settings(), transport=httpx.MockTransport(answer))


# --- the node itself ------------------------------------------------------------------------------


async def test_a_name_that_leads_nowhere_is_the_first_thing_said(company: Company) -> None:
    found = (await company.get("/doctor"))["data"]
    assert (found[0]["name"], found[0]["result"]) == ("address", "problem")
    assert "https://cathode.example cannot be called" in found[0]["message"]
    assert all(one["hint"] for one in found if one["result"] != "ok")


async def test_a_node_in_order_has_nothing_to_do(company: Company) -> None:
    company.node.home.run_file.write_text(json.dumps({"pid": os.getpid()}))
    found = await diagnosis(company)
    del found["address"]
    found.pop("database clock", None)  # of PostgreSQL; the clock of the test stands still
    assert {name: one["result"] for name, one in found.items()} == {
        "process": "ok",
        "database": "ok",
        "recovery key": "ok",
        "audit log": "ok",
        "disk": "ok",
        "master key": "ok",
        "workers": "ok",
    }
    assert all("hint" not in one for one in found.values())


@pytest.mark.parametrize("content", [None, "{", "{}", '{"pid": "x"}', '{"pid": 4194305}'])
async def test_a_run_file_that_names_no_process(company: Company, content: str | None) -> None:
    if content is not None:
        company.node.home.run_file.write_text(content)
    assert (await diagnosis(company))["process"]["result"] == "warning"


async def test_a_database_that_fails_is_a_problem_and_no_error(company: Company) -> None:
    company.node.store.write_sync(
        lambda session: session.connection().exec_driver_sql("DROP TABLE alert")
    )
    found = await diagnosis(company)
    assert found["database"]["result"] == "problem"
    assert "disk" in found


async def test_an_audit_log_that_has_stopped_is_a_problem(company: Company) -> None:
    await company.post("/peers", {"name": "buyer"}, 201)
    await company.post("/audit/verify")
    assert "with entry 2" in (await diagnosis(company))["audit log"]["message"]
    company.node.store.write_sync(
        lambda session: session.connection().exec_driver_sql("DELETE FROM audit_head")
    )
    found = (await diagnosis(company))["audit log"]
    assert found["result"] == "problem"
    assert "it has 2 entries, and no signed head" in found["message"]


async def test_private_networks_are_warned_about(market: Market) -> None:
    company = await market.open("cathode", allow_private_networks=True)
    assert (await diagnosis(company))["private networks"]["result"] == "warning"


async def test_what_waits_for_the_operator_is_named(market: Market, pair: Pair) -> None:
    customer, supplier = pair
    await customer.post("/requests", {"peer": "cathode", "criteria": CRITERIA}, 201)
    await customer.work()
    await supplier.work()
    found = await diagnosis(supplier)
    assert (found["requests"]["result"], found["requests"]["message"]) == (
        "warning",
        "requests that wait for your answer: 1",
    )
    assert "peer cell" not in found

    del market.internet.hosts["cathode.example"]
    await customer.post("/requests", {"peer": "cathode", "criteria": CRITERIA}, 201)
    await customer.work()
    found = await diagnosis(customer)
    assert "cannot be delivered" in found["peer cathode"]["message"]
    assert "cannot be reached" in found["peer cathode"]["message"]
    customer.advance(hours=73)
    await customer.work()
    found = await diagnosis(customer)
    assert "could not be delivered: 1" in found["outbox"]["message"]


async def test_peers_that_need_something_are_named(market: Market, company: Company) -> None:
    await company.post("/peers", {"name": "quiet"}, 201)
    await company.post("/peers", {"name": "down", "url": "https://down.example"}, 201)
    credentials = {"clientId": "a", "clientSecret": "b"}
    moved = {"name": "moved", "url": "https://moved.example", **credentials}
    market.internet.answer("moved.example", lambda _: httpx.Response(404))
    await company.post("/peers", moved, 201)
    discovery = {"token_endpoint": "https://evil.example/token"}
    market.internet.answer("moved.example", lambda _: httpx.Response(200, json=discovery))
    company.exchange.look_again(3)
    await company.pull("moved")
    found = (await company.get("/doctor"))["data"]
    peers = [(one["name"], one["result"]) for one in found if one["name"].startswith("peer ")]
    assert peers == [("peer down", "warning"), ("peer down", "warning"), ("peer moved", "problem")]
    said = " ".join(one["message"] for one in found)
    assert "no credentials" in said
    assert "never been reached" in said
    assert "from https://moved.example to https://evil.example/token" in said
    alerts = {one["name"]: one for one in found}["alerts"]
    assert "alerts: 1; the latest: the token endpoint of moved" in alerts["message"]


async def test_keys_that_wait_to_be_confirmed_are_a_problem(pair: Pair) -> None:
    customer, _ = pair
    customer.node.store.write_sync(
        lambda session: session.connection().exec_driver_sql(
            "UPDATE peer SET pending_key_set = '{\"keys\": []}'"
        )
    )
    found = await diagnosis(customer)
    assert found["peer cathode"]["result"] == "problem"
    assert "--confirm-keys" in found["peer cathode"]["hint"]


async def test_work_that_is_not_done_is_noticed(pair: Pair) -> None:
    customer, supplier = pair
    await customer.post("/requests", {"peer": "cathode", "criteria": CRITERIA}, 201)

    def accept(session: Any) -> None:
        now = supplier.node.now()
        inbox.accept(session, 1, "x", EventType.REQUEST_CREATED, b"{}", now)

    supplier.node.store.write_sync(accept)
    for company in pair:
        assert (await diagnosis(company))["workers"]["result"] == "ok"
    customer.advance(minutes=11)
    for company in pair:
        assert (await diagnosis(company))["workers"]["result"] == "warning"


# --- the public address ---------------------------------------------------------------------------


def documents(node: Node) -> dict[str, Any]:
    url = node.identity.url
    return {
        "health": {},
        "date": format_datetime(node.now(), usegmt=True),
        "openid_configuration": {"token_endpoint": f"{url}/auth/token"},
        "jwks": node.public_keys.to_jwks(),
    }


async def test_what_peers_find_is_compared_with_what_they_should(company: Company) -> None:
    node = company.node
    found = by_name(await examine(node, http=answering(**documents(node))))
    for name in ("address", "clock", "discovery", "keys"):
        assert found[name].result is Result.OK, found[name]
    # Nothing listens there in truth, so there is no certificate to be had.
    assert found["certificate"].result is Result.PROBLEM


@pytest.mark.parametrize(
    ("changes", "name", "result", "words"),
    [
        ({"health": 404}, "address", Result.PROBLEM, "answers 404"),
        ({"health": 503}, "address", Result.PROBLEM, "answers 503"),
        ({"date": ""}, "clock", Result.WARNING, "no date"),
        ({"date": "yesterday"}, "clock", Result.WARNING, "no date"),
        ({"date": "Sun, 01 Mar 2026 12:01:00 GMT"}, "clock", Result.WARNING, "by 60 seconds"),
        ({"openid_configuration": 421}, "discovery", Result.PROBLEM, "answers 421"),
        ({"openid_configuration": [1]}, "discovery", Result.PROBLEM, "no JSON object"),
        (
            {"openid_configuration": {"token_endpoint": "https://other.example/auth/token"}},
            "discovery",
            Result.PROBLEM,
            "https://other.example/auth/token",
        ),
        ({"jwks": 404}, "keys", Result.PROBLEM, "answers 404"),
        ({"jwks": {"keys": []}}, "keys", Result.PROBLEM, "not those of this node"),
    ],
)
async def test_what_is_wrong_at_the_address_is_said(
    company: Company, changes: dict[str, Any], name: str, result: Result, words: str
) -> None:
    http = answering(**documents(company.node) | changes)
    found = by_name(await look_from_outside(company.node, http))
    assert (found[name].result, words in found[name].message) == (result, True), found[name]
    assert found[name].hint


@asynccontextmanager
async def listening(node: Node, port: int, context: ssl.SSLContext) -> AsyncIterator[None]:
    """The public application of a node over TLS on a real socket."""
    config = uvicorn.Config(
        create_public_app(node),
        host="127.0.0.1",
        port=port,
        log_config=None,
        lifespan="on",
        ssl_context_factory=lambda _config, _default: context,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await task


def real_node(tmp_path: Path, port: int, **settings: Any) -> Node:
    home = create_node(
        tmp_path / "node",
        company_name="Cathode",
        company_ids=["urn:lei:529900T8BM49AURSDO55"],
        url=f"https://localhost:{port}",
    )
    return open_node(home.path, settings=Settings(**settings))


Certified = Callable[..., tuple[ssl.SSLContext, Path]]


@pytest.fixture
def certified(tmp_path: Path) -> Certified:
    """`certified(host, days)`: a server context and the file of the authority that vouches."""

    def make(host: str = "localhost", days: int = 90) -> tuple[ssl.SSLContext, Path]:
        authority = trustme.CA()
        end = datetime.now(UTC) + timedelta(days=days, hours=1)
        certificate = authority.issue_cert(host, not_after=end)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        file = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(str(file))
        return context, file

    return make


async def test_a_real_certificate_is_read(
    tmp_path: Path, certified: Certified, unused_tcp_port: int
) -> None:
    context, authority = certified()
    node = real_node(tmp_path, unused_tcp_port, ca_file=authority)
    async with listening(node, unused_tcp_port, context):
        found = by_name(await look_from_outside(node))
    assert {check.result for check in found.values()} == {Result.OK}, found
    assert "for 90 days" in found["certificate"].message
    node.close()


async def test_a_certificate_that_ends_soon_is_warned_about(
    tmp_path: Path, certified: Certified, unused_tcp_port: int
) -> None:
    context, authority = certified(days=5)
    node = real_node(tmp_path, unused_tcp_port, ca_file=authority)
    async with listening(node, unused_tcp_port, context):
        found = by_name(await look_from_outside(node))
    assert found["certificate"].result is Result.WARNING
    assert "for 5 days" in found["certificate"].message
    node.close()


@pytest.mark.parametrize("host", ["localhost", "elsewhere.example"])
async def test_a_certificate_that_peers_would_refuse_is_a_problem(
    tmp_path: Path, certified: Certified, unused_tcp_port: int, host: str
) -> None:
    """Of an authority that nobody knows; or for another host."""
    context, authority = certified(host)
    trusted = {} if host == "localhost" else {"ca_file": authority}
    node = real_node(tmp_path, unused_tcp_port, **trusted)
    async with listening(node, unused_tcp_port, context):
        (found,) = await look_from_outside(node)
    assert (found.name, found.result) == ("address", Result.PROBLEM)
    assert "Peers will refuse this certificate" in (found.hint or "")
    node.close()


async def test_the_certificate_for_trying_out_is_called_that(
    tmp_path: Path, certified: Certified, unused_tcp_port: int
) -> None:
    context, authority = certified()
    node = real_node(tmp_path, unused_tcp_port)
    (node.home.tls / "development-ca.pem").write_bytes(authority.read_bytes())
    async with listening(node, unused_tcp_port, context):
        found = by_name(await look_from_outside(node))
    assert found["address"].result is Result.OK
    assert found["certificate"].result is Result.WARNING
    assert "--dev-tls" in found["certificate"].message
    node.close()
