"""What the tests of rosters do: an association that keeps one, and companies that join it."""

from __future__ import annotations

from typing import Any

from tests.node.manage.conftest import Company, Market

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
