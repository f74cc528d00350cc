"""Products, from a bill of materials to a footprint that stays true: through the management API.

`cell` buys from `cathode`, whose product 1 is in what it makes.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.node.manage.conftest import Company, make_document

from underseal_node.exchange.refreshes import RefreshWorker
from underseal_node.exchange.sequencer import Sequencer
from underseal_node.store import commitments, products
from underseal_protocol.commitment import Commitment

Json = dict[str, Any]
Pair = tuple[Company, Company]

GRID: Json = {
    "id": "EL-HU",
    "name": "Grid electricity, Hungary",
    "values": {"fossilGhgEmissions": "0.2"},
    "unit": "kWh",
    "database": "Grid data",
    "version": "2024",
    "assessmentReports": ["AR6"],
}
POWDER_URN = "urn:pact:cathode.example:product-id:1"


def line(line_id: str, name: str, amount: str = "2", unit: str = "kg", **more: Any) -> Json:
    quantity = {"amount": amount, "unit": unit}
    return {"kind": "material", "id": line_id, "name": name, "quantity": quantity} | more


POWDER = line("powder", "Cathode powder", supplier="Cathode", productIds=[POWDER_URN])
POWER: Json = {**line("power", "Electricity", "5", "kWh"), "kind": "energy"}
GIVEN_POWER = POWER | {"source": {"factor": "EL-HU"}}
DECLARATION: Json = {
    "productName": "Cell 1",
    "productIds": ["urn:gtin:4712345060507"],
    "description": "A cell",
    "periodStart": "2025-01-01T00:00:00Z",
    "periodEnd": "2026-01-01T00:00:00Z",
    "geography": "HU",
}


def product(*lines: Json, product_id: str = "cell", **more: Any) -> Json:
    made: Json = {
        "id": product_id,
        "name": f"Product {product_id}",
        "declaredUnit": {"amount": "1", "unit": "piece"},
        "massKg": "4",
        "lines": list(lines or (POWDER, GIVEN_POWER)),
        "declaration": DECLARATION,
    }
    return made | more


async def load(company: Company, *products: Json, factors: tuple[Json, ...] = (GRID,)) -> Json:
    content = {"products": list(products or (product(),)), "factors": list(factors)}
    found: Json = await company.upload("/products/import", content, name="bills.json")
    assert found["problems"] == []
    return found


async def decide(company: Company, line_id: str, source: Json | None, **more: Any) -> Any:
    decision = {"product": "cell", "line": line_id, "source": source} | more
    return await company.post("/matches", {"decisions": [decision]})


@pytest.fixture
async def supplied(pair: Pair) -> tuple[Company, Company, str]:
    """The customer has the footprint of the supplier's product 1, 1.50 kgCO2e per kilogram."""
    customer, supplier = pair
    (footprint,) = await supplier.publish(make_document(1))
    await supplier.post("/grants", {"peer": "cell", "everything": True, "level": "full"}, 201)
    await customer.pull("cathode")
    return customer, supplier, footprint


async def correct(supplier: Company, footprint: str, figure: str = "1.80", **changes: Any) -> str:
    """The supplier replaces its footprint, and tells of it."""
    document = make_document(1, **changes)
    del document["id"]
    names = ("pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake", "fossilGhgEmissions")
    document["pcf"] |= dict.fromkeys(names, figure)
    found = await supplier.upload(f"/footprints/{footprint}/supersede", document, name="new.json")
    return str(found["published"])


Supplied = tuple[Company, Company, str]


