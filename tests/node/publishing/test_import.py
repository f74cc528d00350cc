"""Importing: what is filled in, what is refused, what changes nothing, who is told."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from underseal_node.home import Home
from underseal_node.node import Node, Role, open_node
from underseal_node.publishing.publish import import_files
from underseal_node.publishing.results import Outcome
from underseal_node.store.tables import KeyKind, PeerState
from underseal_node.trust.vault import VaultError
from underseal_protocol.credential import verify
from underseal_protocol.disclosure import Level
from underseal_protocol.footprint import schema_violations
from underseal_protocol.segments import render

Desk = Any
Make = Callable[..., dict[str, Any]]

OWN = "urn:uuid:3f6c1b7e-5d2a-4c7b-9b1e-0a4d2f6e8c90"  # of the node in these tests


async def test_what_is_published_is_signed_and_served(desk: Desk, document: Make) -> None:
    result = await desk.publishes(document())
    (imported,) = result.footprints
    assert (result.published, result.unchanged, result.refused) == (1, 0, 0)
    assert imported.id == document()["id"]
    assert imported.product_name_company == "Product 1"
    assert imported.outcome is Outcome.PUBLISHED
    assert {one.rule for one in imported.findings} >= {"shall"}
    body = desk.body(imported.id)
    assert schema_violations(body) == []
    proven = verify(body, keys=desk.node.public_keys, issuer=desk.node.identity.url)
    row = desk.row(imported.id)
    assert proven.digest == row.credential_digest
    assert proven.issued_at == row.published_at == desk.node.now()
    for level in Level:
        verify(
            json.loads(render(row.segments, level, row.status)),
            keys=desk.node.public_keys,
            issuer=desk.node.identity.url,
        )


async def test_what_the_node_knows_is_filled_in(desk: Desk, document: Make) -> None:
    written = document()
    del written["id"], written["created"]
    (imported,) = (await desk.publishes(written | {"comment": None})).footprints
    body = desk.body(imported.id)
    assert uuid.UUID(body["id"]).version == 5
    assert body["specVersion"] == "3.0.0"
    assert body["created"] == "2026-03-01T12:00:00Z"
    assert body["status"] == "Active"
    assert body["companyName"] == "Cathode Works"
    assert body["companyIds"] == [OWN]
    assert "comment" not in body


async def test_what_is_written_is_kept(desk: Desk, document: Make) -> None:
    extension = {"specVersion": "2.0.0", "dataSchema": "https://x.example/s", "data": {"n": 0.5}}
    written = document(
        companyName="Cathode Works (Plant 2)",
        companyIds=[OWN.upper()],
        specVersion="3.0.1",
        precedingPfIds=[str(uuid.UUID(int=1))],
        extensions=[extension],
        ownProperty={"b": [1, "\\u0000"], "a": 1.5},
    )
    (imported,) = (await desk.publishes(written)).footprints
    body = desk.body(imported.id)
    assert body.pop("extensions")[1:] == [extension]
    assert body.pop("status") == "Active"
    assert body == {name: value for name, value in written.items() if name != "extensions"}


async def test_what_is_written_liberally_is_published_strictly(desk: Desk, document: Make) -> None:
    written = document(created="2026-01-02t04:04:05+01:00", id=document()["id"].upper())
    written["pcf"]["fossilGhgEmissions"] = "+01.50"
    (imported,) = (await desk.publishes(written)).footprints
    body = desk.body(imported.id)
    assert body["id"] == document()["id"]
    assert body["created"] == "2026-01-02T03:04:05Z"
    assert body["pcf"]["fossilGhgEmissions"] == "1.50"
    # To write it in the other way is no change.
    assert (await desk.publishes(document())).unchanged == 1


async def test_what_can_be_found_and_granted_is_stored(desk: Desk, document: Make) -> None:
    written = document(productClassifications=["urn:x:C"], validityPeriodStart="2026-01-01T00:00Z")
    await desk.publishes(written)
    row, (own,) = desk.row(written["id"]), desk.own()
    assert row.geography == "de"
    assert own.valid_from == datetime(2026, 1, 1, tzinfo=UTC)
    assert own.valid_until == datetime(2029, 1, 1, tzinfo=UTC)
    assert own.summary["pcfExcludingBiogenicUptake"] == "1.50"
    assert own.published_at == desk.node.now()
    assert desk.counts() == (1, 5, 0)  # all, its id, product, company, classification


# --- unchanged or changed ---------------------------------------------------------------------


async def test_the_same_content_changes_nothing(desk: Desk, document: Make, clock: Any) -> None:
    peer = desk.add_peer("buyer")
    assert peer
    await desk.publishes(document())
    before = desk.row(document()["id"]).model_dump(), desk.counts()
    clock.advance(days=1)
    result = await desk.publishes(document())
    assert (result.published, result.unchanged) == (0, 1)
    assert result.footprints[0].outcome is Outcome.UNCHANGED
    assert result.notified == ()
    assert (desk.row(document()["id"]).model_dump(), desk.counts()) == before


async def test_what_was_filled_in_is_no_difference(desk: Desk, document: Make, clock: Any) -> None:
    written = document()
    del written["created"]
    await desk.publishes(written)
    clock.advance(days=1)
    result = await desk.publishes(written)
    assert result.unchanged == 1
    assert {one.rule for one in result.footprints[0].findings} >= {"shall"}


async def test_an_exported_footprint_changes_nothing(desk: Desk, document: Make) -> None:
    await desk.publishes(document())
    body = desk.body(document()["id"])
    assert body["extensions"]
    assert (await desk.publishes(body)).unchanged == 1


async def test_other_content_under_the_same_id_names_the_way_to_correct_it(
    desk: Desk, document: Make
) -> None:
    await desk.publishes(document())
    before = desk.row(document()["id"]).model_dump()
    changes = [
        document(comment="more"),
        document(precedingPfIds=[str(uuid.UUID(int=5))]),
        document() | {"pcf": document()["pcf"] | {"fossilGhgEmissions": "1.5"}},
        {**desk.body(document()["id"]), "productNameCompany": "Other"},
    ]
    for changed in changes:
        result = await desk.imports([document(2), changed])
        (problem,) = result.problems
        assert problem.place == "/1/id"
        assert "has been published with other content" in problem.message
        assert f"supersede {document()['id']} FILE" in (problem.hint or "")
        assert (result.published, result.refused) == (0, 1)
    assert desk.row(document()["id"]).model_dump() == before
    assert len(desk.own()) == 1


async def test_a_view_of_a_peer_is_not_the_content(desk: Desk, document: Make) -> None:
    await desk.publishes(document(comment="told to few"))
    row = desk.row(document()["id"])
    (problem,) = (await desk.imports(render(row.segments, Level.TOTAL, row.status))).problems
    assert "with other content" in problem.message


async def test_a_signed_footprint_that_is_not_known_is_not_signed_again(
    desk: Desk, document: Make, tmp_path: Any
) -> None:
    """Whoever has the first one would see a second story."""
    await desk.publishes(document())
    body = desk.body(document()["id"])
    body["id"] = document(2)["id"]
    (problem,) = (await desk.imports(body)).problems
    assert problem.place == "/id"
    assert "carries a signature of this node" in problem.message
    assert "backup" in (problem.hint or "")
    # A signature of somebody else is replaced by ours.
    body["extensions"][0]["dataSchema"] = (
        "https://other.example/schemas/footprint-credential/1.0.0.json"
    )
    await desk.publishes(body)
    (entry,) = desk.body(body["id"])["extensions"]
    assert entry["dataSchema"].startswith(desk.node.identity.url)


async def test_without_an_id_the_same_is_recognised(
    desk: Desk, document: Make, row: Make, make_csv: Any, make_workbook: Any, clock: Any
) -> None:
    written = document()
    del written["id"], written["created"]
    content = json.dumps([written]).encode()
    first, again = await desk.publishes(content), None
    clock.advance(hours=5)
    again = await desk.publishes(content)
    assert [one.id for one in again.footprints] == [one.id for one in first.footprints]
    assert again.unchanged == 1
    sheet = await desk.publishes(make_csv(row(), row(productIds="urn:x:2")))
    clock.advance(hours=5)
    again = await desk.publishes(make_workbook(row(), row(productIds="urn:x:2")))
    assert [one.id for one in again.footprints] == [one.id for one in sheet.footprints]
    assert (again.published, again.unchanged) == (0, 2)
    assert len(desk.own()) == 3


async def test_a_changed_row_names_the_way_to_correct_it(
    desk: Desk, row: Make, make_csv: Any
) -> None:
    (first,) = (await desk.publishes(make_csv(row()))).footprints
    (problem,) = (await desk.imports(make_csv(row(fossilGhgEmissions="0.5")))).problems
    assert problem.place == "row 2"
    assert f"has been published as {first.id} with other content" in problem.message
    assert f"supersede {first.id} FILE" in (problem.hint or "")


async def test_what_a_row_is_about(desk: Desk, row: Make, make_csv: Any) -> None:
    """Rows that differ in one of these are footprints of their own."""
    others = [
        row(),
        row(productIds="urn:x:1"),
        row(productIds="urn:x:1 | urn:x:2"),
        row(referencePeriodStart="2024-01-01"),
        row(referencePeriodEnd="2025-06-01"),
        row(geographyCountry="DE"),
        row(geographyCountry=None, geographyCountrySubdivision="HU-BU"),
        row(declaredUnitOfMeasurement="kilogram"),
        row(declaredUnitAmount="2"),
    ]
    result = await desk.publishes(make_csv(*others))
    assert len({one.id for one in result.footprints}) == len(others)


async def test_a_row_beside_a_footprint_with_an_id(desk: Desk, row: Make, make_csv: Any) -> None:
    footprint_id = str(uuid.UUID(int=9))
    await desk.publishes(make_csv(row(id=footprint_id)))
    # The same without an id is the same.
    (imported,) = (await desk.publishes(make_csv(row()))).footprints
    assert (imported.id, imported.outcome) == (footprint_id, Outcome.UNCHANGED)
    # With other figures it would be a second footprint of the same thing.
    (problem,) = (await desk.imports(make_csv(row(fossilGhgEmissions="0.5")))).problems
    assert f"has been published as {footprint_id}" in problem.message
    # Who wants that says so.
    await desk.publishes(make_csv(row(fossilGhgEmissions="0.5", id=str(uuid.UUID(int=10)))))


# --- refused ----------------------------------------------------------------------------------


async def test_all_or_nothing_with_every_error(desk: Desk, document: Make) -> None:
    desk.add_peer("buyer")
    wrong = document(3, productIds=["7"], companyIds=["urn:lei:529900T8BM49AURSDO55"])
    wrong["pcf"] |= {"fossilGhgEmissions": "-1", "declaredUnitOfMeasurement": "kilogramm"}
    del wrong["productNameCompany"]
    also_wrong = document(4, status="Deprecated", companyIds=[OWN, "urn:x:1"])
    result = await desk.imports([document(1), wrong, document(2), also_wrong])
    assert (result.published, result.unchanged, result.refused) == (0, 0, 1)
    assert result.footprints == ()
    problems = {one.place: one for one in result.problems}
    assert list(problems) == [
        "/1/companyIds/0",
        "/1/productIds/0",
        "/1/productNameCompany",
        "/1/pcf/declaredUnitOfMeasurement",
        "/1/pcf/fossilGhgEmissions",
        "/3/status",
        "/3/companyIds/1",
    ]
    assert 'Did you mean "kilogram"?' in (problems["/1/pcf/declaredUnitOfMeasurement"].hint or "")
    assert problems["/1/pcf/fossilGhgEmissions"].message.startswith("it is '-1', expected ")
    assert problems["/1/productNameCompany"].message.endswith("; the property is required")
    assert all(one.file == "file1" for one in result.problems)
    assert desk.counts() == (0, 0, 0)


@pytest.mark.parametrize("status", ["Deprecated", "active", "", 7])
async def test_what_is_published_begins_as_active(
    desk: Desk, document: Make, status: object
) -> None:
    (problem,) = (await desk.imports(document(status=status))).problems
    assert problem.place == "/status"
    assert "deprecate ID" in (problem.hint or "")


async def test_nobody_else_is_signed_for(desk: Desk, document: Make) -> None:
    (problem,) = (await desk.imports(document(companyIds=["urn:x:other"]))).problems
    assert problem.place == "/companyIds/0"
    assert problem.message == "'urn:x:other' is not an id of this node's company"
    assert OWN in (problem.hint or "")


async def test_another_major_version_is_one_error(desk: Desk, document: Make) -> None:
    (problem,) = (await desk.imports({"specVersion": "2.3.0", "pcf": {}})).problems
    assert problem.place == "/specVersion"
    assert "version 2.3.0" in problem.message


async def test_what_would_fill_a_page(desk: Desk, document: Make, row: Make, make_csv: Any) -> None:
    """Each text that is too long, with its place and the limit; nothing is stored."""
    written = document(productNameCompany="n" * 501, productDescription="d" * 10_001)
    description, name = (await desk.imports(written)).problems
    assert (description.place, name.place) == ("/productDescription", "/productNameCompany")
    assert name.message.endswith("expected at most 500 characters; it has 501")
    assert description.message.endswith("expected at most 10000 characters; it has 10001")
    assert len(name.message) < 200
    (problem,) = (await desk.imports(make_csv(row(comment="c" * 10_001)))).problems
    assert problem.place == "row 2, column comment"
    assert problem.message.endswith("expected at most 10000 characters; it has 10001")
    longest = document(productNameCompany="n" * 500, productDescription="d" * 10_000)
    assert (await desk.imports(longest)).published == 1


async def test_what_databases_do_not_store(desk: Desk, document: Make) -> None:
    written = document(
        productNameCompany="a\0", productIds=["urn:x:" + "y" * 1000], own={"\0": ["\0"]}
    )
    assert [one.place for one in (await desk.imports(written)).problems] == [
        "/productIds/0", "/productNameCompany", "/own", "/own/\0/0",
    ]  # fmt: skip


async def test_the_same_id_twice_in_a_file(desk: Desk, document: Make) -> None:
    (problem,) = (await desk.imports([document(), document(2), document()])).problems
    assert problem.place == "/2/id"
    assert problem.message.endswith("is the id of the one in file1 /0, too")


async def test_the_same_id_in_two_files(desk: Desk, document: Make) -> None:
    result = await desk.imports(document(), [document(2), document()])
    (problem,) = result.problems
    assert (problem.file, problem.place) == ("file2", "/1/id")
    assert (result.published, result.refused) == (1, 1)
    named = [("same.json", json.dumps(document(3)).encode())] * 2
    assert (await import_files(desk.node, named, dry_run=True)).refused == 1


async def test_two_rows_about_the_same(desk: Desk, row: Make, make_csv: Any) -> None:
    (problem,) = (await desk.imports(make_csv(row(), row(comment="again")))).problems
    assert problem.place == "row 3"
    assert "as the one in file1 row 2" in problem.message


async def test_rows_are_told_without_the_words_of_json(
    desk: Desk, row: Make, make_csv: Any
) -> None:
    content = make_csv(row(fossilGhgEmissions="-1", productIds="316", productNameCompany=None))
    result = await desk.imports(content)
    assert [one.place for one in result.problems] == [
        "row 2, column productIds",
        "row 2, column productNameCompany",
        "row 2, column fossilGhgEmissions",
    ]
    assert not any(re.search("quot", f"{one.message}") for one in result.problems)


async def test_a_cell_that_cannot_be_read_is_not_missing_too(
    desk: Desk, row: Make, make_csv: Any
) -> None:
    content = make_csv(row(fossilGhgEmissions="much", productIds="316"), row(fossilGhgEmissions=""))
    assert [(one.place, one.message[:20]) for one in (await desk.imports(content)).problems] == [
        ("row 2, column fossilGhgEmissions", "'much' is not a numb"),
        ("row 2, column productIds", "it is '316', expecte"),
        ("row 3, column fossilGhgEmissions", "expected a decimal n"),
    ]


async def test_too_many_problems_are_cut_off(
    desk: Desk, document: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("underseal_node.publishing.publish.MAX_PROBLEMS", 10)
    result = await desk.imports([{"pcf": {}}] * 5)
    assert len(result.problems) == 11
    assert result.problems[-1].message == "there are more than 10 problems; these are the first"


async def test_files_stand_for_themselves(desk: Desk, document: Make) -> None:
    result = await desk.imports(document(), b"{", document(2), b"")
    assert [one.file for one in result.footprints] == ["file1", "file3"]
    assert [one.file for one in result.problems] == ["file2", "file4"]
    assert (result.published, result.refused) == (2, 2)
    assert len(desk.own()) == 2


async def test_a_process_for_peers_cannot_publish(
    home: Home, node: Node, document: Make, desk: Desk
) -> None:
    public = open_node(home.path, role=Role.PUBLIC)
    try:
        content = json.dumps(document()).encode()
        with pytest.raises(VaultError):
            await import_files(public, [("file", content)], dry_run=False)
    finally:
        public.close()
    assert desk.counts() == (0, 0, 0)


async def test_two_imports_at_the_same_time_publish_once(desk: Desk, document: Make) -> None:
    content = [document(number) for number in range(1, 40)]
    results = await asyncio.gather(*(desk.imports(content) for _ in range(4)))
    assert sum(result.published for result in results) == 39
    for result in results:
        assert result.published + result.unchanged in (0, 39)
        assert all("published already" in one.message for one in result.problems)
    assert len(desk.own()) == 39


# --- who is told ------------------------------------------------------------------------------


async def test_one_event_for_each_peer_that_is_granted_something(
    desk: Desk, document: Make
) -> None:
    ids = [document(number)["id"] for number in (1, 2, 3)]
    desk.add_peer("all")
    desk.add_peer("product", KeyKind.PRODUCT, document(2)["productIds"][0].upper())
    desk.add_peer("classified", KeyKind.CLASSIFICATION, "urn:x:c")
    desk.add_peer("one", KeyKind.FOOTPRINT, ids[0])
    desk.add_peer("other", KeyKind.PRODUCT, "urn:x:other")
    desk.add_peer("nothing", None)
    desk.add_peer("silent", base_url=None)
    desk.add_peer("suspended", state=PeerState.SUSPENDED)
    content = [document(1), document(2), document(3, productClassifications=["urn:x:C"])]
    dry = await desk.imports(content, dry_run=True)
    assert desk.counts() == (0, 0, 0)
    result = await desk.publishes(content)
    assert result.notified == dry.notified == ("all", "classified", "one", "product")
    assert sorted(desk.told()) == [
        ("all", sorted(ids)),
        ("classified", [ids[2]]),
        ("one", [ids[0]]),
        ("product", [ids[1]]),
    ]
    for _, event in desk.events():
        assert event["type"] == "org.wbcsd.pact.ProductFootprint.PublishedEvent.3"
        assert event["source"] == "https://cathode.example/3/events"


async def test_the_time_to_give_up_is_that_of_the_settings(desk: Desk, document: Make) -> None:
    from sqlmodel import select

    from underseal_node.settings import Settings
    from underseal_node.store.exchange_tables import OutboxEvent

    desk.node.settings = Settings(outbox_give_up_hours=5)
    desk.add_peer("buyer")
    await desk.publishes(document())
    (event,) = desk.node.store.read_sync(lambda session: session.exec(select(OutboxEvent)).all())
    assert (event.give_up_at - event.created_at).total_seconds() == 5 * 3600


# --- dry run ----------------------------------------------------------------------------------


async def test_a_dry_run_signs_and_stores_nothing(
    desk: Desk, document: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.add_peer("buyer")
    await desk.publishes(document())
    before = desk.counts()

    def signing_key(purpose: object) -> None:
        raise AssertionError("a dry run asked for the key")

    monkeypatch.setattr(desk.node, "signing_key", signing_key)
    result = await desk.imports([document(), document(2)], dry_run=True)
    assert result.dry_run
    assert [(one.id, one.outcome) for one in result.footprints] == [
        (document()["id"], Outcome.UNCHANGED),
        (document(2)["id"], Outcome.PUBLISHED),
    ]
    assert result.notified == ("buyer",)
    assert desk.counts() == before


async def test_a_dry_run_of_what_is_there_tells_nobody(desk: Desk, document: Make) -> None:
    desk.add_peer("buyer")
    await desk.publishes(document())
    assert (await desk.imports(document(), dry_run=True)).notified == ()


async def test_a_dry_run_names_the_errors(desk: Desk, document: Make) -> None:
    await desk.publishes(document())
    changed = document(comment="other")
    dry, real = await desk.imports(changed, dry_run=True), await desk.imports(changed)
    assert dry.problems == real.problems
    assert (dry.refused, len(dry.problems)) == (1, 1)


async def test_a_foreign_company_is_named_beside_what_breaks_the_schema(
    desk: Desk, document: Make
) -> None:
    foreign = "urn:lei:529900T8BM49AURSDO55"
    result = await desk.imports(document(companyIds=[foreign, 7], productIds=[]))
    places = {problem.place for problem in result.problems}
    assert {"/companyIds/0", "/companyIds/1", "/productIds"} <= places
