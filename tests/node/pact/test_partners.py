"""Clients that prove to have a pinned key: what gets a token, and what is told to whom."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from underseal_node.store import peers
from underseal_node.store.tables import AuthMethod, Awaits, KeyKind, PeerState
from underseal_node.trust.key_changes import move
from underseal_protocol import jws
from underseal_protocol.client_assertion import (
    ASSERTION_TYPE,
    CLIENT_ASSERTION_TYPE,
    assert_client,
)
from underseal_protocol.client_notice import CLIENT_IDS_PATH as PATH
from underseal_protocol.client_notice import IssuedClient, make_notice
from underseal_protocol.keys import KeyPurpose, PublicKeySet, SigningKey

World = Any
KEY = SigningKey.generate(KeyPurpose.CLIENT)
OTHER = SigningKey.generate(KeyPurpose.CLIENT)
FOOTPRINT_KEY = SigningKey.generate(KeyPurpose.FOOTPRINT)


@pytest.fixture
def partner(world: World) -> World:
    """The peer `buyer` is a partner with pinned keys."""
    keys = PublicKeySet([KEY.public_key(), FOOTPRINT_KEY.public_key()])
    world.change_peer("buyer", key_set=json.dumps(keys.to_jwks()), is_underseal=True)
    world.change_credential("buyer", method=AuthMethod.PRIVATE_KEY_JWT, secret_hash="")
    return world


def form(world: World, *, key: SigningKey = KEY, **changes: Any) -> dict[str, str]:
    client_id = world.secrets["buyer"][0]
    assertion = assert_client(client_id, audience=world.node.identity.url, key=key, now=world.now)
    given = {
        "grant_type": "client_credentials",
        "client_assertion_type": CLIENT_ASSERTION_TYPE,
        "client_assertion": assertion,
    } | changes
    return {name: value for name, value in given.items() if value is not None}


async def ask(world: World, data: dict[str, str], **more: Any) -> httpx.Response:
    async with world.client() as client:
        answer: httpx.Response = await client.post("/auth/token", data=data, **more)
        return answer


def refused(answer: httpx.Response, error: str, status: int = 400) -> str:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.headers["cache-control"] == "no-store"
    return str(answer.json()["error_description"])


async def test_an_assertion_gets_a_token(partner: World) -> None:
    answer = await ask(partner, form(partner))
    assert answer.status_code == 200, answer.text
    token = answer.json()["access_token"]
    async with partner.client() as client:
        listed = await client.get("/3/footprints", headers={"authorization": f"Bearer {token}"})
    assert listed.json() == {"data": []}


async def test_an_assertion_counts_once_whoever_sees_it(
    partner: World, make_world: Callable[..., World]
) -> None:
    given = form(partner)
    assert (await ask(partner, given)).status_code == 200
    assert "used before" in refused(await ask(partner, given), "invalid_client", 401)
    from underseal_node.pact.app import create_public_app

    another_worker = create_public_app(partner.node)
    transport = httpx.ASGITransport(another_worker)
    url = partner.node.identity.url
    async with httpx.AsyncClient(transport=transport, base_url=url) as client:
        answer = await client.post("/auth/token", data=given)
    another_worker.state.context.serving.close()
    assert "used before" in refused(answer, "invalid_client", 401)


async def test_memory_of_assertions_is_bounded_by_their_time(partner: World) -> None:
    from sqlmodel import func, select

    from underseal_node.store.identity_tables import UsedAssertion

    for _ in range(3):
        await ask(partner, form(partner))
        # They are good for two minutes, and kept for five more: hosts may have different clocks.
        partner.now += timedelta(minutes=8)
    statement = select(func.count()).select_from(UsedAssertion)
    count = partner.node.store.read_sync(lambda session: session.exec(statement).one())
    assert count == 1


@pytest.mark.parametrize(
    ("changes", "error", "status"),
    [
        ({"client_assertion": "a.b.c"}, "invalid_client", 401),
        ({"client_assertion": None}, "invalid_client", 401),
        ({"client_assertion_type": "urn:other"}, "invalid_request", 400),
        ({"client_assertion_type": None}, "invalid_request", 400),
        ({"client_secret": "x"}, "invalid_request", 400),
        ({"client_id": "client-other"}, "invalid_client", 401),
        ({"grant_type": "password"}, "unsupported_grant_type", 400),
        ({"grant_type": None}, "invalid_request", 400),
    ],
)
async def test_malformed_requests_are_refused(
    partner: World, changes: dict[str, Any], error: str, status: int
) -> None:
    refused(await ask(partner, form(partner, **changes)), error, status)


async def test_two_ways_to_authenticate_are_refused(partner: World) -> None:
    answer = await ask(partner, form(partner), auth=("client", "secret"))
    refused(answer, "invalid_request")


@pytest.mark.parametrize("key", [OTHER, FOOTPRINT_KEY], ids=["another key", "a footprint key"])
async def test_another_key_is_refused(partner: World, key: SigningKey) -> None:
    claims = jws.parse(form(partner)["client_assertion"]).payload
    assertion = jws.sign(claims, typ=ASSERTION_TYPE, key=key)
    refused(await ask(partner, form(partner, client_assertion=assertion)), "invalid_client", 401)


async def test_a_partner_has_no_secret(partner: World) -> None:
    client_id = partner.secrets["buyer"][0]
    for secret in ("", "sha256:", partner.secrets["buyer"][1]):
        given = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
        }
        refused(await ask(partner, given), "invalid_client", 401)


async def test_a_client_with_a_secret_has_no_key(world: World) -> None:
    refused(await ask(world, form(world)), "invalid_client", 401)


async def test_the_assertion_of_another_peer_is_refused(partner: World) -> None:
    partner.add_peer("other")
    other_id = partner.secrets["other"][0]
    assertion = assert_client(
        other_id, audience=partner.node.identity.url, key=KEY, now=partner.now
    )
    refused(await ask(partner, form(partner, client_assertion=assertion)), "invalid_client", 401)


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        (
            {"state": PeerState.PENDING, "awaits": Awaits.US},
            "authorization_pending",
            "not been approved",
        ),
        ({"state": PeerState.SUSPENDED}, "unauthorized_client", "suspended"),
        ({"state": PeerState.REVOKED, "state_reason": "we part"}, "access_denied", "we part"),
        ({"state": PeerState.REVOKED}, "access_denied", "has ended"),
    ],
)
async def test_who_has_proved_who_it_is_learns_why_there_is_no_token(
    partner: World, values: dict[str, Any], error: str, words: str
) -> None:
    partner.change_peer("buyer", **values)
    assert words in refused(await ask(partner, form(partner)), error)
    wrong = jws.sign(
        jws.parse(form(partner)["client_assertion"]).payload, typ=ASSERTION_TYPE, key=OTHER
    )
    hidden = await ask(partner, form(partner, client_assertion=wrong))
    assert words not in refused(hidden, "invalid_client", 401)


async def test_a_call_of_the_other_side_shows_that_it_has_approved(partner: World) -> None:
    partner.change_peer("buyer", state=PeerState.PENDING, awaits=Awaits.THEM)
    assert (await ask(partner, form(partner))).status_code == 200
    async with partner.client("buyer") as client:
        assert (await client.get("/3/footprints")).status_code == 200


async def test_ended_credentials_get_no_token(partner: World) -> None:
    partner.change_credential("buyer", expires_at=partner.now)
    assert "have ended" in refused(await ask(partner, form(partner)), "invalid_client", 401)


@pytest.mark.parametrize("state", [PeerState.INVITED, PeerState.PENDING])
async def test_a_token_from_before_opens_nothing_that_is_not_active(
    partner: World, state: PeerState
) -> None:
    async with partner.client("buyer") as client:
        partner.change_peer("buyer", state=state)
        for path in ("/3/footprints", "/3/footprints/00000000-0000-4000-8000-000000000000"):
            assert (await client.get(path)).status_code == 401


# POST /extensions/register, GET /extensions/invitations/{id}, POST /extensions/credentials


async def test_nobody_registers_without_a_token(world: World) -> None:
    async with world.client() as client:
        for headers in ({}, {"authorization": "Basic eDp5"}, {"authorization": "Bearer x"}):
            answer = await client.post("/extensions/register", json={}, headers=headers)
            refused(answer, "invalid_token", 401)
            assert answer.headers["www-authenticate"].startswith("Bearer")
        peer_token = world.bearer("buyer")
        answer = await client.post("/extensions/register", json={}, headers=peer_token)
        refused(answer, "invalid_token", 401)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 10_000])
async def test_what_is_no_registration_is_refused(world: World, body: bytes) -> None:
    async with world.client() as client:
        answer = await client.post(
            "/extensions/register", content=body, headers={"authorization": "Bearer x"}
        )
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] in ("invalid_client_metadata", "invalid_token")


async def test_a_registration_has_a_size(world: World) -> None:
    async with world.client() as client:
        answer = await client.post(
            "/extensions/register",
            content=b'"' + b"x" * 600_000 + b'"',
            headers={"authorization": "Bearer x"},
        )
    assert answer.status_code == 413


@pytest.mark.parametrize("name", ["x", "00000000-0000-4000-8000-000000000000", "..", "%00"])
async def test_an_invitation_that_there_is_not(world: World, name: str) -> None:
    async with world.client() as client:
        answer = await client.get(f"/extensions/invitations/{name}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "NotFound"


ISSUED = IssuedClient("client-new", datetime(2027, 1, 1, tzinfo=UTC))


def notice(world: World, *, key: SigningKey = KEY, **changes: Any) -> str:
    given = {"audience": world.node.identity.url, "now": world.now, "issued": ISSUED} | changes
    return make_notice(given.pop("client_id", world.secrets["buyer"][0]), key=key, **given)


async def tell(world: World, content: str | bytes, **more: Any) -> httpx.Response:
    async with world.client() as client:
        answer: httpx.Response = await client.post(PATH, content=content, **more)
        return answer


def ours(world: World) -> tuple[str | None, datetime | None]:
    peer = world.node.store.read_sync(lambda session: peers.by_name(session, "buyer"))
    return peer.client_id, peer.client_expires_at


@pytest.fixture
def told(partner: World) -> World:
    """We are a client of the partner, too."""
    partner.change_peer("buyer", auth_method=AuthMethod.PRIVATE_KEY_JWT, client_id="client-old")
    partner.change_credential("buyer", expires_at=partner.now + timedelta(days=365))
    return partner


async def test_a_partner_tells_us_our_client_id_with_its_key(told: World) -> None:
    answer = await tell(told, notice(told))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json() == {"expiresAt": "2027-01-02T03:04:05.678901Z"}
    assert ours(told) == (ISSUED.client_id, ISSUED.expires_at)


async def test_a_stolen_token_changes_nothing(told: World) -> None:
    body = json.dumps({"clientId": "client-new", "expiresAt": "2027-01-01T00:00:00Z"})
    for content in (body, b"", b"\xff", "a.b.c", form(told)["client_assertion"]):
        answer = await tell(told, content, headers=told.bearer("buyer"))
        refused(answer, "invalid_client", 401)
    assert ours(told)[0] == "client-old"


async def test_a_notice_counts_once_and_is_good_for_nothing_else(told: World) -> None:
    made = notice(told)
    refused(await ask(told, form(told, client_assertion=made)), "invalid_client", 401)
    assert (await tell(told, made)).status_code == 200
    assert "used before" in refused(await tell(told, made), "invalid_client", 401)
    told.now += timedelta(minutes=3)
    refused(await tell(told, made), "invalid_client", 401)


async def test_after_a_move_the_address_before_counts_for_a_while_and_no_older_one(
    partner: World,
) -> None:
    """Whoever got an address that was given up long ago could use here what is sent there."""
    addresses = [partner.node.identity.url, "https://second.example", "https://third.example"]
    await move(partner.node, addresses[1])
    partner.now += timedelta(days=400)
    await move(partner.node, addresses[2])
    client_id = partner.secrets["buyer"][0]

    async def status(audience: str) -> int:
        assertion = assert_client(client_id, audience=audience, key=KEY, now=partner.now)
        return (await ask(partner, form(partner, client_assertion=assertion))).status_code

    assert [await status(one) for one in addresses] == [401, 200, 200]
    partner.now += timedelta(hours=partner.node.settings.rotation_overlap_hours)
    assert [await status(one) for one in addresses] == [401, 401, 200]


@pytest.mark.parametrize(
    "changes",
    [
        {"key": OTHER},
        {"audience": "https://other.example"},
        {"client_id": "client-other"},
        {"issued": IssuedClient("", ISSUED.expires_at)},
        {"issued": IssuedClient("x" * 201, ISSUED.expires_at)},
        {"issued": IssuedClient("a\nb", ISSUED.expires_at)},
    ],
)
async def test_other_notices_are_refused(told: World, changes: dict[str, Any]) -> None:
    refused(await tell(told, notice(told, **changes)), "invalid_client", 401)
    assert ours(told)[0] == "client-old"


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"state": PeerState.PENDING, "awaits": Awaits.US}, "authorization_pending"),
        ({"state": PeerState.SUSPENDED}, "unauthorized_client"),
        ({"state": PeerState.REVOKED}, "access_denied"),
        ({"auth_method": AuthMethod.CLIENT_SECRET}, "invalid_request"),
    ],
)
async def test_only_an_active_partner_tells(
    told: World, values: dict[str, Any], error: str
) -> None:
    told.change_peer("buyer", **values)
    refused(await tell(told, notice(told)), error)
    assert ours(told)[0] == "client-old"


async def test_a_client_id_that_was_revoked_tells_nothing(told: World) -> None:
    told.change_credential("buyer", revoked_at=told.now)
    refused(await tell(told, notice(told)), "invalid_client", 401)


async def test_an_expired_client_id_is_renewed_and_opens_nothing_before(
    told: World, ids: list[str]
) -> None:
    """It cannot get a token, so nothing that wants one is open to it."""
    told.grant("buyer", KeyKind.ALL)
    headers = told.bearer("buyer")
    told.change_credential("buyer", expires_at=told.now - timedelta(days=400))
    assert "have ended" in refused(await ask(told, form(told)), "invalid_client", 401)
    async with told.client() as client:
        for path in ("/3/footprints", f"/3/footprints/{ids[0]}", "/extensions/grants"):
            hidden = await client.get(path, headers=headers)
            assert hidden.status_code == 401
    answer = await tell(told, notice(told, issued=None))
    assert answer.json() == {"expiresAt": "2027-01-02T03:04:05.678901Z"}
    assert ours(told)[0] == "client-old"
    assert (await ask(told, form(told))).status_code == 200


@pytest.mark.parametrize(("days", "is_renewed"), [(29, True), (31, False)])
async def test_a_client_id_is_renewed_when_it_is_time(
    told: World, days: int, is_renewed: bool
) -> None:
    told.change_credential("buyer", expires_at=told.now + timedelta(days=days))
    answer = await tell(told, notice(told, issued=None))
    assert (answer.json()["expiresAt"] > "2026-12") == is_renewed
