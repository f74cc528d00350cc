"""Own footprints over the management API: import, look, correct, end."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from underseal_protocol.disclosure import Level

Company = Any
Pair = tuple[Any, Any]
Documents = Callable[..., dict[str, Any]]
Refused = Callable[[httpx.Response, int], str]

UNKNOWN = "00000000-0000-4000-8000-000000000000"
NUMBER = "0.1000000000000000055511151231257827021"


async def test_a_file_is_published(company: Company, document: Documents) -> None:
    result = await company.upload("/footprints/import", [document(1), document(2)], name="two.json")
    assert (result["published"], result["unchanged"], result["refused"]) == (2, 0, 0)
    assert (result["dryRun"], result["problems"], result["notified"]) == (False, [], [])
    assert [one["outcome"] for one in result["footprints"]] == ["published"] * 2
    assert {one["file"] for one in result["footprints"]} == {"two.json"}
    listed = (await company.get("/footprints"))["data"]
    assert [one["id"] for one in listed] == [document(2)["id"], document(1)["id"]]
    first = listed[-1]
    assert first["pcfExcludingBiogenicUptake"] == "1.50"
    assert (first["status"], first["productIds"]) == ("Active", document(1)["productIds"])
    assert first["publishedAt"] == "2026-03-01T12:00:00.25Z"
    assert "precedingPfIds" not in first


async def test_the_same_again_changes_nothing(company: Company, document: Documents) -> None:
    await company.publish(document())
    result = await company.upload("/footprints/import", document(), name="again.json")
    assert (result["published"], result["unchanged"]) == (0, 1)


async def test_an_answer_may_list_only_some_and_count_what_was_found(
    company: Company, document: Documents
) -> None:
    """A long one would hold up the process that makes it."""
    documents = [document(number) for number in range(1, 6)]
    for one in documents:
        del one["pcf"]["primaryDataShare"]
    result = await company.upload("/footprints/import", documents, name="five.json", listed=2)
    assert result["published"] == 5
    assert [one["productNameCompany"] for one in result["footprints"]] == ["Product 1", "Product 2"]
    found = {rule for one in result["footprints"] for rule in {f["rule"] for f in one["findings"]}}
    assert {one["rule"] for one in result["rules"]} == found
    missing = next(one for one in result["rules"] if "primaryDataShare" in one["message"])
    assert (missing["footprints"], missing["suchAs"]) == (
        5,
        ["Product 1", "Product 2", "Product 3"],
    )
    everything = await company.upload("/footprints/import", documents, name="five.json")
    assert len(everything["footprints"]) == 5
    assert "rules" not in everything


async def test_a_dry_run_publishes_nothing(pair: Pair, document: Documents) -> None:
    _, supplier = pair
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    result = await supplier.upload("/footprints/import", document(), name="x.json", dryRun="true")
    assert (result["dryRun"], result["published"], result["notified"]) == (True, 1, ["cell"])
    assert (await supplier.get("/footprints"))["data"] == []
    assert (await supplier.get("/outbox"))["data"] == []


async def test_a_file_with_errors_is_refused_with_all_of_them(
    company: Company, document: Documents
) -> None:
    wrong = document(2, companyIds=["urn:lei:AAAA"], productIds=[])
    result = await company.upload("/footprints/import", [document(1), wrong], name="bad.json")
    assert (result["published"], result["refused"]) == (0, 1)
    places = {one["place"] for one in result["problems"]}
    assert len(places) > 0
    assert {one["file"] for one in result["problems"]} == {"bad.json"}
    assert all(one["message"] for one in result["problems"])
    assert (await company.get("/footprints"))["data"] == []


@pytest.mark.parametrize("content", [b"", b"{", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\xff\xfe\0"])
async def test_what_is_no_file_of_footprints_is_refused(company: Company, content: bytes) -> None:
    result = await company.upload("/footprints/import", content, name="what.bin")
    assert (result["refused"], result["footprints"]) == (1, [])
    assert result["problems"][0]["file"] == "what.bin"


async def test_a_list_can_be_narrowed(company: Company, document: Documents) -> None:
    ids = await company.publish(document(1), document(2), document(3))
    await company.post(f"/footprints/{ids[0]}/deprecate")

    async def found(**query: Any) -> list[str]:
        return [one["id"] for one in (await company.get("/footprints", **query))["data"]]

    assert await found(status="deprecated") == [ids[0]]
    assert await found(status="Active") == [ids[2], ids[1]]
    assert await found(status="Bogus") == []
    assert await found(productId="URN:PACT:cathode.example:product-id:2") == [ids[1]]
    assert await found(limit=1) == [ids[2]]


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1000000"])
async def test_a_limit_that_is_none_is_refused(
    company: Company, refused: Refused, limit: str
) -> None:
    assert "limit" in refused(await company.http.get(f"/footprints?limit={limit}"), 422)


async def test_a_footprint_is_shown_as_it_was_signed(company: Company, document: Documents) -> None:
    (footprint_id,) = await company.publish(document())
    shown = await company.get(f"/footprints/{footprint_id.upper()}")
    assert shown["footprint"]["comment"] == "told to few"
    assert shown["footprint"]["pcf"]["pcfExcludingBiogenicUptake"] == "1.50"
    assert shown["footprint"]["extensions"]  # the credential
    assert shown.keys().isdisjoint({"seenAs", "level", "statusStatement"})


async def test_what_a_peer_sees_is_shown(pair: Pair, document: Documents, refused: Refused) -> None:
    _, supplier = pair
    (footprint_id,) = await supplier.publish(document())
    path = f"/footprints/{footprint_id}"
    assert "does not exist" in refused(await supplier.http.get(path, params={"as": "cell"}), 404)
    await supplier.post("/grants", {"peer": "cell", "everything": True, "level": "total"}, 201)
    seen = await supplier.get(path, **{"as": "CELL"})
    assert (seen["seenAs"], seen["level"]) == ("cell", Level.TOTAL)
    assert "comment" not in seen["footprint"]
    refused(await supplier.http.get(path, params={"as": "nobody"}), 404)


async def test_what_there_is_not_is_not_found(company: Company, refused: Refused) -> None:
    for footprint_id in (UNKNOWN, "x", "%00", "a" * 300):
        for method, end in (("GET", ""), ("POST", "/deprecate"), ("POST", "/supersede")):
            answer = await company.http.request(method, f"/footprints/{footprint_id}{end}")
            refused(answer, 404)


async def test_deprecating_is_final_and_told(
    pair: Pair, document: Documents, refused: Refused
) -> None:
    _, supplier = pair
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    (footprint_id,) = await supplier.publish(document())
    changed = await supplier.post(f"/footprints/{footprint_id}/deprecate")
    assert changed == {"deprecated": footprint_id, "notified": ["cell"], "findings": []}
    shown = await supplier.get(f"/footprints/{footprint_id}")
    assert shown["status"] == shown["footprint"]["status"] == "Deprecated"
    assert shown["statusStatement"].count(".") == 2
    assert "already" in refused(
        await supplier.http.post(f"/footprints/{footprint_id}/deprecate"), 409
    )


async def test_a_correction_replaces(company: Company, document: Documents) -> None:
    (old,) = await company.publish(document())
    corrected = document(7, productNameCompany="Corrected")
    changed = await company.upload(f"/footprints/{old}/supersede", corrected, name="new.json")
    assert (changed["deprecated"], changed["published"]) == (old, corrected["id"])
    new = await company.get(f"/footprints/{corrected['id']}")
    assert new["precedingPfIds"] == new["footprint"]["precedingPfIds"] == [old]
    assert (await company.get(f"/footprints/{old}"))["status"] == "Deprecated"


async def test_a_correction_with_errors_is_refused_with_all_of_them(
    company: Company, document: Documents, refused: Refused
) -> None:
    (old,) = await company.publish(document())
    wrong = document(7, productIds=[], productDescription=5)
    answer = await company.http.post(
        f"/footprints/{old}/supersede", content=json.dumps(wrong), params={"name": "new.json"}
    )
    assert "new.json" in refused(answer, 422)
    problems = answer.json()["problems"]
    assert {one["place"] for one in problems} >= {"/productIds", "/productDescription"}
    assert (await company.get(f"/footprints/{old}"))["status"] == "Active"


async def test_the_template_is_a_workbook(company: Company) -> None:
    answer = await company.http.get("/footprints/template")
    assert answer.status_code == 200
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    assert answer.content.startswith(b"PK\x03\x04")
    result = await company.upload("/footprints/import", answer.content, name="empty.xlsx")
    assert result["published"] == 0


async def test_no_digit_is_lost(company: Company, document: Documents) -> None:
    made = document()
    made["pcf"] |= {"fossilCarbonContent": NUMBER}
    (footprint_id,) = await company.publish(made)
    answer = await company.http.get(f"/footprints/{footprint_id}")
    assert f'"{NUMBER}"' in answer.text
