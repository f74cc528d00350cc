"""The release gate at a node: what is published, granted, acknowledged, and written down.

`cell` buys from three suppliers; `pack` is its customer.
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.node.manage.conftest import RECOVERY_KEY, Company, Market, make_document
from tests.node.manage.test_products import Json, line, load, product

from underseal_protocol.recovery import recovery_text

GTIN = "urn:gtin:4712345060507"


async def buy(
    market: Market, customer: Company, name: str, figure: str, **more: str
) -> tuple[str, Company]:
    """A supplier whose product costs so many kgCO2e per kilogram: the id of its footprint at the
    customer, and itself."""
    supplier = await market.open(name)
    await market.befriend(customer, supplier)
    urn = f"urn:pact:{name}.example:product-id:1"
    document = make_document(1, productIds=[urn], productNameCompany=f"Part of {name}")
    del document["id"]
    names = ("pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake", "fossilGhgEmissions")
    document["pcf"] |= dict.fromkeys(names, figure) | more
    (footprint,) = await supplier.publish(document)
    await supplier.post("/grants", {"peer": "cell", "everything": True, "level": "full"}, 201)
    await customer.pull(name)
    return footprint, supplier


class Chain:
    """A maker of cells with its suppliers and a customer."""

    def __init__(self, market: Market, cell: Company, pack: Company) -> None:
        self.market, self.cell, self.pack = market, cell, pack
        self.bought: dict[str, str] = {}
        self.suppliers: dict[str, Company] = {}

    async def made_of(self, *more: Json, **figures: str) -> None:
        """Load the product, made of 1 kg of each supplier's part, and more lines."""
        for name, figure in figures.items():
            if name not in self.bought:
                self.bought[name], self.suppliers[name] = await buy(
                    self.market, self.cell, name, figure
                )
        lines = [
            line(name, f"Part of {name}", "1", source={"footprint": self.bought[name]})
            for name in figures
        ]
        await load(self.cell, product(*lines, *more))

    async def publish(self, status: int = 200, body: Any = None, **query: Any) -> Json:
        given = {"product": "cell"} | query
        made: Json = await self.cell.post("/products/publish", body, status, **given)
        return made

    async def grant(self, status: int = 201, **more: Any) -> Json:
        given = {"peer": "pack", "productIds": [GTIN], "level": "total"} | more
        made: Json = await self.cell.post("/grants", given, status)
        return made

    async def ledger(self) -> list[Json]:
        found: list[Json] = (await self.cell.get("/releases"))["data"]
        return found


@pytest.fixture
async def chain(market: Market) -> Chain:
    cell, pack = await market.open("cell"), await market.open("pack")
    await market.befriend(cell, pack)
    return Chain(market, cell, pack)


THREE = {"a": "1.5", "b": "1.4", "c": "1.6"}
SAID: Json = {"acknowledge": "they agreed", "consent": "letter of 2026-02-01"}


async def test_one_supplier_cannot_be_hidden(chain: Chain) -> None:
    await chain.made_of(a="1.5")
    made = await chain.publish()  # nobody may see it yet
    assert made["outcome"] == "new"
    refusal = await chain.grant(422)
    assert "supplier" in refusal["message"]
    assert "1.5" not in refusal["message"]
    assert (await chain.cell.get("/grants", peer="pack"))["data"] == []
    assert await chain.ledger() == []


async def test_an_operator_may_answer_for_it(chain: Chain) -> None:
    await chain.made_of(a="1.5")
    made = await chain.publish()
    refusal = await chain.grant(422, acknowledge="they agreed")
    assert "consent" in refusal["message"]
    granted = await chain.grant(**SAID)
    assert granted["data"][0]["level"] == "total"
    (released,) = await chain.ledger()
    assert (released["peer"], released["footprint"]) == ("pack", made["footprint"])
    assert (released["reason"], released["consent"]) == ("they agreed", "letter of 2026-02-01")


