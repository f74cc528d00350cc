"""Whether an answer of a supplier is what was asked for, of the footprint that was received."""

from __future__ import annotations

from sqlmodel import Session

from underseal_node.errors import RefusedError
from underseal_node.exchange.exchange import Exchange
from underseal_node.exchange.verification import STORED_LIMITS, Trust, trust_in
from underseal_node.sealing.held import Context, Held, Supplied
from underseal_node.store import pins, received
from underseal_protocol.errors import CredentialError
from underseal_protocol.roster.messages import HiddenAnswer
from underseal_protocol.roster.rules import require_about as require_hidden_about
from underseal_protocol.seal.endorsement_checks import require_about, verify_endorsement
from underseal_protocol.seal.endorsement_exchange import EndorsementAnswer, EndorsementRequest
from underseal_protocol.strict_json import loads

__all__ = ["checked"]


async def checked(
    exchange: Exchange,
    question: EndorsementRequest,
    context: Context,
    one: Supplied,
    answer: EndorsementAnswer | HiddenAnswer,
) -> Held:
    """Whether an answer is what was asked for, about the very footprint that was received.

    Raises:
        ProtocolError, NodeError: it is not.
    """
    if isinstance(answer, HiddenAnswer):
        return await _checked_member(exchange, question, context, one, answer)
    kid = answer.endorsement.kid

    def read(session: Session) -> tuple[Trust, bytes, str]:
        held = received.find(session, one.peer_id, one.footprint_id)
        if held is None or held.credential_digest is None:
            raise RefusedError("the footprint is not there any more")
        trust = trust_in(pins.peer_row(session, one.peer_id))
        return trust, held.body, held.credential_digest

    trust, body, digest = await exchange.node.store.read(read)
    if trust.is_unknown(kid):  # it may have rotated its keys a moment ago
        await exchange.look_for_keys(one.peer_id)
        trust, body, digest = await exchange.node.store.read(read)
    if trust.keys is None or trust.issuers is None:
        raise RefusedError("no keys are pinned for it")
    if kid in trust.revoked:
        raise CredentialError(f"it is signed with the key {kid}, which its owner has revoked")
    _, key = verify_endorsement(
        answer.endorsement.token,
        keys=trust.keys,
        supplier=trust.issuers,
        customer=context.publisher,
        context=context.digest,
        sealed=question.sealed,
    )
    require_about(answer.endorsement, answer.opening, loads(body, limits=STORED_LIMITS), digest)
    return Held(answer, key)


async def _checked_member(
    exchange: Exchange,
    question: EndorsementRequest,
    context: Context,
    one: Supplied,
    answer: HiddenAnswer,
) -> Held:
    """The same of an answer of a member of a roster.

    Raises:
        ProtocolError, NodeError: it is not.
    """

    def read(session: Session) -> tuple[bytes, str]:
        held = received.find(session, one.peer_id, one.footprint_id)
        if held is None or held.credential_digest is None:
            raise RefusedError("the footprint is not there any more")
        return held.body, held.credential_digest

    assert context.roster is not None  # noqa: S101 - nobody else was asked
    body, digest = await exchange.node.store.read(read)
    answer.require_asked_for(
        context.roster,
        customer=context.publisher,
        context=context.digest,
        sealed=question.sealed,
    )
    document = loads(body, limits=STORED_LIMITS)
    require_hidden_about(answer.endorsement, answer.opening, document, digest)
    return Held(answer, None)
