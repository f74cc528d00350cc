"""The list query against the in-memory matcher, and that it reads indexes only."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from underseal_node.store.database import next_change
from underseal_node.store.page_sql import MAX_BRANCHES, Reach, page_statement
from underseal_node.store.readers import EngineReader, SqliteReader
from underseal_node.store.requester_sql import BY_CLIENT, BY_PEER, Statements
from underseal_node.store.serving import PageQuery, Serving, open_serving
from underseal_node.store.tables import (
    AccessGrant,
    ClientCredential,
    Footprint,
    FootprintKey,
    KeyKind,
    Peer,
)
from underseal_node.store.types import utc_text
from underseal_node.trust.tokens import Claims
from underseal_protocol.criteria import Criteria, FootprintIndex, fold
from underseal_protocol.disclosure import Level

World = Any
START = datetime(2025, 1, 1, tzinfo=UTC)
BEARER = Claims("buyer", START, START + timedelta(days=1), "id", "kid", START)

# Few values, so that many match; with both cases, because matching ignores case.
PRODUCTS = [f"urn:gtin:{number}" for number in range(4)] + ["URN:GTIN:0", "Urn:Gtin:1"]
COMPANIES = ["urn:lei:a", "urn:lei:b", "URN:LEI:A"]
CLASSES = ["urn:eclass:1", "urn:eclass:2", "urn:Eclass:1"]
PLACES = ["DE", "de", "FR", "Eastern Asia"]
STATUSES = ["Active", "Deprecated", "ACTIVE", "Bogus"]

days = st.integers(0, 6).map(lambda number: START + timedelta(days=number))


def some(values: list[str], *, least: int = 0, most: int = 2) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values), min_size=least, max_size=most).map(tuple)


@dataclass(frozen=True)
class Stored:
    """A footprint as far as it can be found by."""

    products: tuple[str, ...]
    companies: tuple[str, ...]
    classes: tuple[str, ...]
    place: str | None
    status: str
    start: datetime
    days: int

    def document(self) -> dict[str, Any]:
        pcf: dict[str, Any] = {"referencePeriodEnd": "2025-01-01T00:00:00Z"}
        if self.place is not None:
            pcf["geographyCountry"] = self.place
        end = self.start + timedelta(days=self.days)
        return {
            "productIds": list(self.products),
            "companyIds": list(self.companies),
            "productClassifications": list(self.classes),
            "status": self.status,
            "validityPeriodStart": self.start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "validityPeriodEnd": end.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "pcf": pcf,
        }


footprints = st.lists(
    st.builds(
        Stored,
        products=some(PRODUCTS, least=1),
        companies=some(COMPANIES, least=1),
        classes=some(CLASSES),
        place=st.none() | st.sampled_from(PLACES),
        status=st.sampled_from(STATUSES[:2]),
        start=days,
        days=st.integers(0, 4),
    ),
    max_size=12,
)
criteria = st.builds(
    Criteria,
    product_ids=some([*PRODUCTS, *(f"urn:x:{n}" for n in range(3 * MAX_BRANCHES))], most=4)
    | st.just((*PRODUCTS, *(f"urn:x:{n}" for n in range(3 * MAX_BRANCHES)))),
    company_ids=some(COMPANIES),
    geographies=some(PLACES),
    classifications=some(CLASSES),
    statuses=some(STATUSES),
    valid_on=st.none() | days,
    valid_after=st.none() | days,
    valid_before=st.none() | days,
)
grants = st.lists(
    st.tuples(
        st.one_of(
            st.tuples(st.just(KeyKind.ALL), st.just("")),
            st.tuples(st.just(KeyKind.PRODUCT), st.sampled_from(PRODUCTS)),
            st.tuples(st.just(KeyKind.CLASSIFICATION), st.sampled_from(CLASSES)),
            st.tuples(st.just(KeyKind.FOOTPRINT), st.integers(0, 11).map(str)),
        ),
        st.integers(0, 3),
        st.integers(0, 20),
    ),
    max_size=4,
)


@dataclass
class Lists:
    """One database that the examples are written to, read in both ways."""

    world: World
    serving: list[Serving]
    many_grants: bool = False

    def store(self, stored: list[Stored], allowed: list[Any]) -> None:
        rows: list[Any] = []
        for seq, one in enumerate(stored, 1):
            index = FootprintIndex.of(one.document())
            values = {(KeyKind.ALL, ""), (KeyKind.FOOTPRINT, str(seq - 1))}
            values |= {(KeyKind.PRODUCT, value) for value in index.product_ids}
            values |= {(KeyKind.COMPANY, value) for value in index.company_ids}
            values |= {(KeyKind.CLASSIFICATION, value) for value in index.classifications}
            rows.append(
                Footprint(
                    seq=seq,
                    id=str(uuid.UUID(int=seq)),
                    status=one.status,
                    segments=str(seq).encode(),
                    document_digest="",
                    credential_digest="",
                    changed=seq,
                    published_at=START,
                    valid_from=utc_text(index.valid_from),
                    valid_until=utc_text(index.valid_until),
                    geography=index.geography,
                    product_name="",
                    summary="{}",
                )
            )
            rows += [FootprintKey(kind=kind, value=value, seq=seq) for kind, value in values]
        for number, ((kind, value), level, changed) in enumerate(unique(allowed)):
            grant = AccessGrant(
                id=number + 1,
                peer_id=1,
                kind=kind,
                value=fold(value),
                level=level,
                changed=changed,
                created_at=START,
            )
            rows.append(grant)

        def replace(session: Session) -> None:
            for table in ("footprint", "footprint_key", "access_grant"):
                session.connection().exec_driver_sql(f"DELETE FROM {table}")
            session.add_all(rows)
            next_change(session)  # as every publication and every grant does

        self.world.write(replace)

    async def pages(
        self, serving: Serving, criteria: Criteria, limit: int, changed_after: int | None
    ) -> list[tuple[int, int]]:
        """Walk all pages; position and level of each footprint."""
        found: list[tuple[int, int]] = []
        after: int | None = 0
        while after is not None:
            query = PageQuery(criteria, after, limit, changed_after)
            page = await serving.page(BEARER, query, START)
            items = [item.split(b"/") for item in page.body.split(b",") if item]
            assert len(items) <= limit
            found += [(int(seq), int(level)) for seq, level in items]
            after = page.next_seq
        return found


def unique(allowed: list[Any]) -> list[Any]:
    return list(
        {
            (kind, fold(value), level): ((kind, value), level, changed)
            for (kind, value), level, changed in allowed
        }.values()
    )


@pytest.fixture
def lists(make_world: Callable[..., World], monkeypatch: pytest.MonkeyPatch) -> Iterator[Lists]:
    world = make_world()

    def add(session: Session) -> None:
        session.add(Peer(id=1, name="buyer", created_at=START))
        session.flush()
        session.add(
            ClientCredential(client_id="buyer", peer_id=1, secret_hash="-", created_at=START)
        )

    world.write(add)

    # What matters here is which rows come at which level, not their bytes.
    def render(rows: Any, *, before: bytes, after: bytes) -> bytes:
        return b",".join(packed + b"/%d" % level.rank for packed, level, _ in rows)

    monkeypatch.setattr("underseal_node.store.serving.render_list", render)
    engine = world.node.store.read_engine
    serving = [
        open_serving(engine, world.app.state.context.audit, mmap_bytes=0, busy_timeout_seconds=1),
        Serving(EngineReader(engine), world.app.state.context.audit, page_cache_bytes=0),
    ]
    yield Lists(world, serving)
    for one in serving:
        one.close()


def expected(
    stored: list[Stored], allowed: list[Any], criteria: Criteria, changed_after: int | None
) -> list[tuple[int, int]]:
    """The same list by the definition."""
    found = []
    everything = max((one[1] for one in allowed if one[0][0] == KeyKind.ALL), default=-1)
    if everything == max((level for _, level, _ in allowed), default=None):
        # Grants that show no more than the grant of everything have no effect.
        allowed = [one for one in allowed if one[0][0] == KeyKind.ALL]
    for seq, one in enumerate(stored, 1):
        index = FootprintIndex.of(one.document())
        covering = [
            (level, changed)
            for (kind, value), level, changed in unique(allowed)
            if kind == KeyKind.ALL
            or (kind == KeyKind.PRODUCT and fold(value) in index.product_ids)
            or (kind == KeyKind.CLASSIFICATION and fold(value) in index.classifications)
            or (kind == KeyKind.FOOTPRINT and value == str(seq - 1))
        ]
        if not covering or not criteria.matches(index):
            continue
        changes = [seq, *(changed for _, changed in covering)]
        if changed_after is None or max(changes) > changed_after:
            found.append((seq, max(level for level, _ in covering)))
    return found


LAX = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@LAX
@given(footprints, grants, criteria, st.integers(1, 5), st.none() | st.integers(0, 14))
def test_the_query_agrees_with_the_definition(
    lists: Lists,
    stored: list[Stored],
    allowed: list[Any],
    wanted: Criteria,
    limit: int,
    changed_after: int | None,
) -> None:
    lists.store(stored, allowed)
    due = expected(stored, allowed, wanted, changed_after)
    for serving in lists.serving:
        found = asyncio.run(lists.pages(serving, wanted, limit, changed_after))
        assert found == due


@LAX
@given(footprints, criteria, st.integers(1, 5), st.booleans())
def test_many_grants_give_the_same_as_few(
    lists: Lists, stored: list[Stored], wanted: Criteria, limit: int, mixed: bool
) -> None:
    nothing = [
        ((KeyKind.PRODUCT, f"urn:x:none:{number}"), 1, 0) for number in range(MAX_BRANCHES + 5)
    ]
    allowed = [
        *nothing,
        ((KeyKind.CLASSIFICATION, CLASSES[0]), 3 if mixed else 1, 0),
        ((KeyKind.FOOTPRINT, "2"), 1, 0),
    ]
    lists.store(stored, allowed)
    due = expected(stored, allowed, wanted, None)
    for serving in lists.serving:
        assert asyncio.run(lists.pages(serving, wanted, limit, None)) == due


# --- plans ----------------------------------------------------------------------------------

REACHES = {
    "everything": Reach(everything=True, level=3, grants=()),
    "levels": Reach(everything=True, level=None, grants=()),
    "narrow": Reach(everything=False, level=1, grants=((KeyKind.FOOTPRINT, "x"),)),
    "wide": Reach(
        everything=False,
        level=None,
        grants=((KeyKind.CLASSIFICATION, "x"), (KeyKind.PRODUCT, "y")),
    ),
    "many": Reach(everything=False, level=None, grants=None),
}
FILTERS = {
    "none": Criteria(),
    "product": Criteria(product_ids=("a",)),
    "products": Criteria(product_ids=("a", "b"), statuses=("Active",)),
    "company": Criteria(company_ids=("a",)),
    "class and company": Criteria(classifications=("a",), company_ids=("b",)),
    "geography": Criteria(geographies=("DE", "FR")),
    "status": Criteria(statuses=("Deprecated",)),
    "validity": Criteria(valid_on=START, valid_after=START, valid_before=START),
    "many products": Criteria(product_ids=tuple(map(str, range(MAX_BRANCHES + 1)))),
}


@pytest.mark.sqlite("its plans")
@pytest.mark.parametrize("only_changed", [False, True])
@pytest.mark.parametrize("filters", FILTERS)
@pytest.mark.parametrize("reach", REACHES)
def test_no_plan_scans_a_stored_table(
    world: World, reach: str, filters: str, only_changed: bool
) -> None:
    statement = page_statement(REACHES[reach], FILTERS[filters], only_changed=only_changed)
    parameters = {
        **statement.parameters,
        "peer": 1,
        "now": utc_text(START),
        "after": 0,
        "count": 11,
        "changed": 1,
    }
    with world.node.store.read_engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        rows = driver.execute(f"EXPLAIN QUERY PLAN {statement.sql}", parameters).fetchall()
    plan = [row[3] for row in rows]
    for step in plan:
        word, name = step.split()[:2]
        assert word != "SCAN" or name in {"page", "found"} or name.startswith("b"), plan


@pytest.mark.sqlite("its plans")
@pytest.mark.parametrize("name", ["requester", "footprint", "status_statement", "reach", "grants"])
@pytest.mark.parametrize("by", [BY_CLIENT, BY_PEER], ids=["client", "peer"])
def test_no_plan_about_a_requester_scans_a_stored_table(
    world: World, by: Statements, name: str
) -> None:
    parameters = {"asker": 1, "kid": "", "now": "", "id": "", "after": 0, "count": 1}
    with world.node.store.read_engine.connect() as connection:
        driver = connection.connection.dbapi_connection
        plan = driver.execute(f"EXPLAIN QUERY PLAN {getattr(by, name)}", parameters).fetchall()
    for *_, step in plan:
        word, what = step.split()[:2]
        # The newest footprint: one step, from the end.
        if word == "SCAN" and what == "footprint":
            assert step == "SCAN footprint"
            assert "ORDER BY seq DESC LIMIT 1" in getattr(by, name)
            continue
        assert word != "SCAN" or what == "change_counter", plan


@pytest.mark.sqlite("which of its reads are short enough for the event loop")
async def test_long_reads_do_not_run_on_the_event_loop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.grant("buyer", KeyKind.ALL, level=Level.TOTAL)
    where: list[bool] = []
    rows = SqliteReader.rows

    async def watched(
        self: SqliteReader, sql: str, parameters: Any, *, is_bounded: bool = True
    ) -> Any:
        where.append(is_bounded)
        return await rows(self, sql, parameters, is_bounded=is_bounded)

    monkeypatch.setattr(SqliteReader, "rows", watched)
    async with world.client("buyer") as client:
        await client.get("/3/footprints?limit=1")
        await client.get("/3/footprints?productId=urn:x:y&status=Active")
        assert all(where)
        await client.get("/3/footprints?validOn=2025-06-01T00:00:00Z")
        assert where[-1] is False
