"""What happens in the demo, chapter by chapter."""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from underseal_cli.demo_data import Company, correction
from underseal_cli.demo_nodes import NodeProcess, Workbench
from underseal_cli.demo_proxy import TamperingProxy
from underseal_cli.demo_story import Story

__all__ = ["Cast", "tell_everything"]

PATIENCE_SECONDS = 20.0
POLL_SECONDS = 0.2
REFINER, CATHODE, CELL, PACK = "jichuan", "wierzbolit", "tiszahajnal", "harzquell"
LITHIUM_GTIN = "urn:gtin:2010000001011"
MICRONISED_GTIN = "urn:gtin:2010000001028"
BRINE_GTIN = "urn:gtin:2010000001042"
TRADED_GTIN = "urn:gtin:2010000001059"
CELL_GTIN = "urn:gtin:2030000001019"
CATHODE_CLASSIFICATION = "urn:pact:ec.europa.eu:cn-code:28419085"
BLOCKS = ("quality", "verification", "emissions", "carbon", "method", "other")
TRUE_FIGURE, FALSE_FIGURE = b'"6.556"', b'"1.556"'
ABSENT_ID = "00000000-0000-4000-8000-000000000000"

Found = TypeVar("Found")


@dataclass
class Cast:
    """The companies, their nodes, and what stands between them."""

    companies: list[Company]
    bench: Workbench
    proxy: TamperingProxy
    credentials: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def company(self, key: str) -> Company:
        return next(company for company in self.companies if company.key == key)

    def node(self, key: str) -> NodeProcess:
        return self.bench.nodes[key]

    def received(self, key: str, peer: str) -> list[dict[str, Any]]:
        """What a company holds of a supplier."""
        found: list[dict[str, Any]] = self.node(key).look(f"/received?peer={peer}")["data"]
        return found

    def every(self, work: Callable[[Company], Any]) -> list[Any]:
        """Do the same for every company, side by side."""
        with ThreadPoolExecutor(max_workers=len(self.companies)) as pool:
            return list(pool.map(work, self.companies))


def tell_everything(cast: Cast, story: Story) -> None:
    """Play every chapter.

    Raises:
        DemoError: a step could not be done at all.
    """
    for number, (title, chapter) in enumerate(CHAPTERS, 1):
        with story.chapter(f"{number}. {title}"):
            chapter(cast, story)


def start(cast: Cast, story: Story) -> None:
    cast.every(lambda company: cast.node(company.key).init(company.name, company.ids))
    cast.bench.start_all()
    for company in cast.companies:
        node = cast.node(company.key)
        step = f"{company.name}, {company.role} in {company.country}"
        story.check(step, f"{node.url}, process {node.pid}", ok=True)


def publish(cast: Cast, story: Story) -> None:
    def imported(company: Company) -> Any:
        return cast.node(company.key).json("footprint", "import", *map(str, company.files))

    for company, result in zip(cast.companies, cast.every(imported), strict=True):
        expected = len(company.files)
        story.check(
            f"{company.key}: footprint import, {expected} files",
            f"{result['published']} checked, signed and stored",
            ok=result["published"] == expected,
        )


def befriend(cast: Cast, story: Story) -> None:
    for customer, supplier in [(CATHODE, REFINER), (CELL, CATHODE), (PACK, CELL)]:
        invite(cast, story, customer, supplier)
    by_hand(cast, story, REFINER, PACK)


def invite(cast: Cast, story: Story, customer: str, supplier: str) -> None:
    """The customer invites, the supplier accepts, the customer approves."""
    file = cast.bench.directory / f"{customer}-invites-{supplier}.json"
    started = time.monotonic()
    cast.node(customer).run("peer", "invite", supplier, "--out", str(file))
    cast.node(supplier).run("peer", "accept", str(file), "--name", customer)
    waiting = cast.node(customer).look(f"/peers/{supplier}")
    cast.node(customer).run("peer", "approve", supplier)
    seconds = time.monotonic() - started
    at_customer = cast.node(customer).look(f"/peers/{supplier}")
    at_supplier = cast.node(supplier).look(f"/peers/{customer}")
    story.check(
        f"{customer}: peer invite {supplier}; {supplier}: peer accept; {customer}: peer approve",
        f"partners after {seconds:.1f} s, each with the keys of the other, no secret shared",
        ok=waiting["state"] == "pending"
        and all(
            peer["state"] == "active" and peer["authMethod"] == "private_key_jwt"
            for peer in (at_customer, at_supplier)
        ),
    )
    own = cast.node(supplier).look("/node")["fingerprint"]["words"]
    seen = at_customer["fingerprint"]["words"]
    story.check(f"{customer} and {supplier} compare by phone", f"{own}", ok=own == seen)


