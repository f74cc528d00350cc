"""Keys and address over the management API; what is refused says nothing of the recovery key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.node.manage.conftest import Company, Market, Refused

from underseal_node.manage.shapes.keys import RecoveryInput, RevokeInput
from underseal_protocol.keys import KeyPurpose, SigningKey
from underseal_protocol.recovery import recovery_text

RECOVERY, OTHER = (SigningKey.generate(KeyPurpose.RECOVERY) for _ in range(2))
TEXT = recovery_text(RECOVERY)
SINCE = "2026-03-01T00:00:00Z"


@pytest.fixture
async def company(market: Market) -> Company:
    """A node of an earlier version, which has been given a recovery key."""
    made = await market.open("cathode", recovery=None)
    await made.post("/keys/recovery", {"jwk": RECOVERY.public_jwk()})
    return made


async def used(company: Company) -> dict[str, str]:
    listed = (await company.get("/keys"))["data"]
    return {one["purpose"]: one["kid"] for one in listed if one["state"] == "in use"}


async def test_keys_are_listed_with_their_states(company: Company) -> None:
    before = await used(company)
    rotated = await company.post("/keys/rotate", {"purposes": ["footprint", "client"]})
    revoked = await company.post(
        "/keys/revoke", {"kids": [before["identity"]], "since": SINCE, "recoveryKey": TEXT}
    )
    found = await company.get("/keys")
    states = {one["kid"]: one["state"] for one in found["data"]}
    assert {states[before[purpose]] for purpose in ("footprint", "client")} == {"rotated"}
    assert states[before["identity"]] == "revoked"
    assert {states[kid] for kid in (rotated["new"] | revoked["new"]).values()} == {"in use"}
    stolen = next(one for one in found["data"] if one["state"] == "revoked")
    assert stolen["compromisedSince"] == SINCE
    assert (found["entry"], found["recoveryKid"]) == (4, RECOVERY.kid)
    shown = (await company.get("/node"))["keyThumbprints"]
    assert before["identity"] not in shown["identity"]
    assert before["footprint"] in shown["footprint"]


@pytest.mark.parametrize(
    ("path", "given", "status"),
    [
        ("/keys/rotate", {"purposes": ["recovery"]}, 409),
        ("/keys/rotate", {"purposes": ["everything"]}, 422),
        ("/keys/revoke", {"kids": [], "since": SINCE, "recoveryKey": TEXT}, 422),
        ("/keys/revoke", {"kids": ["x"], "since": SINCE, "recoveryKey": TEXT}, 404),
        ("/keys/revoke", {"kids": ["x"], "since": "yesterday", "recoveryKey": TEXT}, 422),
        ("/keys/revoke", {"kids": ["x"], "since": "2026-03-01T00:00:00", "recoveryKey": TEXT}, 422),
        (
            "/keys/revoke",
            {"kids": ["x"], "since": "2999-01-01T00:00:00Z", "recoveryKey": TEXT},
            409,
        ),
        ("/keys/revoke", {"kids": ["x"], "since": SINCE, "recoveryKey": TEXT[:-1]}, 422),
        ("/keys/revoke", {"kids": ["x"], "since": SINCE, "recoveryKey": TEXT * 20}, 422),
        ("/keys/revoke", {"kids": ["x"], "since": SINCE, "recoveryKey": [TEXT]}, 422),
        ("/keys/revoke", {"kids": ["x"], "since": SINCE, "recoveryKey": TEXT, "more": 1}, 422),
        ("/keys/revoke", {"kids": ["x"], "since": SINCE, "recoveryKey": recovery_text(OTHER)}, 409),
        ("/keys/recovery", {"jwk": OTHER.public_jwk(), "recoveryKey": recovery_text(OTHER)}, 409),
        ("/keys/recovery", {"jwk": OTHER.public_jwk()}, 409),
        ("/keys/recovery", {"jwk": {"kty": "EC", "d": "x"}, "recoveryKey": TEXT}, 422),
        ("/keys/recovery", {"jwk": {}, "recoveryKey": TEXT}, 422),
        ("/node/move", {"url": "http://cathode.example"}, 409),
        ("/node/move", {"url": "https://cathode.example"}, 409),
        ("/node/move", {"url": "https://user:x@cathode.example"}, 409),
    ],
)
async def test_what_is_refused_changes_nothing(
    company: Company, refused: Refused, path: str, given: dict[str, Any], status: int
) -> None:
    before = await company.get("/keys")
    message = refused(await company.http.post(path, json=given), status)
    assert TEXT[:20] not in message
    assert TEXT[6:20] not in message
    assert await company.get("/keys") == before
    assert (await company.get("/node"))["url"] == "https://cathode.example"


def test_the_recovery_key_is_in_no_representation() -> None:
    shapes = (
        RevokeInput(kids=["x"], since=SINCE, recovery_key=TEXT),  # type: ignore[arg-type]
        RecoveryInput(jwk={}, recovery_key=TEXT),
    )
    for shape in shapes:
        assert TEXT not in repr(shape) + str(shape)
    assert TEXT not in repr(RECOVERY)


async def test_the_doctor_misses_a_recovery_key(market: Market) -> None:
    made = await market.open("cathode", recovery=None)

    async def check() -> str:
        found = (await made.get("/doctor"))["data"]
        return str(next(one["result"] for one in found if one["name"] == "recovery key"))

    assert await check() == "warning"
    await made.post("/keys/recovery", {"jwk": RECOVERY.public_jwk()})
    assert await check() == "ok"


async def test_a_move_tells_who_is_told_and_what_is_to_be_done(
    company: Company, market: Market
) -> None:
    buyer = await market.open("buyer")
    at_one = await company.post("/peers", {"name": "buyer", "url": buyer.url}, 201)
    at_other = await buyer.post(
        "/peers",
        {
            "name": "cathode",
            "url": company.url,
            "clientId": at_one["client_id"],
            "clientSecret": at_one["client_secret"],
        },
        201,
    )
    await company.patch(
        "/peers/buyer",
        {"clientId": at_other["client_id"], "clientSecret": at_other["client_secret"]},
    )
    await company.post("/peers", {"name": "only-pulls"}, 201)
    footprint = (await buyer.get("/peers/cathode/keys"))["issuer"]
    assert footprint == company.url
    url = "https://new.example/pact"
    dry = await company.post("/node/move", {"url": url, "dryRun": True})
    moved = await company.post("/node/move", {"url": url + "/"})
    assert {**moved, "dryRun": True} == dry
    assert moved["notified"] == ["buyer"]
    assert any("only-pulls" in one for one in moved["todo"])
    assert any("DNS" in one for one in moved["todo"])
    await company.work()
    peer = await buyer.get("/peers/cathode")
    assert (peer["url"], peer["issuer"]) == (url, url)
    keys = await buyer.get("/peers/cathode/keys")
    assert (keys["issuer"], keys["formerIssuers"]) == (url, ["https://cathode.example"])
    events = (await company.get("/outbox"))["data"]
    assert [(one["type"], one["state"]) for one in events] == [("underseal.key-log", "delivered")]


async def test_the_address_in_credentials_follows(company: Company) -> None:
    await company.post("/node/move", {"url": "https://new.example"})
    added = await company.post("/peers", {"name": "buyer"}, 201)
    assert added["base_url"] == "https://new.example"
    assert json.dumps(added).count("cathode.example") == 0
