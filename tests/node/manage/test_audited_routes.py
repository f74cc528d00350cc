"""Every route of the management API that changes something writes an entry into the audit log."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.committed import publish_committed
from tests.node.exchange.endorsing import ask
from tests.node.manage.conftest import RECOVERY_KEY, Company, Document, Market, Stage
from tests.node.manage.rosters import EPOCH, NAME
from tests.node.manage.sealing import Sealing, open_sealing
from tests.node.manage.test_products import GRID, POWER, product

from underseal_node.manage.app import ROUTERS
from underseal_node.store.audit import Act
from underseal_protocol.disclosure import Level
from underseal_protocol.keys import KeyPurpose, SigningKey
from underseal_protocol.recovery import recovery_text

Documents = Callable[..., Document]

ACTS = {
    "POST /backup": Act.BACKUP_MADE,
    "POST /keys/rotate": Act.KEYS_ROTATED,
    "POST /keys/revoke": Act.KEYS_REVOKED,
    "POST /keys/recovery": Act.RECOVERY_KEY_CHANGED,
    "POST /node/move": Act.NODE_MOVED,
    "POST /footprints/import": Act.FOOTPRINTS_PUBLISHED,
    "POST /footprints/reissue": Act.FOOTPRINTS_REISSUED,
    "POST /footprints/{id}/deprecate": Act.FOOTPRINT_DEPRECATED,
    "POST /footprints/{id}/supersede": Act.FOOTPRINT_SUPERSEDED,
    "POST /drafts": Act.DRAFT_MADE,
    "POST /drafts/publish": Act.DRAFT_PUBLISHED,
    "POST /attestations": Act.ATTESTATION_MADE,
    "POST /attestations/attach": Act.ATTESTATION_ATTACHED,
    "POST /footprints/{id}/opening": Act.LINES_OPENED,
    "POST /endorsements/{id}/answer": Act.ENDORSEMENT_GIVEN,
    "POST /seals/prepare": Act.ENDORSEMENT_RECEIVED,
    "POST /seals": Act.FOOTPRINT_SEALED,
    "POST /rosters": Act.ROSTER_CREATED,
    "POST /rosters/admit": Act.ROSTER_ADMITTED,
    "POST /rosters/remove": Act.ROSTER_REMOVED,
    "POST /rosters/apply": Act.ROSTER_APPLIED,
    "POST /rosters/join": Act.ROSTER_JOINED,
    "POST /rosters/trust": Act.ROSTER_TRUSTED,
    "POST /rosters/distrust": Act.ROSTER_DISTRUSTED,
    "POST /received/{id}/sealed-sum": Act.SEALED_SUM_RECEIVED,
    "POST /footprints/{id}/share": Act.FOOTPRINT_SHARED,
    "POST /received/{id}/attestations": Act.ATTESTATIONS_RECEIVED,
    "POST /energy/import": Act.ENERGY_IMPORTED,
    "POST /spend/import": Act.SPEND_IMPORTED,
    "DELETE /spend": Act.SPEND_REMOVED,
    "POST /peers": Act.PEER_ADDED,
    "PATCH /peers/{name}": Act.PEER_CHANGED,
    "POST /peers/{name}/credentials": Act.CREDENTIALS_ISSUED,
    "DELETE /peers/{name}": Act.PEER_REMOVED,
    "POST /invitations": Act.INVITATION_MADE,
    "POST /invitations/accept": Act.INVITATION_ACCEPTED,
    "POST /invitations/complete": Act.REGISTRATION_RECEIVED,
    "POST /peers/{name}/approve": Act.PARTNERSHIP_APPROVED,
    "POST /peers/{name}/reject": Act.PARTNERSHIP_REJECTED,
    "POST /peers/{name}/suspend": Act.PARTNERSHIP_SUSPENDED,
    "POST /peers/{name}/resume": Act.PARTNERSHIP_RESUMED,
    "POST /peers/{name}/revoke": Act.PARTNERSHIP_REVOKED,
    "POST /peers/{name}/confirm": Act.PEER_CONFIRMED,
    "POST /peers/{name}/rotate": Act.CREDENTIALS_ROTATED,
    "POST /peers/{name}/ask": Act.PARTNERSHIP_ACTIVATED,
    "POST /grants": Act.GRANT_ADDED,
    "POST /grants/replace": Act.GRANT_ADDED,
    "DELETE /grants/{id}": Act.GRANT_REMOVED,
    "POST /products/import": Act.PRODUCTS_IMPORTED,
    "POST /factors/import": Act.PRODUCTS_IMPORTED,
    "POST /matches": Act.LINES_MATCHED,
    "POST /products/draft": Act.DRAFT_MADE,
    "POST /products/publish": Act.FOOTPRINTS_PUBLISHED,
    "POST /products/refresh": Act.FOOTPRINT_SUPERSEDED,
    "POST /peers/{name}/declaration": Act.PEER_DECLARED,
    "POST /pulls": Act.FOOTPRINTS_PULLED,
    "POST /requests": Act.REQUEST_SENT,
    "POST /requests/{id}/fulfil": Act.REQUEST_ANSWERED,
    "POST /requests/{id}/reject": Act.REQUEST_ANSWERED,
    "POST /outbox/{id}/retry": Act.DELIVERY_RETRIED,
}
ENERGY = {
    name: {"name": name, "content": base64.b64encode(text.encode()).decode()}
    for name, text in {
        "file": "from,to,meter,kWh\n2025-01-01,2025-02-01,M1,5\n",
        "mapping": """
            timezone = "UTC"
            rule.by = "mass"
            meters.M1 = { carrier = "electricity", unit = "kWh" }
            readings.columns = { start = "from", end = "to", meter = "meter", value = "kWh" }
        """,
    }.items()
}
WITHOUT = {
    "POST /grants/effects": "it changes nothing: what it tries is taken back",
    "POST /products/calculate": "it changes nothing",
    "POST /products/what-if": "it changes nothing",
    "POST /receipts/check": "it only reads",
    "POST /audit/verify": "it only reads; what was recorded before it gets into the log",
}


@dataclass
class Deeds:
    """Calls routes, and looks for the entry of each."""

    done: set[str] = field(default_factory=set)

    async def __call__(
        self,
        company: Company,
        route: str,
        given: Any = None,
        *,
        file: Any = None,
        content: bytes | None = None,
        query: Document | None = None,
        **names: Any,
    ) -> Any:
        """Call a route.

        Args:
            given: the body.
            file: instead of it, a file of JSON that is uploaded.
            content: instead of it, a file that is uploaded as it is.
            query: of its address.
            names: what its path has to be filled with.
        """
        before = len(await entries(company))
        method, path = route.split(" ")
        body: Document = {"json": given}
        if file is not None or content is not None:
            body = {"content": json.dumps(file).encode() if content is None else content}
        where = path.format(**names)
        answer = await company.http.request(method, where, params=query or {}, **body)
        assert answer.status_code < 300, (route, answer.text)
        is_json = answer.headers.get("content-type") == "application/json"
        made: Any = answer.json() if is_json else None
        if route == "POST /seals":
            await company.app.state.context.seals.finished(made["id"])
        if route == "POST /pulls":
            await company.app.state.context.pulls.finished(made["id"])
        acts = [one["act"] for one in await entries(company)][before:]
        assert ACTS[route] in acts, (route, acts)
        self.done.add(route)
        return made


async def entries(company: Company) -> list[Document]:
    """The whole log, oldest first."""
    await company.post("/audit/verify")
    found: list[Document] = (await company.get("/audit", limit=1000))["data"]
    return found[::-1]


def test_no_route_is_forgotten() -> None:
    routes = {
        f"{method} {route.path}"  # type: ignore[attr-defined]
        for router in ROUTERS
        for route in router.routes
        for method in route.methods - {"GET", "HEAD"}  # type: ignore[attr-defined]
    }
    for name in ("footprint_id", "grant_id", "request_id", "outbox_id", "question_id"):
        routes = {route.replace(f"{{{name}}}", "{id}") for route in routes}
    assert routes == ACTS.keys() | WITHOUT.keys()
    assert not ACTS.keys() & WITHOUT.keys()


async def test_each_writes_an_entry(market: Market, stage: Stage, document: Documents) -> None:
    do = Deeds()
    await partners(do, await market.open("pack"), await market.open("foil"), market)
    await peers(do, await market.open("cell"), stage.supplier, market, document)
    await attesting(do, stage, document)
    await sealing(do, await open_sealing(market, ("anode",), name="packer"))
    await rosters(do, await market.open("association"), await market.open("can"), market)
    await own(do, await market.open("alone"), document)
    await calculating(do, stage.supplier)
    assert do.done == ACTS.keys()


async def calculating(do: Deeds, company: Company) -> None:
    """Products of one node."""
    bill = product(POWER)
    await do(company, "POST /products/import", file={"products": [bill]})
    await do(company, "POST /factors/import", file={"factors": [GRID]})
    decision = {"product": "cell", "line": "power", "source": {"factor": "EL-HU"}}
    await do(company, "POST /matches", {"decisions": [decision]})
    await do(company, "POST /products/draft", {}, query={"product": "cell"})
    await do(company, "POST /products/publish", {}, query={"product": "cell"})
    changed = GRID | {"values": {"fossilGhgEmissions": "0.21"}}
    await company.upload("/factors/import", {"factors": [changed]}, name="f.json")
    await do(company, "POST /products/refresh", {"belowPercent": "50"})
    given = {"group": "Group"}
    name = (await company.get("/peers"))["data"][0]["name"]
    await do(company, "POST /peers/{name}/declaration", given, name=name)


async def sealing(do: Deeds, chain: Sealing) -> None:
    """A company and its supplier."""
    await chain.draft()
    await chain.prepare()
    (supplier,) = chain.suppliers
    await chain.suppliers[supplier].patch(f"/peers/{chain.name}", {"endorse": "never"})
    wanted = {"name": "cell", "property": "fossilGhgEmissions"}
    await do(chain.cell, "POST /seals/prepare", wanted)
    drafted = await chain.draft()
    await do(chain.cell, "POST /seals", {"name": "cell"})
    reader, footprint_id = await chain.market.open("reader"), await chain.publish(drafted)
    await chain.market.befriend(reader, chain.cell)
    for level in ("total", "sealed"):
        given = {"peer": "reader", "footprintIds": [footprint_id], "level": level}
        said = {"acknowledge": "a test", "consent": "of the only supplier"}
        await chain.cell.post("/grants", given | said, 201)
    await reader.pull(chain.name)
    await do(reader, "POST /received/{id}/sealed-sum", id=footprint_id)


async def rosters(do: Deeds, issuer: Company, member: Company, market: Market) -> None:
    """A roster, and a member of it."""
    await market.befriend(issuer, member)
    epoch = await do(issuer, "POST /rosters", {"name": NAME} | EPOCH)
    shown = {"roster": epoch["statement"]}
    applied = await do(member, "POST /rosters/apply", shown | {"entity": "Can"})
    asked = {"application": applied["application"]}
    admitted = await do(issuer, "POST /rosters/admit", asked)
    await do(member, "POST /rosters/join", {"admission": admitted["admission"]})
    await do(member, "POST /rosters/trust", shown)
    await do(member, "POST /rosters/distrust", {"name": NAME})
    await do(issuer, "POST /rosters/remove", {"name": NAME, "member": "Can"})


async def own(do: Deeds, company: Company, document: Documents) -> None:
    """Footprints, keys and the address of one node."""
    made = await do(company, "POST /footprints/import", file=[document(1)])
    first = made["footprints"][0]["id"]
    changed = await do(company, "POST /footprints/{id}/supersede", file=document(2), id=first)
    await do(company, "POST /footprints/{id}/deprecate", id=changed["published"])
    leaves = [{"kind": "line", "id": "one", "quantity": "0.05"}]
    calculated = await publish_committed(company.node, document(4), leaves)
    given = {"everything": True, "verifier": "Auditor"}
    await do(company, "POST /footprints/{id}/opening", given, id=calculated)
    shared = {"level": "quality", "reader": "a buyer at the fair"}
    await do(company, "POST /footprints/{id}/share", shared, id=calculated)
    draft = await do(company, "POST /drafts", file=document(3))
    await do(company, "POST /drafts/publish", {"draft": json.dumps(draft["draft"])})
    await do(company, "POST /energy/import", ENERGY)
    await spending(do, company)
    listed = (await company.get("/keys"))["data"]
    kid = next(one["kid"] for one in listed if one["purpose"] == "footprint")
    recovery = {"recoveryKey": recovery_text(RECOVERY_KEY)}
    since = {"since": "2026-03-01T00:00:00Z", "reason": "the laptop was stolen"}
    await do(company, "POST /keys/revoke", {"kids": [kid], **since, **recovery})
    assert (await entries(company))[-1]["detail"]["reason"] == since["reason"]
    await do(company, "POST /footprints/reissue", {"signedBy": kid})
    await do(company, "POST /keys/rotate", {})
    new = SigningKey.generate(KeyPurpose.RECOVERY).public_jwk()
    await do(company, "POST /keys/recovery", {"jwk": new, **recovery})
    await do(company, "POST /node/move", {"url": "https://moved.example"})
    await do(company, "POST /backup", {})


async def a_question(customer: Company, supplier: Company, footprint_id: str) -> int:
    """The number of a question for an endorsement that waits at the supplier."""
    await ask(customer, "cathode", footprint_id)
    (question,) = (await supplier.get("/endorsements", state="open"))["data"]
    return int(question["id"])


async def spending(do: Deeds, company: Company) -> None:
    """What is spent in a year, and forgotten."""
    rows = "Supplier,Spend,Currency,Period start,Period end\na,1,EUR,2025-01-01,2026-01-01\n"
    await do(company, "POST /spend/import", content=rows.encode())
    year = {"from": "2025-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}
    await do(company, "DELETE /spend", query=year)


async def peers(
    do: Deeds, customer: Company, supplier: Company, market: Market, document: Documents
) -> None:
    """Peers with secrets, and what is exchanged with them."""
    await do(customer, "POST /peers", {"name": "other"})
    await do(customer, "PATCH /peers/{name}", {"acceptUnsigned": False}, name="other")
    await do(customer, "POST /peers/{name}/credentials", name="other")
    await do(customer, "DELETE /peers/{name}", name="other")
    await market.befriend(customer, supplier)
    (footprint_id,) = await supplier.publish(document(9))
    grant = {"peer": "cell", "everything": True}
    first = await do(supplier, "POST /grants", grant)
    change = {"replaced": [first["data"][0]["id"]], "grant": grant | {"purpose": "a tender"}}
    granted = await do(supplier, "POST /grants/replace", change)
    await do(customer, "POST /pulls", {"peers": ["cathode"]})
    asked = await a_question(customer, supplier, footprint_id)
    await do(supplier, "POST /endorsements/{id}/answer", {"allow": True}, id=asked)
    criteria = {"criteria": {"productId": ["urn:gtin:4712345060507"]}}
    for answer, given in (
        ("fulfil", {"footprintIds": [footprint_id]}),
        ("reject", {"reason": "no"}),
    ):
        await do(customer, "POST /requests", {"peer": "cathode", **criteria, "comment": answer})
        for one in (customer, supplier):
            await one.work()
        (waiting,) = (await supplier.get("/requests", state="pending"))["data"]
        await do(supplier, f"POST /requests/{{id}}/{answer}", given, id=waiting["id"])
        for one in (supplier, customer):
            await one.work()
    await do(supplier, "DELETE /grants/{id}", id=granted["data"][0]["id"])
    host = market.internet.hosts.pop("cathode.example")
    await do(customer, "POST /requests", {"peer": "cathode", **criteria})
    customer.advance(hours=73)
    await customer.work()
    (event,) = (await customer.get("/outbox", state="dead"))["data"]
    market.internet.hosts["cathode.example"] = host
    await do(customer, "POST /outbox/{id}/retry", id=event["id"])


async def partners(do: Deeds, pack: Company, foil: Company, market: Market) -> None:
    """A partnership from the invitation to its end."""
    # Carried by hand, and rejected.
    by_hand = await do(pack, "POST /invitations", {"name": "By hand"})
    given = {"document": by_hand["document"], "asFile": True}
    reply = (await do(foil, "POST /invitations/accept", given))["reply"]
    wrong = await pack.http.post("/invitations/complete", json={"document": reply | {"proof": "x"}})
    assert wrong.status_code == 422
    refused = (await entries(pack))[-1]
    assert (refused["act"], refused["outcome"]) == ("registration-received", "refused")
    await do(pack, "POST /invitations/complete", {"document": reply})
    await do(pack, "POST /peers/{name}/reject", {"reason": "not you"}, name="By hand")
    for one, name in ((pack, "By hand"), (foil, "Pack")):
        await one.http.delete(f"/peers/{name}")
    # By calls; the approval is not heard, so it has to be asked for.
    invited = await pack.post("/invitations", {"name": "Foil"}, 201)
    await foil.post("/invitations/accept", {"document": invited["document"]})
    host = market.internet.hosts.pop("foil.example")
    words = (await foil.get("/node"))["fingerprint"]["words"]
    await do(pack, "POST /peers/{name}/confirm", {"words": words}, name="Foil")
    await do(pack, "POST /peers/{name}/approve", name="Foil")
    market.internet.hosts["foil.example"] = host
    await do(foil, "POST /peers/{name}/ask", name="Pack")
    await do(pack, "POST /peers/{name}/rotate", name="Foil")
    assert "client-id-told" in {one["act"] for one in await entries(pack)}
    await do(pack, "POST /peers/{name}/suspend", {"reason": "a pause"}, name="Foil")
    await do(pack, "POST /peers/{name}/resume", name="Foil")
    await do(pack, "POST /peers/{name}/revoke", {"reason": "the end"}, name="Foil")


async def attesting(do: Deeds, stage: Stage, document: Documents) -> None:
    """What a verifier and an owner do."""
    shown = await stage.received_at(Level.FULL, document(7))
    given = {
        "level": "limited",
        "coverage": "product level",
        "standardName": "ISO 14067:2018",
        "completedAt": "2026-02-27T00:00:00Z",
        "statement": {"text": "nothing has come to our attention"},
        "document": json.dumps(shown),
    }
    made = await do(stage.verifier, "POST /attestations", given)
    token = {"attestation": made["attestation"]}
    await do(stage.supplier, "POST /attestations/attach", token)
    await do(stage.verifier, "POST /received/{id}/attestations", id=shown["id"])
