"""What has not been granted does not exist, at every endpoint that serves footprints."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlmodel import Session

from underseal_node.store import keys, receipts
from underseal_node.store.audit_tables import ReceiptRole
from underseal_node.store.tables import KeyKind, PeerState
from underseal_protocol.disclosure import Level
from underseal_protocol.keys import KeyPurpose

Listed = Callable[[httpx.Response], list[str]]
World = Any

PRODUCT = "urn:pact:node.example:product-id:1"
OF_ONE = (
    *("/3/footprints/{}", "/extensions/status/{}", "/extensions/attestations/{}"),
    "/extensions/sealed-sum/{}",
)
PATHS = ("/3/footprints", "/extensions/grants", "/extensions/sealed-sum", *OF_ONE)
POSTS = ("POST /3/events", "POST /extensions/key-log", "POST /extensions/endorsements")


def assert_error(response: httpx.Response, status: int, code: str) -> None:
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"code", "message"}


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_without_a_token(world: World, ids: list[str], path: str) -> None:
    async with world.client() as client:
        response = await client.get(path.format(ids[0]))
    assert_error(response, 401, "BadRequest")
    assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", [*PATHS, *POSTS])
async def test_nothing_with_a_token_of_a_revoked_key_from_the_next_request_on(
    world: World, ids: list[str], path: str
) -> None:
    """Also in a worker that has verified the token, and has not noticed the revocation."""
    world.grant("buyer", KeyKind.ALL)
    method, _, target = path.rpartition(" ")
    async with world.client("buyer") as client:

        async def ask() -> httpx.Response:
            answer: httpx.Response = await client.request(
                method or "GET", target.format(ids[0]), content=b"{}"
            )
            return answer

        assert (await ask()).status_code in (200, 400, 404)

        def revoke_key(session: Session) -> None:
            row = keys.active(session, KeyPurpose.ACCESS_TOKEN)
            assert row is not None
            keys.revoke(session, row, world.now, forget=False)

        world.write(revoke_key)
        assert_error(await ask(), 401, "BadRequest")


async def test_no_events_without_a_token(world: World) -> None:
    async with world.client() as client:
        assert_error(await client.post("/3/events", content=b"{}"), 401, "BadRequest")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_no_receipts_without_a_token(world: World, ids: list[str], method: str) -> None:
    path = "/extensions/receipts" if method == "POST" else f"/extensions/receipts/{ids[0]}"
    async with world.client() as client:
        assert_error(await client.request(method, path, content=b"x"), 401, "BadRequest")


async def test_no_receipt_for_whose_keys_are_not_pinned(world: World) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        response = await client.post("/extensions/receipts", content=b"a.b.c")
    assert_error(response, 403, "AccessDenied")


async def test_the_receipt_of_another_peer_looks_like_none(world: World, ids: list[str]) -> None:
    world.add_peer("other")

    def add(session: Any) -> str:
        peer_id = world.peer_ids["other"]
        row = receipts.add(session, ReceiptRole.ISSUED, peer_id, "digest", "a.b.c", world.now)
        return str(row.id)

    receipt_id = world.write(add)
    async with world.client("other") as client:
        waiting = await client.get(f"/extensions/receipts/{receipt_id}")
    assert (waiting.status_code, waiting.headers["retry-after"]) == (202, "2")
    async with world.client("buyer") as client:
        hidden = await client.get(f"/extensions/receipts/{receipt_id}")
        missing = await client.get(f"/extensions/receipts/{ids[0]}")
    assert_error(hidden, 404, "NotFound")
    assert hidden.content == missing.content


async def test_a_peer_without_a_grant_gets_an_empty_list(world: World, listed: Listed) -> None:
    async with world.client("buyer") as client:
        for query in ("", "?limit=1", f"?productId={PRODUCT}", "?status=Active", "?geography=DE"):
            response = await client.get(f"/3/footprints{query}")
            assert listed(response) == []
            assert "link" not in response.headers


async def test_a_footprint_that_is_not_granted_looks_like_none(
    world: World, ids: list[str], document: Callable[..., Any]
) -> None:
    absent = document(99)["id"]
    async with world.client("buyer") as client:
        for path in OF_ONE:
            hidden = await client.get(path.format(ids[0]))
            missing = await client.get(path.format(absent))
            assert_error(hidden, 404, "NotFound")
            assert hidden.content == missing.content


async def test_a_grant_of_everything_shows_everything(
    world: World, ids: list[str], listed: Listed
) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        assert listed(await client.get("/3/footprints")) == ids
        assert (await client.get(f"/3/footprints/{ids[0]}")).status_code == 200


@pytest.mark.parametrize(
    ("kind", "value"),
    [(KeyKind.PRODUCT, PRODUCT.upper()), (KeyKind.FOOTPRINT, "{0}")],
)
async def test_a_grant_shows_what_it_names_and_no_more(
    world: World, ids: list[str], listed: Listed, kind: KeyKind, value: str
) -> None:
    world.grant("buyer", kind, value.format(*ids))
    async with world.client("buyer") as client:
        assert listed(await client.get("/3/footprints")) == ids[:1]
        assert (await client.get(f"/3/footprints/{ids[0]}")).status_code == 200
        assert_error(await client.get(f"/3/footprints/{ids[1]}"), 404, "NotFound")


async def test_a_filter_does_not_widen_a_grant(
    world: World, ids: list[str], listed: Listed
) -> None:
    world.grant("buyer", KeyKind.FOOTPRINT, ids[0])
    company = "urn:lei:529900t8bm49aursdo55"
    async with world.client("buyer") as client:
        for query in (
            f"companyId={company}",
            "productId=urn:pact:node.example:product-id:2",
            "classification=urn:pact:productclassification:cas:554-13-2",
            "geography=de",
            "status=active",
            "validOn=2025-06-01T00:00:00Z",
        ):
            found = listed(await client.get(f"/3/footprints?{query}"))
            assert found == ([] if "product-id:2" in query else ids[:1]), query


async def test_a_peer_without_a_grant_is_told_of_none(world: World) -> None:
    world.add_peer("other")
    world.grant("other", KeyKind.ALL)
    world.grant("buyer", KeyKind.ALL, starts=world.now + timedelta(seconds=1))
    world.grant("buyer", KeyKind.PRODUCT, PRODUCT, ends=world.now)
    async with world.client("buyer") as client:
        for query in ("", "?limit=1", "?limit=0"):
            response = await client.get(f"/extensions/grants{query}")
            assert (response.status_code, response.content) == (200, b'{"data":[]}')
            assert "link" not in response.headers


async def test_the_grants_of_another_peer_do_not_count(world: World, listed: Listed) -> None:
    world.add_peer("other")
    world.grant("other", KeyKind.ALL)
    async with world.client("buyer") as client:
        assert listed(await client.get("/3/footprints")) == []


async def test_a_grant_counts_from_its_start_until_before_its_end(
    world: World, ids: list[str], listed: Listed
) -> None:
    begins = world.now + timedelta(seconds=10)
    ends = begins + timedelta(seconds=10)
    world.grant("buyer", KeyKind.ALL, starts=begins, ends=ends)
    expectations = {-1: False, 0: True, 9: True, 10: False}
    async with world.client("buyer") as client:
        for seconds, is_visible in expectations.items():
            world.now = begins + timedelta(seconds=seconds)
            assert listed(await client.get("/3/footprints")) == (ids if is_visible else [])
            one = await client.get(f"/3/footprints/{ids[0]}")
            assert one.status_code == (200 if is_visible else 404)


async def test_a_revoked_grant_is_gone_with_the_next_request(
    world: World, ids: list[str], listed: Listed
) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        assert listed(await client.get("/3/footprints")) == ids
        world.write(
            lambda session: session.connection().exec_driver_sql("DELETE FROM access_grant")
        )
        assert listed(await client.get("/3/footprints")) == []
        assert_error(await client.get(f"/3/footprints/{ids[0]}"), 404, "NotFound")


async def test_the_level_of_the_grant_decides_what_is_in_a_footprint(
    world: World, ids: list[str]
) -> None:
    world.grant("buyer", KeyKind.ALL, level=Level.TOTAL)
    async with world.client("buyer") as client:
        low = (await client.get(f"/3/footprints/{ids[0]}")).json()["data"]
        assert "comment" not in low
        assert "dqi" not in low["pcf"]
        listed_low = (await client.get("/3/footprints")).json()["data"][0]
        assert listed_low == low
        world.grant("buyer", KeyKind.FOOTPRINT, ids[0], level=Level.FULL)
        high = (await client.get(f"/3/footprints/{ids[0]}")).json()["data"]
        assert high["comment"] == "told to few"
        first, second = (await client.get("/3/footprints")).json()["data"]
        assert first == high
        assert "comment" not in second


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"state": PeerState.SUSPENDED}, 403, "AccessDenied"),
        ({"state": PeerState.REVOKED}, 401, "BadRequest"),
    ],
)
async def test_a_peer_that_may_not_call_gets_nothing(
    world: World, ids: list[str], path: str, values: dict[str, Any], status: int, code: str
) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        await client.get("/3/footprints")  # the token is in the cache now
        world.change_peer("buyer", **values)
        assert_error(await client.get(path.format(ids[0])), status, code)
        assert_error(await client.post("/3/events", content=b"{}"), status, code)


@pytest.mark.parametrize("path", PATHS)
async def test_a_revoked_or_expired_credential_opens_nothing(
    world: World, ids: list[str], path: str
) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        world.change_credential("buyer", expires_at=world.now)
        assert_error(await client.get(path.format(ids[0])), 401, "BadRequest")
        world.change_credential("buyer", expires_at=None, revoked_at=world.now)
        assert_error(await client.get(path.format(ids[0])), 401, "BadRequest")


async def test_tokens_from_before_a_revocation_are_refused(world: World, listed: Listed) -> None:
    world.grant("buyer", KeyKind.ALL)
    async with world.client("buyer") as client:
        world.change_peer("buyer", token_not_before=world.now + timedelta(seconds=1))
        assert_error(await client.get("/3/footprints"), 401, "BadRequest")
        newer = world.token("buyer", issued_at=world.now + timedelta(seconds=2))
        client.headers["authorization"] = f"Bearer {newer}"
        assert len(listed(await client.get("/3/footprints"))) == 2


KEY_LOG = "/extensions/key-log"


async def test_no_key_log_without_a_token(world: World) -> None:
    async with world.client() as client:
        assert_error(await client.post(KEY_LOG, json={"entries": ["x"]}), 401, "BadRequest")


@pytest.mark.parametrize(
    ("values", "status", "code"),
    [
        ({"state": PeerState.SUSPENDED}, 403, "AccessDenied"),
        ({"state": PeerState.REVOKED}, 401, "BadRequest"),
    ],
)
async def test_no_key_log_of_a_peer_that_may_not_call(
    world: World, values: dict[str, Any], status: int, code: str
) -> None:
    world.change_peer("buyer", **values)
    async with world.client("buyer") as client:
        assert_error(await client.post(KEY_LOG, json={"entries": ["x"]}), status, code)


async def test_a_key_log_changes_nothing_without_a_pinned_one(world: World) -> None:
    async with world.client("buyer") as client:
        response = await client.post(KEY_LOG, json={"entries": ["x"]})
    assert_error(response, 409, "BadRequest")
    assert "no key log is pinned" in response.json()["message"]
