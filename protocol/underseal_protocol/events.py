"""The four events of PACT 3.0 (Action Events): CloudEvents 1.0, in structured mode.

Ids of events are opaque texts, those of footprints are UUIDs. A footprint that an event delivers is
judged one by one later, so that a bad one does not take the others with it; here it only has to be
an object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from underseal_protocol.criteria import Criteria
from underseal_protocol.errors import (
    CriteriaError,
    ErrorCode,
    EventError,
    TimeError,
    error_object,
)
from underseal_protocol.strict_json import dumps
from underseal_protocol.times import format_time, parse_time
from underseal_protocol.uuids import is_uuid

__all__ = [
    "AnyEvent",
    "EventType",
    "PublishedEvent",
    "RequestCreatedEvent",
    "RequestFulfilledEvent",
    "RequestRejectedEvent",
    "parse_event",
    "published_event",
    "request_created_event",
    "request_fulfilled_event",
    "request_rejected_event",
]

SPEC_VERSION = "1.0"  # of CloudEvents


class EventType(StrEnum):
    """The attribute `type`."""

    PUBLISHED = "org.wbcsd.pact.ProductFootprint.PublishedEvent.3"
    REQUEST_CREATED = "org.wbcsd.pact.ProductFootprint.RequestCreatedEvent.3"
    REQUEST_FULFILLED = "org.wbcsd.pact.ProductFootprint.RequestFulfilledEvent.3"
    REQUEST_REJECTED = "org.wbcsd.pact.ProductFootprint.RequestRejectedEvent.3"


@dataclass(frozen=True, slots=True)
class _Event:
    """What all events have.

    Attributes:
        id: opaque; with the source, it identifies the event.
        source: whatever the sender calls itself; whether that is true is for others to check.
        time: when it happened, by the clock of the sender.
    """

    type: ClassVar[EventType]

    id: str
    source: str
    time: datetime


@dataclass(frozen=True, slots=True)
class PublishedEvent(_Event):
    """Footprints are new or have changed.

    Attributes:
        pf_ids: their ids, at least one.
    """

    type: ClassVar[EventType] = EventType.PUBLISHED

    pf_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RequestCreatedEvent(_Event):
    """A data recipient asks for footprints.

    Attributes:
        criteria: which.
        comment: free text.
    """

    type: ClassVar[EventType] = EventType.REQUEST_CREATED

    criteria: Criteria
    comment: str | None


@dataclass(frozen=True, slots=True)
class RequestFulfilledEvent(_Event):
    """A request is answered with footprints.

    Attributes:
        request_event_id: the id of the request event.
        footprints: at least one, as received; not yet known to be valid.
    """

    type: ClassVar[EventType] = EventType.REQUEST_FULFILLED

    request_event_id: str
    footprints: tuple[dict[str, Any], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RequestRejectedEvent(_Event):
    """A request cannot be fulfilled.

    Attributes:
        request_event_id: the id of the request event.
        code: usually an `ErrorCode`.
        message: for people.
    """

    type: ClassVar[EventType] = EventType.REQUEST_REJECTED

    request_event_id: str
    code: str
    message: str


AnyEvent = PublishedEvent | RequestCreatedEvent | RequestFulfilledEvent | RequestRejectedEvent


def parse_event(document: Mapping[str, Any]) -> AnyEvent:
    """Read an event. Attributes and members that PACT does not define are ignored.

    Args:
        document: as read by `strict_json.loads`.

    Raises:
        EventError: it is none of the four.
    """
    kind = _text(document, "type")
    if kind not in tuple(EventType):
        raise EventError(f"the event type is {kind[:100]!r}, expected one of those of PACT 3")
    version = _text(document, "specversion")
    if version != SPEC_VERSION:
        raise EventError(f"specversion is {version[:100]!r}, expected {SPEC_VERSION!r}")
    identifier, source = _text(document, "id"), _text(document, "source")
    try:
        time = parse_time(_text(document, "time"))
    except TimeError as error:
        raise EventError(f"time: {error.message}", hint=error.hint) from None
    data = document.get("data")
    if not isinstance(data, Mapping):
        raise EventError(f"data is {_kind(data)}, expected an object")
    if kind == EventType.PUBLISHED:
        return PublishedEvent(identifier, source, time, _footprint_ids(data))
    if kind == EventType.REQUEST_CREATED:
        return RequestCreatedEvent(identifier, source, time, *_request(data))
    request_event_id = _text(data, "requestEventId")
    if kind == EventType.REQUEST_FULFILLED:
        return RequestFulfilledEvent(identifier, source, time, request_event_id, _footprints(data))
    return RequestRejectedEvent(identifier, source, time, request_event_id, *_error(data))


def published_event(*, event_id: str, source: str, time: datetime, pf_ids: Sequence[str]) -> bytes:
    """The JSON of an event: footprints are new or have changed.

    Args:
        event_id: unique for this source.
        source: the URL of our events endpoint.
        time: aware.
        pf_ids: at least one.

    Raises:
        EventError: there is none, or one is not a UUID.
    """
    data = {"pfIds": list(_footprint_ids({"pfIds": list(pf_ids)}))}
    return dumps(_envelope(EventType.PUBLISHED, event_id, source, time) | {"data": data})


def request_created_event(
    *, event_id: str, source: str, time: datetime, criteria: Criteria, comment: str | None = None
) -> bytes:
    """The JSON of an event: we ask for footprints.

    Args:
        event_id: unique for this source; the answer repeats it.
        source: the URL of our events endpoint.
        time: aware.
        criteria: which.
        comment: free text.
    """
    data = criteria.to_event_data() | ({} if comment is None else {"comment": comment})
    return dumps(_envelope(EventType.REQUEST_CREATED, event_id, source, time) | {"data": data})


def request_fulfilled_event(
    *,
    event_id: str,
    source: str,
    time: datetime,
    request_event_id: str,
    footprints: Sequence[bytes],
) -> bytes:
    """The JSON of an event: a request is answered with footprints.

    Args:
        event_id: unique for this source.
        source: the URL of our events endpoint.
        time: aware.
        request_event_id: that of the request, as it came.
        footprints: at least one, each as it is served; the bytes go in as they are.

    Raises:
        EventError: there is none.
    """
    if not footprints:
        raise EventError("a request cannot be fulfilled without a footprint")
    head = dumps(_envelope(EventType.REQUEST_FULFILLED, event_id, source, time))[:-1]
    data = dumps({"requestEventId": request_event_id})[:-1]
    return b"".join((head, b',"data":', data, b',"pfs":[', b",".join(footprints), b"]}}"))


def request_rejected_event(
    *,
    event_id: str,
    source: str,
    time: datetime,
    request_event_id: str,
    code: ErrorCode | str,
    message: str,
) -> bytes:
    """The JSON of an event: a request cannot be fulfilled.

    Args:
        event_id: unique for this source.
        source: the URL of our events endpoint.
        time: aware.
        request_event_id: that of the request, as it came.
        code: what kind of reason.
        message: for people.
    """
    data = {"requestEventId": request_event_id, "error": error_object(code, message)}
    return dumps(_envelope(EventType.REQUEST_REJECTED, event_id, source, time) | {"data": data})


def _envelope(kind: EventType, event_id: str, source: str, time: datetime) -> dict[str, Any]:
    return {
        "type": str(kind),
        "specversion": SPEC_VERSION,
        "id": event_id,
        "source": source,
        "time": format_time(time),
    }


def _footprint_ids(data: Mapping[str, Any]) -> tuple[str, ...]:
    ids = data.get("pfIds")
    if not isinstance(ids, list) or not ids:
        raise EventError(f"pfIds is {_kind(ids)}, expected a list of at least one id")
    for one in ids:
        if not is_uuid(one):
            raise EventError(
                f"pfIds holds {str(one)[:100]!r}, which is not a UUID",
                hint="pfIds are ids of footprints, not of products.",
            )
    return tuple(ids)


def _request(data: Mapping[str, Any]) -> tuple[Criteria, str | None]:
    comment = data.get("comment")
    if comment is not None and not isinstance(comment, str):
        raise EventError(f"comment is {_kind(comment)}, expected a text")
    try:
        return Criteria.from_event_data(data), comment
    except CriteriaError as error:
        raise EventError(error.message, hint=error.hint) from None


def _footprints(data: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    footprints = data.get("pfs")
    if not isinstance(footprints, list) or not footprints:
        raise EventError(f"pfs is {_kind(footprints)}, expected a list of at least one footprint")
    for one in footprints:
        if not isinstance(one, dict):
            raise EventError(f"pfs holds {_kind(one)}, expected footprints")
    return tuple(footprints)


def _error(data: Mapping[str, Any]) -> tuple[str, str]:
    error = data.get("error")
    if not isinstance(error, Mapping):
        raise EventError(f"error is {_kind(error)}, expected an object with code and message")
    message = error.get("message")
    if not isinstance(message, str):
        raise EventError(f"message is {_kind(message)}, expected a text")
    return _text(error, "code"), message


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise EventError(f"{name} is {_kind(value)}, expected a text")
    return value


def _kind(value: object) -> str:
    """What it is, without repeating what may be large."""
    if value is None:
        return "missing"
    for kind, name in ((str, "a text"), (bool, "true or false"), (Mapping, "an object")):
        if isinstance(value, kind):
            return f"an empty {name[2:]}" if value == "" else name
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return "a number"
