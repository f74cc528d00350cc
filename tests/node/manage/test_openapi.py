"""The description of the management API: complete, and nothing it leads to ends in a 5xx."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from fastapi import FastAPI
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.schemas import BaseSchema

from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.http import PeerHttp
from underseal_node.manage.app import create_manage_app
from underseal_node.node import Node, create_node, open_node
from underseal_node.settings import Settings

EXAMPLES = 25
HOST = "127.0.0.1:8444"
# Whatever is said here has the form that is described: texts in the path, or nothing at all.
NOTHING_TO_VIOLATE = {
    ("get", "/health"),
    ("get", "/metrics"),
    ("get", "/node"),
    ("get", "/keys"),
    ("get", "/peers"),
    ("get", "/grants"),
    ("get", "/peers/{name}"),
    ("get", "/peers/{name}/keys"),
    ("get", "/footprints/{footprint_id}/lines"),
    ("post", "/peers/{name}/credentials"),
    ("post", "/peers/{name}/resume"),
    ("post", "/peers/{name}/rotate"),
    ("post", "/peers/{name}/ask"),
    ("delete", "/peers/{name}"),
    ("get", "/pulls/{job_id}"),
    ("get", "/footprints/template"),
    ("get", "/products/template"),
    ("get", "/products"),
    ("get", "/factors"),
    ("get", "/releases"),
    ("get", "/receipts/{receipt_id}"),
    ("get", "/spend"),
    ("get", "/spend/template"),
    ("get", "/status"),
    ("get", "/rosters"),
    ("get", "/seals/jobs/{job_id}"),
    ("get", "/seals/{footprint_id}"),
    ("get", "/peers/{name}/declaration"),
    ("post", "/audit/verify"),  # its body is any bytes
    ("get", "/audit/export"),
    ("post", "/footprints/{footprint_id}/deprecate"),
}


def nobody(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody listens there")


def create_app(node: Node) -> FastAPI:
    http = PeerHttp(node.settings, transport=httpx.MockTransport(nobody))
    return create_manage_app(node, exchange=Exchange(node, http=http))


def described_operations() -> list[tuple[str, str]]:
    """Method and path of what is tried, from the routers themselves."""
    from underseal_node.manage.app import ROUTERS

    found = [
        (method.lower(), router.prefix + route.path.removeprefix(router.prefix))
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods or ())
    ]
    # It opens connections of its own; tests/node/manage/test_doctor.py is about it.
    return [one for one in found if one != ("get", "/doctor")]


OPERATIONS = described_operations()
CASES = [(*one, GenerationMode.POSITIVE) for one in OPERATIONS]
CASES += [(*one, GenerationMode.NEGATIVE) for one in OPERATIONS if one not in NOTHING_TO_VIOLATE]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """One for all: what a thousand odd requests leave behind is part of the trial."""
    home = create_node(
        tmp_path_factory.mktemp("home") / "node",
        company_name="Cathode",
        company_ids=["urn:lei:529900T8BM49AURSDO55"],
        url="https://cathode.example",
    )
    opened = open_node(home.path, settings=Settings(http_attempts=1))
    yield opened
    opened.close()


def schema_of(app: FastAPI) -> BaseSchema:
    schema = schemathesis.openapi.from_dict(app.openapi())
    schema.app = app
    return schema


@pytest.fixture(scope="module")
def schema(node: Node) -> BaseSchema:
    """Describing two hundred operations takes a second: once for all."""
    return schema_of(create_app(node))


def test_every_route_is_described(schema: BaseSchema) -> None:
    described = {
        (method, path) for path, methods in schema.raw_schema["paths"].items() for method in methods
    }
    assert described == {*OPERATIONS, ("get", "/doctor")}


def test_operations_have_names_of_their_own_and_a_summary(schema: BaseSchema) -> None:
    operations = [
        operation
        for methods in schema.raw_schema["paths"].values()
        for operation in methods.values()
    ]
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert all(one["description"].endswith(".") for one in operations)


@pytest.mark.parametrize(("method", "path", "mode"), CASES)
def test_no_request_ends_in_a_server_error(
    node: Node, schema: BaseSchema, method: str, path: str, mode: GenerationMode
) -> None:
    """Also with what the description forbids: wrong types, missing members, odd characters."""
    operation = schema[path][method]
    headers = {"authorization": f"Bearer {node.home.operator_token()}", "host": HOST}
    statuses: set[int] = set()

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def try_it(case: Any) -> None:
        response = case.call(headers=headers, base_url=f"http://{HOST}")
        statuses.add(response.status_code)
        assert response.status_code < 500, response.text
        assert response.status_code not in {401, 421}
        if response.status_code >= 400:
            assert response.headers["content-type"] == ["application/json"]
            assert response.json().keys() <= {"message", "hint", "problems"}

    try_it()
    assert statuses


def test_a_failure_would_be_found(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("underseal_node.store.peers.listing", fail)
    headers = {"authorization": f"Bearer {node.home.operator_token()}", "host": HOST}
    with pytest.raises(ZeroDivisionError):
        schema_of(create_app(node))["/peers"]["GET"].Case(headers=headers).call(
            base_url=f"http://{HOST}"
        )