async def test_from_a_bill_to_a_published_footprint(supplied: Supplied) -> None:
    customer, _, footprint = supplied
    await load(customer)
    (opened,) = (await customer.get("/matches", open="true"))["data"]
    (proposal,) = opened["proposals"]
    assert proposal["source"] == {"footprint": footprint}
    assert proposal["isCertain"]
    (decided,) = (await decide(customer, "powder", proposal["source"]))["data"]
    assert decided["isDecided"]
    assert (await customer.get("/matches", open="true"))["data"] == []
    found = await customer.post("/products/calculate", product="cell")
    assert found["figures"]["pcfExcludingBiogenicUptake"] == {"value": "4"}  # 2 x 1.5 + 5 x 0.2
    published = await customer.post("/products/publish", product="cell")
    assert (published["outcome"], published["pcf"]) == ("new", "4")
    body = await customer.get(f"/footprints/{published['footprint']}")
    assert body["footprint"]["pcf"]["pcfExcludingBiogenicUptake"] == "4"
    assert body["footprint"]["companyName"] == "Cell"
    (shown,) = (await customer.get("/products"))["data"]
    assert shown["footprint"] == published["footprint"]
    assert (shown["openLines"], shown["isStale"]) == (0, False)
    assert (shown["pcf"], shown["unit"]) == ("4", "1 piece")
    status = await customer.get("/status")
    assert (status["footprints"], status["products"], status["stale"]) == (1, 1, [])


async def test_nothing_is_published_while_a_line_is_open(supplied: Supplied) -> None:
    customer, *_ = supplied
    await load(customer)
    refusal = await customer.post("/products/publish", None, 422, product="cell")
    assert "powder" in refusal["message"]
    assert (await customer.get("/footprints"))["data"] == []


async def test_what_it_was_made_of_is_committed_to_once(supplied: Supplied) -> None:
    customer, _, footprint = supplied
    await load(customer)
    await decide(customer, "powder", {"footprint": footprint})
    first = await publish(customer)
    before = await committed(customer, first)
    assert {"powder", "power"} <= {str(one["id"]).rpartition("/")[2] for one in before.leaves}
    assert await publish(customer) == first
    assert await committed(customer, first) == before
    await load(customer, factors=(GRID | {"version": "2025"},))
    second = await publish(customer)
    assert second != first
    after = await committed(customer, second)
    assert after.root != before.root
    assert not {one.salt for one in before.salted} & {one.salt for one in after.salted}


async def publish(company: Company) -> str:
    return str((await company.post("/products/publish", product="cell"))["footprint"])


async def committed(company: Company, footprint_id: str) -> Commitment:
    return await company.node.store.read(lambda session: commitments.get(session, footprint_id))


async def test_decisions_are_made_together(supplied: Supplied) -> None:
    customer, _, footprint = supplied
    await load(customer)
    given = [("powder", {"footprint": footprint}), ("power", {"factor": "EL-HU"})]
    decisions: list[Json] = [
        {"product": "cell", "line": name, "source": source} for name, source in given
    ]
    wrong = [*decisions, {"product": "cell", "line": "x", "source": None}]
    refusal = await customer.post("/matches", {"decisions": wrong}, 404)
    assert "nothing was decided for line 'x'" in refusal["message"]
    assert [one["isDecided"] for one in (await customer.get("/matches"))["data"]] == [False] * 2
    done = await customer.post("/matches", {"decisions": decisions})
    assert [one["isDecided"] for one in done["data"]] == [True, True]
    await customer.post("/audit/verify")
    entries = [
        one for one in (await customer.get("/audit"))["data"] if one["act"] == "lines-matched"
    ]
    assert [one["detail"]["lines"] for one in entries] == [2]


async def test_the_same_again_changes_nothing(supplied: Supplied) -> None:
    customer, _, footprint = supplied
    first = await load(customer)
    assert [one["outcome"] for one in (*first["products"], *first["factors"])] == ["new", "new"]
    again = await load(customer)
    assert {one["outcome"] for one in (*again["products"], *again["factors"])} == {"unchanged"}
    await decide(customer, "powder", {"footprint": footprint})
    published = await customer.post("/products/publish", product="cell")
    repeated = await customer.post("/products/publish", product="cell")
    assert repeated["outcome"] == "unchanged"
    assert repeated["footprint"] == published["footprint"]
    history = await customer.get("/products/history", product="cell")
    assert [one["version"] for one in history["versions"]] == [1]
    assert [one["footprint"] for one in history["footprints"]] == [published["footprint"]]


