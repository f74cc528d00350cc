"""Pulls, requests and the outbox."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from underseal_node.exchange.progress import PullStage
from underseal_node.exchange.requests import MAX_COMMENT_CHARACTERS
from underseal_node.manage.shapes.base import InputShape, Instant, Shape
from underseal_node.store.exchange_tables import Direction, OutboxState, RequestState
from underseal_protocol.disclosure import Level

__all__ = [
    "CriteriaInput",
    "ErrorShape",
    "FulfilInput",
    "OutboxShape",
    "PullInput",
    "PullProgressShape",
    "PullShape",
    "RejectInput",
    "RequestInput",
    "RequestShape",
]


class CriteriaInput(InputShape):
    """The eight filters, with the names of PACT."""

    product_id: list[str] = Field(default_factory=list)
    company_id: list[str] = Field(default_factory=list)
    geography: list[str] = Field(default_factory=list)
    classification: list[str] = Field(default_factory=list)
    status: list[str] = Field(default_factory=list)
    valid_on: str | None = None
    valid_after: str | None = None
    valid_before: str | None = None


class PullInput(InputShape):
    """POST /pulls -> PullShape (202); it goes on in the background, GET /pulls/{id} says how far"""

    peers: list[str] = Field(default_factory=list)  # names; empty with `everything`
    everything: bool = False  # all peers that can be pulled from
    criteria: CriteriaInput = Field(default_factory=CriteriaInput)


class PullProgressShape(Shape):
    """One peer of a pull."""

    peer: str
    state: PullStage
    pages: int
    received: int
    unchanged: int
    verified: int
    unsigned: int
    invalid: int
    changed: int
    alerts: list[str]
    error: str | None = None


class PullShape(Shape):
    """GET /pulls/{id}"""

    id: str
    state: PullStage
    data: list[PullProgressShape]


class RequestInput(InputShape):
    """POST /requests -> RequestShape (201)"""

    peer: str
    criteria: CriteriaInput
    comment: str | None = Field(default=None, max_length=MAX_COMMENT_CHARACTERS)


class ErrorShape(Shape):
    """The object Error of PACT."""

    code: str
    message: str


class RequestShape(Shape):
    """GET /requests (query: direction, state, peer, search, sort, limit, offset, count) -> Part

    And a line of GET /requests/export (without limit, offset and count); GET /requests/{id}.
    """

    id: int
    direction: Direction
    peer: str
    state: RequestState
    criteria: dict[str, Any]
    comment: str | None = None
    created_at: Instant
    answered_at: Instant | None = None
    footprint_ids: list[str]
    error: ErrorShape | None = None  # of a rejected or failed one
    note: str | None = None  # why an open one waits for the operator


class FulfilInput(InputShape):
    """POST /requests/{id}/fulfil -> RequestShape"""

    footprint_ids: list[str] = Field(default_factory=list)
    level: Level = Level.TOTAL


class RejectInput(InputShape):
    """POST /requests/{id}/reject -> RequestShape"""

    reason: str = Field(max_length=MAX_COMMENT_CHARACTERS)


class OutboxShape(Shape):
    """GET /outbox (query: state, request, limit) -> Listing; POST /outbox/{id}/retry"""

    id: int
    event_id: str
    peer: str
    type: str
    request_id: int | None = None  # that it asks or answers
    state: OutboxState
    attempts: int
    created_at: Instant
    next_attempt_at: Instant | None = None
    give_up_at: Instant | None = None
    delivered_at: Instant | None = None
    last_error: str | None = None
