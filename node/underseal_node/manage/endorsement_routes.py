"""What customers ask us to endorse, and the operator's answers."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter
from sqlmodel import Session

from underseal_node.manage.context import RESPONSE, Context, Limit, RowId
from underseal_node.manage.lists import Count
from underseal_node.manage.shapes.base import Part
from underseal_node.manage.shapes.seals import AnswerInput, QuestionShape
from underseal_node.sealing.endorsing import decide
from underseal_node.store import endorsements, footprints, pins
from underseal_node.store.seal_tables import Question, QuestionState
from underseal_node.store.tables import Footprint
from underseal_protocol.roster.messages import roster_from_json
from underseal_protocol.strict_json import loads

__all__ = ["router"]

router = APIRouter(prefix="/endorsements")


@router.get("", **RESPONSE)
async def list_questions(
    context: Context,
    state: QuestionState | None = None,
    limit: Limit = 1000,
    count: Count = False,
) -> Part[QuestionShape]:
    """Questions of customers, newest first."""

    def work(session: Session) -> Part[QuestionShape]:
        rows = endorsements.listing(session, state=state, limit=limit)
        own = footprints.find_many(session, {question.footprint_id for question, _ in rows})
        return Part(
            data=[_shape(question, name, own) for question, name in rows],
            total=endorsements.count(session, state) if count else None,
        )

    return await context.node.store.read(work)


@router.get("/{question_id}", **RESPONSE)
async def show_question(context: Context, question_id: RowId) -> QuestionShape:
    """One question."""
    return await context.node.store.read(lambda session: _shown(session, question_id))


@router.post("/{question_id}/answer", **RESPONSE)
async def answer(context: Context, question_id: RowId, given: AnswerInput) -> QuestionShape:
    """Endorse a figure for a customer, or refuse to."""
    await decide(context.node, question_id, is_allowed=given.allow, is_named=given.named)
    return await context.node.store.read(lambda session: _shown(session, question_id))


def _shown(session: Session, question_id: int) -> QuestionShape:
    question = endorsements.get(session, question_id)
    own = footprints.find_many(session, [question.footprint_id])
    return _shape(question, pins.peer_row(session, question.peer_id).name, own)


def _shape(question: Question, peer: str, own: Mapping[str, Footprint]) -> QuestionShape:
    known = own.get(question.footprint_id)
    return QuestionShape(
        id=question.id or 0,
        peer=peer,
        footprint_id=question.footprint_id,
        product_name_company=None if known is None else known.product_name,
        property=question.property,
        context=question.context,
        state=QuestionState(question.state),
        is_named=question.is_named,
        roster=None if question.roster is None else roster_from_json(loads(question.roster)).name,
        reason=question.reason,
        asked_at=question.asked_at,
        answered_at=question.answered_at,
    )
