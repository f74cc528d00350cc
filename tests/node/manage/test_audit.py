"""The audit log by way of the management API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
from tests.behind import sql
from tests.node.manage.conftest import Company, Market, make_document
from tests.protocol.exported_log import ExportedLog

from underseal_node.exchange.sequencer import Sequencer
from underseal_protocol.audit_export import check_export

Refused = Callable[[httpx.Response, int], str]


def spoil(company: Company, statement: str) -> None:
    sql(company.node, statement)


async def acts(company: Company, **query: str) -> list[str]:
    await company.post("/audit/verify")
    return [one["act"] for one in (await company.get("/audit", **query))["data"]][::-1]


async def test_what_the_operator_does_is_in_the_log(company: Company) -> None:
    await company.post("/peers", {"name": "buyer"}, 201)
    made = await company.post("/grants", {"peer": "buyer", "everything": True}, 201)
    await company.http.delete(f"/grants/{made['data'][0]['id']}")
    await company.patch("/peers/buyer", {"acceptUnsigned": False})
    await company.post("/peers/buyer/credentials", status=201)
    assert (await company.http.post("/backup", json={})).status_code == 200
    await company.http.delete("/peers/buyer")
    assert await acts(company) == [
        "peer-added",
        "credentials-issued",
        "grant-added",
        "grant-removed",
        "peer-changed",
        "credentials-issued",
        "backup-made",
        "peer-removed",
    ]
    # The peer is gone, its name is still there.
    assert len(await acts(company, peer="buyer")) == 7
    assert (await company.get("/audit", limit=1))["data"][0]["peer"]["name"] == "buyer"


async def test_a_sound_log_is_said_to_be(company: Company) -> None:
    await company.post("/peers", {"name": "buyer"}, 201)
    checked = await company.post("/audit/verify")
    assert checked == checked | {"isSound": True, "size": 2, "heads": 1, "problems": []}


async def test_problems_are_told(company: Company) -> None:
    await company.post("/peers", {"name": "buyer"}, 201)
    await company.post("/audit/verify")
    spoil(company, "UPDATE audit_entry SET body = replace(body, 'buyer', 'other') WHERE number = 1")
    checked = await company.post("/audit/verify")
    assert checked["isSound"] is False
    assert [(one["kind"], one["number"]) for one in checked["problems"]] == [("edited", 1)]


async def test_a_log_that_has_stopped_can_be_checked_and_exported(company: Company) -> None:
    await company.post("/peers", {"name": "buyer"}, 201)
    await company.post("/audit/verify")
    spoil(company, "DELETE FROM audit_head")
    await company.post("/peers", {"name": "other"}, 201)
    checked = await company.post("/audit/verify")
    assert [(one["kind"], one["number"]) for one in checked["problems"]] == [("unsigned", 1)]
    assert (checked["size"], checked["heads"], checked["keysFrom"]) == (2, 0, "node")
    exported = (await company.http.get("/audit/export")).text.splitlines()
    assert [json.loads(line)["kind"] for line in exported] == ["log", "entry", "entry"]


async def test_a_log_that_was_cut_back_is_told_everywhere(company: Company) -> None:
    for name in ("a", "b", "c"):
        await company.post("/peers", {"name": name}, 201)
        await company.post("/audit/verify")
    spoil(company, "DELETE FROM audit_entry WHERE number > 2")
    spoil(company, "DELETE FROM audit_head WHERE size > 2")
    await company.post("/peers", {"name": "d"}, 201)
    checked = await company.post("/audit/verify")
    assert [(one["kind"], one["number"]) for one in checked["problems"]] == [("truncated", 3)]
    diagnosis = (await company.get("/doctor"))["data"]
    (log,) = [one for one in diagnosis if one["name"] == "audit log"]
    assert log["result"] == "problem"
    await Sequencer(company.node).step()
    (alert,) = (await company.get("/alerts"))["data"]
    assert (alert["kind"], "entries were removed" in alert["message"]) == ("audit-log", True)


async def test_statements_about_other_logs_alone_are_a_problem(company: Company) -> None:
    held = ExportedLog().grow(1).held()
    answer = await company.http.post("/audit/verify", content=held.encode())
    assert [one["kind"] for one in answer.json()["problems"]] == ["other-log"]


async def test_what_is_no_receipt_is_refused(company: Company) -> None:
    for content in (b"\xff", b"{}", b"[", b'{"kind": "receipt", "token": "a.b.c"}'):
        answer = await company.http.post("/audit/verify", content=content)
        assert answer.status_code in (400, 409, 422), answer.text
        assert answer.json()["message"]


async def test_an_exported_log_is_checked_without_the_node(company: Company) -> None:
    await company.post("/peers", {"name": "buyer"}, 201)
    answer = await company.http.get("/audit/export")
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = answer.text.splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["log", "head", "entry", "entry"]
    checked = check_export(lines)
    assert (checked.size, checked.heads, checked.problems) == (2, 1, [])
    spoil(company, "UPDATE audit_entry SET body = replace(body, 'buyer', 'other') WHERE number = 1")
    spoiled = (await company.http.get("/audit/export")).text.splitlines()
    assert check_export(spoiled).problems != []
    spoil(company, "UPDATE audit_entry SET body = 'no JSON' WHERE number = 1")
    spoiled = (await company.http.get("/audit/export")).text.splitlines()
    assert check_export(spoiled).problems != []


async def test_nothing_held_is_an_empty_export(company: Company) -> None:
    answer = await company.http.get("/audit/receipts")
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await company.http.get("/audit/receipts?peer=nobody")).status_code == 404


async def test_receipts_one_by_one(pair: tuple[Company, Company], market: Market) -> None:
    customer, supplier = pair
    (footprint_id,) = await supplier.publish(make_document(1))
    await supplier.post("/grants", {"peer": "cell", "everything": True, "level": "quality"}, 201)
    await customer.pull("cathode")
    (waiting,) = (await customer.get("/receipts"))["data"]
    assert (waiting["role"], waiting["state"], waiting["hasReceipt"]) == ("held", "pending", False)
    public: Any = market.internet.hosts["cathode.example"]
    await public.app.state.context.audit.flush()
    await Sequencer(supplier.node).step()
    await customer.pull("cathode")
    (held,) = (await customer.get("/receipts", peer="cathode", role="held", state="done"))["data"]
    assert held["id"] == waiting["id"]
    assert held["hasReceipt"]
    assert (await customer.get("/receipts", role="issued"))["data"] == []
    (issued,) = (await supplier.get("/receipts"))["data"]
    assert (issued["role"], issued["peer"], issued["number"]) == ("issued", "cell", held["number"])
    checked = await customer.post("/receipts/check", {"ids": [held["id"], "nobody"]})
    assert checked["data"] == [{"id": held["id"], "holds": True}]
    said = await customer.get(f"/receipts/{held['id']}")
    assert said["footprints"] == [{"id": footprint_id, "level": "quality"}]
    assert said["holds"]
    assert said["headSize"] >= said["number"]
    # Signed by both, and read again each time: with other keys it does not hold.
    spoil(customer, "UPDATE peer SET key_set = NULL WHERE name = 'cathode'")
    said = await customer.get(f"/receipts/{held['id']}")
    assert not said["holds"]
    assert "key" in said["problem"]
    assert said["footprints"] == [{"id": footprint_id}]
    for path in ("/receipts/nobody", "/receipts?peer=nobody"):
        assert (await customer.http.get(path)).status_code == 404


async def test_a_peer_that_there_never_was_is_no_filter(company: Company, refused: Refused) -> None:
    await company.post("/peers", {"name": "buyer"}, 201)
    await company.post("/peers", {"name": "quiet"}, 201)
    await company.post("/audit/verify")
    assert "no peer 'byuer'" in refused(await company.http.get("/audit?peer=byuer"), 404)
    assert len((await company.get("/audit", peer="BUYER"))["data"]) == 2
    await company.http.delete("/peers/buyer")
    await company.post("/audit/verify")
    assert len((await company.get("/audit", peer="buyer"))["data"]) == 3
    query = {"peer": "quiet", "footprintId": "00000000-0000-4000-8000-000000000000"}
    assert (await company.get("/audit", **query))["data"] == []
