"""Replacing a footprint by a corrected one, and ending one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from underseal_node.errors import NotFoundError, RefusedError
from underseal_node.publishing.changing import deprecate, store_signed, successor, supersede
from underseal_node.publishing.files import PlacedDocument
from underseal_node.publishing.publish import sign_all
from underseal_node.publishing.results import Outcome, UnpublishableError
from underseal_node.store.tables import KeyKind
from underseal_protocol.credential import verify
from underseal_protocol.status import verify_status

Desk = Any
Make = Callable[..., dict[str, Any]]


def file(value: Any) -> tuple[str, bytes]:
    return "new.json", value if isinstance(value, bytes) else json.dumps(value).encode()


@pytest.fixture
async def old(desk: Desk, document: Make) -> str:
    """The id of a published footprint."""
    await desk.publishes(document())
    return str(document()["id"])


async def test_the_new_one_takes_the_place_of_the_old_one(
    desk: Desk, document: Make, old: str
) -> None:
    corrected = document(comment="corrected")
    del corrected["id"]
    changed = await supersede(desk.node, old.upper(), file(corrected))
    assert changed.deprecated == old
    assert changed.published is not None
    assert {one.rule for one in changed.findings} >= {"shall"}
    new_body, old_body = desk.body(changed.published), desk.body(old)
    assert new_body["precedingPfIds"] == [old]
    assert (new_body["status"], old_body["status"]) == ("Active", "Deprecated")
    assert new_body["comment"] == "corrected"
    for body in (new_body, old_body):
        verify(body, keys=desk.node.public_keys, issuer=desk.node.identity.url)


async def test_the_end_is_signed_and_counts_as_a_change(
    desk: Desk, document: Make, old: str
) -> None:
    before = desk.row(old)
    changed = await supersede(desk.node, old, file(document(2)))
    after = desk.row(old)
    statement = verify_status(
        after.status_statement,
        keys=desk.node.public_keys,
        issuer=desk.node.identity.url,
        footprint_id=old,
        credential_digest=before.credential_digest,
    )
    assert (statement.status, statement.issued_at) == ("Deprecated", desk.node.now())
    assert after.changed > before.changed
    assert (after.segments, after.credential_digest) == (before.segments, before.credential_digest)
    assert desk.row(changed.published).status_statement is None


async def test_each_peer_is_told_once_of_both(desk: Desk, document: Make, old: str) -> None:
    desk.add_peer("all")
    desk.add_peer("old", KeyKind.FOOTPRINT, old)
    desk.add_peer("new", KeyKind.PRODUCT, document(2)["productIds"][0])
    desk.add_peer("nothing", None)
    changed = await supersede(desk.node, old, file(document(2)))
    assert changed.notified == ("all", "new", "old")
    assert sorted(desk.told()) == [
        ("all", sorted([old, document(2)["id"]])),
        ("new", [document(2)["id"]]),
        ("old", [old]),
    ]


async def test_predecessors_that_are_written_are_kept(desk: Desk, document: Make, old: str) -> None:
    other = str(uuid.UUID(int=5))
    changed = await supersede(desk.node, old, file(document(2, precedingPfIds=[other])))
    assert desk.body(changed.published)["precedingPfIds"] == [other, old]
    third = document(3, precedingPfIds=[document(2)["id"].upper(), old])
    await supersede(desk.node, document(2)["id"], file(third))
    assert desk.body(document(3)["id"])["precedingPfIds"] == [document(2)["id"], old]


@pytest.mark.parametrize(
    ("change", "place", "message"),
    [
        ({"id": str(uuid.UUID(int=1 + (7 << 76) + (2 << 62)))}, "/id", "the id of the footprint"),
        ({"status": "Deprecated"}, "/status", "begins as Active"),
        ({"companyIds": ["urn:x:1"]}, "/companyIds/0", "not an id of this node's company"),
        ({"precedingPfIds": "7"}, "/precedingPfIds", "expected a list"),
        ({"precedingPfIds": [7]}, "/precedingPfIds/0", "expected a UUID"),
        ({"pcf": {}}, "/pcf/declaredUnitOfMeasurement", "the property is required"),
    ],
)
async def test_what_cannot_take_its_place(
    desk: Desk, document: Make, old: str, change: dict[str, Any], place: str, message: str
) -> None:
    before = desk.row(old).model_dump(), desk.counts()
    with pytest.raises(UnpublishableError) as caught:
        await supersede(desk.node, old, file(document(2) | change))
    assert caught.value.problems[0].place == place
    assert message in caught.value.problems[0].message
    assert message in caught.value.message
    assert (desk.row(old).model_dump(), desk.counts()) == before


@pytest.mark.parametrize("content", [b"[]", b"{", b"", b"x,y\n1,2\n"])
async def test_a_file_without_a_footprint(desk: Desk, old: str, content: bytes) -> None:
    with pytest.raises(UnpublishableError):
        await supersede(desk.node, old, file(content))
    assert desk.row(old).status == "Active"


async def test_a_file_with_two_footprints(desk: Desk, document: Make, old: str) -> None:
    with pytest.raises(UnpublishableError, match="there are 2 footprints in it"):
        await supersede(desk.node, old, file([document(2), document(3)]))
    assert len(desk.own()) == 1


async def test_an_id_that_is_taken(desk: Desk, document: Make, old: str) -> None:
    await desk.publishes(document(2))
    with pytest.raises(UnpublishableError, match="has been published already"):
        await supersede(desk.node, old, file(document(2, comment="other")))
    assert desk.row(old).status == "Active"


async def test_only_an_own_active_footprint_can_be_replaced(
    desk: Desk, document: Make, old: str
) -> None:
    with pytest.raises(NotFoundError, match="there is no own footprint"):
        await supersede(desk.node, document(9)["id"], file(document(2)))
    await supersede(desk.node, old, file(document(2)))
    with pytest.raises(RefusedError, match="deprecated already"):
        await supersede(desk.node, old, file(document(3)))
    assert len(desk.own()) == 2


async def test_who_comes_second_of_two_is_told_to_look_again(
    desk: Desk, document: Make, old: str
) -> None:
    row = desk.row(old)
    sources = [PlacedDocument(document(number), str) for number in (2, 3)]
    drafts = [successor(one, row, desk.node, "product a", None) for one in sources]
    first, second = sign_all(desk.node, drafts)
    await store_signed(desk.node, "product a", first, row)
    with pytest.raises(RefusedError, match="by somebody else meanwhile") as caught:
        await store_signed(desk.node, "product a", second, row)
    assert "repeat the command" in (caught.value.hint or "")
    assert "import" not in (caught.value.hint or "")
    assert len(desk.own()) == 2


async def test_an_exported_and_edited_footprint_can_take_its_place(
    desk: Desk, document: Make, old: str
) -> None:
    body = desk.body(old)
    del body["id"]
    body["comment"] = "corrected"
    changed = await supersede(desk.node, old, file(body))
    assert len(desk.body(changed.published)["extensions"]) == 1


async def test_the_corrected_sheet_can_be_imported_again(
    desk: Desk, row: Make, make_csv: Any, clock: Any
) -> None:
    first = await desk.publishes(make_csv(row(), row(productIds="urn:x:2")))
    old_id = first.footprints[0].id
    corrected = row(fossilGhgEmissions="0.5")
    changed = await supersede(desk.node, old_id, ("new.csv", make_csv(corrected)))
    assert changed.published not in (None, old_id)
    clock.advance(days=1)
    again = await desk.publishes(make_csv(corrected, row(productIds="urn:x:2")))
    assert [(one.id, one.outcome) for one in again.footprints] == [
        (changed.published, Outcome.UNCHANGED),
        (first.footprints[1].id, Outcome.UNCHANGED),
    ]
    # The next correction replaces the correction; the old figures are no news either.
    (problem,) = (await desk.imports(make_csv(row(fossilGhgEmissions="0.6")))).problems
    assert f"supersede {changed.published} FILE" in (problem.hint or "")
    assert (await desk.publishes(make_csv(row()))).unchanged == 1
    await supersede(
        desk.node, changed.published, ("new.csv", make_csv(row(fossilGhgEmissions="0.6")))
    )
    assert [own.status for own in desk.own()].count("Active") == 2


async def test_a_correction_with_an_id_can_be_imported_again(
    desk: Desk, document: Make, old: str
) -> None:
    await supersede(desk.node, old, file(document(2)))
    assert (await desk.publishes(document(2))).unchanged == 1


async def test_a_row_whose_footprint_was_ended(desk: Desk, row: Make, make_csv: Any) -> None:
    (first,) = (await desk.publishes(make_csv(row()))).footprints
    await deprecate(desk.node, first.id)
    assert (await desk.publishes(make_csv(row()))).unchanged == 1
    (problem,) = (await desk.imports(make_csv(row(fossilGhgEmissions="0.6")))).problems
    assert "give the new footprint an id" in (problem.hint or "")
    assert "supersede" not in (problem.hint or "")


async def test_ending_a_footprint(desk: Desk, document: Make, old: str) -> None:
    await desk.publishes(document(2))
    desk.add_peer("all")
    desk.add_peer("other", KeyKind.FOOTPRINT, document(2)["id"])
    before = desk.row(old)
    changed = await deprecate(desk.node, old)
    assert (changed.deprecated, changed.published, changed.findings) == (old, None, ())
    assert changed.notified == ("all",)
    assert desk.told() == [("all", [old])]
    after = desk.row(old)
    assert after.status == "Deprecated"
    assert after.changed > before.changed
    statement = verify_status(
        after.status_statement,
        keys=desk.node.public_keys,
        issuer=desk.node.identity.url,
        footprint_id=old,
        credential_digest=before.credential_digest,
    )
    assert statement.status == "Deprecated"
    assert desk.row(document(2)["id"]).status == "Active"


async def test_the_end_is_final(desk: Desk, document: Make, old: str) -> None:
    desk.add_peer("all")
    await deprecate(desk.node, old)
    before = desk.row(old).model_dump(), desk.counts()
    with pytest.raises(RefusedError, match="deprecated already"):
        await deprecate(desk.node, old)
    assert (await desk.publishes(document())).unchanged == 1
    (problem,) = (await desk.imports(document(comment="other"))).problems
    assert "deprecated" in (problem.hint or "")
    assert (desk.row(old).model_dump(), desk.counts()) == before


async def test_nothing_to_end(desk: Desk, document: Make) -> None:
    with pytest.raises(NotFoundError, match="there is no own footprint"):
        await deprecate(desk.node, document()["id"])
