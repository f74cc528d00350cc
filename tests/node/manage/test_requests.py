"""Pulls, requests and the outbox over the management API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from underseal_node.store import outbox
from underseal_node.store.exchange_tables import OutboxState

Company = Any
Market = Any
Pair = tuple[Any, Any]
Documents = Callable[..., dict[str, Any]]
Refused = Callable[[httpx.Response, int], str]

PRODUCT = "urn:pact:cathode.example:product-id:1"
CRITERIA = {"productId": [PRODUCT]}
UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def exchanged(*companies: Company) -> None:
    """Everything that is due arrives and is handled."""
    for _ in range(3):
        for company in companies:
            await company.work()


# --- pulls ----------------------------------------------------------------------------------------


async def test_a_pull_tells_how_far_it_came(pair: Pair, document: Documents) -> None:
    customer, supplier = pair
    await supplier.publish(document(1), document(2))
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    started = await customer.post("/pulls", {"everything": True}, 202)
    assert (started["state"], started["data"][0]["peer"]) == ("running", "cathode")
    await customer.app.state.context.pulls.finished(started["id"])
    pulled = await customer.get(f"/pulls/{started['id']}")
    assert pulled["state"] == "done"
    (progress,) = pulled["data"]
    assert (progress["pages"], progress["received"], progress["verified"]) == (1, 2, 2)
    assert (progress["invalid"], progress["alerts"], "error" in progress) == (0, [], False)


async def test_a_pull_can_be_narrowed(pair: Pair, document: Documents) -> None:
    customer, supplier = pair
    await supplier.publish(document(1), document(2))
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    started = await customer.post(
        "/pulls", {"peers": ["CATHODE", "cathode"], "criteria": CRITERIA}, 202
    )
    assert len(started["data"]) == 1
    job = await customer.app.state.context.pulls.finished(started["id"])
    assert job.progress[0].received == 1


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 409),
        ({"peers": ["cathode"], "everything": True}, 409),
        ({"peers": ["nobody"]}, 404),
        ({"peers": ["cathode"], "criteria": {"validOn": "yesterday"}}, 422),
        ({"peers": ["cathode"], "criteria": {"productId": ["x" * 100_000]}}, 422),
        ({"peers": ["cathode"], "criteria": {"colour": ["red"]}}, 422),
    ],
)
async def test_a_pull_that_makes_no_sense_is_refused(
    pair: Pair, refused: Refused, given: dict[str, Any], status: int
) -> None:
    refused(await pair[0].http.post("/pulls", json=given), status)


async def test_a_pull_without_credentials_says_what_is_missing(
    company: Company, refused: Refused
) -> None:
    await company.post("/peers", {"name": "buyer"}, 201)
    assert (await company.pull("buyer"))["error"].startswith("buyer has no URL")
    await company.patch("/peers/buyer", {"url": "https://buyer.example"})
    assert "no credentials" in (await company.pull("buyer"))["error"]
    assert "needs a URL" in refused(
        await company.http.post("/pulls", json={"everything": True}), 409
    )


async def test_a_pull_of_another_time_is_not_known(company: Company, refused: Refused) -> None:
    assert "pull again" in refused(await company.http.get(f"/pulls/{UNKNOWN}"), 404)


# --- requests -------------------------------------------------------------------------------------


async def test_a_request_is_fulfilled_by_the_operator(pair: Pair, document: Documents) -> None:
    customer, supplier = pair
    (footprint_id,) = await supplier.publish(document())
    given = {"peer": "Cathode", "criteria": CRITERIA, "comment": "for the next generation"}
    sent = await customer.post("/requests", given, 201)
    assert (sent["direction"], sent["state"], sent["peer"]) == ("outgoing", "pending", "cathode")
    assert sent["criteria"] == CRITERIA
    await exchanged(customer, supplier)
    (waiting,) = (await supplier.get("/requests", direction="incoming", state="pending"))["data"]
    assert (waiting["peer"], waiting["comment"]) == ("cell", "for the next generation")
    assert "error" not in waiting
    done = await supplier.post(
        f"/requests/{waiting['id']}/fulfil", {"footprintIds": [footprint_id], "level": "quality"}
    )
    assert (done["state"], done["footprintIds"]) == ("fulfilled", [footprint_id])
    (grant,) = (await supplier.get("/grants"))["data"]
    assert (grant["kind"], grant["value"], grant["level"]) == ("footprint", footprint_id, "quality")
    await exchanged(customer, supplier)
    answered = await customer.get(f"/requests/{sent['id']}")
    assert (answered["state"], answered["footprintIds"]) == ("fulfilled", [footprint_id])
    assert answered["answeredAt"]
    (held,) = (await customer.get("/received"))["data"]
    assert (held["id"], held["verification"]) == (footprint_id, "verified")


async def test_a_request_is_rejected_once_with_the_operators_words(
    pair: Pair, document: Documents, refused: Refused
) -> None:
    customer, supplier = pair
    sent = await customer.post("/requests", {"peer": "cathode", "criteria": CRITERIA}, 201)
    await exchanged(customer, supplier)
    (waiting,) = (await supplier.get("/requests", direction="incoming"))["data"]
    path = f"/requests/{waiting['id']}"
    assert "nothing that is granted" in refused(
        await supplier.http.post(f"{path}/fulfil", json={}), 409
    )
    refused(await supplier.http.post(f"{path}/fulfil", json={"footprintIds": [UNKNOWN]}), 404)
    assert (await supplier.get("/grants"))["data"] == []  # nor was anything granted
    rejected = await supplier.post(f"{path}/reject", {"reason": "not for cathodes"})
    assert rejected["error"] == {"code": "NotFound", "message": "not for cathodes"}
    for again in ("fulfil", "reject"):
        content = {"reason": "x"} if again == "reject" else {}
        assert "one answer" in refused(
            await supplier.http.post(f"{path}/{again}", json=content), 409
        )
    await exchanged(customer, supplier)
    answered = await customer.get(f"/requests/{sent['id']}")
    assert (answered["state"], answered["error"]["message"]) == ("rejected", "not for cathodes")
    refused(await customer.http.post(f"/requests/{sent['id']}/reject", json={"reason": "x"}), 409)


async def test_requests_are_listed_by_peer_before_the_limit(pair: Pair, refused: Refused) -> None:
    customer, _ = pair
    other = {"name": "other", "url": "https://o.example", "clientId": "a", "clientSecret": "b"}
    await customer.post("/peers", other, 201)
    for peer in ("cathode", "other"):
        await customer.post("/requests", {"peer": peer, "criteria": CRITERIA}, 201)
    (found,) = (await customer.get("/requests", peer="cathode", limit=1))["data"]
    assert found["peer"] == "cathode"
    assert (await customer.get("/requests", direction="incoming"))["data"] == []
    refused(await customer.http.get("/requests?peer=nobody"), 404)
    refused(await customer.http.get("/requests?state=lost"), 422)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"peer": "cathode", "criteria": {}}, 409),
        ({"peer": "cathode"}, 422),
        ({"peer": "nobody", "criteria": CRITERIA}, 404),
        ({"peer": "silent", "criteria": CRITERIA}, 409),
        ({"peer": "cathode", "criteria": {"validAfter": "2026"}}, 422),
        ({"peer": "cathode", "criteria": CRITERIA, "comment": "x" * 10_001}, 422),
    ],
)
async def test_a_request_that_cannot_be_sent_is_refused(
    pair: Pair, refused: Refused, given: dict[str, Any], status: int
) -> None:
    customer, _ = pair
    await customer.post("/peers", {"name": "silent"}, 201)
    refused(await customer.http.post("/requests", json=given), status)
    assert (await customer.get("/requests"))["data"] == []
    assert (await customer.get("/outbox"))["data"] == []


@pytest.mark.parametrize(
    ("request_id", "status"), [("1", 404), ("0", 422), ("x", 422), ("9" * 30, 422)]
)
async def test_a_request_that_there_is_not(
    company: Company, refused: Refused, request_id: str, status: int
) -> None:
    path = f"/requests/{request_id}"
    refused(await company.http.get(path), status)
    refused(await company.http.post(f"{path}/fulfil", json={}), status)
    refused(await company.http.post(f"{path}/reject", json={"reason": "x"}), status)


# --- outbox ---------------------------------------------------------------------------------------


async def test_what_cannot_be_delivered_is_seen_and_sent_again(
    market: Market, pair: Pair, refused: Refused
) -> None:
    customer, supplier = pair
    sent = await customer.post("/requests", {"peer": "cathode", "criteria": CRITERIA}, 201)
    host = market.internet.hosts.pop("cathode.example")
    await customer.work()
    (event,) = (await customer.get("/outbox"))["data"]
    assert (event["state"], event["attempts"], event["peer"]) == ("pending", 1, "cathode")
    assert event["type"].endswith("RequestCreatedEvent.3")
    assert "cannot be reached" in event["lastError"]
    assert event["nextAttemptAt"] <= event["giveUpAt"]
    retry = f"/outbox/{event['id']}/retry"
    assert "pending" in refused(await customer.http.post(retry), 409)
    customer.advance(hours=73)
    await customer.work()
    (event,) = (await customer.get("/outbox", state="dead"))["data"]
    assert "giveUpAt" not in event
    failed = await customer.get(f"/requests/{sent['id']}")
    assert (failed["state"], "could not be delivered" in failed["error"]["message"]) == (
        "failed",
        True,
    )
    market.internet.hosts["cathode.example"] = host
    assert (await customer.post(retry))["state"] == "pending"
    await exchanged(customer, supplier)
    (event,) = (await customer.get("/outbox", state="delivered"))["data"]
    assert event["deliveredAt"]
    refused(await customer.http.post(retry), 409)
    assert (await customer.get(f"/requests/{sent['id']}"))["state"] == "pending"


async def test_a_paused_event_can_be_released(pair: Pair) -> None:
    customer, supplier = pair
    await customer.post("/requests", {"peer": "cathode", "criteria": CRITERIA}, 201)

    def pause(session: Any) -> None:
        row = outbox.get(session, 1)
        row.state = OutboxState.PAUSED
        session.add(row)

    customer.node.store.write_sync(pause)
    await exchanged(customer, supplier)
    (event,) = (await customer.get("/outbox"))["data"]
    assert event["state"] == "paused"
    await customer.post(f"/outbox/{event['id']}/retry")
    await exchanged(customer, supplier)
    assert (await customer.get("/outbox"))["data"][0]["state"] == "delivered"


async def test_events_that_there_are_not(company: Company, refused: Refused) -> None:
    refused(await company.http.post("/outbox/1/retry"), 404)
    refused(await company.http.post("/outbox/x/retry"), 422)
    refused(await company.http.get("/outbox?state=lost"), 422)
