"""`GET /3/footprints` and `GET /3/footprints/{id}`: bytes, pages, filters, changes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from underseal_node.store.tables import KeyKind
from underseal_protocol.credential import credential_of, verify
from underseal_protocol.disclosure import Level

World = Any
Listed = Callable[[httpx.Response], list[str]]

LINK = re.compile(r'<(https://[^>]+)>; rel="next"')


def next_link(response: httpx.Response) -> str | None:
    if "link" not in response.headers:
        return None
    found = LINK.fullmatch(response.headers["link"])
    assert found, response.headers["link"]
    return found[1]


async def walk(client: httpx.AsyncClient, url: str) -> list[httpx.Response]:
    pages = []
    while url:
        pages.append(await client.get(url))
        assert pages[-1].status_code == 200, pages[-1].text
        url = next_link(pages[-1]) or ""
    return pages


async def test_one_footprint_with_a_credential_that_verifies(
    world: World, document: Callable[..., Any], ids: list[str]
) -> None:
    world.grant("buyer", KeyKind.ALL, level=Level.FULL)
    async with world.client("buyer") as client:
        response = await client.get(f"/3/footprints/{ids[0].upper()}")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert list(response.json()) == ["data"]
    served = response.json()["data"]
    assert credential_of(served)
    verified = verify(served, keys=world.node.public_keys, issuer="https://node.example")
    assert verified.withheld == frozenset()
    served.pop("extensions")
    assert served == document(1)


async def test_list_and_single_have_the_same_bytes(world: World, ids: list[str]) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        singles = [(await client.get(f"/3/footprints/{one}")).content for one in ids]
        listed = (await client.get("/3/footprints")).content
    items = b",".join(single[len(b'{"data":') : -1] for single in singles)
    assert listed == b'{"data":[' + items + b"]}"


@pytest.mark.parametrize("bad", ["x", "0" * 36, "%00", "..", "{0}x", "{0}%0a", "urn:uuid:{0}"])
async def test_what_is_no_uuid_is_not_found(world: World, ids: list[str], bad: str) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        response = await client.get(f"/3/footprints/{bad.format(ids[0])}")
    assert (response.status_code, response.json()["code"]) == (404, "NotFound")


async def test_pages_by_link_yield_each_footprint_once(
    world: World, ids: list[str], listed: Listed
) -> None:
    world.grant("buyer", KeyKind.ALL)
    ids = [*ids, *(world.publish() for _ in range(5))]
    async with world.client("buyer") as client:
        pages = await walk(client, "/3/footprints?limit=2")
    assert [listed(page) for page in pages] == [ids[0:2], ids[2:4], ids[4:6], ids[6:]]


async def test_no_link_when_the_last_page_is_full(world: World, listed: Listed) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        response = await client.get("/3/footprints?limit=2")
    assert len(listed(response)) == 2
    assert "link" not in response.headers


async def test_the_link_keeps_filters_and_limit(world: World, listed: Listed) -> None:
    world.grant("buyer", KeyKind.ALL)
    query: list[tuple[str, Any]] = [
        ("companyId", "urn:lei:529900T8BM49AURSDO55"),
        ("Geography", "DE"),
        ("geography", "FR"),
        ("limit", "1"),
        ("validOn", "2025-06-01T00:00:00+00:00"),
        ("classification", "urn:pact:productclassification:cas:554-13-2"),
        ("x-other", "a&b=c#d"),
    ]
    async with world.client("buyer") as client:
        response = await client.get("/3/footprints", params=httpx.QueryParams(query))
        assert len(listed(response)) == 1
        link = next_link(response)
        assert link is not None
        parts = urlsplit(link)
        assert (parts.scheme, parts.netloc, parts.path) == (
            "https",
            "node.example",
            "/3/footprints",
        )
        *kept, (name, _) = parse_qsl(parts.query)
        assert (kept, name) == (query, "cursor")
        second = await client.get(link)
        assert next_link(second) is None
        assert set(listed(second)).isdisjoint(listed(response))


async def test_a_link_can_be_called_again_while_footprints_are_added(
    world: World, ids: list[str], listed: Listed
) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        link = next_link(await client.get("/3/footprints?limit=1"))
        assert link is not None
        assert listed(await client.get(link)) == ids[1:]
        third = world.publish()
        again = await client.get(link)
        assert listed(again) == ids[1:]
        following = next_link(again)
        assert following is not None
        assert listed(await client.get(following)) == [third]


async def test_pages_under_concurrent_inserts_yield_each_footprint_once(
    world: World, ids: list[str], listed: Listed
) -> None:
    world.grant("buyer", KeyKind.ALL)
    published = [*ids, *(world.publish() for _ in range(6))]
    found: list[str] = []
    async with world.client("buyer") as client:
        url: str | None = "/3/footprints?limit=3"
        while url:
            response = await client.get(url)
            found += listed(response)
            url = next_link(response)
            if url and len(published) < 11:
                published.append(world.publish())
    assert found == published


@pytest.mark.parametrize("limit", ["-1", "abc", "1.5", "1e3", " 1", "+1", "٣", "0x1", "NaN"])
async def test_a_limit_that_is_no_number_is_refused(world: World, limit: str) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        response = await client.get("/3/footprints", params={"limit": limit})
    assert (response.status_code, response.json()["code"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("limit", "count"), [("0", 0), ("1", 1), ("01", 1), ("", 2), ("1000", 2), ("9" * 30, 2)]
)
async def test_limits(world: World, listed: Listed, limit: str, count: int) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        response = await client.get(f"/3/footprints?Limit={limit}")
    assert len(listed(response)) == count
    assert ("link" in response.headers) == (count == 1)


async def test_a_page_is_never_longer_than_the_setting(
    make_world: Callable[..., World], listed: Listed
) -> None:
    world = make_world(default_page_size=2, max_page_size=3)
    for _ in range(5):
        world.publish()
    world.add_peer()
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        assert len(listed(await client.get("/3/footprints"))) == 2
        assert len(listed(await client.get("/3/footprints?limit=5"))) == 3


@pytest.mark.parametrize("cursor", ["x", "A" * 32, "é", "A" * 500, "=" * 32])
async def test_a_cursor_that_was_not_handed_out_is_refused(world: World, cursor: str) -> None:
    async with world.client("buyer") as client:
        response = await client.get("/3/footprints", params={"cursor": cursor})
    assert (response.status_code, response.json()["code"]) == (400, "BadRequest")


async def test_a_watermark_is_no_cursor(world: World) -> None:
    async with world.client("buyer") as client:
        watermark = (await client.get("/3/footprints")).headers["x-underseal-watermark"]
        response = await client.get("/3/footprints", params={"cursor": watermark})
    assert response.status_code == 400


@pytest.mark.parametrize(
    "query",
    ["$filter=x", "%24filter=x", "validOn=yesterday", "validAfter=2025-13-01T00:00:00Z"],
)
async def test_malformed_filters_are_refused(world: World, query: str) -> None:
    async with world.client("buyer") as client:
        response = await client.get(f"/3/footprints?{query}")
    assert (response.status_code, response.json()["code"]) == (400, "BadRequest")


@pytest.mark.parametrize("query", ["a=b&" * 2000, "a=" + "x" * 40_000])
async def test_an_endless_query_is_refused(world: World, query: str) -> None:
    async with world.client("buyer") as client:
        assert (await client.get(f"/3/footprints?{query}")).status_code == 400


async def test_filters_choose(world: World, listed: Listed, document: Callable[..., Any]) -> None:
    world.grant("buyer", KeyKind.ALL)
    base = document(50)
    french = world.publish(
        {
            **base,
            "status": "Deprecated",
            "productIds": ["urn:gtin:4006381333931", "urn:x-a:b"],
            "companyIds": ["urn:lei:other"],
            "productClassifications": ["urn:eclass:0173-1#01-AAA123#005"],
            "validityPeriodStart": "2025-03-01T00:00:00Z",
            "validityPeriodEnd": "2025-09-01T00:00:00Z",
            "pcf": {**base["pcf"], "geographyCountry": "FR"},
        }
    )
    expectations = {
        "productId=URN:GTIN:4006381333931": True,
        "productId=urn:x-a:b&productId=urn:unknown:1": True,
        "productId=urn:x-a:b&companyId=urn:lei:other&geography=fr&status=deprecated": True,
        "productId=urn:x-a:b&geography=DE": False,
        "companyId=urn:lei:OTHER": True,
        "classification=urn:eclass:0173-1%2301-AAA123%23005": True,
        "classification=urn:eclass:0173-1": False,
        "status=Deprecated": True,
        "status=Bogus": False,
        "geography=XX": False,
        "companyId=no-urn": False,
        "status=": None,
        "geography=FR&validOn=2025-03-01T00:00:00Z": True,
        "geography=FR&validOn=2025-09-01T00:00:00Z": True,
        "geography=FR&validOn=2025-09-01T00:00:01Z": False,
        "geography=FR&validAfter=2025-03-01T00:00:00Z": False,
        "geography=FR&validAfter=2025-02-28T23:59:59Z": True,
        "geography=FR&validBefore=2025-09-01T00:00:00Z": False,
        "geography=FR&validBefore=2025-09-01T00:00:01Z": True,
    }
    async with world.client("buyer") as client:
        for query, is_found in expectations.items():
            found = listed(await client.get(f"/3/footprints?{query}"))
            if is_found is None:
                assert len(found) == 3, query
            else:
                assert found == ([french] if is_found else []), query


async def test_only_what_changed_after_a_watermark(
    world: World, ids: list[str], listed: Listed
) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        first = await client.get("/3/footprints")
        assert listed(first) == ids
        mark = {"x-underseal-changed-after": first.headers["x-underseal-watermark"]}
        second = await client.get("/3/footprints", params=mark)
        assert listed(second) == []
        added = [world.publish() for _ in range(3)]
        pages = await walk(client, str(httpx.URL("/3/footprints", params={**mark, "limit": 2})))
        assert [listed(page) for page in pages] == [added[:2], added[2:]]


async def test_a_watermark_that_is_still_to_come_gives_everything(
    world: World, ids: list[str], listed: Listed
) -> None:
    """The database was set back: what the peer has seen since is not what will be changed now."""
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        first = await client.get("/3/footprints")
        mark = {"x-underseal-changed-after": first.headers["x-underseal-watermark"]}
        world.write(
            lambda session: session.connection().exec_driver_sql(
                "UPDATE change_counter SET last = last - 1"
            )
        )
        assert listed(await client.get("/3/footprints", params=mark)) == ids


async def test_a_new_grant_makes_what_it_covers_changed(
    world: World, ids: list[str], listed: Listed
) -> None:
    world.grant("buyer", KeyKind.FOOTPRINT, ids[0], level=Level.TOTAL)
    async with world.client("buyer") as client:
        first = await client.get("/3/footprints")
        assert listed(first) == ids[:1]
        mark = {"x-underseal-changed-after": first.headers["x-underseal-watermark"]}
        world.grant("buyer", KeyKind.PRODUCT, "urn:pact:node.example:product-id:2")
        assert listed(await client.get("/3/footprints", params=mark)) == ids[1:]
        world.grant("buyer", KeyKind.ALL, level=Level.QUALITY)
        assert listed(await client.get("/3/footprints", params=mark)) == ids


async def test_an_unknown_watermark_gives_everything(
    world: World, ids: list[str], listed: Listed
) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        for text in ("1", "A" * 32, "é"):
            params = {"X-Underseal-Changed-After": text}
            assert listed(await client.get("/3/footprints", params=params)) == ids


async def test_positions_do_not_tell_how_much_there_is(world: World) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        response = await client.get("/3/footprints?limit=1")
        mark = response.headers["x-underseal-watermark"]
        cursor = dict(parse_qsl(urlsplit(next_link(response) or "").query))["cursor"]
    assert re.fullmatch("[A-Za-z0-9_-]{43}", mark)
    assert re.fullmatch("[A-Za-z0-9_-]{32}", cursor)


async def test_a_watermark_does_not_tell_whether_anything_has_happened(world: World) -> None:
    async with world.client("buyer") as client:
        marks = [
            (await client.get("/3/footprints")).headers["x-underseal-watermark"] for _ in range(5)
        ]
    assert len(set(marks)) == 5


async def test_the_status_statement_of_a_deprecated_footprint(
    world: World, ids: list[str], document: Callable[..., Any]
) -> None:
    world.grant("buyer", KeyKind.ALL)
    deprecated = world.publish(document(60, status="Deprecated"))
    async with world.client("buyer") as client:
        response = await client.get(f"/extensions/status/{deprecated}")
        assert response.status_code == 200
        assert response.headers["content-type"] == "application/jwt"
        assert response.text.count(".") == 2
        assert (await client.get(f"/extensions/status/{ids[0]}")).status_code == 404
        body = (await client.get(f"/3/footprints/{deprecated}")).content
    assert json.loads(body)["data"]["status"] == "Deprecated"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("path", ["/3/footprints", "/3/footprints/x"])
async def test_other_methods_are_refused_in_json(world: World, method: str, path: str) -> None:
    async with world.client("buyer") as client:
        response = await client.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, "GET")
    assert response.headers["content-type"] == "application/json"
    if method != "HEAD":
        assert response.json()["code"] == "BadRequest"
