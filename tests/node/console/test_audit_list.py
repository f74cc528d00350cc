"""The list of the audit log: sorted by each of its columns, its details in the reader's words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.node.console.conftest import Browser, NewBrowser, Shown
from tests.node.console.partnership import granted, signed_in
from tests.node.console.test_audit import csv_rows
from tests.node.manage.conftest import Company, make_document

from underseal_node.console.audit import COLUMNS
from underseal_node.console.audit_values import MEMBERS, REASONS, VALUES
from underseal_node.console.audit_words import DETAILS
from underseal_node.store import audit
from underseal_node.store.audit import Act
from underseal_node.store.audit_order import SORTS
from underseal_node.trust import peers as trusted_peers
from underseal_protocol.release.verdict import Outcome as Gate

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "audit-log.md"
KEPT = ("kind", "value", "starts", "ends", "purpose", "terms")  # "as above" in the reference


def put(company: Company, *acts: tuple[Act, dict[str, Any]]) -> None:
    """Entries as something that is hard to bring about would leave them."""

    def work(session: Any) -> None:
        for act, detail in acts:
            audit.record(session, act, company.node.now(), detail=detail)

    company.node.store.write_sync(work)


def details_of(shown: Shown) -> str:
    """What stands below the last head of the list."""
    return re.split(r" (?:Details|Einzelheiten) ", shown.text)[-1]


@pytest.fixture
async def logged(pair: tuple[Company, Company]) -> Company:
    """A supplier with entries of several kinds."""
    _, supplier = pair
    await supplier.publish(make_document(1), make_document(2))
    await granted(supplier, "cell", everything=True, purpose="Audit 2026")
    await supplier.post("/peers", {"name": "Acme"}, 201)
    await supplier.post("/peers/acme/suspend", {"reason": "Streit"})
    await supplier.post("/audit/verify")  # what was recorded is appended
    return supplier


async def test_each_column_sorts_in_the_database(logged: Company, new_browser: NewBrowser) -> None:
    browser = await signed_in(new_browser, logged)
    plain = csv_rows(await browser.get("/audit", **{"as": "csv"}))
    heads = {one.key: one.label for one in COLUMNS}
    assert {one.by or one.key for one in COLUMNS} == set(SORTS)
    for column in COLUMNS:
        shown = await browser.get("/audit", sort=column.key)
        assert f'class="{column.kind}" aria-sort="ascending"' in shown.html, column.key
        for sign in ("", "-"):
            query = {"sort": f"{sign}{column.key}", "as": "csv"}
            rows = csv_rows(await browser.get("/audit", **query))
            assert sorted(map(str, rows)) == sorted(map(str, plain))
            if column.key in ("actor", "outcome", "peerName", "level"):
                values = [row[heads[column.key]] for row in rows]
                said = [one for one in values if one]
                assert values == [*said, *[""] * (len(values) - len(said))]
                assert said == sorted(said, key=str.lower, reverse=bool(sign))
    # And what nothing was asked of is the chain, from its end.
    assert [row["Entry"] for row in plain] == [str(one) for one in range(len(plain), 0, -1)]
    filtered = details_of(await browser.get("/audit", sort="-what", outcome="done", peer="cell"))
    assert filtered.index("partner added") < filtered.index("grant made")


async def test_details_are_said_in_the_language_of_the_reader(
    company: Company, browser: Browser
) -> None:
    put(
        company,
        (Act.REQUEST_ANSWERED, {"request": "r-1", "answer": "fulfilled"}),
        (Act.CALL_REFUSED, {"endpoint": "/3/footprints", "reason": "expired-token"}),
        (Act.PARTNERSHIP_SUSPENDED, {"reason": "suspended"}),
        (Act.INVITATION_ACCEPTED, {"asFile": True, "url": "https://no.example"}),
        (Act.ALERT_RAISED, {"kind": "keys-changed"}),
        (Act.PEER_CHANGED, {"members": "base_url, endorse"}),
        (Act.PRODUCTS_IMPORTED, {"file": "/home/somebody/Geheim/teile.csv", "changed": 3}),
        (Act.ENDORSEMENT_GIVEN, {"property": "fossilGhgEmissions", "named": False}),
    )
    await company.post("/audit/verify")
    await browser.get("/language/de")
    details = details_of(await browser.get("/audit"))
    for words in (
        "Antwort: erfüllt",
        "Anfrage: r-1",
        "Begründung: das Zugriffstoken ist abgelaufen",
        "Begründung: suspended",
        "als Datei: ja",
        "Adresse: https://no.example",
        "Art: andere Schlüssel",
        "geändert: Adresse der Programmierschnittstelle, Bestätigungen für seine",
        "Datei: teile.csv",
        "geändert: 3",
        "Wert: Fossile Emissionen",
        "genannt: nein",
    ):
        assert words in details, words
    assert "Geheim" not in details
    assert "true" not in details
    await browser.get("/language/zh")
    file = csv_rows(await browser.get("/audit", **{"as": "csv"}))
    assert not any("keys-changed" in str(row) for row in file)


async def test_details_are_found_by_what_is_shown(company: Company, browser: Browser) -> None:
    put(
        company,
        (Act.REQUEST_ANSWERED, {"request": "r-1", "answer": "rejected"}),
        (Act.REQUEST_ANSWERED, {"request": "r-2", "answer": "fulfilled"}),
        (Act.CALL_REFUSED, {"endpoint": "/x", "reason": "no-token"}),
        (Act.BACKUP_MADE, {"withKey": True}),
        (Act.BACKUP_MADE, {"withKey": False}),
    )
    await company.post("/audit/verify")
    await browser.get("/language/de")
    for query, hits in (
        ("abgelehnt r-1", 1),
        ("abgelehnt r-2", 0),
        ("kein Zugriffstoken", 1),
        ("Sicherung ja", 1),
        ("no-token", 1),
    ):
        shown = await browser.get("/audit", q=query)
        found = re.search(r"insgesamt (\d+)", shown.text)
        assert (int(found[1]) if found else 0) == hits, query


def test_every_detail_and_word_of_the_log_is_known() -> None:
    """The reference says what there is."""
    text = REFERENCE.read_text(encoding="utf-8")
    acts = re.findall(r"^\| `[a-z-]+` \|[^|]*\|([^|]*)\|$", text.partition("## The acts")[2], re.M)
    named = {name for cell in acts for name in re.findall(r"`([a-z]\w*)`", cell)}
    # Words that details have, and what stands beside the details.
    words = {word for values in VALUES.values() for word in values} | {"release", "stop"}
    assert named - words - set(DETAILS) == set()
    reasons = re.findall(r"^\| `([a-z-]+)` \| \d{3} \|", text, re.M)
    assert set(REASONS) == set(reasons)
    assert set(VALUES["gate"]) == {str(one) for one in Gate}
    columns = {"base_url", "auth_url", "client_secret", "ca_pem", "endorse", "endorse_named"}
    assert set(MEMBERS) == columns | {*trusted_peers.TEXTS, *trusted_peers.FLAGS}