async def test_a_dry_run_writes_nothing(supplied: Supplied) -> None:
    customer, _, footprint = supplied
    content = {"products": [product()], "factors": [GRID]}
    await customer.upload("/products/import", content, name="b.json", dryRun="true")
    assert (await customer.get("/products"))["data"] == []
    await load(customer)
    await decide(customer, "powder", {"footprint": footprint})
    would = await customer.post("/products/publish", product="cell", dryRun="true")
    assert (would["outcome"], would["pcf"], would["dryRun"]) == ("new", "4", True)
    assert (await customer.get("/footprints"))["data"] == []
    assert (await customer.get("/products/history", product="cell"))["footprints"] == []


async def published(customer: Company, footprint: str) -> str:
    await load(customer)
    await decide(customer, "powder", {"footprint": footprint})
    return str((await customer.post("/products/publish", product="cell"))["footprint"])


async def causes(customer: Company) -> list[Json]:
    return [cause for one in (await customer.get("/status"))["stale"] for cause in one["causes"]]


async def test_a_correction_of_the_supplier_travels(supplied: Supplied) -> None:
    customer, supplier, footprint = supplied
    own = await published(customer, footprint)
    new = await correct(supplier, footprint)
    await customer.pull("cathode")
    (stale,) = (await customer.get("/status"))["stale"]
    assert stale["footprint"] == own
    (cause,) = stale["causes"]
    assert cause["cause"] == "superseded"
    assert cause["message"] == f"Product 1 of cathode was replaced by {new}"
    assert cause["path"] == ["cell", "Cathode powder", "Product 1 of cathode"]
    (shown,) = (await customer.post("/products/refresh", {}))["data"]
    assert shown.get("published") is None
    difference = shown["figures"]["pcfExcludingBiogenicUptake"]
    values = [difference[name]["value"] for name in ("before", "after", "change")]
    assert values == ["4", "4.6", "0.6"]
    assert shown["changePercent"] == "15"
    assert (await customer.get(f"/footprints/{own}"))["status"] == "Active"
    customer.advance(seconds=1)
    body = {"confirmed": [shown["digest"]]}
    (done,) = (await customer.post("/products/refresh", body))["data"]
    successor = await customer.get(f"/footprints/{done['published']}")
    assert successor["footprint"]["precedingPfIds"] == [own]
    assert successor["footprint"]["pcf"]["pcfExcludingBiogenicUptake"] == "4.6"
    assert (await customer.get(f"/footprints/{own}"))["status"] == "Deprecated"
    assert (await customer.get("/status"))["stale"] == []
    newer, older = (await customer.get("/products/history", product="cell"))["footprints"]
    assert (newer["pcf"], newer["replaces"], newer["causes"]) == ("4.6", own, [cause])
    assert (older["pcf"], older.get("replaces"), older["causes"]) == ("4", None, [])


async def test_what_was_confirmed_must_not_have_changed(supplied: Supplied) -> None:
    customer, supplier, footprint = supplied
    own = await published(customer, footprint)
    new = await correct(supplier, footprint)
    await customer.pull("cathode")
    (shown,) = (await customer.post("/products/refresh", {}))["data"]
    await correct(supplier, new, "9")
    await customer.pull("cathode")
    refusal = await customer.post("/products/refresh", {"confirmed": [shown["digest"]]}, 409)
    assert "has changed" in refusal["message"]
    assert (await customer.get(f"/footprints/{own}"))["status"] == "Active"


@pytest.mark.parametrize(("percent", "is_published"), [("14.9", False), ("15.1", True)])
async def test_small_changes_can_go_without_asking(
    supplied: Supplied, percent: str, is_published: bool
) -> None:
    customer, supplier, footprint = supplied
    await published(customer, footprint)
    await correct(supplier, footprint)  # + 15 %
    await customer.pull("cathode")
    (done,) = (await customer.post("/products/refresh", {"belowPercent": percent}))["data"]
    assert ("published" in done) is is_published
    assert bool((await customer.get("/status"))["stale"]) is not is_published


