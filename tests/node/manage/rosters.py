"""What the tests of rosters do: an association that keeps one, and companies that join it."""

from __future__ import annotations

from typing import Any

from tests.node.manage.conftest import Company, Market

from underseal_node.exchange.endorsement_calls import Asked, ask_for_endorsement
from underseal_node.store import peers
from underseal_protocol.roster.questions import AsMember
from underseal_protocol.roster.statements import read_roster
from underseal_protocol.seal.endorsement_exchange import EndorsementRequest
from underseal_protocol.seal.numbers import SealedProperty

Json = dict[str, Any]

NAME = "cells and packs"
EPOCH = {"notBefore": "2026-01-01T00:00:00Z", "notAfter": "2026-12-31T00:00:00Z"}


def entity(company: Company) -> str:
    """Its legal entity, as the association has checked it."""
    return f"LEI of {company.url.removeprefix('https://')}"


async def keep(issuer: Company, **changes: Any) -> Json:
    """Begin an epoch."""
    made: Json = await issuer.post("/rosters", {"name": NAME} | EPOCH | changes, 201)
    return made


async def join(issuer: Company, member: Company, statement: str) -> Json:
    """Become a member, by files."""
    applied = await member.post("/rosters/apply", {"roster": statement, "entity": entity(member)})
    admitted = await issuer.post("/rosters/admit", {"application": applied["application"]})
    joined: Json = await member.post("/rosters/join", {"admission": admitted["admission"]})
    return joined


async def association(market: Market, *members: Company) -> tuple[Company, Json]:
    """A node that keeps a roster, and companies that are in it."""
    issuer = await market.open("association")
    epoch = await keep(issuer)
    for one in members:
        await market.befriend(issuer, one)
        await join(issuer, one, epoch["statement"])
    return issuer, epoch


async def ask_member(
    customer: Company,
    supplier: str,
    footprint_id: str,
    statement: str,
    *,
    context: bytes = bytes(32),
) -> Asked:
    """Ask a supplier once to endorse as a member of a roster.

    Args:
        supplier: its name at the customer.
        statement: of the roster.
    """
    peer = customer.node.store.read_sync(lambda session: peers.by_name(session, supplier))
    access = await customer.exchange.access(peer.id or 0)
    question = EndorsementRequest(footprint_id, SealedProperty.EXCLUDING, context)
    asked = AsMember(question, read_roster(statement).roster)
    return await ask_for_endorsement(customer.exchange, access, asked)