def by_hand(cast: Cast, story: Story, supplier: str, customer: str) -> None:
    """As with a solution that is not Underseal: each types in what the other issued."""
    at_supplier = add_peer(cast, supplier, customer)
    at_customer = add_peer(cast, customer, supplier, issued=at_supplier)
    secret = secret_file(cast, supplier, customer, at_customer["client_secret"])
    cast.node(supplier).run(
        *("peer", "set", customer, "--client-id", at_customer["client_id"]),
        *("--client-secret-file", secret),
    )
    peers = [
        cast.node(supplier).look(f"/peers/{customer}"),
        cast.node(customer).look(f"/peers/{supplier}"),
    ]
    story.check(
        f"{supplier} and {customer}: peer add on both sides, as with any PACT solution",
        "each holds a secret of the other and has pinned its keys",
        ok=all(
            peer["state"] == "active" and peer["hasCredentials"] and peer["keyThumbprints"]
            for peer in peers
        ),
    )


def secret_file(cast: Cast, holder: str, issuer: str, secret: str) -> str:
    file = cast.bench.directory / f"{holder}-at-{issuer}.secret"
    file.touch(mode=0o600)
    file.write_text(secret, encoding="utf-8")
    return str(file)


def add_peer(
    cast: Cast, owner: str, peer: str, *, issued: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Register `peer` at `owner`; the answer has the credentials that the owner issued to it."""
    options: tuple[str, ...] = ()
    if issued is not None:
        file = secret_file(cast, owner, peer, issued["client_secret"])
        options = ("--client-id", issued["client_id"], "--client-secret-file", file)
    added: dict[str, Any] = cast.node(owner).json(
        "peer", "add", peer, "--url", cast.node(peer).url, *options
    )
    cast.credentials[owner, peer] = added
    return added


def grant(cast: Cast, story: Story) -> None:
    for owner, peer, what, level in [
        (REFINER, CATHODE, ("--product-id", LITHIUM_GTIN), "quality"),
        (CATHODE, CELL, ("--classification", CATHODE_CLASSIFICATION), "total"),
        (CELL, PACK, ("--all",), "breakdown"),
    ]:
        cast.node(owner).run("grant", "add", peer, *what, "--level", level)
        granted = cast.node(owner).look(f"/grants?peer={peer}")["data"]
        story.check(
            f"{owner}: grant add {peer} {what[0]} --level {level}",
            f"{peer} may see {what[1] if len(what) > 1 else 'everything'}",
            ok=[item["level"] for item in granted] == [level],
        )


def pull(cast: Cast, story: Story) -> None:
    for customer, supplier, count, withheld in [
        (CATHODE, REFINER, 1, BLOCKS[2:]),
        (CELL, CATHODE, 4, BLOCKS),
        (PACK, CELL, 4, BLOCKS[4:]),
    ]:
        cast.node(customer).run("pull", supplier)
        held = cast.received(customer, supplier)
        first = held[0] if held else {}
        figure = first.get("pcfExcludingBiogenicUptake", "?")
        verified = sum(item["verification"] == "verified" for item in held)
        story.check(
            f"{customer}: pull {supplier}",
            f"{verified} verified, the first {figure} kgCO2e; not shown: {', '.join(withheld)}",
            ok=len(held) == verified == count
            and all(set(item["withheld"]) == set(withheld) for item in held),
        )


def ask(cast: Cast, story: Story) -> None:
    sent = cast.node(PACK).json("request", "send", CELL, "--product-id", CELL_GTIN)
    state = awaited_state(cast, PACK, sent["id"])
    story.check(
        f"{PACK}: request send {CELL}, a product it may see",
        f"{state}, by itself",
        ok=state == "fulfilled",
    )

    sent = cast.node(CATHODE).json(
        *("request", "send", REFINER, "--product-id", MICRONISED_GTIN),
        *("--comment", "for the next generation"),
    )
    waiting = awaited_incoming(cast, REFINER, CATHODE)
    story.check(
        f"{CATHODE}: request send {REFINER}, a product not granted",
        "waits for the refiner to decide",
        ok=awaited_state(cast, CATHODE, sent["id"], patience=0) == "pending",
    )
    wanted = cast.company(REFINER).document("lioh-spodumene-micronised")["id"]
    cast.node(REFINER).run("request", "fulfil", str(waiting["id"]), "--footprint", wanted)
    state = awaited_state(cast, CATHODE, sent["id"])
    kept = [item for item in cast.received(CATHODE, REFINER) if item["id"] == wanted]
    story.check(
        f"{REFINER}: request fulfil, which also grants it",
        f"{state}; received {kept[0]['verification'] if kept else 'nothing'}",
        ok=state == "fulfilled" and [item["verification"] for item in kept] == ["verified"],
    )

    sent = cast.node(CATHODE).json("request", "send", REFINER, "--product-id", TRADED_GTIN)
    waiting = awaited_incoming(cast, REFINER, CATHODE)
    cast.node(REFINER).run("request", "reject", str(waiting["id"]), "--reason", "not for cathodes")
    state = awaited_state(cast, CATHODE, sent["id"])
    answer = cast.node(CATHODE).look(f"/requests/{sent['id']}")
    story.check(
        f"{REFINER}: request reject, another one",
        f"{state}: {(answer.get('error') or {}).get('message', '')}",
        ok=state == "rejected",
    )


def awaited_state(
    cast: Cast, key: str, request_id: int, *, patience: float = PATIENCE_SECONDS
) -> str:
    """The state of an outgoing request, once it has an outcome or patience has ended."""

    def settled() -> str | None:
        state = str(cast.node(key).look(f"/requests/{request_id}")["state"])
        return state if state != "pending" or patience == 0 else None

    return until(settled) or "pending"


def awaited_incoming(cast: Cast, key: str, peer: str) -> dict[str, Any]:
    """The incoming request that waits for an answer; empty when none arrives."""

    def arrived() -> dict[str, Any] | None:
        requests = cast.node(key).look("/requests?direction=incoming&state=pending")["data"]
        return next((item for item in requests if item["peer"] == peer), None)

    return until(arrived) or {"id": 0}


def until(look: Callable[[], Found | None]) -> Found | None:
    """Look again and again until there is something, or patience has ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = look()
        if found is not None or time.monotonic() > deadline:
            return found
        time.sleep(POLL_SECONDS)


def correct(cast: Cast, story: Story) -> None:
    old = cast.company(REFINER).document("lioh-spodumene")
    file = correction(REFINER, "lioh-spodumene")
    new = json.loads(file.read_text(encoding="utf-8"))
    cast.node(REFINER).run("footprint", "supersede", old["id"], str(file))
    own = cast.node(REFINER).look("/footprints")["data"]
    status = {item["id"]: item["status"] for item in own}
    story.check(
        f"{REFINER}: footprint supersede, an electricity meter was missing",
        f"{old['pcf']['pcfExcludingBiogenicUptake']} is {status.get(old['id'])}, "
        f"{new['pcf']['pcfExcludingBiogenicUptake']} is {status.get(new['id'])}",
        ok=(status.get(old["id"]), status.get(new["id"])) == ("Deprecated", "Active"),
    )

    def noticed() -> dict[str, Any] | None:
        held = {item["id"]: item for item in cast.received(CATHODE, REFINER)}
        if new["id"] in held and held[old["id"]]["status"] == "Deprecated":
            return held
        return None

    held = until(noticed) or {}
    arrived = held.get(new["id"], {})
    story.check(
        f"{CATHODE}: was notified and fetched it by itself",
        f"the old one is {held.get(old['id'], {}).get('status', 'unchanged')}, "
        f"the new one {arrived.get('verification', 'missing')}",
        ok=arrived.get("verification") == "verified",
    )


def withhold(cast: Cast, story: Story) -> None:
    cast.node(PACK).run("pull", REFINER)
    held = cast.received(PACK, REFINER)
    story.check(
        f"{PACK}: pull {REFINER}, a peer that was granted nothing",
        f"{len(held)} footprints",
        ok=held == [],
    )
    existing = cast.company(REFINER).document("lioh-brine")["id"]
    token = fetch_token(cast, REFINER, PACK)
    answers = []
    for footprint_id in (existing, ABSENT_ID):
        status, body = public(cast, REFINER, "GET", f"/3/footprints/{footprint_id}", token)
        answers.append((status, json.dumps(body).replace(footprint_id, "ID")))
    story.check(
        f"{PACK}: reads one by its id, and one that does not exist",
        " and ".join(str(status) for status, _ in answers) + ", in the same words",
        ok=answers[0] == answers[1] and answers[0][0] == http.HTTPStatus.NOT_FOUND,
    )
    status, _ = public(cast, REFINER, "GET", "/3/footprints", "not-a-token")
    story.check(
        "a stranger: reads without a valid token",
        str(status),
        ok=status == http.HTTPStatus.UNAUTHORIZED,
    )


def public(
    cast: Cast,
    key: str,
    method: str,
    path: str,
    token: str,
    *,
    scheme: str = "Bearer",
    form: str | None = None,
) -> tuple[int, Any]:
    """Call a node as any PACT client would: status and JSON body."""
    host = urlsplit(cast.node(key).url)
    connection = http.client.HTTPSConnection(
        host.hostname or "", host.port, timeout=30, context=cast.bench.client_context()
    )
    headers = {"Authorization": f"{scheme} {token}"}
    if form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request(method, path, body=form, headers=headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def fetch_token(cast: Cast, owner: str, peer: str) -> str:
    """A token for the credentials that `owner` issued to `peer`."""
    issued = cast.credentials[owner, peer]
    pair = f"{issued['client_id']}:{issued['client_secret']}".encode()
    basic = base64.b64encode(pair).decode()
    form = "grant_type=client_credentials"
    _, body = public(cast, owner, "POST", "/auth/token", basic, scheme="Basic", form=form)
    return str(body["access_token"])


def tamper(cast: Cast, story: Story) -> None:
    cast.node(REFINER).run("grant", "add", CATHODE, "--product-id", BRINE_GTIN, "--level", "full")
    wanted = cast.company(REFINER).document("lioh-brine")["id"]
    cast.proxy.replacing = (TRUE_FIGURE, FALSE_FIGURE)
    cast.node(CATHODE).run("pull", REFINER, check=False)
    cast.proxy.replacing = None
    held = next((item for item in cast.received(CATHODE, REFINER) if item["id"] == wanted), {})
    story.check(
        f"{CATHODE}: pull, while a proxy changes 6.556 to 1.556",
        f"{held.get('verification', 'missing')}: {held.get('reason')}",
        ok=held.get("verification") == "invalid" and cast.proxy.replaced > 0,
    )
    verify_files(cast, story)


def verify_files(cast: Cast, story: Story) -> None:
    """Check a received footprint as a file, once as it is and once with another figure."""
    wanted = cast.company(REFINER).document("lioh-spodumene-micronised")["id"]
    shown = cast.node(CATHODE).look(f"/received/{wanted}?peer={REFINER}")
    true_file = cast.bench.directory / "true.json"
    false_file = cast.bench.directory / "false.json"
    document = json.dumps(shown["footprint"], ensure_ascii=False)
    true_file.write_text(document, encoding="utf-8")
    false_file.write_text(document.replace('"14.6228"', '"4.6228"'), encoding="utf-8")
    url = cast.node(REFINER).url
    for file, ok in [(true_file, True), (false_file, False)]:
        done = cast.node(CATHODE).run("verify", str(file), "--url", url, check=False)
        lines = (done.stdout + done.stderr).strip().splitlines()
        story.check(
            f"underseal verify, the file {'as received' if ok else 'with 4.6228 for 14.6228'}",
            lines[0] if lines else f"exit status {done.returncode}",
            ok=(done.returncode == 0) == ok,
        )


CHAPTERS: list[tuple[str, Callable[[Cast, Story], None]]] = [
    ("Four companies start their nodes", start),
    ("Each publishes its footprints", publish),
    ("They become partners by invitation", befriend),
    ("Suppliers grant what customers may see, and in how much detail", grant),
    ("Customers pull, and verify what they get", pull),
    ("Customers ask for what they do not have", ask),
    ("The refiner corrects a figure", correct),
    ("Who was granted nothing gets nothing", withhold),
    ("What was tampered with is refused", tamper),
]