async def test_a_deprecated_footprint_without_successor(supplied: Supplied) -> None:
    customer, supplier, footprint = supplied
    await published(customer, footprint)
    await supplier.post(f"/footprints/{footprint}/deprecate")
    await customer.pull("cathode")
    (cause,) = await causes(customer)
    assert cause["cause"] == "deprecated"


async def test_a_line_that_names_what_was_replaced(supplied: Supplied) -> None:
    """The line does not follow. A refresh that changes nothing does not hide it."""
    customer, supplier, footprint = supplied
    bill = product(POWDER | {"source": {"footprint": footprint}}, GIVEN_POWER)
    await load(customer, bill)
    await customer.post("/products/publish", product="cell")
    await correct(supplier, footprint)
    await customer.pull("cathode")
    for _ in range(2):
        (cause,) = await causes(customer)
        assert cause["cause"] == "successor-not-used"
        assert "the line names the old one" in cause["message"]
        (done,) = (await customer.post("/products/refresh", {"belowPercent": "50"}))["data"]
        assert done["outcome"] == "unchanged"
        assert "published" not in done
    received = (await customer.get("/received"))["data"]
    (newer,) = (one["id"] for one in received if one["id"] != footprint)
    await decide(customer, "powder", {"footprint": newer})
    (cause,) = await causes(customer)
    assert (cause["cause"], newer in cause["message"]) == ("superseded", True)


async def test_a_footprint_that_is_no_longer_valid(supplied: Supplied) -> None:
    customer, _, footprint = supplied
    await published(customer, footprint)
    customer.advance(days=3 * 366)
    assert "expired" in {cause["cause"] for cause in await causes(customer)}


async def test_a_factor_that_was_corrected(supplied: Supplied) -> None:
    customer, _, footprint = supplied
    await published(customer, footprint)
    await load(customer, factors=(GRID | {"values": {"fossilGhgEmissions": "0.3"}},))
    (cause,) = await causes(customer)
    assert cause["cause"] == "factor-changed"
    assert cause["path"] == ["cell", "Electricity", "factor EL-HU"]
    (shown,) = (await customer.post("/products/refresh", {}))["data"]
    assert shown["figures"]["pcfExcludingBiogenicUptake"]["after"] == {"value": "4.5"}


async def test_a_bill_that_was_changed(supplied: Supplied) -> None:
    customer, _, footprint = supplied
    await published(customer, footprint)
    await load(customer, product(POWDER | {"quantity": {"amount": "3", "unit": "kg"}}, GIVEN_POWER))
    (cause,) = await causes(customer)
    assert (cause["cause"], cause["path"]) == ("bill-changed", ["cell"])
    history = await customer.get("/products/history", product="cell")
    assert [one["version"] for one in history["versions"]] == [2, 1]


async def test_a_match_that_was_changed(supplied: Supplied) -> None:
    customer, _, footprint = supplied
    await published(customer, footprint)
    await decide(customer, "power", {"leftOut": {"reason": "solar"}})
    assert [cause["cause"] for cause in await causes(customer)] == ["match-changed"]
    await decide(customer, "powder", None)
    assert "match-changed" in {cause["cause"] for cause in await causes(customer)}


async def test_the_path_leads_through_intermediates(supplied: Supplied) -> None:
    customer, supplier, footprint = supplied
    coating = product(POWDER, product_id="coating", declaredUnit={"amount": "1", "unit": "kg"})
    del coating["declaration"]
    cell = product(line("sheet", "Coated sheet", "1", source={"product": "coating"}), GIVEN_POWER)
    await load(customer, coating, cell)
    decision = {"product": "coating", "line": "powder", "source": {"footprint": footprint}}
    await customer.post("/matches", {"decisions": [decision]})
    made = await customer.post("/products/publish", product="cell")
    assert made["pcf"] == "4"
    await correct(supplier, footprint)
    await customer.pull("cathode")
    (cause,) = await causes(customer)
    assert cause["path"] == ["cell", "coating", "Cathode powder", "Product 1 of cathode"]