async def test_with_the_strict_policy_nobody_may(market: Market) -> None:
    cell = await market.open("cell", release_policy="strict")
    pack = await market.open("pack")
    await market.befriend(cell, pack)
    chain = Chain(market, cell, pack)
    await chain.made_of(a="1.5")
    await chain.publish()
    refusal = await chain.grant(422, **SAID)
    assert "strict" in refusal["message"]


async def test_three_suppliers_hide_one_another(chain: Chain) -> None:
    await chain.made_of(**THREE)
    made = await chain.publish()
    granted = await chain.grant()
    assert granted["data"][0]["level"] == "total"
    (released,) = await chain.ledger()
    assert (released["footprint"], released["level"]) == (made["footprint"], "total")
    assert "reason" not in released


async def test_publication_is_judged_for_those_who_see_it(chain: Chain) -> None:
    await chain.made_of(a="1.5")
    await chain.grant()  # there is nothing yet: nothing to judge
    would = await chain.publish(dryRun="true")
    assert would["gate"]["outcome"] == "stop"
    assert would["gate"]["leaks"]
    refusal = await chain.publish(422)
    assert "supplier" in refusal["message"]
    assert (await chain.cell.get("/footprints"))["data"] == []
    made = await chain.publish(body=SAID)
    (released,) = await chain.ledger()
    assert (released["footprint"], released["reason"]) == (made["footprint"], "they agreed")


async def test_what_is_known_of_a_peer_counts(chain: Chain) -> None:
    await chain.made_of(**THREE)
    await chain.publish()
    declared = {"components": [chain.bought["b"], chain.bought["c"]]}
    await chain.cell.post("/peers/pack/declaration", declared)
    refusal = await chain.grant(422)
    assert "depends on one supplier, a," in refusal["message"]
    shown = await chain.cell.get("/peers/pack/declaration")
    assert set(shown["components"]) == set(declared["components"])


async def test_companies_of_one_group_are_one_supplier(chain: Chain) -> None:
    await chain.made_of(**THREE)
    for name in ("a", "b"):
        await chain.cell.post(f"/peers/{name}/declaration", {"group": "Holding"})
    await chain.publish()
    await chain.grant(422)


async def test_two_versions_together_may_tell_more_than_each(chain: Chain) -> None:
    """First of three suppliers, then of four: the difference is the fourth."""
    await chain.made_of(**THREE)
    await chain.publish()
    await chain.grant()
    await chain.made_of(**THREE, d="1.7")
    refusal = await chain.publish(422)
    assert refusal["message"]
    assert len((await chain.cell.get("/footprints", status="Active"))["data"]) == 1


async def test_a_footprint_that_is_known_cannot_be_declared_if_it_was_not_received(
    chain: Chain,
) -> None:
    refusal = await chain.cell.post("/peers/pack/declaration", {"footprints": ["gone"]}, 404)
    assert "no received footprint gone" in refusal["message"]


async def test_what_has_no_confidential_inputs_passes(chain: Chain) -> None:
    bill = product(
        {**line("power", "Power", "5", "kWh"), "kind": "energy"} | {"source": {"factor": "EL-HU"}}
    )
    await load(chain.cell, bill)
    await chain.publish()
    assert (await chain.grant())["data"][0]["level"] == "total"
    assert [one["peer"] for one in await chain.ledger()] == ["pack"]


async def test_imported_footprints_are_not_judged(chain: Chain) -> None:
    await chain.cell.publish(make_document(7, productIds=[GTIN]))
    assert (await chain.grant(level="full"))["data"][0]["level"] == "full"


async def test_a_peer_with_a_declaration_can_be_removed(chain: Chain) -> None:
    await chain.made_of(**THREE)
    await chain.publish()
    await chain.grant()
    await chain.cell.post("/peers/pack/declaration", {"group": "Holding"})
    response = await chain.cell.http.delete("/peers/pack")
    assert response.status_code == 200, response.text
    assert [one["peer"] for one in await chain.ledger()] == ["pack (removed)"]


