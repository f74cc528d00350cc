"""Stricter than the published suite: lists, links, filters and errors.

What is tested is what the OpenAPI document of PACT Tech Specs 3.0.3 demands and what consumers in
the field rely on.
"""

from __future__ import annotations

import json
import socket
import uuid
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from tests.conformance.harness import (
    EXTRA_ID,
    Api,
    Json,
    Target,
    assert_error,
    next_link,
    publish_copy,
    random_word,
)

from underseal_cli.demo_nodes import NodeProcess

ECLASS = "urn:eclass:0173-1#01-AAA123#005"
INSTANTS = ("created", "validityPeriodStart", "validityPeriodEnd")


def raw_get(target: Target, path: str, token: str) -> tuple[int, str]:
    """Send a request line exactly as written; what a careless client does."""
    parts = urlsplit(target.url)
    assert parts.hostname
    address = (parts.hostname, parts.port or 443)
    with (
        socket.create_connection(address, timeout=10) as plain,
        target.tls.wrap_socket(plain, server_hostname=parts.hostname) as connection,
    ):
        request = (
            f"GET {parts.path}{path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Authorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(request.encode())
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body.decode()


# --- 1. what clients paste into URLs --------------------------------------------------------


def test_every_instant_is_written_with_z(footprints: list[Json]) -> None:
    for footprint in footprints:
        pcf = footprint["pcf"]
        instants = [footprint[name] for name in INSTANTS if name in footprint]
        instants += [pcf["referencePeriodStart"], pcf["referencePeriodEnd"]]
        assert all(value.endswith("Z") for value in instants), instants


def test_a_date_with_an_unencoded_plus_is_understood(api: Api, sample: Json) -> None:
    end = sample["pcf"]["referencePeriodEnd"].replace("Z", "")
    with_z = api.ids(validOn=end + "Z")
    assert with_z
    answer = api.client.get(f"/3/footprints?validOn={end}+00:00")
    assert answer.status_code == 200
    assert {item["id"] for item in answer.json()["data"]} == with_z


def test_an_unencoded_hash_is_answered_sensibly(
    target: Target, api: Api, token: str, operator: NodeProcess
) -> None:
    assert api.ids(classification=ECLASS) != set()
    assert api.items(classification=ECLASS.partition("#")[0]) == []
    status, body = raw_get(target, f"/3/footprints?classification={ECLASS}", token)
    assert status in {200, 400}
    if status == 200:
        assert json.loads(body)["data"] == []


# --- 2. pagination --------------------------------------------------------------------------


def test_a_walk_yields_every_footprint_once(api: Api, footprints: list[Json]) -> None:
    pages = [answer.json()["data"] for answer in api.walk(limit="1")]
    assert all(len(page) == 1 for page in pages)
    ids = [page[0]["id"] for page in pages]
    assert len(set(ids)) == len(ids)
    assert {item["id"] for item in footprints} <= set(ids)


def test_the_link_is_absolute_and_on_the_same_host(target: Target, api: Api) -> None:
    url = next_link(api.page(limit="1"))
    assert url is not None
    assert url.startswith(f"{target.url}/3/footprints?")


def test_the_filters_and_the_limit_stay_in_the_link(api: Api, sample: Json) -> None:
    wanted = sample["companyIds"][0]
    expected = api.ids(companyId=wanted, status="Active")
    assert len(expected) >= 2
    walked: list[str] = []
    for answer in api.walk(companyId=wanted, status="Active", limit="1"):
        url = next_link(answer)
        if url is not None:
            query = dict(parse_qsl(urlsplit(url).query))
            assert query["companyId"] == wanted
            assert query["status"] == "Active"
            assert query["limit"] == "1"
        walked += [item["id"] for item in answer.json()["data"]]
    assert sorted(walked) == sorted(expected)


def test_the_last_page_and_an_empty_list_have_no_link(api: Api) -> None:
    *_, last = api.walk(limit="1")
    assert "link" not in last.headers
    assert "link" not in api.page(geography="XX", limit="1").headers


def test_a_link_can_be_used_again_also_with_another_token(target: Target, api: Api) -> None:
    url = next_link(api.page(limit="1"))
    assert url is not None
    first, second = api.client.get(url), api.client.get(url)
    assert first.status_code == second.status_code == 200
    assert first.json() == second.json()
    fresh = target.request_token().json()["access_token"]
    with target.client() as client:
        third = client.get(url, headers={"Authorization": f"Bearer {fresh}"})
    assert third.json() == first.json()


def test_a_link_needs_a_token_too(target: Target, api: Api) -> None:
    url = next_link(api.page(limit="1"))
    assert url is not None
    with target.client() as client:
        assert client.get(url).status_code in {400, 401}


def test_a_walk_goes_on_while_footprints_are_added(
    api: Api, operator: NodeProcess, sample: Json, tmp_path: Path
) -> None:
    before = api.ids()
    walk = api.walk(limit="2")
    first = next(walk)
    link = next_link(first)
    assert link is not None
    as_it_was = api.client.get(link).json()
    new = publish_copy(operator, sample, tmp_path)
    assert api.client.get(link).json() == as_it_was
    ids = [item["id"] for answer in (first, *walk) for item in answer.json()["data"]]
    assert len(set(ids)) == len(ids)
    assert before <= set(ids) <= before | {new["id"]}


@pytest.mark.parametrize("limit", ["-1", "abc", "1.5", "1e3", "9" * 40])
def test_a_limit_that_is_no_count_is_refused_or_capped(api: Api, limit: str) -> None:
    answer = api.page(limit=limit)
    if limit.isdigit() and answer.status_code == 200:
        assert answer.json()["data"]
    else:
        assert_error(answer, {400}, {"BadRequest"})


def test_limit_zero_is_refused_or_an_empty_list(api: Api) -> None:
    answer = api.page(limit="0")
    if answer.status_code == 200:
        assert answer.json() == {"data": []}
    else:
        assert_error(answer, {400}, {"BadRequest"})


def test_a_cursor_that_was_tampered_with_is_refused(api: Api) -> None:
    url = next_link(api.page(limit="1"))
    assert url is not None
    parts = urlsplit(url)
    known = {"limit"}
    broken: list[tuple[str, Any]] = [
        (name, value if name in known else f"{value}x'~") for name, value in parse_qsl(parts.query)
    ]
    answer = api.client.get("/3/footprints", params=httpx.QueryParams(broken))
    assert_error(answer, {400}, {"BadRequest"})


# --- 3. filters -----------------------------------------------------------------------------


def test_names_and_values_of_filters_ignore_case(api: Api, sample: Json) -> None:
    wanted = sample["productIds"][-1]
    expected = api.ids(productId=wanted)
    assert expected
    assert api.ids(productid=wanted) == expected
    assert api.ids(productId=wanted.upper()) == expected
    assert api.ids(PRODUCTID=wanted.lower()) == expected
    assert api.ids(status=sample["status"].lower()) == api.ids(status=sample["status"])
    country = sample["pcf"].get("geographyCountry", "")
    assert api.ids(geography=country.lower()) == api.ids(geography=country)


def test_values_of_one_filter_are_alternatives(api: Api, footprints: list[Json]) -> None:
    one, other = footprints[0]["productIds"][0], footprints[-1]["productIds"][0]
    both = api.ids(("productId", one), ("productId", other))
    assert both == api.ids(productId=one) | api.ids(productId=other)


def test_different_filters_all_have_to_match(api: Api, sample: Json) -> None:
    wanted = sample["productIds"][0]
    assert api.ids(productId=wanted)
    assert api.ids(productId=wanted, geography="XX") == set()
    assert api.ids(productId=wanted, companyId=f"urn:bogus:{random_word()}") == set()


@pytest.mark.parametrize(
    "name",
    [
        *("productId", "companyId", "geography", "classification", "status"),
        *("validOn", "validAfter", "validBefore"),
    ],
)
def test_an_empty_filter_is_no_filter(api: Api, name: str) -> None:
    assert api.ids((name, "")) == api.ids()


def test_geography_is_equality_not_containment(api: Api, operator: NodeProcess) -> None:
    assert api.ids(geography="CN-SC") == {EXTRA_ID}
    assert EXTRA_ID not in api.ids(geography="CN")
    assert len(api.ids(geography="Eastern Asia")) == 1
    assert len(api.ids(geography="eastern asia")) == 1


def seconds(text: str, shift: int) -> str:
    moved = datetime.fromisoformat(text) + timedelta(seconds=shift)
    return moved.isoformat().replace("+00:00", "Z")


def test_valid_on_includes_both_ends(api: Api, footprints: list[Json]) -> None:
    stated = next(item for item in footprints if "validityPeriodEnd" in item)
    start, end = stated["validityPeriodStart"], stated["validityPeriodEnd"]
    assert stated["id"] in api.ids(validOn=start)
    assert stated["id"] in api.ids(validOn=end)
    assert stated["id"] not in api.ids(validOn=seconds(start, -1))
    assert stated["id"] not in api.ids(validOn=seconds(end, 1))


def test_valid_after_and_valid_before_are_strict(api: Api, footprints: list[Json]) -> None:
    stated = next(item for item in footprints if "validityPeriodEnd" in item)
    start, end = stated["validityPeriodStart"], stated["validityPeriodEnd"]
    assert stated["id"] not in api.ids(validAfter=start)
    assert stated["id"] in api.ids(validAfter=seconds(start, -1))
    assert stated["id"] not in api.ids(validBefore=end)
    assert stated["id"] in api.ids(validBefore=seconds(end, 1))


def test_without_a_period_it_is_three_years_from_the_reference_period(
    api: Api, operator: NodeProcess
) -> None:
    pcf = api.get(EXTRA_ID).json()["data"]["pcf"]
    start = pcf["referencePeriodEnd"]
    end = start.replace("2026", "2029")
    assert EXTRA_ID in api.ids(validOn=start)
    assert EXTRA_ID in api.ids(validOn=end)
    assert EXTRA_ID not in api.ids(validOn=seconds(start, -1))
    assert EXTRA_ID not in api.ids(validOn=seconds(end, 1))


@pytest.mark.parametrize("name", ["validOn", "validAfter", "validBefore"])
def test_a_date_that_is_none_is_refused(api: Api, name: str) -> None:
    assert_error(api.page((name, "next tuesday")), {400}, {"BadRequest"})


def test_the_filter_syntax_of_version_2_is_refused(api: Api) -> None:
    assert_error(api.page(("$filter", "created ge 2024-01-01")), {400}, {"BadRequest"})


# --- 4. errors ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/3/nothing", "/3/footprints/x/y", "/4/footprints"])
def test_an_unknown_path_gives_an_error_object(api: Api, path: str) -> None:
    assert_error(api.client.get(path), {404, 400}, {"NotFound", "BadRequest"})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/3/footprints"),
        ("DELETE", "/3/footprints"),
        ("PUT", "/3/footprints/{}"),
        ("GET", "/3/events"),
    ],
)
def test_a_wrong_method_gives_an_error_object(api: Api, method: str, path: str) -> None:
    answer = api.client.request(method, path.format(uuid.uuid4()))
    assert_error(answer, {400, 404, 405}, {"NotFound", "BadRequest", "NotImplemented"})


@pytest.mark.parametrize("footprint_id", ["non-existent-id", "%00", "..%2F..%2Fetc%2Fpasswd"])
def test_an_id_that_is_none_gives_an_error_object(api: Api, footprint_id: str) -> None:
    assert_error(api.get(footprint_id), {400, 404}, {"NotFound", "BadRequest"})


@pytest.mark.parametrize("header", [None, "Bearer", "Basic eDp5", "Bearer a.b.c", "nonsense"])
def test_without_a_usable_token_nothing_is_served(target: Target, header: str | None) -> None:
    with target.client() as client:
        headers = {} if header is None else {"Authorization": header}
        assert_error(client.get("/3/footprints", headers=headers), {400, 401}, {"BadRequest"})