async def test_a_product_that_contains_itself(company: Company) -> None:
    one = product(line("b", "b", "1", "piece", source={"product": "b"}), product_id="a")
    other = product(line("a", "a", "1", "piece", source={"product": "a"}), product_id="b")
    await load(company, one, other)
    refusal = await company.post("/products/calculate", None, 422, product="a")
    assert "contains itself: 'a' -> 'b' -> 'a'" in refusal["message"]


async def test_what_if_changes_nothing(supplied: Supplied) -> None:
    customer, _, footprint = supplied
    own = await published(customer, footprint)
    wind = GRID | {"id": "WIND", "name": "Wind", "values": {"fossilGhgEmissions": "0.01"}}
    changes = [
        {"factor": wind},
        {"swap": {"old": {"factor": "EL-HU"}, "new": {"factor": "WIND"}}},
        {"amount": {"line": "powder", "quantity": {"amount": "1", "unit": "kg"}}},
    ]
    found = await customer.post("/products/what-if", {"changes": changes}, product="cell")
    difference = found["figures"]["pcfExcludingBiogenicUptake"]
    assert (difference["before"], difference["after"]) == ({"value": "4"}, {"value": "1.55"})
    assert (await customer.get("/factors"))["data"][0]["id"] == "EL-HU"
    assert (await customer.get("/status"))["stale"] == []
    assert (await customer.post("/products/publish", product="cell"))["footprint"] == own


async def test_what_if_with_a_supplier_that_is_not_used_yet(supplied: Supplied) -> None:
    """A footprint that was received and is in no line, and a product of ours that is in none."""
    customer, supplier, footprint = supplied
    await published(customer, footprint)
    (other,) = await supplier.publish(make_document(2))
    await customer.pull("cathode")
    bill = product(GIVEN_POWER, product_id="mix", declaredUnit={"amount": "1", "unit": "kg"})
    await load(customer, product(), bill)
    for new, after in (({"footprint": other}, "4"), ({"product": "mix"}, "3")):
        changes = [{"swap": {"line": "powder", "new": new}}]
        found = await customer.post("/products/what-if", {"changes": changes}, product="cell")
        difference = found["figures"]["pcfExcludingBiogenicUptake"]
        assert difference["after"] == {"value": after}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "a list of 1 to 1000 changes"),
        (
            [{"swop": {}}],
            "/changes/0 is 'swop', expected exactly one of swap, amount, replace, factor,",
        ),
        ([{"swap": {"new": {"factor": "x"}}}], "/changes/0/swap: expected line or old beside new"),
        (
            [{"swap": {"line": "power", "new": {"factr": "x"}}}],
            "/changes/0/swap/new/factr is 'x', expected nothing of this name",
        ),
        (
            [{"amount": {"line": "power"}}, {"amount": {"line": 1, "quantity": "2"}}],
            "/changes/0/amount/quantity: expected a value, which is missing; "
            "/changes/1/amount/quantity",
        ),
        ([{"swap": []}], "/changes/0/swap is [], expected an object with named members"),
        (
            [{"swap": {"line": 1, "new": {"factor": "x"}}}],
            "/changes/0/swap/line is 1, expected the id of a line",
        ),
        ([{"footprint": {}}], "/changes/0/footprint/id: expected the id of the footprint"),
        ([{"amount": {"line": "gone", "quantity": {"amount": "1", "unit": "kg"}}}], "no line"),
        ([{"swap": {"line": "power", "new": {"factor": "gone"}}}], "no factor 'gone'"),
        (
            [{"replace": {"line": "power", "lines": [{"kind": "energy"}]}}],
            "/changes/0/replace/lines/0/quantity: expected a value, which is missing",
        ),
    ],
)
async def test_a_what_if_that_cannot_be(supplied: Supplied, changes: Any, message: str) -> None:
    customer, _, footprint = supplied
    await published(customer, footprint)
    refusal = await customer.post("/products/what-if", changes, 422, product="cell")
    assert message in refusal["message"]