async def test_one_grant_of_several_is_judged_together(chain: Chain) -> None:
    """Of three suppliers and of four: the difference is the fourth, whichever way it is granted."""
    await chain.made_of(**THREE)
    await chain.made_of(**THREE, d="1.7")
    lines = [
        line(name, f"Part of {name}", "1", source={"footprint": chain.bought[name]})
        for name in THREE
    ]
    other = product(*lines, product_id="small")
    other["declaration"] = other["declaration"] | {"productIds": ["urn:gtin:4712345060514"]}
    await load(chain.cell, other, factors=())
    await chain.publish()
    await chain.cell.post("/products/publish", None, product="small")
    await chain.grant(422, productIds=[], everything=True)
    assert await chain.ledger() == []
    await chain.grant()
    await chain.grant(422, productIds=["urn:gtin:4712345060514"])


async def test_what_is_deprecated_is_judged_too(chain: Chain) -> None:
    """It is served like everything else."""
    await chain.made_of(**THREE)
    await chain.publish()
    await chain.made_of(**THREE, d="1.7")
    assert (await chain.publish())["outcome"] == "successor"
    await chain.grant(422)


async def test_a_group_that_is_declared_later_counts(chain: Chain) -> None:
    await chain.made_of(**THREE)
    await chain.publish()
    for name, group in (("a", "Holding"), ("b", "holding ")):
        await chain.cell.post(f"/peers/{name}/declaration", {"group": group})
    await chain.grant(422)


async def test_a_customer_knows_what_it_has_supplied_itself(chain: Chain) -> None:
    await chain.made_of(**THREE)
    await chain.publish()
    await chain.grant(422, peer="a")


async def test_the_same_figures_from_a_file_are_refused(chain: Chain) -> None:
    await chain.made_of(a="1.5")
    await chain.grant()
    await chain.publish(422)
    found = await chain.cell.post("/products/calculate", product="cell")
    document = found["document"]
    done = await chain.cell.upload("/footprints/import", document, name="way-round.json")
    assert done["refused"] == 1
    assert "calculated here" in done["problems"][0]["message"]
    refusal = await chain.cell.upload("/drafts", document, 409, name="way-round.json")
    assert "calculated here" in refusal["message"]
    made = await chain.publish(body=SAID)
    path = f"/footprints/{made['footprint']}/supersede"
    del document["id"]
    document["comment"] = "another"
    refusal = await chain.cell.upload(path, document, 409, name="way-round.json")
    assert "calculated here" in refusal["message"]


async def test_what_came_by_a_file_before_is_judged_when_it_is_calculated(chain: Chain) -> None:
    await chain.made_of(a="1.5")
    found = await chain.cell.post("/products/calculate", product="cell")
    await load(chain.cell, product())  # then nothing is known of suppliers
    done = await chain.cell.upload("/footprints/import", found["document"], name="early.json")
    assert done["published"] == 1, done
    await chain.made_of(a="1.5")
    assert (await chain.publish())["outcome"] == "unchanged"
    await chain.grant(422)


async def test_what_is_signed_anew_stays_judged(chain: Chain) -> None:
    await chain.made_of(**THREE)
    made = await chain.publish()
    await chain.grant()
    listed = (await chain.cell.get("/keys"))["data"]
    kid = next(one["kid"] for one in listed if one["purpose"] == "footprint")
    revoked = {
        "kids": [kid],
        "since": "2026-03-01T00:00:00Z",
        "reason": "stolen",
        "recoveryKey": recovery_text(RECOVERY_KEY),
    }
    await chain.cell.post("/keys/revoke", revoked)
    await chain.cell.post("/footprints/reissue", {"signedBy": kid})
    (shown,) = (await chain.cell.get("/products"))["data"]
    assert shown["footprint"] != made["footprint"]
    assert {one["footprint"] for one in await chain.ledger()} == {
        made["footprint"],
        shown["footprint"],
    }


