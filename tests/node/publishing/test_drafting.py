"""Drafts of whatever can be imported, and what is stored of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.node.publishing.conftest import Desk, encode

from underseal_node.errors import NotFoundError
from underseal_node.publishing.drafting import draft_file, publish_draft
from underseal_node.publishing.results import UnpublishableError
from underseal_node.store import attestations
from underseal_protocol.draft import make_draft

Document = dict[str, Any]


async def test_a_sheet_is_drafted_like_json(
    desk: Desk,
    row: Callable[..., Document],
    make_csv: Callable[..., bytes],
    make_workbook: Callable[..., bytes],
) -> None:
    values = row(productNameCompany="正极材料")
    from_workbook = await draft_file(desk.node, ("sheet.xlsx", make_workbook(values)))
    from_csv = await draft_file(desk.node, ("sheet.csv", make_csv(values)))
    assert from_workbook.is_new
    assert (from_csv.is_new, from_csv.draft) == (False, from_workbook.draft)
    done = await publish_draft(desk.node, from_csv.draft)
    assert (done.is_new, done.deprecated) == (True, None)
    body = desk.body(done.id)
    assert body["productNameCompany"] == "正极材料"
    assert body["created"] == from_workbook.draft.document["created"]


async def test_the_problems_of_a_sheet_are_those_of_an_import(
    desk: Desk, row: Callable[..., Document], make_workbook: Callable[..., bytes]
) -> None:
    broken = make_workbook(row(pcfExcludingBiogenicUptake="a lot"))
    imported = await desk.imports(broken)
    with pytest.raises(UnpublishableError) as caught:
        await draft_file(desk.node, ("file1", broken))
    assert caught.value.problems == imported.problems != ()


async def test_nobody_is_told_of_a_draft(desk: Desk, document: Callable[..., Document]) -> None:
    desk.add_peer("buyer")
    made = await draft_file(desk.node, ("file", encode(document())))
    assert (desk.counts(), desk.told()) == ((0, 0, 0), [])
    done = await publish_draft(desk.node, made.draft)
    assert done.notified == ("buyer",)
    assert desk.told() == [("buyer", [made.draft.id])]


async def test_a_draft_that_this_node_has_not_made_is_not_published(
    desk: Desk, document: Callable[..., Document]
) -> None:
    made = await draft_file(desk.node, ("file", encode(document(1))))
    other = make_draft(made.draft.document | {"id": document(2)["id"]}, issuer=made.draft.issuer)
    with pytest.raises(NotFoundError, match="there is no draft"):
        await publish_draft(desk.node, other)
    assert desk.counts() == (0, 0, 0)


async def test_what_was_imported_meanwhile_is_not_published_again(
    desk: Desk, document: Callable[..., Document]
) -> None:
    made = await draft_file(desk.node, ("file", encode(document())))
    await desk.publishes(document())
    with pytest.raises(UnpublishableError, match="has been published already"):
        await publish_draft(desk.node, made.draft)
    row = desk.node.store.read_sync(lambda session: attestations.draft(session, made.draft.id))
    assert row.published_at is None


async def test_drafts_are_listed_newest_first(
    desk: Desk, document: Callable[..., Document], clock: Any
) -> None:
    ids = []
    for number in (1, 2, 3):
        made = await draft_file(desk.node, ("file", encode(document(number))))
        ids.append(made.draft.id)
        clock.advance(seconds=1)
    rows = desk.node.store.read_sync(attestations.drafts)
    assert [one.id for one in rows] == ids[::-1]
    limited = desk.node.store.read_sync(lambda session: attestations.drafts(session, limit=1))
    assert [one.id for one in limited] == ids[-1:]