async def test_decisions_are_proposed_where_the_same_is_bought(supplied: Supplied) -> None:
    customer, *_ = supplied
    await load(customer, product(line("a", "Granulate", "1", "MJ", supplier="Cathode")))
    await decide(customer, "a", {"factor": "EL-HU"})
    other = product(line("b", "granulate", supplier="cathode"), product_id="other")
    await load(customer, other)
    (state,) = (await customer.get("/matches", product="other"))["data"]
    assert state["proposals"] == []  # it cannot be converted: kg and kWh
    await load(customer, other | {"lines": [line("b", "granulate", "1", "MJ", supplier="cathode")]})
    (state,) = (await customer.get("/matches", product="other"))["data"]
    (proposal,) = state["proposals"]
    assert proposal["text"] == "factor:EL-HU"
    assert proposal["isCertain"]
    assert proposal["reasons"] == ["as decided for 'granulate' in cell"]


async def test_what_cannot_be_converted_is_not_decided(supplied: Supplied) -> None:
    customer, _, footprint = supplied
    open_lines = (line("a", "Granulate", "1", "MJ"), line("b", "Powder", "3", "m3"))
    await load(customer, product(*open_lines), product(product_id="other"))
    for line_id, source, missing in (
        ("b", {"factor": "EL-HU"}, "energy per volume (MJ per m3)"),
        ("b", {"footprint": footprint}, "density (kg per m3)"),
        ("a", {"product": "other"}, "energy per mass (MJ per kg)"),
    ):
        body = {"decisions": [{"product": "cell", "line": line_id, "source": source}]}
        refusal = await customer.post("/matches", body, 409)
        assert refusal["message"].endswith(f"the {missing} is missing")
        assert refusal["hint"] == f"Give the {missing}."
    states = (await customer.get("/matches", product="cell"))["data"]
    assert not any(one["isDecided"] for one in states)
    await decide(customer, "a", {"factor": "EL-HU"})


async def test_names_that_are_alike_are_proposed_and_not_certain(supplied: Supplied) -> None:
    customer, _, footprint = supplied
    await load(customer, product(line("a", "Product 1", supplier="Cathode AG")), factors=())
    (state,) = (await customer.get("/matches"))["data"]
    (proposal,) = state["proposals"]
    assert proposal["source"] == {"footprint": footprint}
    assert not proposal["isCertain"]
    await load(customer, product(line("a", "Product 1", supplier="Somebody else")), factors=())
    (state,) = (await customer.get("/matches"))["data"]
    assert state["proposals"] == []


@pytest.mark.parametrize(
    ("source", "status", "message"),
    [
        ({"factor": "gone"}, 404, "there is no factor 'gone'"),
        ({"product": "gone"}, 404, "there is no product 'gone'"),
        ({"footprint": "gone"}, 404, "there is no received footprint gone"),
        ({"factor": "EL-HU", "product": "cell"}, 422, "exactly one of"),
        ({}, 422, "exactly one of"),
        (None, 404, "nothing was decided"),
    ],
)
async def test_a_decision_that_cannot_be(
    company: Company, source: Json | None, status: int, message: str
) -> None:
    await load(company)
    decision = {"product": "cell", "line": "powder", "source": source}
    refusal = await company.post("/matches", {"decisions": [decision]}, status)
    assert message in refusal["message"]


async def test_a_line_that_is_not_there(company: Company) -> None:
    await load(company)
    decision = {"product": "cell", "line": "gone", "source": {"factor": "EL-HU"}}
    refusal = await company.post("/matches", {"decisions": [decision]}, 404)
    assert "cell has no line 'gone'" in refusal["message"]


@pytest.mark.parametrize("path", ["detail", "history"])
async def test_a_product_that_is_not_there(company: Company, path: str) -> None:
    response = await company.http.get(f"/products/{path}", params={"product": "gone"})
    assert response.status_code == 404
    assert "there is no product 'gone'" in response.json()["message"]


@pytest.mark.parametrize("path", ["calculate", "publish"])
async def test_nothing_comes_of_a_product_that_is_not_there(company: Company, path: str) -> None:
    refusal = await company.post(f"/products/{path}", None, 404, product="gone")
    assert "there is no product 'gone'" in refusal["message"]


