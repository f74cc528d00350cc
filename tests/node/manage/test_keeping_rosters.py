"""Keeping a roster, joining and trusting one: one credential each, and files of others refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.behind import sql
from tests.node.manage.conftest import Company, Market
from tests.node.manage.rosters import EPOCH, NAME, entity, join, keep

from underseal_node.store import rosters
from underseal_node.trust.key_changes import move as change_address
from underseal_protocol.keys import KeyPurpose
from underseal_protocol.roster.membership import apply as make_application
from underseal_protocol.roster.roster import Member
from underseal_protocol.roster.statements import ApplicationStatement, read_roster


@pytest.fixture
async def pair(market: Market) -> tuple[Company, Company]:
    issuer, member = await market.open("association"), await market.open("s0")
    await market.befriend(issuer, member)
    return issuer, member


async def apply(member: Company, statement: str, **changes: Any) -> str:
    given = {"roster": statement, "entity": entity(member), "instead": True} | changes
    return str((await member.post("/rosters/apply", given))["application"])


def applied(member: Company, statement: str, name: str) -> str:
    """What a node of another make may write, with an identifier that ours does not take."""
    return ApplicationStatement.issue(
        read_roster(statement).roster,
        Member(member.url, name),
        make_application()[0],
        key=member.node.signing_key(KeyPurpose.FOOTPRINT),
        issued_at=member.node.now(),
    )


async def test_a_legal_entity_has_one_credential_in_an_epoch(
    market: Market, pair: tuple[Company, Company]
) -> None:
    issuer, member = pair
    epoch = await keep(issuer)
    application = await apply(member, epoch["statement"])
    assert application == await apply(member, epoch["statement"])
    first = await issuer.post("/rosters/admit", {"application": application})
    # A file that was lost is made no other credential of.
    assert first == await issuer.post("/rosters/admit", {"application": application})
    other = await market.open("s1")
    await market.befriend(issuer, other)
    same_entity = await apply(other, epoch["statement"], entity=entity(member))
    refused = await issuer.post("/rosters/admit", {"application": same_entity}, 409)
    assert "has a credential of this epoch" in refused["message"]
    # It could be admitted by now, so what it has applied with is not thrown away unasked.
    otherwise = {"roster": epoch["statement"], "entity": "somebody else"}
    refused = await member.post("/rosters/apply", otherwise, 409)
    assert (
        f"has applied to that epoch of the roster {NAME} as {entity(member)}"
        in (refused["message"])
    )
    assert "--instead" in refused["hint"]
    same_url = await apply(member, epoch["statement"], entity="somebody else")
    refused = await issuer.post("/rosters/admit", {"application": same_url}, 409)
    assert "has a credential of this epoch" in refused["message"]
    (kept,) = (await issuer.get("/rosters"))["kept"]
    assert [one["url"] for one in kept["members"]] == [member.url]
    # What it has applied with first is gone, so is the admission to it.
    refused = await member.post("/rosters/join", {"admission": first["admission"]}, 409)
    assert "has applied" in refused["message"]


async def test_a_member_that_is_removed_stays_until_the_epoch_ends(
    pair: tuple[Company, Company],
) -> None:
    issuer, member = pair
    epoch = await keep(issuer)
    await join(issuer, member, epoch["statement"])
    removed = await issuer.post("/rosters/remove", {"name": NAME, "member": entity(member)})
    assert removed["endorsesUntil"] == EPOCH["notAfter"]
    again = {"name": NAME, "member": member.url}
    assert "before" in (await issuer.post("/rosters/remove", again, 409))["message"]
    next_one = await keep(issuer, notBefore=EPOCH["notAfter"], notAfter="2027-12-31T00:00:00Z")
    assert next_one["fingerprint"] == epoch["fingerprint"]
    application = await apply(member, next_one["statement"])
    given = {"application": application}
    refused = await issuer.post("/rosters/admit", given, 409)
    assert "was removed from the roster" in refused["message"]
    await issuer.post("/rosters/admit", given | {"again": True})
    newest, _ = (await issuer.get("/rosters"))["kept"]
    assert [one["entity"] for one in newest["members"]] == [entity(member)]
    for unknown in ({"name": "none"}, {"member": "nobody"}):
        await issuer.post("/rosters/remove", again | unknown, 404)


# What says the same of a company in other words.
SPELLINGS = (
    "LEI 529900T8BM49AURSDO55",
    "529900t8bm49aursdo55",
    "529900T8BM49AURSDO55 ",
    "urn:lei:529900T8BM49AURSDO55",
    "5299 00T8 BM49 AURS DO55",
    "５２９９００Ｔ８ＢＭ４９ＡＵＲＳＤＯ５５",
    "Pack Works (529900T8BM49AURSDO55)",
)


async def test_another_spelling_of_a_legal_entity_gets_no_second_credential(
    market: Market, pair: tuple[Company, Company]
) -> None:
    issuer, member = pair
    epoch = await keep(issuer)
    application = await apply(member, epoch["statement"], entity="529900T8BM49AURSDO55")
    await issuer.post("/rosters/admit", {"application": application})
    other = await market.open("s1")
    await market.befriend(issuer, other)
    for spelling in SPELLINGS:
        given = {"application": applied(other, epoch["statement"], spelling)}
        refused = await issuer.post("/rosters/admit", given, 409)
        assert "529900T8BM49AURSDO55 (https://s0.example) has a credential" in refused["message"]
    # The O of the last but two is a Greek one.
    lookalike = "529900T8BM49AURSDΟ55"
    for name, why in (
        (lookalike, "letters of several scripts (GREEK, LATIN)"),
        ("Pack  Works", "superfluous spaces"),
        (" ", "superfluous spaces"),
        ("-", "no letter and no digit"),
    ):
        given = {"application": applied(other, epoch["statement"], name)}
        assert why in (await issuer.post("/rosters/admit", given, 409))["message"]
    for name in ("Ｆａｂｒｉｋ 電池 7", "529900T8BM49AURSDO56"):
        given = {"application": await apply(other, epoch["statement"], entity=name)}
    await issuer.post("/rosters/admit", given)
    removed = await issuer.post(
        "/rosters/remove", {"name": NAME, "member": "lei:529900t8bm49aursdo55"}
    )
    assert removed["member"]["url"] == member.url


async def test_a_node_gets_no_second_credential_under_another_address(
    pair: tuple[Company, Company],
) -> None:
    """It has moved, and names another legal entity, which the issuer believes."""
    issuer, member = pair
    epoch = await keep(issuer)
    former = await apply(member, epoch["statement"], entity="one")
    await move(member, "https://s0-new.example", issuer)
    refused = await issuer.post("/rosters/admit", {"application": former}, 409)
    assert "has moved to https://s0-new.example since it applied" in refused["message"]
    present = await apply(member, epoch["statement"], entity="one")
    await issuer.post("/rosters/admit", {"application": present})
    await move(member, "https://s0-newer.example", issuer)
    again = await apply(member, (await keep(issuer, name="more"))["statement"], entity="two")
    await issuer.post("/rosters/admit", {"application": again})
    sql(member.node, "DELETE FROM roster_membership")
    again = await apply(member, epoch["statement"], entity="two")
    refused = await issuer.post("/rosters/admit", {"application": again}, 409)
    assert "one (https://s0-new.example) has a credential of this epoch" in refused["message"]


async def move(member: Company, url: str, issuer: Company) -> None:
    """The node is somewhere else, and its partner has heard of it."""
    await change_address(member.node, url)
    former = json.dumps([f"https://{name}.example" for name in ("s0", "s0-new")])
    change = "UPDATE peer SET issuer = :url, former_issuers = :former WHERE name = 's0'"
    sql(issuer.node, change, url=url, former=former)


async def test_who_was_removed_is_not_admitted_under_the_name_of_another_member(
    market: Market, pair: tuple[Company, Company]
) -> None:
    issuer, member = pair
    other = await market.open("s1")
    await market.befriend(issuer, other)
    epoch = await keep(issuer)
    await join(issuer, member, epoch["statement"])
    await join(issuer, other, epoch["statement"])
    await issuer.post("/rosters/remove", {"name": NAME, "member": entity(member)})
    next_one = await keep(issuer, notBefore=EPOCH["notAfter"], notAfter="2027-12-31T00:00:00Z")
    # The entity that was removed, with the node of a member; and the other way round.
    for company, name in ((other, entity(member).upper()), (member, "somebody else")):
        given = {"application": await apply(company, next_one["statement"], entity=name)}
        refused = await issuer.post("/rosters/admit", given, 409)
        assert f"{entity(member)} ({member.url}) was removed" in refused["message"]
    await issuer.post("/rosters/admit", given | {"again": True})


async def test_a_member_that_is_removed_endorses_until_the_last_of_its_epochs_ends(
    pair: tuple[Company, Company],
) -> None:
    """It was admitted to the next epoch before it was admitted to this one."""
    issuer, member = pair
    epoch = await keep(issuer)
    next_one = await keep(issuer, notBefore=EPOCH["notAfter"], notAfter="2027-12-31T00:00:00Z")
    for one in (next_one, epoch):
        await join(issuer, member, one["statement"])
    removed = await issuer.post("/rosters/remove", {"name": NAME, "member": member.url})
    assert removed["endorsesUntil"] == next_one["notAfter"]


@pytest.mark.parametrize(
    ("path", "reads", "found"),
    [("", "key", None), ("/apply", "membership", None), ("/trust", "trusted", ())],
)
async def test_what_another_host_does_at_this_moment_is_no_internal_error(
    pair: tuple[Company, Company],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    reads: str,
    found: Any,
) -> None:
    """As on PostgreSQL, each of two sees nothing of the other before both have written."""
    issuer, member = pair
    epoch = await keep(issuer)
    await apply(member, epoch["statement"])
    await member.post("/rosters/trust", {"roster": epoch["statement"]})
    monkeypatch.setattr(rosters, reads, lambda *_given: found)
    given: dict[str, Any] = {"roster": epoch["statement"]}
    company, given = {
        "": (issuer, {"name": NAME} | EPOCH),
        "/apply": (member, given | {"entity": "somebody else", "instead": True}),
        "/trust": (member, given),
    }[path]
    refused = await company.post(f"/rosters{path}", given, 409)
    assert "done the same at this moment" in refused["message"]


async def test_epochs_do_not_overlap(pair: tuple[Company, Company]) -> None:
    issuer, _ = pair
    await keep(issuer)
    given = {"name": NAME, "notBefore": "2026-06-01T00:00:00Z", "notAfter": "2027-06-01T00:00:00Z"}
    assert "do not overlap" in (await issuer.post("/rosters", given, 409))["message"]
    await issuer.post("/rosters", given | {"name": "another"}, 201)
    turned = given | {"name": "turned", "notBefore": "2028-01-01T00:00:00Z"}
    assert "before it begins" in (await issuer.post("/rosters", turned, 422))["message"]
    # Nothing is left of what was refused.
    names = {one["name"] for one in (await issuer.get("/rosters"))["kept"]}
    assert names == {NAME, "another"}


async def test_who_is_no_partner_can_neither_apply_nor_be_admitted(
    market: Market, pair: tuple[Company, Company]
) -> None:
    issuer, member = pair
    epoch = await keep(issuer)
    stranger = await market.open("stranger")
    given = {"roster": epoch["statement"], "entity": "stranger"}
    refused = await stranger.post("/rosters/apply", given, 409)
    assert "is no partner of this node" in refused["message"]
    application = await apply(member, epoch["statement"])
    await issuer.http.delete("/peers/s0")
    refused = await issuer.post("/rosters/admit", {"application": application}, 409)
    assert "is no partner of this node" in refused["message"]
    refused = await issuer.post("/rosters/apply", given, 409)
    assert "keeps that roster itself" in refused["message"]


async def test_files_of_others_are_refused(market: Market, pair: tuple[Company, Company]) -> None:
    issuer, member = pair
    epoch = await keep(issuer)
    application = await apply(member, epoch["statement"])
    other_issuer = await market.open("other")
    await market.befriend(other_issuer, member)
    await keep(other_issuer)
    refused = await other_issuer.post("/rosters/admit", {"application": application}, 409)
    assert "none of this node" in refused["message"]
    admitted = await issuer.post("/rosters/admit", {"application": application})
    stranger = await market.open("s1")
    await market.befriend(issuer, stranger)
    refused = await stranger.post("/rosters/join", {"admission": admitted["admission"]}, 409)
    assert "has not applied" in refused["message"]
    await apply(stranger, epoch["statement"])
    refused = await stranger.post("/rosters/join", {"admission": admitted["admission"]}, 409)
    assert "is for" in refused["message"]
    head, body, signature = admitted["admission"].split(".")
    broken = ".".join((head, body, signature[:-4] + "AAAA"))
    refused = await member.post("/rosters/join", {"admission": broken}, 422)
    assert "signature" in refused["message"]
    for path, given in (
        ("apply", {"roster": application, "entity": "x"}),
        ("admit", {"application": epoch["statement"]}),
        ("join", {"admission": "nonsense"}),
        ("trust", {"roster": admitted["admission"]}),
    ):
        assert "it is no " in (await member.post(f"/rosters/{path}", given, 422))["message"]
    joined = await member.post("/rosters/join", {"admission": admitted["admission"]})
    assert joined["state"] == "joined"
    # So that members can compare it with one another.
    assert joined["fingerprint"] == epoch["fingerprint"]
    assert joined == await member.post("/rosters/join", {"admission": admitted["admission"]})
    refused = await member.post(
        "/rosters/apply", {"roster": epoch["statement"], "entity": entity(member)}, 409
    )
    assert "is a member" in refused["message"]


# --- trusting one --------------------------------------------------------------------------------


async def test_a_roster_is_trusted_by_its_partner_or_its_fingerprint(
    market: Market, pair: tuple[Company, Company]
) -> None:
    issuer, member = pair
    epoch = await keep(issuer)
    given = {"roster": epoch["statement"]}
    trusted = await member.post("/rosters/trust", given)
    assert trusted == await member.post("/rosters/trust", given)
    assert (trusted["issuer"], trusted["fingerprint"]) == (issuer.url, epoch["fingerprint"])
    await issuer.post("/rosters/trust", given)
    stranger = await market.open("stranger")
    assert "no partner" in (await stranger.post("/rosters/trust", given, 409))["message"]
    wrong = given | {"fingerprint": "A" * 43}
    assert epoch["fingerprint"] in (await stranger.post("/rosters/trust", wrong, 409))["message"]
    await stranger.post("/rosters/trust", given | {"fingerprint": epoch["fingerprint"]})
    await stranger.post("/rosters/distrust", {"name": NAME, "issuer": issuer.url})
    assert (await stranger.get("/rosters"))["trusted"] == []
    await stranger.post("/rosters/distrust", {"name": NAME}, 404)


async def test_another_key_is_not_trusted_unasked(pair: tuple[Company, Company]) -> None:
    issuer, member = pair
    epoch = await keep(issuer)
    await member.post("/rosters/trust", {"roster": epoch["statement"]})
    for table in ("roster_epoch", "roster"):
        sql(issuer.node, f"DELETE FROM {table}")
    another = await keep(issuer)
    refused = await member.post("/rosters/trust", {"roster": another["statement"]}, 409)
    assert "with another key" in refused["message"]