async def test_what_is_declared_has_to_be_known(chain: Chain) -> None:
    body = {"quantities": ["typo"]}
    refusal = await chain.cell.post("/peers/pack/declaration", body, 404)
    assert "typo is no received footprint, no factor and no product" in refusal["message"]


async def test_what_a_peer_can_assume_counts(chain: Chain) -> None:
    """A database says nearly what two of three are: then the third follows."""
    await chain.made_of(a="1.5", b="1.4", c="1.6")
    await chain.publish()
    priors = [
        {"source": chain.bought["b"], "low": "1.39", "high": "1.41"},
        {"source": chain.bought["c"], "low": "1.59", "high": "1.61"},
    ]
    declared = await chain.cell.post("/peers/pack/declaration", {"priors": priors})
    assert sorted(one["low"] for one in declared["priors"]) == ["1.39", "1.59"]
    assert await chain.cell.get("/peers/pack/declaration") == declared
    refusal = await chain.grant(422)
    assert "from a" in refusal["message"] or " a" in refusal["message"]
    wide = [one | {"low": "0", "high": "100"} for one in priors]
    await chain.cell.post("/peers/pack/declaration", {"priors": wide})
    assert (await chain.grant())["data"][0]["level"] == "total"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"figure": "comment"}, "no figure that adds up"),
        ({"low": "2", "high": "1"}, "from 2 to 1"),
        ({"source": "nobody"}, "no received footprint"),
    ],
)
async def test_a_prior_that_says_nothing_is_refused(chain: Chain, change: Json, named: str) -> None:
    await chain.made_of(a="1.5")
    prior = {"source": chain.bought["a"], "low": "1", "high": "2"} | change
    status = 404 if "source" in change else 422
    refusal = await chain.cell.post("/peers/pack/declaration", {"priors": [prior]}, status)
    assert named in refusal["message"]
    twice = [{"source": chain.bought["a"], "low": "1"}] * 2
    refusal = await chain.cell.post("/peers/pack/declaration", {"priors": twice}, 422)
    assert "two priors" in refusal["message"]


async def publish_own(chain: Chain, status: int = 200) -> Json:
    """A product of our own emissions alone, which are in `cell` as well."""
    bill = product(POWER, product_id="own")
    bill["declaration"] = bill["declaration"] | {"productIds": ["urn:gtin:2010000009000"]}
    await load(chain.cell, bill)
    return await chain.publish(status, product="own")


POWER: Json = {**line("power", "Power", "50", "kWh"), "kind": "energy"} | {
    "source": {"factor": "EL-HU"}
}


async def test_what_is_our_own_is_known_once_it_was_shown(chain: Chain) -> None:
    """10 kg of our own, and then the same with the parts of three suppliers: the rest is theirs."""
    await chain.grant(productIds=[], everything=True)
    await publish_own(chain)
    assert [one["peer"] for one in await chain.ledger()] == ["pack"]
    await chain.made_of(POWER, a="6", b="0.3", c="0.3")
    assert (await chain.publish(dryRun="true"))["gate"]["outcome"] != "release"


async def test_what_is_our_own_is_not_shown_if_the_rest_would_be_known(chain: Chain) -> None:
    await chain.grant(productIds=[], everything=True)
    await chain.made_of(POWER, a="6", b="0.3", c="0.3")
    assert (await chain.publish(dryRun="true"))["gate"]["outcome"] == "release"
    await chain.publish()
    refusal = await publish_own(chain, 422)
    assert "of a (" in refusal["message"]
    assert "Neither fewer blocks nor fewer digits help" in refusal["hint"]