async def test_two_peers_with_one_id(market: Any, supplied: Supplied) -> None:
    customer, _, footprint = supplied
    other = await market.open("other")
    await market.befriend(customer, other)
    document = make_document(1, productDescription="Another product")
    assert await other.publish(document) == [footprint]
    await other.post("/grants", {"peer": "cell", "everything": True, "level": "full"}, 201)
    await customer.pull("other")
    await load(customer, product(POWDER | {"source": {"footprint": footprint}}, GIVEN_POWER))
    refusal = await customer.post("/products/calculate", None, 422, product="cell")
    assert "cathode and other have sent different footprints" in refusal["message"]
    decision = {"product": "cell", "line": "powder", "source": {"footprint": footprint}}
    refusal = await customer.post("/matches", {"decisions": [decision]}, 409)
    assert "--peer NAME" in refusal["hint"]
    await customer.post("/matches", {"decisions": [decision | {"peer": "cathode"}]})
    found = await customer.post("/products/calculate", product="cell")
    assert found["figures"]["pcfExcludingBiogenicUptake"] == {"value": "4"}


async def test_unsigned_footprints_count_as_the_policy_says(supplied: Supplied) -> None:
    customer, _, footprint = supplied

    def strip(session: Any) -> None:
        ((row, _),) = products.received(session, [footprint])[footprint]
        row.verification = "unsigned"
        session.add(row)

    await customer.node.store.write(strip)
    await load(customer)
    await decide(customer, "powder", {"footprint": footprint})
    found = await customer.post("/products/calculate", product="cell")
    assert "unsigned" in {one["rule"] for one in found["findings"]}
    await customer.patch("/peers/cathode", {"acceptUnsigned": False})
    refusal = await customer.post("/products/calculate", None, 422, product="cell")
    assert footprint in refusal["message"]


async def test_peers_see_none_of_it(supplied: Supplied) -> None:
    """What the footprint is made of is nowhere in what is served."""
    customer, _, footprint = supplied
    own = await published(customer, footprint)
    body = str((await customer.get(f"/footprints/{own}"))["footprint"])
    for secret in ("powder", "Cathode", POWDER_URN, footprint, "1.50", "EL-HU"):
        assert secret not in body, secret


async def test_the_audit_log_tells_of_it_without_figures(supplied: Supplied) -> None:
    customer, _, footprint = supplied
    await published(customer, footprint)
    await Sequencer(customer.node).step()
    entries = (await customer.get("/audit"))["data"]
    acts = {entry["act"] for entry in entries}
    assert {"products-imported", "lines-matched", "footprints-published"} <= acts
    assert "powder" not in str(entries).casefold()


@pytest.mark.parametrize(("percent", "is_published"), [("14.9", False), ("15.1", True)])
async def test_the_node_refreshes_by_itself_below_a_limit(
    market: Any, percent: str, is_published: bool
) -> None:
    customer = await market.open("cell", refresh_auto_percent=percent)
    supplier = await market.open("cathode")
    await market.befriend(customer, supplier)
    (footprint,) = await supplier.publish(make_document(1))
    await supplier.post("/grants", {"peer": "cell", "everything": True, "level": "full"}, 201)
    await customer.pull("cathode")
    own = await published(customer, footprint)
    await correct(supplier, footprint)  # + 15 %
    await customer.pull("cathode")
    await RefreshWorker(customer.node).step()
    status = (await customer.get(f"/footprints/{own}"))["status"]
    assert status == ("Deprecated" if is_published else "Active")


async def test_without_the_setting_nothing_is_refreshed(supplied: Supplied) -> None:
    customer, *_ = supplied
    assert customer.node.settings.refresh_auto_percent is None
    async with asyncio.timeout(5):
        await RefreshWorker(customer.node).run(asyncio.Event())


async def test_the_books_can_be_opened_line_by_line(supplied: Supplied) -> None:
    customer, _, footprint = supplied
    own = await published(customer, footprint)
    lines = (await customer.get(f"/footprints/{own}/lines"))["data"]
    ids = {one["id"] for one in lines}
    assert {"product:cell", "cell/powder", "cell/power", "factor:EL-HU"} <= ids
    assert f"footprint:{footprint}" in ids


