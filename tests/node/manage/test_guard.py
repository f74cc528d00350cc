"""Nothing of the management listener is for anybody without the operator token."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from underseal_node.manage.app import create_manage_app
from underseal_node.manage.guard import MAX_JSON_BYTES
from underseal_node.metrics import RequestCounts, exposition
from underseal_node.node import Node

Company = Any
Market = Any
Refused = Callable[[httpx.Response, int], str]


def operations(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every method and path that the application has, the description included."""
    yield "GET", "/openapi.json"
    for path, methods in app.openapi()["paths"].items():
        for method in methods:
            yield method.upper(), path


EXPECTED_OPERATIONS = 123


async def test_every_route_is_closed_without_the_token(company: Company, refused: Refused) -> None:
    tried = list(operations(company.app))
    assert len(tried) == EXPECTED_OPERATIONS
    for method, path in tried:
        if path == "/health":
            continue
        for header in (None, "", "Bearer ", "Bearer wrong", "Basic b3BlcmF0b3I6dG9rZW4="):
            headers = {} if header is None else {"authorization": header}
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(company.app), base_url="http://127.0.0.1"
            ) as stranger:
                url = path.replace("{", "").replace("}", "")
                response = await stranger.request(method, url, headers=headers, content=b"{}")
            message = refused(response, 401)
            assert response.headers["www-authenticate"] == "Bearer"
            assert company.node.home.operator_token() not in message


async def test_the_token_opens_it(company: Company) -> None:
    assert (await company.get("/node"))["url"] == company.url


async def test_a_token_that_begins_like_ours_opens_nothing(
    company: Company, refused: Refused
) -> None:
    token = company.node.home.operator_token()
    for wrong in (token[:-1], f"{token}x", token.swapcase(), "é"):
        header = {"authorization": f"Bearer {wrong}".encode("latin-1")}
        refused(await company.http.get("/node", headers=header), 401)


async def test_paths_that_are_not_there_tell_a_stranger_nothing(company: Company) -> None:
    response = await company.http.get("/nothing", headers={"authorization": "Bearer wrong"})
    assert response.status_code == 401


async def test_health_needs_no_token(company: Company) -> None:
    answer = await company.http.get("/health", headers={"authorization": "", "host": "probe"})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8444", "LOCALHOST", "[::1]:8444"])
async def test_the_loopback_names_are_answered_for(company: Company, host: str) -> None:
    assert (await company.http.get("/node", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8444", "127.0.0.1.evil.example", "", "::1", "[::1"]
)
async def test_a_name_that_was_made_to_lead_here_is_not(
    company: Company, refused: Refused, host: str
) -> None:
    """DNS rebinding: the page's own name resolves to 127.0.0.1."""
    refused(await company.http.get("/node", headers={"host": host}), 421)


@pytest.mark.parametrize(
    ("bound", "host", "status"),
    [
        ("10.1.2.3", "10.1.2.3:8444", 200),
        ("10.1.2.3", "10.1.2.4:8444", 421),
        ("fd00::5", "[fd00::5]:8444", 200),
        ("fd00::5", "[fd00::6]:8444", 421),
        ("Manage.internal", "manage.internal", 200),
        ("0.0.0.0", "whatever.example", 200),
    ],
)
async def test_the_address_it_is_bound_to_is_answered_for(
    market: Market, bound: str, host: str, status: int
) -> None:
    company = await market.open("cathode", manage_host=bound)
    assert (await company.http.get("/node", headers={"host": host})).status_code == status


async def test_no_page_of_another_origin_is_let_in(company: Company) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    preflight = await company.http.options("/peers", headers=headers)
    assert preflight.status_code == 405
    answer = await company.http.get("/node", headers={"origin": "https://evil.example"})
    found = {*preflight.headers, *answer.headers}
    assert not [name for name in found if name.startswith("access-control-")]


async def test_a_form_of_a_page_is_not_taken_for_json(company: Company, refused: Refused) -> None:
    for content_type in ("text/plain", "application/x-www-form-urlencoded"):
        answer = await company.http.post(
            "/peers", content=b'{"name":"x"}', headers={"content-type": content_type}
        )
        refused(answer, 422)
    assert (await company.get("/peers"))["data"] == []


async def test_bodies_are_limited(market: Market, refused: Refused) -> None:
    company = await market.open("cathode", max_import_bytes=1000)
    too_long = b'{"name":"' + b"x" * MAX_JSON_BYTES + b'"}'
    json = {"content-type": "application/json"}
    assert "larger than" in refused(
        await company.http.post("/peers", content=too_long, headers=json), 413
    )
    for path in ("/footprints/import", "/footprints/x/supersede"):
        refused(await company.http.post(path, content=b"x" * 1001), 413)

    async def chunks() -> Any:
        for _ in range(5):
            yield b"x" * MAX_JSON_BYTES

    refused(await company.http.post("/peers", content=chunks(), headers=json), 413)


async def test_an_upload_that_is_too_large_is_named_with_what_to_do(market: Market) -> None:
    company = await market.open("cathode", max_import_bytes=1000)
    for path in ("/footprints/import", "/products/import", "/factors/import"):
        refusal = await company.upload(path, b"x" * 1001, 413, name="bill.csv")
        assert refusal["message"] == "bill.csv: the upload is larger than the limit of 1000 bytes"
        assert "Split the file" in refusal["hint"]
    big = b" " * (5 * 1024 * 1024)
    refusal = await company.upload("/energy/import", big, 413, name="meters.csv")
    assert refusal["message"].startswith("meters.csv: ")


async def test_every_upload_is_read_up_to_its_own_limit(company: Company) -> None:
    """What the guard reads itself is never larger than JSON may be."""
    uploads = ["/energy/import"]
    for path, methods in company.app.openapi()["paths"].items():
        content = methods.get("post", {}).get("requestBody", {}).get("content", {})
        uploads += [path] if "application/octet-stream" in content else []
    assert {"/products/import", "/factors/import"} < set(uploads)
    for path in uploads:
        url = path.replace("{footprint_id}", "x")
        answer = await company.http.post(url, content=b"\xff" * (MAX_JSON_BYTES + 1))
        assert answer.status_code != 413, path


async def test_a_hundred_thousand_rows_and_a_million(company: Company) -> None:
    head, row = b"kind,product,name,quantity,unit\nproduct,a,,,kg\n", b"waste,a,w,1,kg"
    rows = (row + b" " * 40 + b"\n") * 99_998
    assert len(rows) > MAX_JSON_BYTES
    done = await company.upload("/products/import", head + rows, name="a.csv", dryRun="true")
    assert [one["lines"] for one in done["products"]] == [99_998]
    done = await company.upload("/products/import", head + rows * 10, name="a.csv")
    (problem,) = done["problems"]
    assert problem["file"] == "a.csv"
    assert "at most 100000 rows" in problem["message"]


async def test_an_upload_may_be_larger_than_json(company: Company, document: Any) -> None:
    one = document()
    content = json.dumps([one]).encode() + b" " * MAX_JSON_BYTES
    result = await company.upload("/footprints/import", content, name="own.json")
    assert [made["id"] for made in result["footprints"]] == [one["id"]]


WITHOUT_BODY = (
    "credentials",
    "retry",
    "approve",
    "resume",
    "rotate",
    "ask",
    "}/attestations",
    "}/sealed-sum",
)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 100_000, b"\xff", b"null", b"[]", b'{"name":' + b"9" * 5000 + b"}"]
)
async def test_what_is_no_json_object_is_refused(
    company: Company, refused: Refused, body: bytes
) -> None:
    for method, path in operations(company.app):
        if method in {"POST", "PATCH"} and not path.endswith(("import", "supersede", "deprecate")):
            if path.endswith(WITHOUT_BODY) or path == "/audit/verify":  # lines of receipts
                continue
            url = path.replace("{", "").replace("}", "").replace("request_id", "1")
            response = await company.http.request(
                method, url, content=body, headers={"content-type": "application/json"}
            )
            assert response.status_code in (400, 422), (path, response.text)
            refused(response, response.status_code)


