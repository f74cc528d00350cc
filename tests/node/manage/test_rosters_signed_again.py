"""What happens to files about rosters when the key is revoked that has signed them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.node.manage.conftest import RECOVERY_KEY, Company, Market
from tests.node.manage.rosters import NAME, entity, keep
from tests.node.manage.test_audited_routes import entries

from underseal_protocol.jws import named_key
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.recovery import recovery_text
from underseal_protocol.roster.statements import read_admission, read_application, read_roster


@pytest.fixture
async def pair(market: Market) -> tuple[Company, Company]:
    issuer, member = await market.open("association"), await market.open("s0")
    await market.befriend(issuer, member)
    return issuer, member


async def revoke(company: Company, partner: Company, *, since: str = "2026-02-01") -> str:
    """Its footprint key; the partner hears of it. Returns which key it was."""
    kid = company.node.signing_key(KeyPurpose.FOOTPRINT).kid
    given = {"since": f"{since}T00:00:00Z", "recoveryKey": recovery_text(RECOVERY_KEY)}
    await company.post("/keys/revoke", given | {"kids": [kid]})
    for one in (company, partner):
        await one.work()
    return kid


async def test_a_roster_is_shown_with_a_key_that_counts(pair: tuple[Company, Company]) -> None:
    issuer, member = pair
    first = await keep(issuer)
    kid = await revoke(issuer, member)
    refused = await member.post("/rosters/trust", {"roster": first["statement"]}, 409)
    assert f"signed with the key {kid}, which association has revoked" in refused["message"]
    (shown,) = (await issuer.get("/rosters"))["kept"]
    assert (named_key(first["statement"]), named_key(shown["statement"]) != kid) == (kid, True)
    assert read_roster(shown["statement"]).roster == read_roster(first["statement"]).roster
    assert (await issuer.get("/rosters"))["kept"] == [shown]
    await member.post("/rosters/trust", {"roster": shown["statement"]})


async def test_an_application_and_an_admission_are_signed_again(
    pair: tuple[Company, Company],
) -> None:
    issuer, member = pair
    given = {"roster": (await keep(issuer))["statement"], "entity": entity(member)}
    first = (await member.post("/rosters/apply", given))["application"]
    await revoke(member, issuer)
    refused = await issuer.post("/rosters/admit", {"application": first}, 409)
    assert "has revoked" in refused["message"]
    applied = (await member.post("/rosters/apply", given))["application"]
    said = [read_application(one).application.encode() for one in (first, applied)]
    assert said[0] == said[1]
    admitted = (await issuer.post("/rosters/admit", {"application": applied}))["admission"]
    await revoke(issuer, member)
    refused = await member.post("/rosters/join", {"admission": admitted}, 409)
    assert "has revoked" in refused["message"]
    again = (await issuer.post("/rosters/admit", {"application": applied}))["admission"]
    said = [read_admission(one).admission.encode() for one in (admitted, again)]
    assert said[0] == said[1]
    assert (await member.post("/rosters/join", {"admission": again}))["state"] == "joined"


@pytest.mark.parametrize(("since", "is_trusted"), [("2026-02-01", False), ("2026-03-02", True)])
async def test_a_roster_that_a_revoked_key_has_shown_is_not_trusted_any_more(
    pair: tuple[Company, Company], since: str, is_trusted: bool
) -> None:
    """Whoever had the key could have shown a roster of his own."""
    issuer, reader = pair
    epoch = await keep(issuer)
    await reader.post("/rosters/trust", {"roster": epoch["statement"]})
    for one in pair:
        one.advance(days=2)
    kid = await revoke(issuer, reader, since=since)
    assert bool((await reader.get("/rosters"))["trusted"]) is is_trusted
    alerts = [one["message"] for one in (await reader.get("/alerts"))["data"]]
    told = [one for one in alerts if f"{kid}, which has signed the roster {NAME}" in one]
    assert len(told) == (not is_trusted)
    acts: list[Any] = [one["act"] for one in await entries(reader)]
    assert ("roster-distrusted" in acts) is not is_trusted
    (shown,) = (await issuer.get("/rosters"))["kept"]
    await reader.post("/rosters/trust", {"roster": shown["statement"]})


async def test_nobody_revokes_the_roster_of_another_one(
    market: Market, pair: tuple[Company, Company]
) -> None:
    """A peer that says that it was there lists the key of the issuer as one of its own."""
    from tests.behind import sql

    from underseal_node.exchange.rejudged_rosters import withdraw_rosters
    from underseal_node.store import peers
    from underseal_protocol.key_log import KeyLogEntry, read_entry

    issuer, reader = pair
    epoch = await keep(issuer)
    await reader.post("/rosters/trust", {"roster": epoch["statement"]})
    other = await market.open("other")
    await market.befriend(reader, other)
    change = "UPDATE peer SET former_issuers = :urls WHERE name = 'other'"
    sql(reader.node, change, urls=f'["{issuer.url}"]')
    kid = issuer.node.signing_key(KeyPurpose.FOOTPRINT).kid
    newest: KeyLogEntry = read_entry(other.node.current().entries[-1])
    object.__setattr__(newest, "revoked", {kid: reader.node.now()})

    def work(session: Any) -> list[str]:
        peer = peers.by_name(session, "other")
        return withdraw_rosters(session, peer, newest, reader.node.now())

    assert reader.node.store.write_sync(work) == []
    assert (await reader.get("/rosters"))["trusted"]