async def test_a_supplier_with_a_second_name_is_one(chain: Chain) -> None:
    await chain.made_of(a="1.5", b="1.4")
    removed = await chain.cell.http.delete("/peers/b")
    assert removed.status_code == 200, removed.text
    del chain.bought["b"]
    old = (await chain.cell.get("/received", peer="b (removed)"))["data"][0]["id"]
    supplier = chain.suppliers["b"]
    await supplier.http.delete("/peers/cell")
    await chain.market.befriend(chain.cell, supplier)
    again = make_document(9, productIds=["urn:pact:b.example:product-id:2"])
    del again["id"]
    (new,) = await supplier.publish(again)
    await supplier.post("/grants", {"peer": "cell", "everything": True, "level": "full"}, 201)
    await chain.cell.pull("b")
    lines = [
        line(str(number), f"Part {number}", "1", source={"footprint": one})
        for number, one in enumerate((chain.bought["a"], old, new))
    ]
    await load(chain.cell, product(*lines), factors=())
    await chain.publish()
    refusal = await chain.grant(422)
    assert "depends on 2 suppliers (b, a)" in refusal["message"]


async def test_whoever_is_declared_counts_before_anything_is_granted(chain: Chain) -> None:
    """With fewer digits a grant is possible later; without, it says that it will not be."""
    await chain.made_of(**THREE)
    declared = {"footprints": [chain.bought["b"], chain.bought["c"]]}
    await chain.cell.post("/peers/pack/declaration", declared)
    would = await chain.publish(dryRun="true")
    assert would["gate"]["outcome"] == "release"
    assert {one["peer"] for one in would["gate"]["reasons"]} == {"pack"}
    await chain.publish()
    assert (await chain.grant(422))["message"]


async def test_a_declaration_that_was_cleared_is_none(chain: Chain) -> None:
    """Whoever is declared stands for everybody; who is no more does not."""
    await chain.made_of(a="1.5")
    for said, names in (({"group": "G"}, set()), ({}, {"anybody"})):
        await chain.cell.post("/peers/a/declaration", said)
        would = await chain.publish(dryRun="true")
        assert {one["peer"] for one in would["gate"]["reasons"]} == names


async def test_what_a_supplier_sends_again_is_the_same(chain: Chain) -> None:
    """Two versions of ours differ in 0.1 kg of a part, whose footprint has another id by then."""
    await chain.grant()
    await chain.made_of(a="2.5", b="1.5", c="1.2")
    await chain.publish()
    first = chain.bought["a"]
    supplier = chain.suppliers["a"]
    again = (await supplier.get(f"/footprints/{first}"))["footprint"] | {"comment": "once more"}
    again = {n: v for n, v in again.items() if n not in ("id", "extensions", "created")}
    done = await supplier.upload(f"/footprints/{first}/supersede", again, name="again.json")
    await chain.cell.pull("a")
    amounts = {"a": "1.1", "b": "1", "c": "1"}
    chain.bought["a"] = done["published"]
    lines = [
        line(name, f"Part of {name}", amounts[name], source={"footprint": one})
        for name, one in chain.bought.items()
    ]
    await load(chain.cell, product(*lines), factors=())
    would = await chain.publish(dryRun="true")
    assert would["gate"]["outcome"] != "release"


# --- pages that leave on paper -----------------------------------------------------------------


async def test_a_page_is_judged_as_if_its_reader_were_granted_it(chain: Chain) -> None:
    await chain.made_of(a="1.5")
    made = await chain.publish()
    path = f"/footprints/{made['footprint']}/share"
    for query in ({}, {"peer": "pack"}):
        said = await chain.cell.get(path, level="total", **query)
        assert (said["gate"]["outcome"], bool(said["gate"]["leaks"])) == ("stop", True)
    for given in ({"reader": "a buyer at the fair"}, {"peer": "pack"}):
        refusal = await chain.cell.post(path, {"level": "total", **given}, 422)
        assert "supplier" in refusal["message"]
        assert "1.5" not in refusal["message"]
    assert await chain.ledger() == []
    assert await pages(chain) == []


