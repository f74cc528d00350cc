"""Our own OpenAPI: it describes every route, and nothing it leads to ends in a 5xx."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from starlette.routing import Route

from underseal_node.pact.app import create_public_app
from underseal_node.store.tables import KeyKind

World = Any

EXAMPLES = 30
WITH_INPUT = [
    "listFootprints",
    "getFootprint",
    "postEvent",
    "createToken",
    "getStatus",
    "getInvitation",
    "register",
    "putCredentials",
    "listGrants",
    "getAttestations",
    "postKeyLog",
    "acknowledge",
    "getReceipt",
    "endorse",
    "listSealedSums",
    "getSealedSum",
]
WITHOUT_INPUT = ["discovery", "jwks", "did", "keyLog", "health"]
CASES = [(name, GenerationMode.POSITIVE) for name in (*WITH_INPUT, *WITHOUT_INPUT)]
CASES += [(name, GenerationMode.NEGATIVE) for name in WITH_INPUT]


@pytest.fixture
def described(make_world: Callable[..., World]) -> World:
    world = make_world(allowed_hosts=["testserver"])
    world.publish()
    world.add_peer()
    world.grant("buyer", KeyKind.ALL)
    return world


def test_every_route_is_described(described: World) -> None:
    paths = {
        route.path
        for route in described.app.routes
        if isinstance(route, Route) and not route.path.startswith("/schemas/")
    }
    # The document itself, and the second place of the DID document.
    assert paths - {"/openapi.json", "/did.json"} == set(described.app.openapi()["paths"])


def test_the_operations_are_those_that_are_tried(described: World) -> None:
    found = [
        operation["operationId"]
        for path in described.app.openapi()["paths"].values()
        for operation in path.values()
    ]
    assert sorted(found) == sorted(WITH_INPUT + WITHOUT_INPUT)


@pytest.mark.parametrize(("operation_id", "mode"), CASES)
def test_no_request_ends_in_a_server_error(
    described: World, operation_id: str, mode: GenerationMode
) -> None:
    """Also with what the description forbids: wrong types, missing members, odd characters."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", described.app)
    operation = schema.find_operation_by_id(operation_id)
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
        headers = described.bearer("buyer") if operation_id != "createToken" else None
        response = case.call(headers=headers)
        statuses.add(response.status_code)
        assert response.status_code < 500, response.text
        if response.status_code >= 400:
            assert response.headers["content-type"] == ["application/json"]
            assert re.search(rb'"(code|error)":', response.content)

    try_it()
    assert statuses


def test_a_failure_would_be_found(described: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    app = create_public_app(described.node)
    monkeypatch.setattr(app.state.context.tokens, "verify", fail)
    schema = schemathesis.openapi.from_dict(app.openapi())
    schema.app = app
    case = schema.find_operation_by_id("listFootprints").Case(headers=described.bearer("buyer"))
    with pytest.raises(ZeroDivisionError):
        case.call(base_url="http://testserver")
    app.state.context.serving.close()
