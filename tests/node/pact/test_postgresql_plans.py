"""The plans of the hot queries on PostgreSQL: none reads a whole table to find a few rows.

Fewer rows than a node that needs PostgreSQL has, and enough that the planner would not take the
easy way with a table that has no index for a query.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlmodel import Session
from tests.node.pact.test_page_sql import FILTERS, REACHES
from tests.postgresql import Databases

from underseal_node.home import Home
from underseal_node.settings import Settings
from underseal_node.store import (
    alerts,
    audit_log,
    auth_failures,
    deliveries,
    granted,
    grants,
    inbox,
    leases,
    pulls,
    received,
    request_counts,
    shown,
)
from underseal_node.store.alerts import AlertKind
from underseal_node.store.database import Store, open_store
from underseal_node.store.granted import Coverage
from underseal_node.store.page_sql import page_statement
from underseal_node.store.requester_sql import BY_CLIENT, BY_PEER, CLIENT, GRANTS_SUMMARY
from underseal_node.store.work import waiting_work

pytestmark = pytest.mark.xdist_group("postgresql")

NOW = datetime(2026, 3, 1, tzinfo=UTC)
AT = "2026-01-01T00:00:00.000000Z"
FOOTPRINTS, PEERS, EVENTS = 40_000, 2_000, 20_000

# Of one row, or of a few, whatever is stored; and of a number of peers, all of which are looked at.
SMALL = {"change_counter", "signing_key", "node", "identity"}

FILL = (
    "INSERT INTO peer (id, name, state, created_at, is_underseal, accept_unsigned, signed_before, "
    f"base_url) SELECT n, 'peer ' || n, 'active', '{AT}', true, true, false, 'https://p' || n "
    f"FROM generate_series(1, {PEERS}) n",
    "INSERT INTO client_credential (client_id, peer_id, secret_hash, created_at) "
    f"SELECT 'client-' || n, n, 'hash', '{AT}' FROM generate_series(1, {PEERS}) n",
    # Every third peer sees everything, every third some products, every third a class.
    "INSERT INTO access_grant (shown_value, peer_id, kind, value, level, changed, created_at) "
    "SELECT '', n, (ARRAY['all', 'product', 'classification'])[n % 3 + 1], "
    f"(ARRAY['', 'urn:x:product:' || n, 'urn:x:class:' || n % 40])[n % 3 + 1], 3, n, '{AT}' "
    f"FROM generate_series(1, {PEERS}) n",
    "INSERT INTO footprint (seq, id, status, segments, document_digest, credential_digest, "
    "changed, published_at, valid_from, valid_until, geography, product_name, summary, attested) "
    "SELECT n, 'id-' || n, CASE WHEN n % 10 = 0 THEN 'Deprecated' ELSE 'Active' END, "
    "convert_to(repeat(md5(n::text), 20), 'UTF8'), md5(n::text), md5(n::text), n, "
    f"'{AT}', to_char(timestamp '2020-01-01' + n * interval '1 hour', "
    "'YYYY-MM-DD\"T\"HH24:MI:SS.000000\"Z\"'), to_char(timestamp '2023-01-01' + n * "
    "interval '1 hour', 'YYYY-MM-DD\"T\"HH24:MI:SS.000000\"Z\"'), "
    "(ARRAY['de', 'fr', 'cn', 'us', 'hu', 'pl', 'se', 'fi'])[n % 8 + 1], 'Product ' || n, '{}', "
    f"CASE WHEN n % 1000 = 0 THEN n END FROM generate_series(1, {FOOTPRINTS}) n",
    "INSERT INTO footprint_key (kind, value, seq) "
    f"SELECT 'all', '', n FROM generate_series(1, {FOOTPRINTS}) n "
    f"UNION ALL SELECT 'footprint', 'id-' || n, n FROM generate_series(1, {FOOTPRINTS}) n "
    "UNION ALL SELECT 'product', 'urn:x:product:' || n / 4, n "
    f"FROM generate_series(1, {FOOTPRINTS}) n "
    f"UNION ALL SELECT 'company', 'urn:x:company', n FROM generate_series(1, {FOOTPRINTS}) n "
    "UNION ALL SELECT 'classification', 'urn:x:class:' || n % 40, n "
    f"FROM generate_series(1, {FOOTPRINTS}) n",
    "INSERT INTO attestation (digest, footprint_id, role, verifier, token, created_at) "
    f"SELECT 'd' || n, 'id-' || n, 'attached', 'https://v', 'token', '{AT}' "
    "FROM generate_series(1, 2000) n",
    "INSERT INTO seal (footprint_id, digest, document, binding, shows, openings, created_at) "
    f"SELECT 'id-' || n, 'd' || n, 'x', '{{}}', '{{}}', 'x', '{AT}' "
    "FROM generate_series(1, 5000) n",
    # All partners are granted a sealed sum.
    "INSERT INTO access_grant (shown_value, peer_id, kind, value, level, changed, created_at) "
    f"SELECT '', n, 'sealed', 'id-' || n, 0, n, '{AT}' FROM generate_series(1, {PEERS}) n",
    "INSERT INTO endorsement_question (peer_id, footprint_id, property, context, state, is_named, "
    f"asked_at) SELECT n % {PEERS} + 1, 'id-' || n, 'fossilGhgEmissions', 'c' || n, "
    f"CASE WHEN n % 100 = 0 THEN 'allowed' ELSE 'endorsed' END, true, '{AT}' "
    f"FROM generate_series(1, {EVENTS}) n",
    "INSERT INTO received_key (kind, value, seq) "
    f"SELECT 'product', 'urn:x:product:' || n, n FROM generate_series(1, {FOOTPRINTS}) n",
    "INSERT INTO alert (created_at, kind, peer_id, footprint_id, message) "
    f"SELECT '{AT}', 'invalid', n % {PEERS} + 1, 'id-' || n, 'why' FROM generate_series(1, 5000) n",
    "INSERT INTO auth_failure (key, failures, expires_at) "
    f"SELECT md5(n::text), 1, '{AT}' FROM generate_series(1, 5000) n",
    "INSERT INTO outbox (id, event_id, peer_id, type, body, state, attempts, created_at, "
    "next_attempt_at, give_up_at) SELECT n, 'event-' || n, "
    f"n % {PEERS} + 1, 'type', 'body', CASE WHEN n % 100 = 0 THEN 'pending' ELSE 'delivered' END, "
    f"0, '{AT}', '{AT}', '{AT}' FROM generate_series(1, {EVENTS}) n",
    "INSERT INTO inbox (seq, peer_id, event_id, type, body, received_at, handled_at, attempts) "
    f"SELECT n, n % {PEERS} + 1, 'event-' || n, 'type', 'body', '{AT}', "
    f"CASE WHEN n % 100 = 0 THEN NULL ELSE '{AT}' END, 0 FROM generate_series(1, {EVENTS}) n",
    "INSERT INTO audit_entry (number, body, leaf, shown_to) SELECT n, 'body', 'leaf', "
    f"n % {PEERS} + 1 FROM generate_series(1, {EVENTS}) n",
    "INSERT INTO audit_head (size, token, created_at) "
    f"SELECT n, 'token', '{AT}' FROM generate_series(1, {EVENTS}) n",
    "INSERT INTO request_count (client_id, worker, asked, counted_at) "
    f"SELECT 'client-' || n, 'w' || k, 5, '{AT}' FROM generate_series(1, {PEERS}) n, "
    "generate_series(1, 4) k",
    "INSERT INTO shown_footprint (peer_id, seq, level) "
    f"SELECT n % {PEERS} + 1, n, 1 FROM generate_series(1, {FOOTPRINTS}) n",
    "INSERT INTO pull_state (peer_id, criteria) "
    f"SELECT n, 'status=Active' FROM generate_series(1, {PEERS}) n",
    "INSERT INTO received_footprint (seq, peer_id, footprint_id, body, body_digest, status, "
    "verification, received_at, changed_at, valid_from, valid_until, summary, withheld) "
    f"SELECT n, n % {PEERS} + 1, 'id-' || n, 'body', 'digest', 'Active', 'verified', '{AT}', "
    f"'{AT}', '', '', '{{}}', '[]' FROM generate_series(1, {FOOTPRINTS}) n",
)


@dataclass
class Filled:
    """A database with enough in it."""

    store: Store

    def plan(self, sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        """The steps of the plan of a statement with parameters as `:name`."""
        with self.store.read_engine.connect() as connection:
            return steps(connection.execute(text(f"EXPLAIN (FORMAT JSON) {sql}"), parameters))

    def plans(self, work: Callable[[Session], Any]) -> list[tuple[str, list[dict[str, Any]]]]:
        """The statements that a piece of work sends, and their plans."""
        engine, sent = self.store.write_engine, list[tuple[str, Any]]()

        def note(
            _connection: Connection, _cursor: Any, statement: str, parameters: Any, *_rest: Any
        ) -> None:
            sent.append((statement, parameters))

        event.listen(engine, "before_cursor_execute", note)
        try:
            self.store.write_sync(work)
        finally:
            event.remove(engine, "before_cursor_execute", note)
        return [
            (sql, self._explained(engine, sql, given)) for sql, given in sent if "SELECT" in sql
        ]

    def _explained(self, engine: Engine, sql: str, parameters: Any) -> list[dict[str, Any]]:
        with engine.connect() as connection:
            return steps(connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {sql}", parameters))


def steps(rows: Any) -> list[dict[str, Any]]:
    """All steps of a plan, from the top."""
    found, document = rows.scalar_one(), []
    waiting = [one["Plan"] for one in (json.loads(found) if isinstance(found, str) else found)]
    while waiting:
        step = waiting.pop()
        document.append(step)
        waiting += step.get("Plans", [])
    return document


def scanned(plan: list[dict[str, Any]], *allowed: str) -> list[str]:
    """The tables that are read as a whole."""
    return [
        f"{one['Relation Name']} ({one.get('Filter', 'no filter')})"
        for one in plan
        if one["Node Type"] == "Seq Scan" and one["Relation Name"] not in {*SMALL, *allowed}
    ]


@pytest.fixture(scope="module")
def filled(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    home = Home(Path(tmp_path_factory.mktemp("plans")) / "home")
    home.prepare()
    url = databases.new()
    store = open_store(Settings(database_url=url), home)  # type: ignore[arg-type]
    with store.write_engine.begin() as connection:
        for statement in FILL:
            connection.exec_driver_sql(statement.replace("%", "%%"))
        connection.exec_driver_sql("ANALYZE")
    yield Filled(store)
    store.close()
    databases.drop_url(url)


@pytest.mark.parametrize("only_changed", [False, True])
@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("reach", REACHES)
def test_no_page_reads_a_whole_table(
    filled: Filled, reach: str, filters: str, only_changed: bool
) -> None:
    statement = page_statement(REACHES[reach], FILTERS[filters], only_changed=only_changed)
    parameters = {
        **statement.parameters,
        "peer": 4,
        "now": AT,
        "after": FOOTPRINTS // 2,
        "count": 11,
        "changed": FOOTPRINTS - 100,
    }
    named = {name: value for name, value in parameters.items() if f":{name}" in statement.sql}
    assert scanned(filled.plan(statement.sql, named)) == []


NAMES = ["requester", "footprint", "status_statement", "attestations", "reach", "grants"]
NAMES += ["sealed_sum", "sealed_sums"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("by", ["client", "peer"])
def test_no_look_at_a_requester_reads_a_whole_table(filled: Filled, by: str, name: str) -> None:
    sql = getattr(BY_CLIENT if by == "client" else BY_PEER, name)
    asker = "client-4" if by == "client" else 4
    parameters = {"asker": asker, "kid": "", "now": AT, "id": "id-7", "after": 0, "count": 11}
    named = {key: value for key, value in parameters.items() if f":{key}" in sql}
    assert scanned(filled.plan(sql, named)) == []


@pytest.mark.parametrize(
    ("sql", "parameters"),
    [
        (CLIENT, {"asker": "client-4"}),
        (GRANTS_SUMMARY, {"peer": 4, "now": AT}),
        (auth_failures.READ, {"key0": "a", "key1": "b", "key2": ""}),
    ],
    ids=["client", "grants", "failures"],
)
def test_no_other_look_reads_a_whole_table(
    filled: Filled, sql: str, parameters: dict[str, Any]
) -> None:
    assert scanned(filled.plan(sql, parameters)) == []


WORK: dict[str, Callable[[Session], Any]] = {
    "all: is there any": lambda s: waiting_work(s, NOW),
    "the outbox: whose turn": lambda s: leases.waiting_peers(s, NOW),
    "the outbox: the next event": lambda s: leases.claim(s, 101, NOW, NOW - NOW),
    "the inbox: what is due": lambda s: inbox.due(s, NOW),
    "the inbox: who has published": lambda s: inbox.publishers(s, NOW),
    "the inbox: the next event": lambda s: inbox.next_published(s, 101, NOW),
    "the inbox: what waits": lambda s: inbox.waiting(s, 101),
    "the inbox: known events": lambda s: inbox.accept(s, 101, "event-100", "type", b"", NOW),
    "the log: its end": audit_log.end_of,
    "the log: what waits": audit_log.is_waiting,
    "received: one": lambda s: received.find(s, 4, "id-3"),
    "received: what is to be acknowledged": lambda s: received.without_receipt(s, 4, limit=100),
    "received: what is to be read again": lambda s: received.denied(s, 4, limit=100),
    "received: the terms, a portion": lambda s: granted.note_next(s, 4, Coverage([]), 0),
    "alerts: the same": lambda s: alerts.raise_alert(
        s, AlertKind.INVALID, "is known", NOW, peer_id=4, footprint_id="id-3"
    ),
    "grants: who may see some": lambda s: grants.covering(s, ["id-3", "id-77"], NOW),
    "limits: what others are asked": lambda s: request_counts.others(s, "me", {"client-4": 1}, NOW),
    "events: is it granted": lambda s: deliveries.visible(s, 4, ["id-3", "id-77"], NOW),
    "receipts: what was shown": lambda s: shown.levels(s, 4, ["id-3", "id-77"]),
    "receipts: what the log says": lambda s: shown.take_up(s, 4),
    "pulls: how far": lambda s: pulls.state_of(s, 4, "status=Active"),
    "received: some": lambda s: received.statuses(s, 4, ["id-3", "id-2003"]),
}


@pytest.mark.parametrize("name", WORK)
def test_no_work_in_the_background_reads_a_whole_table(filled: Filled, name: str) -> None:
    # All peers are asked for their next event; what is not in the log yet is a few rows; who may
    # see everything is a third of all grants here; so many receipts wait that one is found at once.
    allowed = ("peer", "audit_pending", "access_grant", "receipt")
    plans = filled.plans(WORK[name])
    assert plans
    for sql, plan in plans:
        assert scanned(plan, *allowed) == [], sql


def test_a_scan_would_be_found(filled: Filled) -> None:
    plan = filled.plan("SELECT * FROM footprint WHERE product_name = :name", {"name": "x"})
    assert scanned(plan)
