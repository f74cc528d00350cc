"""What happens in the demo, chapter by chapter."""

from __future__ import annotations

import http
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from underseal_cli.demo_cast import (
    CATHODE,
    CELL,
    PACK,
    PATIENCE_SECONDS,
    REFINER,
    Cast,
    side_by_side,
    until,
)
from underseal_cli.demo_data import Company
from underseal_cli.demo_partners import befriend, grant
from underseal_cli.demo_products import calculate, correct, open_books
from underseal_cli.demo_public import fetch_token, public
from underseal_cli.demo_story import Story
from underseal_cli.demo_totals import seal_total

__all__ = ["CHAPTERS", "tell_everything"]

MICRONISED_GTIN = "urn:gtin:2010000001028"
BRINE_GTIN = "urn:gtin:2010000001042"
TRADED_GTIN = "urn:gtin:2010000001059"
CELL_GTIN = "urn:gtin:2030000001019"
BLOCKS = ("quality", "verification", "emissions", "carbon", "method", "other")
TRUE_FIGURE, FALSE_FIGURE = b'"6.556"', b'"1.556"'
ABSENT_ID = "00000000-0000-4000-8000-000000000000"


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
        return cast.node(company.key).json("footprint", "import", *map(str, company.ready))

    for company, result in zip(cast.companies, cast.every(imported), strict=True):
        expected = len(company.ready)
        story.check(
            f"{company.key}: footprint import, {expected} files",
            f"{result['published']} checked, signed and stored",
            ok=result["published"] == expected,
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
    verify = partial(cast.node(CATHODE).run, "verify", "--url", url, check=False)
    files = [(true_file, True), (false_file, False)]
    all_done = side_by_side(*(partial(verify, str(file)) for file, _ in files))
    for (_, ok), done in zip(files, all_done, strict=True):
        lines = (done.stdout + done.stderr).strip().splitlines()
        story.check(
            f"underseal verify, the file {'as received' if ok else 'with 4.6228 for 14.6228'}",
            lines[0] if lines else f"exit status {done.returncode}",
            ok=(done.returncode == 0) == ok,
        )


CHAPTERS: list[tuple[str, Callable[[Cast, Story], None]]] = [
    ("Four companies start their nodes", start),
    ("Each publishes the footprints that it has already", publish),
    ("They become partners by invitation", befriend),
    ("Suppliers grant what customers may see, and in how much detail", grant),
    (
        "From workbooks and meters, each calculates its product; customers pull, and verify",
        calculate,
    ),
    ("Customers ask for what they do not have", ask),
    ("The refiner corrects a figure, and it travels to the pack", correct),
    ("An auditor looks into the books, line by line", open_books),
    ("A total is shown to add up, and its inputs stay closed (experimental)", seal_total),
    ("Who was granted nothing gets nothing", withhold),
    ("What was tampered with is refused", tamper),
]
