"""The forty cases of the published PACT v3 conformance suite, by their numbers.

The list is docs/v3-test-cases-expected-results.md in the public repository
wbcsd/pact-conformance-service; as there, cases 13 and 14.B are callbacks.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.conformance.harness import (
    Api,
    Json,
    Listener,
    Target,
    assert_error,
    next_link,
    random_word,
)

Valid = Callable[[str, Any], None]
REFUSED = {400, 401}
FAR_PAST = "1900-01-01T00:00:00Z"
FAR_FUTURE = "2099-12-31T23:59:59Z"


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def validity(footprint: Json) -> tuple[datetime, datetime]:
    """The stated period, else three years from the end of the reference period."""
    if "validityPeriodStart" in footprint and "validityPeriodEnd" in footprint:
        return instant(footprint["validityPeriodStart"]), instant(footprint["validityPeriodEnd"])
    start = instant(footprint["pcf"]["referencePeriodEnd"])
    return start, start.replace(year=start.year + 3)


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def geography(footprint: Json) -> str:
    names = ("geographyCountry", "geographyRegionOrSubregion", "geographyCountrySubdivision")
    return next((footprint["pcf"][name] for name in names if name in footprint["pcf"]), "")


def plain_answer(
    target: Target, token: str | None, send: Callable[[httpx.Client], httpx.Response]
) -> httpx.Response | None:
    """The answer over plain HTTP; None when the connection is refused, which is best."""
    with target.client(plain_http=True) as client:
        if token is not None:
            client.headers["Authorization"] = f"Bearer {token}"
        try:
            return send(client)
        except httpx.TransportError:
            return None


# --- authentication -------------------------------------------------------------------------


def test_case_01_token_with_valid_credentials(target: Target) -> None:
    answer = target.request_token(endpoint=f"{target.auth_url}/auth/token")
    assert answer.status_code == 200
    assert answer.json()["access_token"]
    assert answer.json()["token_type"].lower() == "bearer"


def test_case_02_token_with_invalid_credentials(target: Target) -> None:
    answer = target.request_token(
        endpoint=f"{target.auth_url}/auth/token",
        client_id=random_word(),
        client_secret=random_word(),
    )
    assert answer.status_code in REFUSED
    assert "access_token" not in answer.json()


# --- reading --------------------------------------------------------------------------------


def test_case_03_get_footprint(api: Api, sample: Json, valid: Valid) -> None:
    answer = api.get(sample["id"])
    assert answer.status_code == 200
    assert answer.json()["data"]["id"] == sample["id"]
    valid("ProductFootprint", answer.json()["data"])


def test_case_04_list_footprints(api: Api, valid: Valid) -> None:
    answer = api.page()
    assert answer.status_code in {200, 202}
    data = answer.json()["data"]
    assert len(data) == len(api.items()) >= 2
    for footprint in data:
        valid("ProductFootprint", footprint)


def test_case_05_pagination_link(api: Api) -> None:
    url = next_link(api.page(limit="1"))
    assert url is not None
    answer = api.client.get(url)
    assert answer.status_code == 200
    assert len(answer.json()["data"]) == 1


@pytest.mark.parametrize("path", ["/3/footprints", "/3/footprints/{id}"])
def test_cases_06_and_07_reading_with_an_invalid_token(
    target: Target, sample: Json, path: str
) -> None:
    with target.client() as client:
        answer = client.get(
            path.format(id=sample["id"]),
            headers={"Authorization": f"Bearer very-invalid-access-token-{random_word()}"},
        )
    assert_error(answer, REFUSED, {"BadRequest"})


def test_case_08_unknown_footprint(api: Api) -> None:
    answer = api.get("00000000-0000-0000-0000-000000000000")
    assert_error(answer, {404}, {"NotFound"})


# --- plain HTTP -----------------------------------------------------------------------------


def test_case_09_authentication_over_http(target: Target) -> None:
    answer = plain_answer(
        target,
        None,
        lambda client: client.post(
            "/auth/token",
            data={"grant_type": "client_credentials"},
            auth=(target.client_id, target.client_secret),
        ),
    )
    assert answer is None or (answer.status_code != 200 and "access_token" not in answer.text)


@pytest.mark.parametrize("path", ["/3/footprints", "/3/footprints/{id}"])
def test_cases_10_and_11_reading_over_http(
    target: Target, token: str, sample: Json, path: str
) -> None:
    answer = plain_answer(target, token, lambda client: client.get(path.format(id=sample["id"])))
    assert answer is None or (answer.status_code != 200 and sample["id"] not in answer.text)


# --- events ---------------------------------------------------------------------------------


def test_cases_12_and_13_request_is_accepted_and_fulfilled(
    api: Api, callbacks: Listener, sample: Json, valid: Valid
) -> None:
    event_id = f"{uuid.uuid4()}/13"
    data = {
        "productId": sample["productIds"],
        "comment": "Please send PCF data for this year.",
    }
    answer = api.send(api.event("RequestCreatedEvent.3", data, event_id=event_id))
    assert answer.status_code == 200

    callback = callbacks.wait_for(event_id)
    assert callback.path == "/3/events"
    assert callback.authorised
    assert callback.event["type"].endswith(".RequestFulfilledEvent.3")
    pfs = callback.event["data"]["pfs"]
    assert pfs
    for footprint in pfs:
        assert set(footprint["productIds"]) <= set(sample["productIds"])
        valid("ProductFootprint", footprint)


def test_case_14a_and_14b_request_is_accepted_and_rejected(api: Api, callbacks: Listener) -> None:
    event_id = f"{uuid.uuid4()}/14.B"
    data = {"productId": ["urn:pact:null"], "comment": "Please send PCF data for this year."}
    assert api.send(api.event("RequestCreatedEvent.3", data, event_id=event_id)).status_code == 200

    callback = callbacks.wait_for(event_id)
    assert callback.path == "/3/events"
    assert callback.authorised
    assert callback.event["type"].endswith(".RequestRejectedEvent.3")
    assert callback.event["data"]["error"]["code"]
    assert callback.event["data"]["error"]["message"]


def published(api: Api, *pf_ids: str) -> Json:
    return api.event("PublishedEvent.3", {"pfIds": list(pf_ids)})


def test_case_15_published_event(api: Api) -> None:
    answer = api.send(published(api, "3a6c14a7-4deb-498a-b5ea-16ce2535b576"))
    assert answer.status_code == 200


def test_case_16_event_with_an_invalid_token(target: Target, api: Api) -> None:
    with target.client() as client:
        client.headers["Authorization"] = f"Bearer very-invalid-access-token-{random_word()}"
        answer = Api(client, api.source).send(published(api, str(uuid.uuid4())))
    assert_error(answer, REFUSED, {"BadRequest"})


def test_case_17_event_over_http(target: Target, token: str, api: Api) -> None:
    event = published(api, str(uuid.uuid4()))
    answer = plain_answer(target, token, lambda client: Api(client, api.source).send(event))
    assert answer is None or answer.status_code != 200


# --- OpenID Connect discovery ---------------------------------------------------------------


def test_case_18_token_from_the_discovered_endpoint(target: Target) -> None:
    assert target.request_token(endpoint=target.token_endpoint()).status_code == 200


def test_case_19_discovered_endpoint_refuses_wrong_credentials(target: Target) -> None:
    answer = target.request_token(
        endpoint=target.token_endpoint(), client_id=random_word(), client_secret=random_word()
    )
    assert answer.status_code in REFUSED


# --- filters that match ---------------------------------------------------------------------


def test_case_20_filter_by_product_id(api: Api, sample: Json) -> None:
    wanted = sample["productIds"][0]
    found = api.items(productId=wanted)
    assert sample["id"] in {item["id"] for item in found}
    assert all(wanted in item["productIds"] for item in found)


def test_case_21_filter_by_company_id(api: Api, sample: Json) -> None:
    wanted = sample["companyIds"][0]
    found = api.items(companyId=wanted)
    assert sample["id"] in {item["id"] for item in found}
    assert all(wanted in item["companyIds"] for item in found)


def test_case_22_filter_by_geography(api: Api, sample: Json) -> None:
    wanted = geography(sample)
    found = api.items(geography=wanted)
    assert sample["id"] in {item["id"] for item in found}
    assert all(wanted in ("", geography(item)) for item in found)


def test_case_23_filter_by_classification(api: Api, sample: Json) -> None:
    wanted = sample.get("productClassifications", [""])[0]
    found = api.items(classification=wanted)
    assert sample["id"] in {item["id"] for item in found}
    assert all(wanted in ("", *item.get("productClassifications", [])) for item in found)


def test_case_24_filter_by_valid_on(api: Api, sample: Json) -> None:
    moment = validity(sample)[0]
    found = api.items(validOn=text(moment))
    assert sample["id"] in {item["id"] for item in found}
    for item in found:
        start, end = validity(item)
        assert start <= moment <= end


def test_case_25_filter_by_valid_after(api: Api, sample: Json) -> None:
    moment = validity(sample)[0] - timedelta(days=1)
    found = api.items(validAfter=text(moment))
    assert sample["id"] in {item["id"] for item in found}
    assert all(validity(item)[0] > moment for item in found)


def test_case_26_filter_by_valid_before(api: Api, sample: Json) -> None:
    moment = validity(sample)[1] + timedelta(days=1)
    found = api.items(validBefore=text(moment))
    assert sample["id"] in {item["id"] for item in found}
    assert all(validity(item)[1] < moment for item in found)


def test_case_27_filter_by_status(api: Api, sample: Json) -> None:
    found = api.items(status=sample["status"])
    assert sample["id"] in {item["id"] for item in found}
    assert all(item["status"] == sample["status"] for item in found)


def test_case_28_filter_by_status_and_product_id(api: Api, sample: Json) -> None:
    wanted = sample["productIds"][0]
    found = api.items(status=sample["status"], productId=wanted)
    assert sample["id"] in {item["id"] for item in found}
    for item in found:
        assert item["status"] == sample["status"]
        assert wanted in item["productIds"]


def test_case_29_several_company_ids_are_alternatives(api: Api, sample: Json) -> None:
    wanted = sample["companyIds"][0]
    found = api.items(
        ("companyId", wanted), ("companyId", random_word()), ("companyId", random_word())
    )
    assert sample["id"] in {item["id"] for item in found}
    assert all(wanted in item["companyIds"] for item in found)


# --- filters that match nothing -------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "query"),
    [
        (30, [("productId", "urn:bogus:product:{}")]),
        (31, [("companyId", "urn:bogus:company:{}")]),
        (32, [("geography", "XX")]),
        (33, [("classification", "urn:bogus:classification:{}")]),
        (34, [("validOn", FAR_PAST)]),
        (35, [("validAfter", FAR_FUTURE)]),
        (36, [("validBefore", FAR_PAST)]),
        (37, [("status", "BogusStatus{}")]),
        (38, [("companyId", "urn:bogus:company:{}"), ("productId", "urn:bogus:product:{}")]),
        (39, [("companyId", "urn:bogus:company:{}")] * 3),
    ],
)
def test_cases_30_to_39_bogus_values_give_an_empty_list(
    api: Api, case: int, query: list[tuple[str, str]]
) -> None:
    answer = api.page(*((name, value.format(random_word())) for name, value in query))
    assert answer.status_code == 200, case
    assert answer.json() == {"data": []}, case


def test_case_40_malformed_published_event(api: Api) -> None:
    answer = api.send(published(api, "urn:gtin:4712345060507"))
    assert_error(answer, {400}, {"BadRequest"})