async def test_a_page_at_a_level_that_is_not_safe_is_refused_with_the_one_that_is(
    chain: Chain,
) -> None:
    """Emissions of land use are those of the part of one supplier alone."""
    fossil, change, management = (
        "fossilGhgEmissions", "landUseChangeGhgEmissions", "landManagementFossilGhgEmissions"
    )  # fmt: skip
    parts = {
        "a": {fossil: "0.8", change: "0.7", management: "0"},
        "b": {fossil: "0.7", change: "0", management: "0.7"},
        "c": {fossil: "0.9", change: "0", management: "0.7"},
    }
    for name, part in parts.items():
        chain.bought[name], chain.suppliers[name] = await buy(
            chain.market, chain.cell, name, THREE[name], **part
        )
    await chain.made_of(**THREE)
    made = await chain.publish()
    path = f"/footprints/{made['footprint']}/share"
    said = await chain.cell.get(path, level="full", peer="pack")
    assert said["gate"]["outcome"] == "fewer blocks", said
    safe = said["gate"]["level"]
    refusal = await chain.cell.post(path, {"level": "full", "peer": "pack"}, 422)
    assert f"only {safe} is safe" in refusal["message"]
    await chain.cell.post(path, {"level": safe, "peer": "pack"})
    (released,) = await chain.ledger()
    assert (released["peer"], released["level"]) == ("pack", safe)


async def test_a_page_that_leaves_is_written_down_and_counts(chain: Chain) -> None:
    await chain.made_of(**THREE)
    made = await chain.publish()
    path = f"/footprints/{made['footprint']}/share"
    said = await chain.cell.get(path, level="total")
    assert (said["level"], said["gate"]["outcome"]) == ("total", "release")
    await chain.cell.post(path, {"level": "total", "reader": "a buyer at the fair"})
    told = {one["peer"] for one in await chain.ledger()}
    assert told == {one["name"] for one in (await chain.cell.get("/peers"))["data"]}
    (page,) = await pages(chain)
    assert page["detail"] == {"reader": "a buyer at the fair", "gate": "release"}
    assert (page["level"], page["footprints"]["ids"]) == ("total", [made["footprint"]])


async def test_an_operator_may_answer_for_a_page(chain: Chain) -> None:
    await chain.made_of(a="1.5")
    made = await chain.publish()
    path = f"/footprints/{made['footprint']}/share"
    given = {"level": "total", "peer": "pack"}
    await chain.cell.post(path, given | {"acknowledge": "they agreed"}, 422)
    await chain.cell.post(path, given | SAID)
    (released,) = await chain.ledger()
    assert (released["peer"], released["consent"]) == ("pack", SAID["consent"])
    (page,) = await pages(chain)
    assert page["peer"]["name"] == "pack"
    assert page["detail"]["reason"] == SAID["acknowledge"]


async def test_a_page_of_what_was_not_calculated_is_only_written_down(chain: Chain) -> None:
    (footprint,) = await chain.cell.publish(make_document(1))
    path = f"/footprints/{footprint}/share"
    assert "gate" not in await chain.cell.get(path, level="full")
    await chain.cell.post(path, {"level": "full", "reader": "x"})
    assert await chain.ledger() == []
    assert [one["level"] for one in await pages(chain)] == ["full"]


async def test_a_page_for_nobody_or_of_nothing_is_refused(chain: Chain) -> None:
    (footprint,) = await chain.cell.publish(make_document(1))
    path = f"/footprints/{footprint}/share"
    refusal = await chain.cell.post(path, {"level": "full", "reader": " "}, 409)
    assert "who gets the page" in refusal["message"]
    await chain.cell.post(path, {"level": "full", "reader": "x" * 301}, 422)
    await chain.cell.post(path, {"level": "full", "peer": "nobody"}, 404)
    unknown = "/footprints/00000000-0000-4000-8000-000000000000/share"
    await chain.cell.post(unknown, {"level": "full", "reader": "x"}, 404)
    assert await pages(chain) == []


async def pages(chain: Chain) -> list[Json]:
    """What the audit log knows of pages, when it has everything."""
    await chain.cell.post("/audit/verify")
    found: list[Json] = (await chain.cell.get("/audit", act="footprint-shared"))["data"]
    return found
