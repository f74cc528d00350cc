"""Stricter than the published suite: tokens, plain HTTP and events."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.conformance.harness import (
    CLOUD_EVENTS,
    EVENT_PREFIX,
    Api,
    Json,
    Listener,
    Target,
    assert_error,
    random_word,
)

from underseal_cli.demo_nodes import NodeProcess

SETTLED_SECONDS = 2.0
UNKNOWN_PRODUCT = "urn:pact:nobody.example:product-id:none"

# --- 5. the token endpoint ------------------------------------------------------------------


def token_request(target: Target, data: Json, **more: Any) -> httpx.Response:
    with target.client() as client:
        return client.post(f"{target.auth_url}/auth/token", data=data, **more)


def test_the_answer_has_what_oauth_demands(target: Target) -> None:
    answer = target.request_token()
    body = answer.json()
    assert body["token_type"].lower() == "bearer"
    assert isinstance(body["expires_in"], int)
    assert body["expires_in"] > 0
    assert answer.headers["cache-control"] == "no-store"


def test_credentials_are_taken_from_the_body_too(target: Target) -> None:
    credentials = {"client_id": target.client_id, "client_secret": target.client_secret}
    right = token_request(target, {"grant_type": "client_credentials", **credentials})
    assert right.status_code == 200
    wrong = credentials | {"client_secret": random_word()}
    refused = token_request(target, {"grant_type": "client_credentials", **wrong})
    assert refused.status_code in {400, 401}
    assert refused.json()["error"] == "invalid_client"


def test_basic_credentials_may_be_percent_encoded(target: Target) -> None:
    every_byte = "".join(f"%{byte:02X}" for byte in target.client_secret.encode())
    answer = target.request_token(
        client_id=quote(target.client_id, safe=""), client_secret=every_byte
    )
    assert answer.status_code == 200


def test_unknown_scope_audience_and_resource_are_accepted(target: Target) -> None:
    answer = target.request_token(scope="any", audience="urn:x", resource="https://y.example")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({}, "invalid_request"),
    ],
)
def test_errors_of_the_token_endpoint_are_those_of_oauth(
    target: Target, data: Json, error: str
) -> None:
    answer = token_request(target, data, auth=(target.client_id, target.client_secret))
    assert answer.status_code == 400
    assert answer.json()["error"] == error


def test_a_wrong_secret_gets_a_challenge(target: Target) -> None:
    answer = target.request_token(client_secret=random_word())
    assert answer.json()["error"] == "invalid_client"
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith("Basic")


def test_discovery_names_the_token_endpoint(target: Target) -> None:
    with target.client() as client:
        answer = client.get(f"{target.auth_url}/.well-known/openid-configuration")
    if answer.status_code == 404:
        pytest.skip("discovery is optional")
    assert answer.json()["token_endpoint"].startswith("https://")


# --- 6. plain HTTP --------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/auth/token", "/3/footprints", "/3/events"])
def test_plain_http_is_never_redirected(target: Target, path: str) -> None:
    """A client that follows a redirect has sent its secret in the clear already."""
    with target.client(plain_http=True) as client:
        try:
            answer = client.post(path, content=b"")
        except httpx.TransportError:
            return
    assert not answer.has_redirect_location
    assert answer.status_code >= 400


# --- 7. events are accepted or refused ------------------------------------------------------


def created(api: Api, *product_ids: str, event_id: str | None = None, **more: Any) -> Json:
    data = {"productId": list(product_ids)}
    return api.event("RequestCreatedEvent.3", data, event_id=event_id, **more)


def published(api: Api, **more: Any) -> Json:
    return api.event("PublishedEvent.3", {"pfIds": [str(uuid.uuid4())]}, **more)


def test_acceptance_is_200_and_nothing_else(api: Api) -> None:
    answer = api.send(published(api))
    assert answer.status_code == 200
    assert answer.content == b""


@pytest.mark.parametrize("content_type", ["application/cloudevents+json", CLOUD_EVENTS.lower()])
def test_the_charset_is_optional(api: Api, content_type: str) -> None:
    body = json.dumps(published(api))
    headers = {"Content-Type": content_type}
    assert api.client.post("/3/events", content=body, headers=headers).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"id": 1, "id": 2}'])
def test_a_body_that_is_no_event_is_refused(api: Api, body: bytes) -> None:
    answer = api.client.post("/3/events", content=body, headers={"Content-Type": CLOUD_EVENTS})
    assert_error(answer, {400}, {"BadRequest"})


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "data"])
def test_an_event_without_a_required_member_is_refused(api: Api, name: str) -> None:
    event = published(api)
    del event[name]
    assert_error(api.send(event), {400}, {"BadRequest"})


@pytest.mark.parametrize("pf_ids", [[], "x", ["x"], [1], [str(uuid.uuid4()), "urn:x:y"], None])
def test_published_ids_have_to_be_uuids(api: Api, pf_ids: object) -> None:
    event = api.event("PublishedEvent.3", {"pfIds": pf_ids})
    assert_error(api.send(event), {400}, {"BadRequest"})


def test_the_same_event_twice_is_accepted_twice(api: Api) -> None:
    event = published(api)
    assert [api.send(event).status_code for _ in range(2)] == [200, 200]


# --- 8. types -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        EVENT_PREFIX + "PublishedEvent",
        EVENT_PREFIX + "PublishedEvent.2",
        "org.wbcsd.pathfinder.ProductFootprint.Published.v1",
        "nonsense",
    ],
)
def test_an_event_of_another_type_is_refused(api: Api, kind: str) -> None:
    answer = api.send(published(api, type=kind))
    assert_error(answer, {400}, {"BadRequest", "NotImplemented"})


# --- 9. requests ----------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["{}", "run {}/ä#?&%/13", "x" * 200 + "{}", "  {}  "])
def test_the_event_id_is_echoed_verbatim(api: Api, callbacks: Listener, form: str) -> None:
    event_id = form.format(random_word())  # a host system may have seen any other before
    event_id += random_word()
    assert api.send(created(api, "urn:pact:null", event_id=event_id)).status_code == 200
    assert callbacks.wait_for(event_id).event["data"]["requestEventId"] == event_id


def test_a_request_has_exactly_one_outcome(api: Api, callbacks: Listener, sample: Json) -> None:
    event = created(api, sample["productIds"][0])
    for _ in range(3):
        assert api.send(event).status_code == 200
    callbacks.wait_for(event["id"])
    time.sleep(SETTLED_SECONDS)
    assert len(callbacks.about(event["id"])) == 1


def test_the_outcome_is_delivered_after_failures(
    api: Api, callbacks: Listener, operator: NodeProcess
) -> None:
    callbacks.fail_times = 2
    event = created(api, "urn:pact:null")
    assert api.send(event).status_code == 200
    callbacks.wait_for(event["id"])
    assert callbacks.fail_times == 0


def test_a_product_that_matches_nothing_is_accepted_then_rejected(
    api: Api, callbacks: Listener, operator: NodeProcess
) -> None:
    event = created(api, UNKNOWN_PRODUCT)
    assert api.send(event).status_code == 200
    callback = callbacks.wait_for(event["id"])
    assert callback.event["type"] == EVENT_PREFIX + "RequestRejectedEvent.3"
    assert callback.event["data"]["error"]["code"] == "NotFound"
    assert callback.event["data"]["error"]["message"]


def test_what_is_delivered_is_what_is_served(
    api: Api, callbacks: Listener, sample: Json, valid: Callable[[str, Any], None]
) -> None:
    event = created(api, sample["productIds"][0])
    assert api.send(event).status_code == 200
    callback = callbacks.wait_for(event["id"])
    assert callback.content_type.startswith("application/cloudevents+json")
    assert callback.event["specversion"] == "1.0"
    assert callback.event["source"]
    for footprint in callback.event["data"]["pfs"]:
        assert api.get(footprint["id"]).json()["data"] == footprint
    valid("RequestFulfilledEvent", callback.event)


def test_the_criteria_of_a_request_are_those_of_a_list(
    api: Api, callbacks: Listener, operator: NodeProcess
) -> None:
    data = {"geography": ["CL", "xx"], "status": "active", "comment": "brine"}
    event = api.event("RequestCreatedEvent.3", data)
    assert api.send(event).status_code == 200
    callback = callbacks.wait_for(event["id"])
    delivered = {footprint["id"] for footprint in callback.event["data"]["pfs"]}
    assert delivered == api.ids(("geography", "CL"), ("status", "Active"))


@pytest.mark.parametrize("form", ["{}", "{}/", "{}/3/events", "//{bare}", "{bare}", "{bare}/"])
def test_the_source_may_be_written_in_several_ways(
    api: Api, callbacks: Listener, form: str
) -> None:
    source = form.format(api.source, bare=api.source.removeprefix("https://"))
    event = created(api, "urn:pact:null", source=source)
    assert api.send(event).status_code == 200, source
    callbacks.wait_for(event["id"])


@pytest.mark.parametrize(
    "source",
    ["https://attacker.example", "https://attacker.example/3/events", "{}.attacker.example"],
)
def test_a_source_that_is_not_the_registered_peer_is_refused(
    api: Api, callbacks: Listener, source: str, operator: NodeProcess
) -> None:
    event = created(api, "urn:pact:null", source=source.format(api.source))
    assert_error(api.send(event), {400, 403}, {"BadRequest", "AccessDenied"})
    time.sleep(SETTLED_SECONDS / 2)
    assert callbacks.about(event["id"]) == []


def test_an_answer_to_a_request_that_was_never_made_changes_nothing(
    api: Api, sample: Json, operator: NodeProcess
) -> None:
    data = {"requestEventId": random_word(), "pfs": [sample]}
    answer = api.send(api.event("RequestFulfilledEvent.3", data))
    assert answer.status_code in {200, 400, 404}
    assert operator.json("received", "list")["data"] == []
