"""`POST /extensions/endorsements`: a customer asks us to endorse a figure that it is granted.

This process cannot sign: it keeps the question and waits a little for the management process.
"""

from __future__ import annotations

import asyncio
import time

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response

from underseal_node.pact.access import PublicContext, read_body
from underseal_node.pact.errors import AccessDeniedError, ConflictError, TooManyRequestsError
from underseal_node.sealing.asker import NeverEndorsedError
from underseal_node.sealing.endorsing import (
    NoMemberError,
    NoPartnerError,
    OtherQuestionError,
    TooManyQuestionsError,
    take_question,
    vault_context,
)
from underseal_node.store import endorsements
from underseal_node.store.seal_tables import Question, QuestionState
from underseal_node.store.standing import standing_peer
from underseal_node.trust.vault import VaultPurpose
from underseal_protocol.roster.questions import read_question
from underseal_protocol.seal.endorsement_exchange import MAX_MESSAGE_BYTES
from underseal_protocol.strict_json import JsonLimits, loads

__all__ = ["EndorsementsEndpoint"]

LIMITS = JsonLimits(max_bytes=MAX_MESSAGE_BYTES, max_depth=3, allow_nul=False)
NO_STORE = {"cache-control": "no-store"}
LOOK_SECONDS = 0.1
# Signed within a second; decided by a person whenever it has the time.
RETRY_SECONDS = {QuestionState.ALLOWED: 2, QuestionState.OPEN: 3_600}
FULL_SECONDS = 3_600


class EndorsementsEndpoint:
    """Takes questions of customers and hands out endorsements.

    Args:
        context: what the endpoints share.
    """

    def __init__(self, context: PublicContext) -> None:
        self._context = context

    async def handle(self, request: Request) -> Response:
        """Handle one request. The same question again gets the same answer.

        200 with endorsement and opening; 202 while it is not answered: ask again.

        Raises:
            NotFoundError: the requester is not granted the footprint, or there is none.
            AccessDeniedError: it is not endorsed for the requester.
            ConflictError: the figure cannot be endorsed.
            TooManyRequestsError: the requester has asked too much.
            ProtocolError: the body is no question.
        """
        context, node = self._context, self._context.node
        requester = await context.requester(request.scope, node.now())
        body = await read_body(request.scope, request.receive, MAX_MESSAGE_BYTES)
        asked, roster = read_question(loads(body, limits=LIMITS))

        def work(session: Session) -> Question:
            peer = standing_peer(session, requester, node.now())
            return take_question(session, node, peer, asked, roster)

        try:
            question = await node.store.write(work)
        except (NeverEndorsedError, NoMemberError, NoPartnerError) as error:
            raise AccessDeniedError(error.message) from None
        except OtherQuestionError as error:
            raise ConflictError(error.message) from None
        except TooManyQuestionsError as error:
            raise TooManyRequestsError(error.message, retry_after_seconds=FULL_SECONDS) from None
        return self._answer(await self._awaited(question))

    async def _awaited(self, question: Question) -> Question:
        """The question, once it is signed, or when that takes too long."""
        store, question_id = self._context.node.store, question.id or 0
        end = time.monotonic() + self._context.node.settings.receipt_wait_seconds
        while question.state == QuestionState.ALLOWED and time.monotonic() + LOOK_SECONDS < end:
            await asyncio.sleep(LOOK_SECONDS)
            question = await store.read(lambda session: endorsements.get(session, question_id))
        return question

    def _answer(self, question: Question) -> Response:
        state = QuestionState(question.state)
        if state in RETRY_SECONDS:
            headers = NO_STORE | {"retry-after": str(RETRY_SECONDS[state])}
            return Response(status_code=202, headers=headers)
        if state is QuestionState.REFUSED:
            raise AccessDeniedError("this figure is not endorsed for you")
        if question.answer is None:
            raise ConflictError(f"this figure cannot be endorsed: {question.reason}")
        vault = self._context.node.vault
        answer = vault.open(
            VaultPurpose.ENDORSEMENT, question.answer, context=vault_context(question)
        )
        return Response(answer, headers=NO_STORE, media_type="application/json")
