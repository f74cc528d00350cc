"""Lists over the management API: filtered, searched, sorted, in parts, and as a whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlmodel import Session
from tests.node.manage.conftest import Company, make_document

from underseal_node.store import own_lists, received_lists
from underseal_node.store.alerts import AlertKind, raise_alert

SORTED_BY = {
    "/footprints": "productNameCompany",
    "/received": "productNameCompany",
    "/requests": "answeredAt",
    "/alerts": "footprintId",
    "/audit": "number",
}
FIGURES = ("9.5", "10", "-3", "0.02")


async def names(company: Company, path: str = "/footprints", **query: Any) -> list[str]:
    found = await company.get(path, **query)
    return [one["productNameCompany"] for one in found["data"]]


async def lines(company: Company, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = await company.http.get(path, params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(one) for one in answer.text.splitlines()]


@pytest.fixture
async def stocked(company: Company) -> Company:
    """Four footprints, one for each figure; the second is deprecated."""
    documents = []
    for number, figure in enumerate(FIGURES, 1):
        document = make_document(number)
        for name in ("pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake"):
            document["pcf"][name] = figure
        document["pcf"]["fossilGhgEmissions"] = figure.lstrip("-")
        documents.append(document)
    ids = await company.publish(*documents)
    await company.post(f"/footprints/{ids[1]}/deprecate")
    return company


async def test_a_list_is_sorted_and_cut(stocked: Company) -> None:
    assert await names(stocked) == ["Product 4", "Product 3", "Product 2", "Product 1"]
    up = await names(stocked, sort="pcfExcludingBiogenicUptake")
    assert up == ["Product 3", "Product 4", "Product 1", "Product 2"]
    down = await names(stocked, sort="-pcfExcludingBiogenicUptake", limit=2, offset=1)
    assert down == up[::-1][1:3]
    assert await names(stocked, offset=10_000_000) == []
    found = await stocked.get("/footprints", search="product", limit=1, count=True)
    assert (len(found["data"]), found["total"]) == (1, 4)
    assert "total" not in await stocked.get("/footprints")


async def test_a_list_is_filtered_and_searched(stocked: Company) -> None:
    assert await names(stocked, status="deprecated") == ["Product 2"]
    assert await names(stocked, search="-3") == ["Product 3"]
    assert await names(stocked, search=["product", "0.02"]) == ["Product 4"]
    assert await names(stocked, search=["product 1", "0.02"]) == []
    assert await names(stocked, search="veraltet\n=Deprecated") == ["Product 2"]
    assert await names(stocked, search="=Deprecated") == []
    assert await names(stocked, search="nothing\n0.02\n=no such word") == ["Product 4"]
    assert len(await names(stocked, search=["", "\n"])) == 4
    assert await names(stocked, search="\0") == []
    product = make_document(3)["productIds"][0].upper()
    assert await names(stocked, productId=product, search="3") == ["Product 3"]
    (end,) = {one["validUntil"] for one in (await stocked.get("/footprints"))["data"]}
    assert await names(stocked, validUntilBefore=end) == []
    assert len(await names(stocked, validUntilBefore=end.replace("Z", ".5Z"))) == 4


async def test_an_export_has_all_that_the_list_has(stocked: Company) -> None:
    query = {"search": "product", "sort": "-productNameCompany"}
    found = (await stocked.get("/footprints", **query))["data"]
    assert await lines(stocked, "/footprints/export", **query) == found
    assert len(found) == 4
    assert await lines(stocked, "/footprints/export", search="no such thing") == []


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "summary"},
        {"sort": "--status"},
        {"sort": ""},
        {"limit": "0"},
        {"limit": "100001"},
        {"offset": "-1"},
        {"offset": "10000001"},
        {"validUntilBefore": "soon"},
        {"validUntilBefore": "2026-01-01T00:00:00"},
        {"search": "x" * 2001},
        {"search": ["x"] * 51},
    ],
)
@pytest.mark.parametrize("path", ["/footprints", "/received", "/requests", "/alerts", "/audit"])
async def test_what_cannot_be_asked_is_refused(
    company: Company, path: str, query: dict[str, Any]
) -> None:
    if "validUntilBefore" in query and path not in ("/footprints", "/received"):
        return
    answer = await company.http.get(path, params=query)
    assert answer.status_code == 422
    assert next(iter(query)) in answer.json()["message"]
    if "sort" in query:
        assert SORTED_BY[path] in answer.json()["message"]


@pytest.mark.parametrize(
    ("path", "order"),
    [("/footprints", own_lists.ORDER), ("/received", received_lists.ORDER)],
)
async def test_a_list_is_sorted_by_members_that_it_has(
    pair: tuple[Company, Company], path: str, order: Any
) -> None:
    customer, supplier = pair
    await supplier.publish(make_document())
    await supplier.post("/grants", {"peer": "cell", "everything": True}, 201)
    await customer.pull("cathode")
    company = customer if path == "/received" else supplier
    for name in order.columns:
        (row,) = (await company.get(path, sort=f"-{name}"))["data"]
        assert name in row


async def test_received_footprints_are_found_by_what_their_list_shows(
    pair: tuple[Company, Company],
) -> None:
    customer, supplier = pair
    await supplier.publish(make_document(1), make_document(2))
    terms = {"terms": "Nur für uns", "level": "quality"}
    await supplier.post("/grants", {"peer": "cell", "everything": True, **terms}, 201)
    await customer.pull("cathode")
    ids = [one["id"] for one in (await supplier.get("/footprints"))["data"]]
    await supplier.post(f"/footprints/{ids[0]}/deprecate")
    await customer.pull("cathode")
    for search in ("CATHODE", "verified", "usable", "FÜR uns", "1.50", "kilogram", "2026-03-01"):
        assert len(await names(customer, "/received", search=search)) == 2, search
    for search in ("product 2", "deprecated", "qqq\n=Deprecated", "product-id:2"):
        assert await names(customer, "/received", search=search) == ["Product 2"], search
    for search in ("unsigned", "not usable", "cell", "told to few"):
        assert await names(customer, "/received", search=search) == [], search
    assert await names(customer, "/received", status="ACTIVE") == ["Product 1"]
    assert await names(customer, "/received", usable=False) == []
    assert len(await names(customer, "/received", usable=True, peer="Cathode")) == 2
    await customer.patch("/peers/cathode", {"acceptUnsigned": False})
    assert len(await names(customer, "/received", usable=True)) == 2
    found = (await customer.get("/received", sort="productNameCompany"))["data"]
    assert await lines(customer, "/received/export", sort="productNameCompany") == found
    assert [one["productNameCompany"] for one in found] == ["Product 1", "Product 2"]
    assert all(one["validUntil"] > one["receivedAt"] for one in found)
    answer = await customer.http.get("/received/export", params={"peer": "nobody"})
    assert answer.status_code == 404


async def test_requests_are_found_sorted_and_exported(pair: tuple[Company, Company]) -> None:
    customer, supplier = pair
    for number in (1, 2, 3):
        criteria = {"productId": [f"urn:x:{number}"], "geography": ["DE"]}
        await customer.post("/requests", {"peer": "cathode", "criteria": criteria}, 201)
    await customer.work()
    await supplier.work()
    rows = (await supplier.get("/requests"))["data"]
    await supplier.post(f"/requests/{rows[1]['id']}/reject", {"reason": "Gehört uns NICHT"})

    async def found(**query: Any) -> list[str]:
        answer = await supplier.get("/requests", **query)
        return [one["criteria"]["productId"][0][-1] for one in answer["data"]]

    assert await found() == ["3", "2", "1"]
    assert await found(sort="criteria") == ["1", "2", "3"]
    assert await found(sort="-outcome") == ["2", "3", "1"]
    assert await found(sort="answeredAt", limit=1) == ["2"]
    for search in ("GEHÖRT", "nicht", "rejected", "qqq\n=rejected"):
        assert await found(search=["urn", search]) == ["2"], search
    for search in ("CELL", "incoming", "2026-03-01", "qqq\n=geography", "de"):
        assert len(await found(search=search)) == 3, search
    for search in ("outgoing", "fulfilled", "x%", "=geography", "footprints"):
        assert await found(search=search) == [], search
    assert await found(search=str(rows[0]["id"])) != []
    assert (await supplier.get("/requests", state="pending", count=True, limit=1))["total"] == 2
    query = {"state": "pending", "sort": "id"}
    exported = await lines(supplier, "/requests/export", **query)
    assert exported == (await supplier.get("/requests", **query))["data"]
    assert len(exported) == 2


async def test_alerts_are_found_sorted_and_exported(company: Company) -> None:
    await company.post("/peers", {"name": "Größe"}, 201)

    def work(session: Session) -> None:
        now = company.node.now()
        raise_alert(session, AlertKind.KEYS_CHANGED, "other keys", now, peer_id=1)
        raise_alert(session, AlertKind.INVALID, "Broken", now, footprint_id="f-1")

    company.node.store.write_sync(work)

    async def found(**query: Any) -> list[str]:
        return [one["message"] for one in (await company.get("/alerts", **query))["data"]]

    assert await found() == ["Broken", "other keys"]
    assert await found(sort="createdAt") == ["other keys", "Broken"]
    assert await found(sort="peer") == await found(sort="-peer") == ["other keys", "Broken"]
    for search in ("GRÖSSE", "KEYS-changed", "Keys", "qqq\n=keys-changed"):
        assert await found(search=search) == ["other keys"], search
    for search in ("f-1", "broken", "invalid"):
        assert await found(search=search) == ["Broken"], search
    assert await found(kind="invalid", peer="größe") == []
    assert (
        await lines(company, "/alerts/export", kind="invalid")
        == (await company.get("/alerts", kind="invalid"))["data"]
    )
    assert (await company.get("/alerts", search="2026-03", count=True))["total"] == 2


async def test_the_audit_log_is_searched_by_what_it_says(company: Company) -> None:
    for name in ("acme", "Größe"):
        await company.post("/peers", {"name": name}, 201)
    await company.post("/peers/acme/suspend", {"reason": "Streit"})
    await company.post("/audit/verify")  # what was recorded is appended

    async def found(**query: Any) -> list[tuple[str, str]]:
        data = (await company.get("/audit", **query))["data"]
        return [(one["act"], one["peer"]["name"]) for one in data]

    everything = await found()
    suspended, added = ("partnership-suspended", "acme"), ("peer-added", "Größe")
    other = ("peer-added", "acme")
    assert {suspended, added, other} <= set(everything)
    assert await found(sort="number") == everything[::-1]
    assert await found(sort="number", limit=1, offset=1) == everything[-2:-1]
    assert await found(act="peer-added", outcome="done") == [added, other]
    assert await found(search=["ACME", ["reason:", "Streit"][0]]) == [suspended]
    for search in ("streit", "qqq\n=partnership-suspended", "suspend"):
        assert await found(search=search) == [suspended], search
    assert await found(search="grösse", act="peer-added") == [added]
    assert added in await found(search="GRÖSSE")
    assert await found(search="2026-03-01", act="peer-added") == [added, other]
    (newest,) = (await company.get("/audit", limit=1))["data"]
    for hidden in (newest["previous"][:6], newest["random"][:6], "previous", "random"):
        assert await found(search=hidden) == []
    total_of = [({}, len(everything)), ({"act": "peer-added"}, 2), ({"search": "suspend"}, 1)]
    for query, total in total_of:
        for offset in (0, 1, 7):
            answer = await company.get("/audit", count=True, limit=1, offset=offset, **query)
            assert answer["total"] == total, (query, offset)
    query = {"act": "peer-added", "sort": "number"}
    assert (
        await lines(company, "/audit/entries", **query)
        == (await company.get("/audit", **query))["data"]
    )
    assert len(await lines(company, "/audit/entries")) == len(everything)
