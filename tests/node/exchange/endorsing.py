"""What the tests of endorsements do: ask as a customer, and let the supplier's worker sign."""

from __future__ import annotations

from typing import Any

from underseal_node.exchange.endorsement_calls import Asked, ask_for_endorsement
from underseal_node.exchange.endorser import Endorser
from underseal_node.exchange.exchange import Exchange
from underseal_node.store import peers
from underseal_protocol.rollup.properties import INCLUDING, NON_POSITIVE
from underseal_protocol.seal.endorsement_exchange import EndorsementRequest
from underseal_protocol.seal.numbers import SealedProperty

CONTEXT = bytes(range(32))
EXCLUDING, FOSSIL = SealedProperty.EXCLUDING, SealedProperty.FOSSIL


def sealable(document: dict[str, Any]) -> dict[str, Any]:
    """A footprint without what version 1 of sealed sums refuses: uptake, removals, capture."""
    pcf = {name: one for name, one in document["pcf"].items() if name not in NON_POSITIVE}
    return document | {"pcf": pcf | {INCLUDING: pcf[EXCLUDING.value]}}


async def ask(
    customer: Any,
    supplier: str,
    footprint_id: str,
    *,
    context: bytes = CONTEXT,
    sealed: SealedProperty = EXCLUDING,
) -> Asked:
    """Ask a supplier once.

    Args:
        customer: with a node and an exchange.
        supplier: its name at the customer.
    """
    exchange: Exchange = customer.exchange
    peer = customer.node.store.read_sync(lambda session: peers.by_name(session, supplier))
    access = await exchange.access(peer.id or 0)
    question = EndorsementRequest(footprint_id, sealed, context)
    return await ask_for_endorsement(exchange, access, question)


async def sign(supplier: Any) -> None:
    """What the supplier's worker does."""
    await Endorser(supplier.node).step()