async def send(supplier: Company, number: int, figure: str, **pcf: str) -> str:
    """The supplier publishes a footprint of its product 1 that replaces none."""
    document = make_document(number, productIds=[POWDER_URN])
    del document["id"]
    names = ("pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake", "fossilGhgEmissions")
    document["pcf"] |= dict.fromkeys(names, figure) | pcf
    (footprint,) = await supplier.publish(document)
    return footprint


async def figure(company: Company) -> str:
    found = await company.post("/products/calculate", product="cell")
    return str(found["figures"]["pcfExcludingBiogenicUptake"]["value"])


async def test_another_place_or_an_older_period_is_another_decision(supplied: Supplied) -> None:
    customer, supplier, footprint = supplied
    await published(customer, footprint)
    await send(supplier, 2, "9", geographyCountry="CN")
    period = {"referencePeriodStart": "2023-01-01T00:00:00Z"}
    await send(supplier, 3, "8", referencePeriodEnd="2024-01-01T00:00:00Z", **period)
    await customer.pull("cathode")
    assert await figure(customer) == "4"
    assert await causes(customer) == []


async def test_the_next_period_is_taken_up(supplied: Supplied) -> None:
    customer, supplier, footprint = supplied
    await published(customer, footprint)
    customer.advance(days=1)
    end = "2026-02-01T00:00:00Z"
    new = await send(supplier, 2, "2", referencePeriodEnd=end)
    await customer.pull("cathode")
    assert await figure(customer) == "5"
    (cause,) = await causes(customer)
    assert cause["message"] == f"Product 1 of cathode is older than {new}"


async def test_a_footprint_that_is_no_longer_trusted(supplied: Supplied) -> None:
    customer, _, footprint = supplied
    await published(customer, footprint)

    def distrust(session: Any) -> None:
        ((row, _),) = products.received(session, [footprint])[footprint]
        row.verification = "invalid"
        session.add(row)

    await customer.node.store.write(distrust)
    assert [cause["cause"] for cause in await causes(customer)] == ["not-usable"]


async def test_one_id_of_two_suppliers_is_refused(market: Any, supplied: Supplied) -> None:
    customer, _, footprint = supplied
    other = await market.open("other")
    await market.befriend(customer, other)
    document = make_document(1, productDescription="Another product")
    assert await other.publish(document) == [footprint]
    await other.post("/grants", {"peer": "cell", "everything": True, "level": "full"}, 201)
    await customer.pull("other")
    await load(customer, product(line("a", "A", "1"), line("b", "B", "1")))
    await decide(customer, "a", {"footprint": footprint}, peer="cathode")
    await decide(customer, "b", {"footprint": footprint}, peer="other")
    refusal = await customer.post("/products/calculate", None, 422, product="cell")
    assert "cathode and other have sent footprints with the id" in refusal["message"]


async def test_an_id_alone_is_not_certain_if_another_supplier_is_named(supplied: Supplied) -> None:
    customer, *_ = supplied
    bill = product(line("a", "Granulate", supplier="Somebody else", productIds=[POWDER_URN]))
    await load(customer, bill)
    (state,) = (await customer.get("/matches"))["data"]
    (proposal,) = state["proposals"]
    assert not proposal["isCertain"]
    assert "it is not of the supplier of the line" in proposal["reasons"]


async def test_a_product_is_no_part_of_itself(company: Company) -> None:
    own = DECLARATION["productIds"]
    await load(company, product(line("a", "Granulate", "1", "piece", productIds=own)))
    (state,) = (await company.get("/matches"))["data"]
    assert state["proposals"] == []


async def test_what_had_expired_before_does_not_stay_stale(supplied: Supplied) -> None:
    customer, _, footprint = supplied
    await published(customer, footprint)
    customer.advance(days=3 * 366)
    assert "expired" in {cause["cause"] for cause in await causes(customer)}
    await customer.post("/products/publish", product="cell")
    assert await causes(customer) == []
