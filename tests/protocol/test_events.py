"""The four events: written as the specification demands, read as other systems write them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.samples import sample
from tests.strategies import footprints, non_empty_texts, texts, times, uuids

from underseal_protocol.criteria import Criteria
from underseal_protocol.errors import ErrorCode, EventError
from underseal_protocol.events import (
    EventType,
    PublishedEvent,
    RequestCreatedEvent,
    RequestFulfilledEvent,
    RequestRejectedEvent,
    parse_event,
    published_event,
    request_created_event,
    request_fulfilled_event,
    request_rejected_event,
)
from underseal_protocol.strict_json import dumps, loads
from underseal_protocol.times import parse_time

Document: TypeAlias = dict[str, Any]

TIME = datetime(2026, 3, 5, 17, 31, tzinfo=UTC)
ENVELOPE: Document = {"event_id": "1934405d-4f9b-4b3b-9c05bc35-68f8", "time": TIME}
ENVELOPE["source"] = "https://pcf.example/3/events"
PF_ID = "079e425a-464f-528d-341d-4a944a1dfd70"
CRITERIA = Criteria(
    product_ids=("urn:pact:sample.com:product-id:1",),
    company_ids=("urn:lei:529900T8BM49AURSDO55",),
    geographies=("DE",),
    classifications=("urn:cpc:4126",),
    statuses=("Active",),
    valid_on=TIME,
    valid_after=TIME,
    valid_before=TIME,
)

EVENTS: dict[str, bytes] = {
    "PublishedEvent": published_event(**ENVELOPE, pf_ids=[PF_ID]),
    "RequestCreatedEvent": request_created_event(**ENVELOPE, criteria=CRITERIA, comment="Please."),
    "RequestFulfilledEvent": request_fulfilled_event(
        **ENVELOPE, request_event_id="r 1", footprints=[dumps(sample())]
    ),
    "RequestRejectedEvent": request_rejected_event(
        **ENVELOPE, request_event_id="r 1", code=ErrorCode.NOT_FOUND, message="There is none."
    ),
}


def event(name: str) -> Document:
    document: Document = json.loads(EVENTS[name])
    return document


# --- written ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVENTS)
def test_the_envelope(name: str) -> None:
    document = event(name)
    data = document.pop("data")
    assert data
    assert document == {
        "type": f"org.wbcsd.pact.ProductFootprint.{name}.3",
        "specversion": "1.0",
        "id": "1934405d-4f9b-4b3b-9c05bc35-68f8",
        "source": "https://pcf.example/3/events",
        "time": "2026-03-05T17:31:00Z",
    }


def test_the_data() -> None:
    assert event("PublishedEvent")["data"] == {"pfIds": [PF_ID]}
    assert event("RequestRejectedEvent")["data"] == {
        "requestEventId": "r 1",
        "error": {"code": "NotFound", "message": "There is none."},
    }
    assert event("RequestFulfilledEvent")["data"] == {"requestEventId": "r 1", "pfs": [sample()]}
    created = event("RequestCreatedEvent")["data"]
    assert created.pop("comment") == "Please."
    assert created == CRITERIA.to_event_data()
    assert json.loads(request_created_event(**ENVELOPE, criteria=Criteria()))["data"] == {}


def test_footprints_go_out_as_the_bytes_that_are_served() -> None:
    served = b'{"id": "x",\n "pcf":{"a":1.50}}'
    written = request_fulfilled_event(**ENVELOPE, request_event_id="r", footprints=[served, b"{}"])
    assert b'"pfs":[' + served + b",{}]" in written


@pytest.mark.parametrize("pf_ids", [[], ["urn:gtin:1"], [PF_ID, "x"], [""]])
def test_published_needs_ids_of_footprints(pf_ids: list[str]) -> None:
    with pytest.raises(EventError, match="pfIds"):
        published_event(**ENVELOPE, pf_ids=pf_ids)


def test_fulfilled_needs_a_footprint() -> None:
    with pytest.raises(EventError, match="without a footprint"):
        request_fulfilled_event(**ENVELOPE, request_event_id="r", footprints=[])


# --- read ---------------------------------------------------------------------------------------


def test_what_was_written_is_read() -> None:
    head = (ENVELOPE["event_id"], ENVELOPE["source"], TIME)
    assert parse_event(event("PublishedEvent")) == PublishedEvent(*head, (PF_ID,))
    assert parse_event(event("RequestCreatedEvent")) == RequestCreatedEvent(
        *head, CRITERIA, "Please."
    )
    assert parse_event(event("RequestFulfilledEvent")) == RequestFulfilledEvent(
        *head, "r 1", (sample(),)
    )
    assert parse_event(event("RequestRejectedEvent")) == RequestRejectedEvent(
        *head, "r 1", "NotFound", "There is none."
    )


@given(
    non_empty_texts(),
    non_empty_texts(),
    times(),
    non_empty_texts(),
    texts(),
    st.lists(uuids(), min_size=1),
)
def test_any_event_is_read_as_it_was_written(
    event_id: str, source: str, time: str, request_id: str, text: str, pf_ids: list[str]
) -> None:
    """Ids of events and sources are opaque."""
    head: Document = {"event_id": event_id, "source": source, "time": parse_time(time)}
    expected = (event_id, source, parse_time(time))
    published = parse_event(loads(published_event(**head, pf_ids=pf_ids)))
    assert published == PublishedEvent(*expected, tuple(pf_ids))
    created = request_created_event(**head, criteria=Criteria(), comment=text)
    assert parse_event(loads(created)) == RequestCreatedEvent(*expected, Criteria(), text)
    rejected = request_rejected_event(
        **head, request_event_id=request_id, code="Whatever", message=text
    )
    assert parse_event(loads(rejected)) == RequestRejectedEvent(
        *expected, request_id, "Whatever", text
    )


@settings(max_examples=30, deadline=None)
@given(st.lists(footprints(), min_size=1, max_size=2))
def test_footprints_come_in_as_they_were_sent(documents: list[Document]) -> None:
    written = request_fulfilled_event(
        **ENVELOPE, request_event_id="r", footprints=[dumps(one) for one in documents]
    )
    fulfilled = parse_event(loads(written))
    assert isinstance(fulfilled, RequestFulfilledEvent)
    assert [dumps(one) for one in fulfilled.footprints] == [dumps(one) for one in documents]


@pytest.mark.parametrize("name", EVENTS)
def test_other_attributes_are_ignored(name: str) -> None:
    document = event(name)
    more = {**document, "datacontenttype": "application/json", "subject": None, "x": 1}
    more["data"] = {**document["data"], "unknown": [1]}
    assert parse_event(more) == parse_event(document)


@pytest.mark.parametrize("source", ["//api.example.com/3/events", "api.example.com", "x y", "漢"])
@pytest.mark.parametrize("event_id", ["1", "505e5d-4f9b-4b3b-9c05bc35-68f8", "urn:x", "漢", " "])
def test_ids_and_sources_are_opaque(source: str, event_id: str) -> None:
    parsed = parse_event({**event("PublishedEvent"), "source": source, "id": event_id})
    assert (parsed.source, parsed.id) == (source, event_id)


def test_capitals_in_ids_of_footprints() -> None:
    document = event("PublishedEvent")
    document["data"]["pfIds"] = [PF_ID.upper()]
    parsed = parse_event(document)
    assert isinstance(parsed, PublishedEvent)
    assert [one.lower() for one in parsed.pf_ids] == [PF_ID]


def test_a_request_for_nothing_in_particular() -> None:
    document = event("RequestCreatedEvent")
    document["data"] = {"productId": ["urn:pact:null"], "comment": None}
    parsed = parse_event(document)
    assert isinstance(parsed, RequestCreatedEvent)
    assert parsed.criteria == Criteria(product_ids=("urn:pact:null",))
    assert parsed.comment is None


# --- refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("attribute", ["type", "specversion", "id", "source", "time", "data"])
@pytest.mark.parametrize("value", [None, "", 1, True, ["x"]])
def test_attributes_of_another_kind(name: str, attribute: str, value: Any) -> None:
    document = event(name)
    without = {key: one for key, one in document.items() if key != attribute}
    with pytest.raises(EventError, match=f"^{attribute} is missing"):
        parse_event(without)
    with pytest.raises(EventError, match=f"^{attribute} is "):
        parse_event({**without, attribute: value})


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("type", "org.wbcsd.pact.ProductFootprint.PublishedEvent.2", "event type"),
        ("type", "org.wbcsd.pathfinder.ProductFootprint.Published.v1", "event type"),
        ("type", "ORG.WBCSD.PACT.ProductFootprint.PublishedEvent.3", "event type"),
        ("type", "x" * 10_000, "event type"),
        ("specversion", "0.3", "specversion"),
        ("time", "2026-03-05", "^time: .*zone is missing"),
        ("time", "yesterday", "^time: "),
    ],
)
def test_attributes_with_another_value(attribute: str, value: str, message: str) -> None:
    with pytest.raises(EventError, match=message) as caught:
        parse_event({**event("PublishedEvent"), attribute: value})
    assert len(caught.value.message) < 250


BAD_DATA: list[tuple[str, Document, str]] = [
    ("PublishedEvent", {}, "pfIds is missing"),
    ("PublishedEvent", {"pfIds": []}, "pfIds is an empty list"),
    ("PublishedEvent", {"pfIds": PF_ID}, "pfIds is a text"),
    ("PublishedEvent", {"pfIds": ["urn:gtin:1"]}, "'urn:gtin:1', which is not a UUID"),
    ("PublishedEvent", {"pfIds": [PF_ID, 1]}, "which is not a UUID"),
    ("PublishedEvent", {"pfIds": [None]}, "which is not a UUID"),
    ("PublishedEvent", {"pfIds": [PF_ID + "\n"]}, "which is not a UUID"),
    ("PublishedEvent", {"pfIds": ["{" + PF_ID + "}"]}, "which is not a UUID"),
    ("RequestCreatedEvent", {"productId": "urn:a:1"}, "productId is .*expected a list"),
    ("RequestCreatedEvent", {"validOn": "x"}, "^validOn: "),
    ("RequestCreatedEvent", {"comment": 1}, "comment is a number, expected a text"),
    ("RequestFulfilledEvent", {"pfs": [{}]}, "requestEventId is missing"),
    ("RequestFulfilledEvent", {"requestEventId": 1, "pfs": [{}]}, "requestEventId is a number"),
    ("RequestFulfilledEvent", {"requestEventId": "r"}, "pfs is missing"),
    ("RequestFulfilledEvent", {"requestEventId": "r", "pfs": []}, "pfs is an empty list"),
    ("RequestFulfilledEvent", {"requestEventId": "r", "pfs": {}}, "pfs is an object"),
    ("RequestFulfilledEvent", {"requestEventId": "r", "pfs": [{}, 1]}, "pfs holds a number"),
    ("RequestRejectedEvent", {"error": {"code": "x", "message": "y"}}, "requestEventId is missing"),
    ("RequestRejectedEvent", {"requestEventId": "r"}, "error is missing"),
    ("RequestRejectedEvent", {"requestEventId": "r", "error": "no"}, "error is a text"),
    ("RequestRejectedEvent", {"requestEventId": "r", "error": {"code": "x"}}, "message is missing"),
    ("RequestRejectedEvent", {"requestEventId": "r", "error": {"message": "x"}}, "code is missing"),
    ("RequestRejectedEvent", {"requestEventId": "r", "error": {"code": "", "message": "x"}},
     "code is an empty text"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "message"), BAD_DATA)
def test_data_that_is_refused(name: str, data: Document, message: str) -> None:
    with pytest.raises(EventError, match=message):
        parse_event({**event(name), "data": data})


# --- against the published schemas ----------------------------------------------------------------


@pytest.fixture(scope="session")
def schema_of(published: Document) -> Callable[[str], Document]:
    """The schema of an event. What the document expresses as inheritance is put together here:
    there, `$ref` stands among the properties as if it were one of them."""
    schemas = published["components"]["schemas"]

    def put_together(name: str) -> Document:
        properties = {key: one for key, one in schemas[name]["properties"].items() if key != "$ref"}
        base = schemas["BaseEvent"]
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "required": base["required"],
            "properties": without_words(base["properties"] | properties),
            "components": without_words(published["components"]),
        }

    return put_together


def without_words(value: Any) -> Any:
    """Some descriptions are references, which no reader of schemas understands."""
    if isinstance(value, dict):
        return {
            name: without_words(one)
            for name, one in value.items()
            if name not in ("description", "examples", "example")
        }
    return [without_words(one) for one in value] if isinstance(value, list) else value


@pytest.mark.published
@pytest.mark.parametrize("name", EVENTS)
def test_what_we_write_is_accepted(schema_of: Callable[[str], Document], name: str) -> None:
    schema = schema_of(name)
    formats = jsonschema_rs.validator_for(schema, validate_formats=True)
    document = event(name)
    jsonschema.validate(document, schema)
    assert formats.is_valid(document)
    for attribute in document:
        assert not formats.is_valid({key: one for key, one in document.items() if key != attribute})
    assert not formats.is_valid({**document, "type": "x"})


@pytest.mark.published
def test_the_types_and_members_are_the_published_ones(
    published: Document, schema_of: Callable[[str], Document]
) -> None:
    actions = published["paths"]["/3/events"]["post"]["requestBody"]["content"]
    (content_type,) = actions
    names = {one["$ref"].rsplit("/", 1)[1] for one in actions[content_type]["schema"]["oneOf"]}
    assert names == set(EVENTS)
    assert content_type == "application/cloudevents+json"
    for name in names:
        schema = schema_of(name)
        assert schema["properties"]["type"]["const"] in tuple(EventType)
        assert event(name).keys() == set(schema["required"]) == set(schema["properties"])
        data = schema["properties"]["data"]
        assert event(name)["data"].keys() == data["properties"].keys()
        # What is required there, we do not do without.
        for member in data.get("required", ()):
            document = copy.deepcopy(event(name))
            del document["data"][member]
            with pytest.raises(EventError, match=member):
                parse_event(document)


@pytest.mark.published
def test_the_filters_are_those_of_the_query(published: Document) -> None:
    parameters = set(published["components"]["parameters"])
    listed = published["paths"]["/3/footprints"]["get"]["parameters"]
    assert {one["$ref"].rsplit("/", 1)[1] for one in listed if "$ref" in one} == parameters
    assert parameters == {name for name, _ in CRITERIA.to_query_items()}
    assert parameters == CRITERIA.to_event_data().keys()


@pytest.mark.published
def test_the_published_example_is_read(published_examples: Any) -> None:
    parsed = parse_event(loads((published_examples / "pf-response-event.json").read_bytes()))
    assert isinstance(parsed, RequestFulfilledEvent)
    assert parsed.request_event_id == "848dcf00-2c18-400d-bcb8-11e45bbf7ebd"
    assert len(parsed.footprints) >= 1
