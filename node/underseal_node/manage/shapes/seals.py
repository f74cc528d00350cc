"""Endorsements that customers ask for, and sealed sums."""

from __future__ import annotations

from underseal_node.manage.shapes.base import InputShape, Instant, Shape
from underseal_node.store.seal_tables import QuestionState

__all__ = ["AnswerInput", "QuestionShape"]


class QuestionShape(Shape):
    """GET /endorsements (query: state, limit) -> Listing

    Answer of POST /endorsements/{id}/answer.
    """

    id: int
    peer: str  # who asks
    footprint_id: str  # own
    product_name_company: str | None = None  # of it
    property: str  # which figure of it
    context: str  # for what; it does not tell what that is
    state: QuestionState
    is_named: bool  # whether the endorsement consents to name us
    reason: str | None = None  # why it could not be endorsed
    asked_at: Instant
    answered_at: Instant | None = None


class AnswerInput(InputShape):
    """POST /endorsements/{id}/answer"""

    allow: bool
    named: bool | None = None  # absent: as the settings say, or what is set for the peer