async def test_unknown_members_and_odd_texts_are_refused(
    company: Company, refused: Refused
) -> None:
    assert "nmae" in refused(await company.http.post("/peers", json={"nmae": "x"}), 422)
    for text, word in ((b"a\\u0000b", "scope"), (b"\\ud800", "surrogate")):
        body = b'{"name":"x","scope":"' + text + b'"}'
        answer = await company.http.post(
            "/peers", content=body, headers={"content-type": "application/json"}
        )
        assert word in refused(answer, 422)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"name": "a", "name": "b"}', "twice"),
        (b'{"x": {"y": 1, "y": 1}}', "twice"),
        (b"[" * 65 + b"]" * 65, "64"),
        (b"[" * 100_000, ""),
        (b'{"name": "\\ud800"}', "surrogate"),
        (b'{"name": NaN}', ""),
        (b'{"name": 1e999}', ""),
    ],
)
async def test_json_that_two_readers_understand_differently_is_refused_everywhere(
    company: Company, refused: Refused, body: bytes, sentence: str
) -> None:
    tried = 0
    for path, methods in company.app.openapi()["paths"].items():
        for method in methods:
            if "application/json" not in methods[method].get("requestBody", {}).get("content", {}):
                continue
            tried += 1
            headers = {"content-type": "application/json"}
            url = path.replace("{request_id}", "1").replace("{", "").replace("}", "")
            answer = await company.http.request(method, url, content=body, headers=headers)
            assert sentence in refused(answer, 422), (method, path)
    assert tried >= 8


async def test_methods_and_paths_that_there_are_not(company: Company, refused: Refused) -> None:
    answer = await company.http.put("/peers/x")
    assert "PUT" in refused(answer, 405)
    assert answer.headers["allow"]
    refused(await company.http.get("/nothing"), 404)
    refused(await company.http.get("/peers/"), 404)


async def test_requests_are_counted_by_the_template_of_their_path(node: Node) -> None:
    counts = RequestCounts(node.home.run, "manage")
    app = create_manage_app(node, counts)
    headers = {"authorization": f"Bearer {node.home.operator_token()}"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost", headers=headers
        ) as client,
    ):
        await client.get("/peers/nobody")
        await client.get("/node", headers={"authorization": "Bearer wrong"})
    counts.write()
    page = exposition(node.home.run).decode()
    assert 'listener="manage",method="GET",route="/peers/{name}",status="404"} 1.0' in page
    assert 'route="none",status="401"} 1.0' in page


def test_the_token_is_read_when_the_application_starts(node: Node) -> None:
    first = create_manage_app(node)
    before = node.home.operator_token()
    node.home.new_operator_token()
    assert node.home.operator_token() != before
    assert _token(first) == before
    assert _token(create_manage_app(node)) == node.home.operator_token()


def _token(app: FastAPI) -> str:
    token: SecretStr = app.user_middleware[0].kwargs["token"]  # type: ignore[assignment]
    return token.get_secret_value()
