"""Every command that prints data does so as one JSON document of the documented schema."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import COMPANY_IDS, ROOT, WIERZBOLIT, Done, Market, Run
from tests.committed import publish_committed
from tests.forking import QuickWorkbench
from tests.postgresql import HAS_POSTGRESQL, a_database, a_server

from underseal_node.exchange.endorsement_calls import ask_for_endorsement
from underseal_node.exchange.exchange import Exchange
from underseal_node.home import Home
from underseal_node.node import open_node
from underseal_node.settings import load_settings
from underseal_node.store import peers
from underseal_protocol.seal.endorsement_exchange import EndorsementRequest
from underseal_protocol.seal.numbers import SealedProperty

pytestmark = pytest.mark.xdist_group("cli")

SPRINGS = ROOT / "docs" / "tutorial" / "springs.csv"
PATIENCE_SECONDS = 30.0
PASSPHRASE = "correct horse battery staple"


class Checked:
    """Runs commands with `--json`, and holds what they print against their schemas.

    Attributes:
        seen: commands that were run.
    """

    def __init__(
        self, run: Run, schema_of: dict[str, str], fulfils: Callable[[Any, str], None]
    ) -> None:
        self.run = run
        self._schema_of = schema_of
        self._fulfils = fulfils
        self.seen: set[str] = set()

    def __call__(
        self, command: str, *arguments: str | Path, home: Path, status: int = 0, stdin: str = ""
    ) -> Any:
        done: Done = self.run(*command.split(), *arguments, "--json", home=home, stdin=stdin)
        assert done.status == status, (command, done)
        self._fulfils(done.json, self._schema_of[command])
        self.seen.add(command)
        return done.json


@pytest.fixture
def checked(run: Run, docs: Callable[[str], Any], fulfils: Callable[[Any, str], None]) -> Checked:
    return Checked(run, docs("cli_reference").JSON_OF, fulfils)


def variant(tmp_path: Path, name: str, **pcf: str) -> Path:
    """A footprint of another product, without an id."""
    document = json.loads((WIERZBOLIT / "nmc811.json").read_text("utf-8"))
    del document["id"]
    document["productIds"] = [f"urn:pact:wierzbolit.example:product-id:{name}"]
    document["productNameCompany"] = name
    document["pcf"] |= pcf
    file = tmp_path / f"{name}.json"
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


@pytest.mark.timeout(300)  # every command, two of them with nodes of their own
def test_every_command(
    checked: Checked,
    docs: Callable[[str], Any],
    market: Market,
    tmp_path: Path,
    is_postgresql: bool,
) -> None:
    identity = ("--company", "Werk", "--company-id", COMPANY_IDS["seller"])
    checked("init", *identity, "--url", "https://werk.example", home=tmp_path / "home")
    footprints(checked, market, tmp_path)
    energy(checked, market)
    spend(checked, market, tmp_path)
    peers_and_grants(checked, market)
    partners(checked, market, tmp_path)
    receiving(checked, market, tmp_path)
    attesting(checked, market, tmp_path)
    asking(checked, market)
    listing(checked, market, tmp_path)
    building(checked, market, tmp_path)
    keys(checked, tmp_path)
    auditing(checked, market, tmp_path)
    restored = keeping(checked, market, tmp_path)
    expected = set(docs("cli_reference").JSON_OF)
    if HAS_POSTGRESQL and not is_postgresql:  # what is moved is its file
        moving(checked, restored)
    else:
        expected.remove("migrate-store")
    assert checked.seen == expected


def footprints(checked: Checked, market: Market, tmp_path: Path) -> None:
    home = market.seller.home
    assert checked("footprint template", tmp_path / "sheet.xlsx", home=home)["bytes"] > 1000
    one, two = (variant(tmp_path, name) for name in ("json-one", "json-two"))
    dry = checked("footprint import", one, two, "--dry-run", home=home)
    assert (dry["dryRun"], dry["published"]) == (True, 2)
    done = checked("footprint import", one, two, home=home)
    assert (done["dryRun"], done["published"], done["notified"]) == (False, 2, ["buyer"])
    again = checked("footprint import", one, home=home)
    assert (again["published"], again["unchanged"]) == (0, 1)
    broken = tmp_path / "broken.json"
    broken.write_text('{"pcf": {}}', encoding="utf-8")
    refused = checked("footprint import", broken, home=home, status=1)
    assert refused["refused"] == 1
    assert len(refused["problems"]) > 1
    first, second = (item["id"] for item in done["footprints"])
    listed = checked("footprint list", "--limit", "100", home=home)
    assert {first, second} <= {item["id"] for item in listed["data"]}
    shown = checked("footprint show", first, "--as", "buyer", home=home)
    assert (shown["seenAs"], shown["level"]) == ("buyer", "quality")
    assert "boundaryProcessesDescription" not in shown["footprint"]["pcf"]
    checked("footprint check", one, home=home, status=1)  # it has no id
    checked("footprint check", SPRINGS, home=home)  # the node reads it
    assert checked("footprint deprecate", first, home=home)["deprecated"] == first
    corrected = variant(tmp_path, "json-two", pcfExcludingBiogenicUptake="23.9")
    changed = checked("footprint supersede", second, corrected, home=home)
    assert changed["deprecated"] == second
    assert changed["published"] not in (None, second)


def energy(checked: Checked, market: Market) -> None:
    home, folder = market.seller.home, ROOT / "examples" / "battery" / "energy"
    export = (folder / "meters.csv", "--mapping", folder / "mapping.toml")
    dry = checked("energy import", *export, "--dry-run", home=home)
    assert (dry["dryRun"], dry["readings"]["new"]) == (True, 49)
    assert checked("energy import", *export, home=home)["digest"] == dry["digest"]
    period = ("--from", "2024-12-31T23:00:00Z", "--until", "2025-12-31T23:00:00Z")
    shown = checked("energy show", *period, home=home)
    assert shown["unallocated"][0]["amount"] == "90000"
    checked("energy import", folder / "orders.csv", *export[1:], home=home, status=1)


def spend(checked: Checked, market: Market, tmp_path: Path) -> None:
    home, file = market.seller.home, tmp_path / "spend.csv"
    assert checked("spend template", tmp_path / "spend.xlsx", home=home)["bytes"] > 1000
    file.write_text(
        "Supplier,Spend,Currency,Period start,Period end\nA,5,EUR,2025-01-01,2026-01-01\n"
    )
    assert checked("spend import", file, home=home)["spend"][0]["outcome"] == "new"
    assert checked("spend list", home=home)["data"][0]["total"] == "5"
    assert checked("spend remove", "2025-01-01", "2026-01-01", home=home)["removed"] == 1


def peers_and_grants(checked: Checked, market: Market) -> None:
    home = market.seller.home
    added = checked("peer add", "json-peer", home=home)
    assert added["client_secret"]
    renewed = checked("peer credentials", "json-peer", "--renew", home=home)
    assert renewed["client_secret"] != added["client_secret"]
    changed = checked("peer set", "json-peer", "--no-accept-unsigned", home=home)
    assert changed["acceptUnsigned"] is False
    assert checked("peer show", "json-peer", home=home)["name"] == "json-peer"
    assert len(checked("peer list", home=home)["data"]) >= 2
    ids = ("urn:gtin:2020000001010", "urn:gtin:4712345060507")
    made = checked(
        "grant add", "json-peer", "--product-id", ids[0], "--product-id", ids[1], home=home
    )
    assert [one["value"] for one in made["data"]] == list(ids)
    assert len(checked("grant list", "json-peer", home=home)["data"]) == 2
    seen = checked("grant preview", "buyer", "--at", "2026-12-31", "--limit", "2", home=home)
    assert (seen["peer"], seen["at"], len(seen["data"])) == ("buyer", "2026-12-31T00:00:00Z", 2)
    assert seen["total"] == seen["levels"]["quality"] > 2
    grant_id = made["data"][0]["id"]
    assert checked("grant remove", str(grant_id), home=home) == {"removed": grant_id}
    assert checked("peer remove", "json-peer", home=home)["name"] == "json-peer"


def partners(checked: Checked, market: Market, tmp_path: Path) -> None:
    guest = market.bench.node("guest")
    guest.init("Guest", ["urn:uuid:3f6c1b7e-5d2a-4c7b-9b1e-0a4d2f6e8c90"])
    guest.start()
    try:
        _partners(checked, market.seller.home, guest.home, tmp_path)
    finally:
        guest.stop()
        del market.bench.nodes["guest"]


def _partners(checked: Checked, home: Path, guest: Path, tmp_path: Path) -> None:
    file, reply = tmp_path / "invitation.json", tmp_path / "reply.json"
    invited = checked("peer invite", "json-guest", "--out", file, home=home)
    assert json.loads(file.read_text("utf-8")) == invited["document"]
    accepted = checked("peer accept", invited["link"], "--name", "host", home=guest)
    assert accepted["peer"]["state"] == "pending"
    assert checked("peer approve", "json-guest", home=home)["state"] == "active"
    assert checked("peer confirm", "json-guest", home=home)["assurance"] == "confirmed"
    assert checked("peer rotate", "json-guest", home=home)["clientId"]
    suspended = checked("peer suspend", "json-guest", "--reason", "audit", home=home)
    assert suspended["stateReason"] == "audit"
    assert checked("peer resume", "json-guest", home=home)["state"] == "active"
    revoked = checked("peer revoke", "json-guest", "--reason", "over", home=home)
    assert revoked["state"] == "revoked"
    checked("peer remove", "json-guest", home=home)
    checked("peer remove", "host", home=guest)
    table = tmp_path / "suppliers.csv"
    table.write_bytes("Name;Level\njson-guest;Total\nSüd/Werk;total\n".encode("cp1252"))
    into = ("--from", table, "--out", tmp_path / "many")
    many = checked("peer invite", *into, home=home, status=1)  # a name with a slash
    assert [one["result"] for one in many["data"]] == ["invited", "failed"]
    file = tmp_path / "many" / "json-guest.json"
    carried = checked("peer accept", file, "--name", "host", "--reply-out", reply, home=guest)
    assert json.loads(reply.read_text("utf-8")) == carried["reply"]
    assert checked("peer complete", reply, home=home)["awaits"] == "us"
    rejected = checked("peer reject", "json-guest", "--reason", "no", home=home)
    assert rejected["state"] == "revoked"
    checked("peer remove", "json-guest", home=home)


def receiving(checked: Checked, market: Market, tmp_path: Path) -> None:
    home = market.buyer.home
    pulled = checked("pull", "seller", home=home)
    assert pulled["state"] == "done"
    listed = checked("received list", "--peer", "seller", home=home)
    assert {one["verification"] for one in listed["data"]} == {"verified"}
    shown = checked("received show", market.ids[0], home=home)
    assert shown["isUsable"] is True
    file = tmp_path / "received.json"
    file.write_text(json.dumps(shown), encoding="utf-8")
    assert checked("verify", file, "--peer", "seller", home=home)["verified"] is True
    figure = f'"{shown["pcfExcludingBiogenicUptake"]}"'
    file.write_text(json.dumps(shown).replace(figure, '"0.1"'), encoding="utf-8")
    told = checked("verify", file, "--peer", "seller", home=home, status=1)
    assert "the core is not what was signed" in told["message"]
    checked("alert list", home=home)


def attesting(checked: Checked, market: Market, tmp_path: Path) -> None:
    """The buyer is the verifier."""
    seller, buyer = market.seller.home, market.buyer.home
    market.seller.run("pull", "buyer")  # so that its keys are pinned
    draft, said = tmp_path / "draft.json", tmp_path / "said.json"
    options = {"level": "limited", "coverage": "product level", "standard": "ISO 14067"}
    said.write_text(json.dumps(options | {"text": "Nothing was found."}), encoding="utf-8")
    source = variant(tmp_path, "json-attested")
    made = checked("footprint draft", source, "--out", draft, home=seller)
    assert made["id"] in {one["id"] for one in checked("footprint drafts", home=seller)["data"]}
    token = tmp_path / "one.jws"
    checked("attest", draft, "--statement", said, "--out", token, home=buyer)
    done = checked("footprint publish", draft, "--attestation", token, home=seller)
    assert (done["id"], done["outcome"]) == (made["id"], "published")
    market.seller.run("grant", "add", "buyer", "--footprint", made["id"], "--level", "full")
    market.buyer.run("pull", "seller")
    shown = tmp_path / "shown.json"
    shown.write_text(json.dumps(checked("received show", made["id"], home=buyer)), "utf-8")
    checked("attest", shown, "--statement", said, "--out", token, home=buyer)
    assert checked("footprint attach", token, home=seller)["isNew"] is True
    found = checked("received attestations", made["id"], home=buyer)["data"]
    assert [one["isCarried"] for one in found] == [True, False]


def asking(checked: Checked, market: Market) -> None:
    buyer, seller = market.buyer.home, market.seller.home
    # No test publishes it: what is granted is delivered without asking anybody.
    wanted = ("--product-id", "urn:gtin:4712345060507")
    sent = [
        checked("request send", "seller", *wanted, "--comment", "please", home=buyer)
        for _ in range(2)
    ]
    assert {one["state"] for one in sent} == {"pending"}
    deadline = time.monotonic() + PATIENCE_SECONDS
    incoming: list[Any] = []
    while len(incoming) < 2:
        assert time.monotonic() < deadline
        listed = checked("request list", "--incoming", "--state", "pending", home=seller)
        incoming = listed["data"]
    first, second = (str(one["id"]) for one in incoming)
    assert checked("request show", first, home=seller)["comment"] == "please"
    fulfilled = checked("request fulfil", first, "--footprint", market.ids[0], home=seller)
    assert fulfilled["footprintIds"] == [market.ids[0]]
    assert checked("request reject", second, "--reason", "no", home=seller)["state"] == "rejected"
    assert checked("outbox list", home=seller)["data"]
    endorsing(checked, market)


def endorsing(checked: Checked, market: Market) -> None:
    """The buyer asks for an endorsement, as sealing does."""
    seller = market.seller.home
    home = Home(market.buyer.home)
    node = open_node(
        home.path,
        settings=load_settings(home, ca_file=market.bench.ca_file, allow_private_networks=True),
    )

    async def ask() -> None:
        exchange = Exchange(node)
        try:
            peer = await node.store.read(lambda session: peers.by_name(session, "seller"))
            access = await exchange.access(peer.id or 0)
            question = EndorsementRequest(market.ids[0], SealedProperty.FOSSIL, bytes(32))
            assert (await ask_for_endorsement(exchange, access, question)).is_pending
        finally:
            await exchange.aclose()

    asyncio.run(ask())
    node.close()
    (waiting,) = checked("endorsement list", "--state", "open", home=seller)["data"]
    assert (waiting["peer"], waiting["footprintId"]) == ("buyer", market.ids[0])
    done = checked("endorsement answer", str(waiting["id"]), "--allow", "--named", home=seller)
    assert done["isNamed"]


def listing(checked: Checked, market: Market, tmp_path: Path) -> None:
    """The seller keeps a roster, in which the buyer is."""
    seller, buyer = market.seller.home, market.buyer.home
    roster, application, admission = (tmp_path / f"{one}.jws" for one in ("r", "app", "adm"))
    epoch = ("--from", "2020-01-01", "--until", "2099-01-01")
    made = checked("roster create", "cells", *epoch, home=seller)
    shown = checked("roster export", "cells", "--out", roster, home=seller)
    assert shown["fingerprint"] == made["fingerprint"]
    given = ("--entity", "LEI of the buyer", "--out", application)
    assert checked("roster apply", roster, *given, home=buyer)["state"] == "applied"
    checked("roster admit", application, "--out", admission, "--yes", home=seller)
    assert checked("roster join", admission, home=buyer)["state"] == "joined"
    assert checked("roster trust", roster, home=buyer)["name"] == "cells"
    assert len(checked("roster list", home=buyer)["memberships"]) == 1
    (member,) = checked("roster show", "cells", home=seller)["members"]
    assert member["url"] == market.buyer.url
    removed = checked("roster remove", "cells", "LEI of the buyer", home=seller)
    assert removed["endorsesUntil"].startswith("2099")
    assert checked("roster distrust", "cells", home=buyer)["issuer"] == market.seller.url


def building(checked: Checked, market: Market, tmp_path: Path) -> None:
    """A product of the buyer, made of what the seller makes."""
    home, bills = market.buyer.home, tmp_path / "bills.json"
    held = checked("received list", home=home)["data"][0]
    factor = {
        "id": "EL-JSON",
        "name": "Grid electricity",
        "values": {"pcfExcludingBiogenicUptake": "0.5"},
        "unit": "kWh",
        "database": "Grid",
        "version": "1",
    }
    powder = {
        "kind": "material",
        "id": "powder",
        "name": "Powder",
        "quantity": {"amount": "1", "unit": "kg"},
        "productIds": held["productIds"],
    }
    power = {
        "kind": "energy",
        "id": "power",
        "name": "Power",
        "quantity": {"amount": "2", "unit": "kWh"},
        "source": {"factor": "EL-JSON"},
    }
    product = {
        "id": "json",
        "name": "Built on it",
        "declaredUnit": {"amount": "1", "unit": "kg"},
        "lines": [powder, power],
        "declaration": {
            "productName": "Built on it",
            "productIds": ["urn:pact:buyer.example:product-id:json"],
            "description": "Built on it",
            "periodStart": "2025-01-01T00:00:00Z",
            "periodEnd": "2026-01-01T00:00:00Z",
        },
    }
    assert checked("product template", tmp_path / "products.xlsx", home=home)["bytes"] > 1000
    bills.write_text(json.dumps({"products": [product], "factors": [factor]}), encoding="utf-8")
    assert checked("product import", bills, "--dry-run", home=home)["dryRun"]
    assert checked("product import", bills, home=home)["products"][0]["outcome"] == "new"
    assert checked("factor import", bills, home=home)["factors"][0]["outcome"] == "unchanged"
    assert checked("product export", tmp_path / "all.xlsx", home=home)["bytes"] > 1000
    assert "EL-JSON" in {one["id"] for one in checked("factor list", home=home)["data"]}
    assert checked("match", "--product", "json", home=home)["data"][0]["proposals"][0]["isCertain"]
    assert checked("match", "--product", "json", "--accept", home=home)["data"][0]["isDecided"]
    calculated = checked("product calculate", "json", home=home)
    assert checked("peer declare", "seller", "--group", "G", home=home)["group"] == "G"
    assert isinstance(checked("peer releases", home=home)["data"], list)
    assert calculated["document"]["pcf"]["pcfExcludingBiogenicUptake"]
    drafted = checked("product draft", "json", "--out", tmp_path / "json.draft", home=home)
    # What becomes visible is for a person to decide, whatever the command prints.
    unasked = checked.run("product", "seal", "json", "--now", "--json", home=home)
    assert (unasked.status, "run the command again with --yes" in unasked.err) == (1, True)
    sealed = checked("product seal", "json", "--now", "--yes", home=home)
    assert sealed["job"]["seal"]["footprintId"] == drafted["id"]
    published = checked("product publish", "json", home=home)
    assert (published["outcome"], published["footprint"]) == ("new", drafted["id"])
    listed = {one["id"]: one for one in checked("product list", home=home)["data"]}
    assert listed["json"]["footprint"] == published["footprint"]
    assert checked("product show", "json", home=home)["stale"] == []
    factor["values"] = {"pcfExcludingBiogenicUptake": "0.6"}
    bills.write_text(json.dumps({"factors": [factor]}), encoding="utf-8")
    checked("factor import", bills, home=home)
    assert checked("status", home=home)["stale"][0]["causes"][0]["cause"] == "factor-changed"
    done = checked("product refresh", "--yes", home=home)["data"][0]
    assert done["outcome"] == "successor"
    history = checked("product history", "json", home=home)
    assert [one["status"] for one in history["footprints"]] == ["Active", "Deprecated"]
    showing(checked, market, done["published"])
    checked("footprint deprecate", done["published"], home=home)
    assert checked("peer declare", "seller", "--clear", home=home)["components"] == []


def showing(checked: Checked, market: Market, footprint_id: str) -> None:
    """What the buyer has published is sealed, and shown to the seller."""
    home = market.buyer.home
    checked("product seal", footprint_id, "--now", "--yes", home=home)
    grants = []
    for level in ("total", "sealed"):
        grant = ("seller", "--footprint", footprint_id, "--level", level)
        grants += checked("grant add", *grant, home=home)["data"]
    assert [one["level"] for one in grants] == ["total", "sealed"]
    checked("pull", "buyer", home=market.seller.home)
    found = checked("received sealed-sum", footprint_id, home=market.seller.home)
    assert found["verdict"]["grade"] == "origin"
    for one in grants:
        checked("grant remove", str(one["id"]), home=home)


def keys(checked: Checked, tmp_path: Path) -> None:
    """Of a node of its own: its address changes."""
    with QuickWorkbench() as bench:
        node = bench.node("keys")
        home, file = node.home, tmp_path / "recovery.key"
        init = ("--company", "Keys", "--company-id", COMPANY_IDS["seller"], "--url", node.url)
        checked("init", *init, "--recovery-key-out", file, home=home)
        node.start()
        listed = checked("key list", home=home)["data"]
        kid = next(one["kid"] for one in listed if one["purpose"] == "footprint")
        assert len(checked("key rotate", home=home)["rotated"]) == 6
        with_key = ("--since", "2026-01-01T00:00:00Z", "--recovery-key-file", file)
        assert checked("key revoke", kid, *with_key, home=home)["revoked"] == [kid]
        checked("footprint reissue", "--signed-by", kid, "--dry-run", home=home)
        made = checked("key recovery", "--new", "--recovery-key-file", file, home=home)
        assert made["recoveryKey"].startswith("usrk1-")
        moved = checked("move", "--url", "https://moved.example", home=home)
        assert moved["formerUrl"] == node.url


def auditing(checked: Checked, market: Market, tmp_path: Path) -> None:
    seller, buyer = market.seller.home, market.buyer.home
    read = checked("audit show", "--peer", "buyer", "--footprint", market.ids[0], home=seller)
    assert "footprints-read" in {one["act"] for one in read["data"]}
    log, receipts = tmp_path / "log.jsonl", tmp_path / "receipts.jsonl"
    assert checked("audit export", "--out", log, home=seller)["bytes"] == log.stat().st_size
    checked("audit receipts", "--out", receipts, home=buyer)
    offline: tuple[str | Path, ...] = ("--log", log)
    for options in ((), offline):
        found = checked("audit verify", "--with-receipts", receipts, *options, home=seller)
        assert found["isSound"] is True
        assert found["size"] > 0
    calculated = publish_lines(seller, tmp_path)
    listed = checked("audit open", calculated, "--list", home=seller)["data"]
    opening = tmp_path / "opening.json"
    auditor: tuple[str | Path, ...] = ("--for", "Auditor", "--out", opening)
    made = checked("audit open", calculated, "--lines", listed[0]["id"], *auditor, home=seller)
    assert made["opening"] == json.loads(opening.read_text("utf-8"))
    checked("audit open", calculated, "--all", *auditor, home=seller)
    lines = log.read_bytes().splitlines(keepends=True)
    entries = [line for line in lines if b'"kind":"entry"' in line]
    log.write_bytes(b"".join(line for line in lines if line != entries[1]))
    found = checked("audit verify", "--log", log, home=seller, status=1)
    assert [(one["kind"], one["number"]) for one in found["problems"]] == [("deleted", 2)]


def publish_lines(home: Path, tmp_path: Path) -> str:
    """Publish a footprint in the way of one that is calculated; returns its id."""
    document = json.loads(variant(tmp_path, "json-calculated").read_text("utf-8"))
    leaves = [{"kind": "line", "id": f"line-{number}", "quantity": "0.05"} for number in range(3)]
    node = open_node(home)
    try:
        return asyncio.run(publish_committed(node, document, leaves))
    finally:
        node.close()


def keeping(checked: Checked, market: Market, tmp_path: Path) -> Path:
    """Back up, restore and run what was restored; its home is returned."""
    home = market.seller.home
    checked("doctor", home=home)
    link = checked("console", home=home)
    assert link["url"].startswith("http://127.0.0.1:")
    archive = tmp_path / "seller.backup"
    # An event that cannot be delivered while the backup is made is paused in the restored node.
    market.seller.run("peer", "add", "absent", "--url", "https://localhost:9")
    market.seller.run("grant", "add", "absent", "--all")
    market.seller.json("footprint", "import", str(variant(tmp_path, "json-three")))
    backup = checked("backup", archive, "--with-key", home=home, stdin=f"{PASSPHRASE}\n")
    assert backup["bytes"] == archive.stat().st_size
    market.seller.run("peer", "remove", "absent")
    target = Path(market.bench.directory) / "restored"
    restored = checked("restore", archive, home=target, stdin=f"{PASSPHRASE}\n")
    assert restored["hasMasterKey"] is True
    assert restored["pausedEvents"] >= 1
    node = market.bench.node(target.name)
    node.start()
    try:
        paused = checked("outbox list", "--state", "paused", home=target)["data"]
        retried = checked("outbox retry", str(paused[0]["id"]), home=target)
        assert retried["state"] == "pending"
    finally:
        node.stop()
        del market.bench.nodes[target.name]
    return target


def moving(checked: Checked, home: Path) -> None:
    with a_server() as server, a_database(server) as url:
        moved = checked("migrate-store", "--to", url, home=home)
        rows = {one["name"]: one["rows"] for one in moved["tables"]}
        assert rows["footprint"] > 5
        node = open_node(home)
        assert node.store.write_engine.dialect.name == "postgresql"
        node.close()
