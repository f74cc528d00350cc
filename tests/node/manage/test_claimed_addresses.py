"""A peer that says that it is, or was, where another one is: no word of it about rosters counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.behind import sql
from tests.node.exchange.endorsing import sign
from tests.node.manage.conftest import Company, Market
from tests.node.manage.rosters import NAME, ask_member, association, join, keep
from tests.node.manage.sealing import Sealing, open_sealing

from underseal_protocol.bbs.keys import generate
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.roster.membership import apply
from underseal_protocol.roster.roster import Member, Roster
from underseal_protocol.roster.statements import (
    ApplicationStatement,
    RosterStatement,
    read_roster,
)

Json = dict[str, Any]
# Its name comes before all others, so that it is looked at first.
NAME_OF_THIEF = "aaa"


@pytest.fixture
async def thief(market: Market) -> Company:
    return await market.open(NAME_OF_THIEF)


def claim(at: Company, url: str) -> None:
    """The thief has told a partner that it was there before it moved."""
    claimed = json.dumps([url])
    change = "UPDATE peer SET former_issuers = :claimed WHERE name = :name"
    sql(at.node, change, claimed=claimed, name=NAME_OF_THIEF)


async def test_nobody_shows_a_roster_of_somebody_else(market: Market, thief: Company) -> None:
    issuer, reader = await market.open("association"), await market.open("pack")
    for one in (issuer, thief):
        await market.befriend(reader, one)
    genuine = await keep(issuer)
    shown = read_roster(genuine["statement"]).roster
    made_up = RosterStatement.issue(
        Roster(shown.issuer, "made up", generate().public_key, shown.not_before, shown.not_after),
        key=thief.node.signing_key(KeyPurpose.FOOTPRINT),
        issued_at=thief.node.now(),
    )
    claim(reader, issuer.url)
    for path, more in (("trust", {}), ("apply", {"entity": "x"})):
        given = {"roster": made_up} | more
        refused = await reader.post(f"/rosters/{path}", given, 409)
        assert (
            f"several peers say that {issuer.url} is their address: aaa, association"
            in (refused["message"])
        )
        assert "`underseal peer revoke`" in refused["hint"]
    # A fingerprint that somebody has compared says it better than any signature.
    given = {"roster": genuine["statement"], "fingerprint": genuine["fingerprint"]}
    await reader.post("/rosters/trust", given)
    await reader.post("/rosters/distrust", {"name": NAME})
    await reader.post(f"/peers/{NAME_OF_THIEF}/revoke", {"reason": "a thief"})
    await reader.post("/rosters/trust", {"roster": genuine["statement"]})


async def test_nobody_applies_for_somebody_else(market: Market, thief: Company) -> None:
    issuer, member = await market.open("association"), await market.open("s0")
    for one in (member, thief):
        await market.befriend(issuer, one)
    epoch = await keep(issuer)
    application, _ = apply()
    token = ApplicationStatement.issue(
        read_roster(epoch["statement"]).roster,
        Member(member.url, "LEI of s0"),
        application,
        key=thief.node.signing_key(KeyPurpose.FOOTPRINT),
        issued_at=thief.node.now(),
    )
    claim(issuer, member.url)
    refused = await issuer.post("/rosters/admit", {"application": token}, 409)
    assert "several peers say" in refused["message"]
    assert (await issuer.get("/rosters"))["kept"][0]["members"] == []


# --- the pseudonym of a supplier in the documents of a customer ----------------------------------


@pytest.fixture
async def sealing(market: Market, thief: Company) -> Sealing:
    """A supplier, its customer, and the thief, who is a customer, too; all are members."""
    sealing = await open_sealing(market, endorse_named=False)
    cathode = sealing.suppliers["cathode"]
    await market.befriend(thief, cathode)
    await thief.pull("cathode")
    given = {"peer": NAME_OF_THIEF, "everything": True, "level": "total"}
    await cathode.post("/grants", given | {"acknowledge": "a test"}, 201)
    return sealing


@pytest.fixture
async def epoch(sealing: Sealing, thief: Company) -> Json:
    issuer, epoch = await association(sealing.market, sealing.cell, sealing.suppliers["cathode"])
    await sealing.market.befriend(issuer, thief)
    await join(issuer, thief, epoch["statement"])
    return epoch


async def asked_by(sealing: Sealing, company: Company, epoch: Json, number: int) -> Any:
    cathode = sealing.suppliers["cathode"]
    footprint_id = (await cathode.get("/footprints"))["data"][0]["id"]
    given = company, "cathode", footprint_id, epoch["statement"]
    for _ in range(2):
        found = await ask_member(*given, context=bytes([number] * 32))
        await sign(cathode)
    return found


async def test_nobody_learns_the_pseudonym_in_documents_of_somebody_else(
    sealing: Sealing, epoch: Json, thief: Company
) -> None:
    cathode = sealing.suppliers["cathode"]
    assert (await asked_by(sealing, thief, epoch, 1)).hidden is not None
    change = "UPDATE peer SET issuer = :url WHERE name = :name"
    sql(cathode.node, change, url=sealing.cell.url, name=NAME_OF_THIEF)
    for company in (thief, sealing.cell):
        found = await asked_by(sealing, company, epoch, 2)
        assert "does not endorse figures for you" in (found.reason or "")
    sql(cathode.node, change, url=f"{sealing.cell.url}/", name=NAME_OF_THIEF)
    found = await asked_by(sealing, thief, epoch, 2)
    assert "does not endorse figures for you" in (found.reason or "")
    # What it has said before it came out is not signed any more, either.
    sql(cathode.node, change, url=thief.url, name=NAME_OF_THIEF)
    await cathode.patch(f"/peers/{NAME_OF_THIEF}", {"endorse": "ask"})
    assert (await asked_by(sealing, thief, epoch, 3)).is_pending
    sql(cathode.node, change, url=sealing.cell.url, name=NAME_OF_THIEF)
    (waiting,) = (await cathode.get("/endorsements", state="open"))["data"]
    done = await cathode.post(f"/endorsements/{waiting['id']}/answer", {"allow": True})
    assert done["state"] == "failed"
    # Once it is gone, a person says who of them was who.
    await cathode.post(f"/peers/{NAME_OF_THIEF}/revoke", {"reason": "a thief"})
    assert (await asked_by(sealing, sealing.cell, epoch, 4)).is_pending
    (waiting,) = (await cathode.get("/endorsements", state="open"))["data"]
    await cathode.post(f"/endorsements/{waiting['id']}/answer", {"allow": True})
    assert (await asked_by(sealing, sealing.cell, epoch, 4)).hidden is not None


async def test_a_person_answers_at_the_address_of_a_customer_that_has_left(
    sealing: Sealing, epoch: Json, thief: Company
) -> None:
    cathode = sealing.suppliers["cathode"]
    await cathode.post("/peers/cell/revoke", {"reason": "a thief"})
    change = "UPDATE peer SET issuer = :url WHERE name = :name"
    sql(cathode.node, change, url=sealing.cell.url, name=NAME_OF_THIEF)
    assert (await asked_by(sealing, thief, epoch, 5)).is_pending
    (waiting,) = (await cathode.get("/endorsements", state="open"))["data"]
    assert waiting["roster"] == NAME
