"""Asking a supplier to endorse a figure: `POST /extensions/endorsements`."""

from __future__ import annotations

from dataclasses import dataclass, field

from underseal_node.exchange.access import Access
from underseal_node.exchange.errors import ProtocolViolationError
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.peer_client import refusal
from underseal_protocol.errors import ProtocolError
from underseal_protocol.roster.messages import HiddenAnswer
from underseal_protocol.roster.questions import AsMember
from underseal_protocol.seal.endorsement_exchange import (
    ENDORSEMENTS_PATH,
    MAX_MESSAGE_BYTES,
    EndorsementAnswer,
    EndorsementRequest,
)
from underseal_protocol.strict_json import JsonLimits, dumps, loads

__all__ = ["Asked", "ask_for_endorsement"]

LIMITS = JsonLimits(max_bytes=MAX_MESSAGE_BYTES, max_depth=3)
# What an Underseal node answers that is older, or that no such thing is asked of.
UNABLE = (404, 405, 501)
REFUSED = (403, 409)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a supplier says.

    Attributes:
        answer: not verified yet; None if there is none.
        hidden: likewise, of a member of a roster, if one was asked.
        is_pending: it decides later.
        is_unable: it has no such thing, or nothing of the footprint.
        reason: why there is none, in its words.
    """

    answer: EndorsementAnswer | None = field(default=None, repr=False)
    hidden: HiddenAnswer | None = field(default=None, repr=False)
    is_pending: bool = False
    is_unable: bool = False
    reason: str | None = None


async def ask_for_endorsement(
    exchange: Exchange, access: Access, question: EndorsementRequest | AsMember
) -> Asked:
    """Ask once; the same question later gets the same answer.

    Args:
        exchange: of this process.
        access: of the supplier.
        question: what for.

    Raises:
        PeerError: it cannot be reached, or fails in another way.
    """
    body = dumps(question.to_json())
    url = f"{access.base_url}{ENDORSEMENTS_PATH}"
    answer = await exchange.client.post_for_answer(access, url, body, max_bytes=MAX_MESSAGE_BYTES)
    if answer.status == 202:
        return Asked(is_pending=True)
    if answer.status in (*UNABLE, *REFUSED):
        reason = refusal(answer, access, "the endorsement").message
        return Asked(is_unable=answer.status in UNABLE, reason=reason)
    if answer.status != 200:
        raise refusal(answer, access, "the endorsement")
    try:
        found = loads(answer.body, limits=LIMITS)
        if isinstance(question, AsMember):
            return Asked(hidden=HiddenAnswer.from_json(found))
        return Asked(EndorsementAnswer.from_json(found))
    except ProtocolError as error:
        raise ProtocolViolationError(
            f"{access.name} answered no endorsement: {error.message}"
        ) from error
