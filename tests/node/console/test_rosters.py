"""Rosters in the console: kept, joined and trusted, from the first page to the last."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

import pytest
from tests.behind import sql
from tests.node.console.conftest import Browser, NewBrowser, Shown
from tests.node.console.partnership import (
    IMAGE,
    ODD_QUERIES,
    SCRIPT,
    assert_harmless,
    signed_in,
    value_of,
)
from tests.node.console.test_overview import card
from tests.node.manage.conftest import Company, Market
from tests.node.manage.rosters import EPOCH, NAME, association, entity, join, keep

Json = dict[str, Any]

EPOCH_QUERY = {"roster": NAME, "from": EPOCH["notBefore"]}
LIST_PAGES = ("/rosters", "/rosters/new", "/rosters/admit", "/rosters/apply", "/rosters/join",
              "/rosters/trust")  # fmt: skip


def rows_of(shown: Shown) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(shown.answer.content.decode("utf-8-sig"))))


def link_of(shown: Shown, path: str) -> str:
    """The first link that begins so, as it stands on the page, below the console."""
    found = re.search(rf'href="/console({re.escape(path)}[^"]*)"', shown.html)
    assert found is not None, path
    return found[1].replace("&amp;", "&")


def file_of(content: str | bytes, name: str = "file.jws") -> dict[str, tuple[str, bytes]]:
    return {"file": (name, content.encode() if isinstance(content, str) else content)}


async def statement_of(company: Company) -> str:
    """What its file says, of the newest epoch."""
    statement: str = (await company.get("/rosters"))["kept"][0]["statement"]
    return statement


@pytest.fixture
async def both(market: Market) -> tuple[Company, Company]:
    """An association and a company, which are partners."""
    issuer, member = await market.open("association"), await market.open("cathode")
    await market.befriend(issuer, member)
    return issuer, member


async def test_without_rosters_the_list_says_what_to_do(browser: Browser) -> None:
    shown = await browser.get("/rosters")
    assert "This node keeps no roster, is in none and trusts none." in shown.text
    for path in ("/rosters/trust", "/rosters/apply", "/rosters/new"):
        assert f'href="/console{path}"' in shown.html


async def test_from_the_first_epoch_to_a_member(
    both: tuple[Company, Company], new_browser: NewBrowser
) -> None:
    """All of it in two browsers, and nothing but files between them."""
    issuer, member = both
    keeper, applicant = [await signed_in(new_browser, one) for one in both]
    await keeper.get("/rosters/new")
    kept = await keeper.send(
        "/rosters/new", name=NAME, notBefore="2026-01-01T00:00", notAfter="2026-12-31T00:00"
    )
    assert kept.path == "/rosters/kept"
    assert "Nobody is admitted to this epoch." in kept.text
    (epoch,) = (await issuer.get("/rosters"))["kept"]
    assert epoch["fingerprint"] in kept.text
    roster = await keeper.get(link_of(kept, "/rosters/kept/file"))
    assert roster.answer.headers["content-disposition"] == 'attachment; filename="roster.jws"'
    assert roster.html == f"{epoch['statement']}\n"

    await applicant.get("/rosters/apply")
    applied = await applicant.send(
        "/rosters/apply", entity=entity(member), files=file_of(roster.html)
    )
    assert applied.path == "/rosters/joined"
    assert "What comes next" in applied.text
    application = await applicant.get(link_of(applied, "/rosters/joined/application"))

    await keeper.get("/rosters/admit")
    who = await keeper.send("/rosters/admit", files=file_of(application.html))
    assert f"Legal entity {entity(member)}" in who.text
    assert "Nobody is admitted yet." in who.text
    assert (await issuer.get("/rosters"))["kept"][0]["members"] == []
    admitted = await keeper.send("/rosters/admit/confirm", application=value_of(who, "application"))
    assert admitted.path == "/rosters/member"
    assert f"{entity(member)} is admitted. Send it its admission." in admitted.text
    admission = await keeper.get(link_of(admitted, "/rosters/member/admission"))

    joined = await applicant.send("/rosters/join", files=file_of(admission.html))
    assert f"This node is a member of the roster {NAME}." in joined.text
    assert "What happens now" in joined.text
    (mine,) = (await member.get("/rosters"))["memberships"]
    assert mine["state"] == "joined"
    for browser, words in ((keeper, ("kept here", "this node")), (applicant, ("member",))):
        shown = await browser.get("/rosters")
        assert all(one in shown.text for one in (NAME, *words))


async def test_a_second_application_takes_the_place_of_the_first_by_intention(
    both: tuple[Company, Company], new_browser: NewBrowser
) -> None:
    issuer, member = both
    roster = (await keep(issuer))["statement"]
    browser = await signed_in(new_browser, member)
    shown = await browser.get("/rosters/apply")
    assert "In place of the other application" not in shown.text
    applied = await browser.send("/rosters/apply", entity="Somebody Ltd", roster=roster)
    fingerprint = (await issuer.get("/rosters"))["kept"][0]["fingerprint"]
    assert f"Fingerprint of its key {fingerprint}" in applied.text
    refused = await browser.send("/rosters/apply", entity=entity(member), roster=roster)
    assert refused.status == 409
    assert "has applied to that epoch" in refused.text
    assert "add <em>In place of the other application" in refused.html
    assert (await member.get("/rosters"))["memberships"][0]["entity"] == "Somebody Ltd"
    done = await browser.send("/rosters/apply", entity=entity(member), roster=roster, instead="yes")
    assert done.path == "/rosters/joined"
    assert (await member.get("/rosters"))["memberships"][0]["entity"] == entity(member)


async def test_a_member_is_removed_and_only_admitted_again_by_intention(
    both: tuple[Company, Company], new_browser: NewBrowser
) -> None:
    issuer, member = both
    await join(issuer, member, (await keep(issuer))["statement"])
    browser = await signed_in(new_browser, issuer)
    query = {**EPOCH_QUERY, "member": member.url}
    shown = await browser.get("/rosters/member", **query)
    path = link_of(await browser.get("/rosters/kept", **EPOCH_QUERY), "/rosters/member")
    assert "until 31 Dec 2026, 00:00 UTC it can endorse as a member" in shown.text
    done = await browser.send(path, do="remove")
    assert "is not admitted to another epoch" in done.text
    assert "Do not admit it again" not in done.text
    again = await browser.send(path, do="remove")
    assert again.status == 409
    assert "was removed from the roster" in again.text
    assert (await browser.send(path, do="burn")).status == 400

    second = {"notBefore": EPOCH["notAfter"], "notAfter": "2027-06-30T00:00:00Z"}
    later = await keep(issuer, **second)
    given = {"roster": later["statement"], "entity": entity(member)}
    applied = await member.post("/rosters/apply", given)
    await browser.get("/rosters/admit")
    who = await browser.send("/rosters/admit", application=applied["application"])
    token = value_of(who, "application")
    assert "although it was removed" in who.text
    refused = await browser.send("/rosters/admit/confirm", application=token)
    assert refused.status == 409
    assert "To admit it all the same, add <em>Admit it although" in refused.html
    admitted = await browser.send("/rosters/admit/confirm", application=token, again="yes")
    assert admitted.path == "/rosters/member"
    assert (await issuer.get("/rosters"))["kept"][0]["members"][0]["url"] == member.url


async def test_of_a_member_of_two_epochs_the_older_page_leads_to_the_newer(
    both: tuple[Company, Company], new_browser: NewBrowser
) -> None:
    issuer, member = both
    await join(issuer, member, (await keep(issuer))["statement"])
    second = {"notBefore": EPOCH["notAfter"], "notAfter": "2027-06-30T00:00:00Z"}
    await join(issuer, member, (await keep(issuer, **second))["statement"])
    browser = await signed_in(new_browser, issuer)
    old = await browser.get("/rosters/member", **EPOCH_QUERY, member=member.url)
    assert "It was admitted to a later epoch, too." in old.text
    assert "Do not admit it again" not in old.text
    new = await browser.get(link_of(old, "/rosters/member?roster"))
    assert "Do not admit it again" in new.text
    kept = await browser.get("/rosters/kept", roster=NAME)
    assert kept.html.count("/console/rosters/kept?roster=") == 2
    assert rows_of(await browser.get("/rosters", **{"as": "csv"}))[0]["Epoch"] == "future"


async def test_the_members_are_searched_sorted_and_exported(
    market: Market, new_browser: NewBrowser
) -> None:
    names = ("anode", "binder", "cathode")
    members = [await market.open(name) for name in names]
    issuer, _epoch = await association(market, *members)
    await issuer.post("/rosters/remove", {"name": NAME, "member": members[1].url})
    browser = await signed_in(new_browser, issuer)
    shown = await browser.get("/rosters/kept", **EPOCH_QUERY, sort="-entity")
    places = [shown.text.index(f"LEI of {name}") for name in names]
    assert places == sorted(places, reverse=True)
    assert 'href="/console/partners/anode"' in shown.html
    only = await browser.get("/rosters/kept", **EPOCH_QUERY, state="removed")
    assert ("LEI of binder" in only.text, "LEI of anode" in only.text) == (True, False)
    found = await browser.get("/rosters/kept", **EPOCH_QUERY, q="cathode")
    assert "1 in all" in found.text
    assert f'name="from" value="{EPOCH["notBefore"]}"' in found.html
    nothing = await browser.get("/rosters/kept", **EPOCH_QUERY, q="nobody")
    back = re.search(r'Nothing matches\. <a href="([^"]+)"', nothing.html)
    assert back is not None
    everything = await browser.get("/rosters/kept" + back[1].replace("&amp;", "&"))
    assert "3 in all" in everything.text
    rows = rows_of(await browser.get("/rosters/kept", **EPOCH_QUERY, **{"as": "csv"}))
    assert {row["Legal entity"]: row["State"] for row in rows} == {
        f"LEI of {name}.example": "removed" if name == "binder" else "member" for name in names
    }
    assert {row["Members"] for row in rows_of(await browser.get("/rosters", **{"as": "csv"}))} == {
        "2"
    }


async def test_a_roster_of_a_partner_is_trusted_by_its_signature(
    both: tuple[Company, Company], new_browser: NewBrowser
) -> None:
    issuer, reader = both
    epoch = await keep(issuer)
    browser = await signed_in(new_browser, reader)
    await browser.get("/rosters/trust")
    shown = await browser.send("/rosters/trust", files=file_of(epoch["statement"]))
    assert "by the keys that are pinned. That is enough." in shown.text
    assert epoch["fingerprint"] in shown.text
    assert (await reader.get("/rosters"))["trusted"] == []
    wrong = await browser.send(
        "/rosters/trust/confirm", roster=value_of(shown, "roster"), fingerprint="another"
    )
    assert wrong.status == 409
    assert value_of(wrong, "fingerprint") == "another"
    done = await browser.send("/rosters/trust/confirm", roster=value_of(wrong, "roster"))
    assert done.path == "/rosters/trusted"
    assert f"The roster {NAME} is trusted." in done.text
    file = await browser.get(link_of(done, "/rosters/trusted/file"))
    assert file.html == f"{epoch['statement']}\n"
    listed = rows_of(await browser.get("/rosters", **{"as": "csv"}))
    assert (listed[0]["Here"], listed[0]["Kept by"]) == ("trusted", "association")
    path = f"/rosters/trusted?issuer={issuer.url}&roster={NAME}"
    assert (await browser.send(path, do="nothing")).status == 400
    gone = await browser.send(path, do="distrust")
    assert f"The roster {NAME} is not trusted any more." in gone.text
    assert (await reader.get("/rosters"))["trusted"] == []
    assert (await browser.get(path)).status == 404


async def test_where_several_peers_claim_an_address_the_fingerprint_cannot_be_copied(
    both: tuple[Company, Company], market: Market, new_browser: NewBrowser
) -> None:
    issuer, reader = both
    epoch = await keep(issuer)
    await market.befriend(reader, await market.open("impostor"))
    claimed = json.dumps([issuer.url])
    sql(reader.node, "UPDATE peer SET former_issuers = :claimed WHERE name = 'impostor'",
        claimed=claimed)  # fmt: skip
    browser = await signed_in(new_browser, reader)
    refused = await browser.send("/rosters/trust/confirm", roster=epoch["statement"])
    assert refused.status == 409
    assert "several peers say" in refused.text
    assert epoch["fingerprint"] not in refused.html
    typed = {"roster": epoch["statement"], "fingerprint": epoch["fingerprint"]}
    assert (await browser.send("/rosters/trust/confirm", **typed)).path == "/rosters/trusted"


async def test_of_somebody_unknown_the_fingerprint_has_to_be_typed(
    market: Market, new_browser: NewBrowser
) -> None:
    issuer, reader = await market.open("association"), await market.open("pack")
    epoch = await keep(issuer)
    browser = await signed_in(new_browser, reader)
    await browser.get("/rosters/trust")
    shown = await browser.send("/rosters/trust", roster=epoch["statement"])
    # Nobody can copy what is to be asked for.
    assert epoch["fingerprint"] not in shown.html
    token = value_of(shown, "roster")
    missing = await browser.send("/rosters/trust/confirm", roster=token)
    assert missing.status == 422
    assert "The fingerprint is missing." in missing.text
    typed = epoch["fingerprint"]
    done = await browser.send("/rosters/trust/confirm", roster=token, fingerprint=typed)
    assert done.path == "/rosters/trusted"
    assert issuer.url in done.text


@pytest.mark.parametrize(
    ("path", "field", "said"),
    [
        ("/rosters/trust", "roster", "it is no statement of a roster"),
        ("/rosters/apply", "roster", "it is no statement of a roster"),
        ("/rosters/admit", "application", "it is no application"),
        ("/rosters/join", "admission", "it is no admission"),
    ],
)
async def test_another_file_is_refused_and_what_was_sent_stays(
    browser: Browser, path: str, field: str, said: str
) -> None:
    await browser.get(path)
    other = f"{SCRIPT} {IMAGE} 电池"
    for sent in ({field: other}, {"files": file_of(other)}):
        shown = await browser.send(path, entity="LEI <b>1</b>", **sent)
        assert shown.status >= 400
        assert said in shown.text
        assert value_of(shown, field) == other
        assert_harmless(shown)
    assert path != "/rosters/apply" or value_of(shown, "entity") == "LEI <b>1</b>"
    for nothing in ({}, {"files": file_of(b"\xff\x00" * 20_000)}, {field: " \n"}):
        shown = await browser.send(path, **nothing)
        assert (shown.status, "There is no such file in what was sent." in shown.text) == (
            422,
            True,
        )


async def test_confirming_something_else_leads_back(browser: Browser) -> None:
    await browser.get("/rosters/admit")
    for path, field in (("admit", "application"), ("trust", "roster")):
        shown = await browser.send(f"/rosters/{path}/confirm", **{field: SCRIPT})
        assert shown.status >= 400
        assert_harmless(shown)
        # And loading that address again leads to the page before.
        assert (await browser.get(f"/rosters/{path}/confirm")).path == f"/rosters/{path}"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "", "notBefore": "2026-01-01", "notAfter": "2027-01-01"}, "needs a name"),
        ({"name": "x", "notBefore": "soon", "notAfter": "2027-01-01"}, "soon is no date"),
        ({"name": "x", "notBefore": "2026-01-01", "notAfter": ""}, "a beginning and an end"),
        ({"name": "x", "notBefore": "2020-01-01", "notAfter": "2021-01-01"}, "has ended already"),
        ({"name": "x", "notBefore": "2028-01-01", "notAfter": "2027-01-01"}, "ends before"),
        ({"name": NAME, "notBefore": "2026-02-01", "notAfter": "2027-01-01"}, "do not overlap"),
    ],
)
async def test_an_epoch_that_cannot_be_keeps_what_was_typed(
    company: Company, browser: Browser, fields: dict[str, str], said: str
) -> None:
    await keep(company)
    await browser.get("/rosters/new")
    shown = await browser.send("/rosters/new", **fields)
    assert shown.status >= 400
    assert said in shown.text
    for name, value in fields.items():
        assert value_of(shown, name) == value
    assert len((await company.get("/rosters"))["kept"]) == 1


async def test_another_epoch_begins_where_the_last_one_ends(
    company: Company, browser: Browser
) -> None:
    await keep(company)
    kept = await browser.get("/rosters/kept", roster=NAME)
    shown = await browser.get(link_of(kept, "/rosters/new"))
    assert (value_of(shown, "name"), value_of(shown, "notBefore")) == (NAME, EPOCH["notAfter"][:16])
    assert f"Another epoch of {NAME}" in shown.text


@pytest.mark.parametrize("query", ODD_QUERIES)
async def test_odd_queries_are_harmless(
    company: Company, browser: Browser, query: dict[str, str]
) -> None:
    await keep(company, name=IMAGE)
    for path in LIST_PAGES:
        shown = await browser.get(path, **query)
        assert shown.status == 200
        assert_harmless(shown)
    shown = await browser.get("/rosters/kept", roster=IMAGE, **query)
    assert shown.status == 200
    assert_harmless(shown)


async def test_what_is_not_there_is_no_page(
    both: tuple[Company, Company], new_browser: NewBrowser
) -> None:
    issuer, member = both
    await join(issuer, member, (await keep(issuer))["statement"])
    browser = await signed_in(new_browser, issuer)
    for path, query in (
        ("/rosters/kept", {"roster": "another"}),
        ("/rosters/kept", {"roster": NAME, "from": "2020-01-01T00:00:00Z"}),
        ("/rosters/kept/file", {}),
        ("/rosters/member", {**EPOCH_QUERY, "member": "https://nobody.example"}),
        ("/rosters/member/admission", EPOCH_QUERY),
        ("/rosters/joined", {"roster": NAME, "issuer": issuer.url}),
        ("/rosters/joined/application", {}),
        ("/rosters/trusted", {"roster": NAME, "issuer": issuer.url}),
        ("/rosters/trusted/file", {}),
    ):
        assert (await browser.get(path, **query)).status == 404, path


async def test_nothing_is_done_without_the_token_of_the_page(
    both: tuple[Company, Company], new_browser: NewBrowser
) -> None:
    issuer, reader = both
    epoch = await keep(issuer)
    browser = await signed_in(new_browser, reader)
    for path, fields in (
        ("/rosters/new", {"name": "x", "notBefore": "2026-01-01", "notAfter": "2027-01-01"}),
        ("/rosters/trust", {"roster": epoch["statement"]}),
        ("/rosters/trust/confirm", {"roster": epoch["statement"]}),
        ("/rosters/apply", {"roster": epoch["statement"], "entity": "x"}),
        ("/rosters/admit/confirm", {"application": "x"}),
    ):
        shown = await browser.send(path, **fields, csrf="another")
        assert shown.status == 403, path
    assert await reader.get("/rosters") == {"kept": [], "memberships": [], "trusted": []}


async def test_a_membership_says_when_its_epoch_has_ended(
    both: tuple[Company, Company], new_browser: NewBrowser
) -> None:
    issuer, member = both
    await join(issuer, member, (await keep(issuer))["statement"])
    await member.post("/rosters/trust", {"roster": await statement_of(issuer)})
    member.advance(days=400)
    browser = await signed_in(new_browser, member)
    shown = await browser.get("/rosters", way="member", state="ended")
    assert NAME in shown.text.partition("We are")[2]
    page = await browser.get(link_of(shown, "/rosters/joined"))
    assert "The epoch has ended." in page.text
    only = rows_of(await browser.get("/rosters", way="trusted", **{"as": "csv"}))
    assert [row["Here"] for row in only] == ["trusted"]


async def test_an_epoch_that_ends_soon_is_a_task_until_another_follows(
    both: tuple[Company, Company], new_browser: NewBrowser
) -> None:
    issuer, member = both
    title = "Rosters whose epoch ends soon"
    await join(issuer, member, (await keep(issuer))["statement"])
    await keep(issuer, name="another", notAfter="2028-01-01T00:00:00Z")
    member.advance(days=280)  # some weeks before the end of the year
    browsers = [await signed_in(new_browser, one) for one in both]
    for browser, path in zip(browsers, ("/rosters/kept", "/rosters/joined"), strict=True):
        found = card(await browser.get("/"), title)
        assert found is not None
        assert f'href="/console{path}' in found
        assert NAME in found
        assert "another" not in found
    later = {"notBefore": EPOCH["notAfter"], "notAfter": "2027-06-30T00:00:00Z"}
    epoch = await keep(issuer, **later)
    assert card(await browsers[0].get("/"), title) is None
    # Who has not joined it yet still has to.
    assert card(await browsers[1].get("/"), title) is not None
    await join(issuer, member, epoch["statement"])
    assert card(await browsers[1].get("/"), title) is None
    member.advance(days=60)
    assert card(await browsers[1].get("/"), title) is None
