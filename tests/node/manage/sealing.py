"""What the tests of seals do: a chain of companies, endorsements, and a product that is sealed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.node.exchange.endorsing import sign
from tests.node.manage.conftest import Company, Market, make_document
from tests.node.manage.test_products import GIVEN_POWER, Json, line, load, product

from underseal_node.sealing.generators import FILE_NAME
from underseal_protocol.seal.generators import encoded_vectors

GTIN = "urn:gtin:4712345060507"
FIGURES = ("pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake", "fossilGhgEmissions")


@dataclass
class Sealing:
    """A cell maker with suppliers that endorse.

    Attributes:
        cell: seals.
        name: of it, at its suppliers.
        suppliers: by name.
        market: where all of them are.
    """

    cell: Company
    name: str
    suppliers: dict[str, Company]
    market: Market

    async def draft(self) -> Json:
        """Of the product `cell`."""
        made: Json = await self.cell.post("/products/draft", None, product="cell")
        return made

    async def prepare(self, **given: Any) -> Json:
        """Ask suppliers; those with the policy `auto` have signed when this is back."""
        asked = {"name": "cell"} | given
        await self.cell.post("/seals/prepare", asked)
        for one in self.suppliers.values():
            await sign(one)
        found: Json = await self.cell.post("/seals/prepare", asked)
        return found

    async def seal(self, status: str = "done", **given: Any) -> Json:
        """Seal with what is there."""
        job = await self.cell.post("/seals", {"name": "cell"} | given, 202)
        await self.cell.app.state.context.seals.finished(job["id"])
        done: Json = await self.cell.get(f"/seals/jobs/{job['id']}")
        assert done["state"] == status, done
        return done

    async def publish(self, drafted: Json) -> str:
        """What is in a draft, whatever the release gate advises; the id of the footprint."""
        said = {"acknowledge": "a test", "consent": "of the only supplier"}
        given = {"draft": json.dumps(drafted["draft"])} | said
        done = await self.cell.post("/drafts/publish", given)
        return str(done["id"])

    async def sealed(self, **given: Any) -> str:
        """Drafted, endorsed, sealed and published; the id of the footprint."""
        drafted = await self.draft()
        await self.prepare(**given)
        await self.seal(**given)
        return await self.publish(drafted)


async def open_sealing(
    market: Market,
    suppliers: Sequence[str] = ("cathode",),
    *,
    figures: Sequence[str] = ("1.50",),
    amounts: Sequence[str] = ("2",),
    mass: str = "1.9",
    name: str = "cell",
    **policy: Any,
) -> Sealing:
    """A cell maker whose product has a line for each supplier, and electricity by a factor.

    Args:
        market: where they are.
        suppliers: names of the suppliers.
        figures: kg CO2e of a kilogram of each.
        amounts: kilograms of each.
        mass: of the product.
        name: of the cell maker.
        policy: settings of the suppliers; they endorse at once, with their names, by default.
    """
    cell = await market.open(name)
    # As if it had sealed before.
    (cell.node.home.run / FILE_NAME).write_bytes(encoded_vectors())
    settings: dict[str, Any] = {"endorse": "auto", "endorse_named": True} | policy
    companies, lines = {}, []
    for number, supplier in enumerate(suppliers):
        one = await market.open(supplier, **settings)
        await market.befriend(cell, one)
        document = make_document(
            number + 1, productIds=[f"urn:pact:{supplier}.example:product-id:{number + 1}"]
        )
        document["pcf"] |= dict.fromkeys(FIGURES, figures[number])
        (footprint,) = await one.publish(document)
        await one.post("/grants", {"peer": name, "everything": True, "level": "full"}, 201)
        await cell.pull(supplier)
        companies[supplier] = one
        source = {"footprint": footprint}
        lines.append(line(supplier, f"From {supplier}", amounts[number], source=source))
    await load(cell, product(*lines, GIVEN_POWER, massKg=mass))
    return Sealing(cell, name, companies, market)
