"""SQL finds what the matcher in memory finds: random footprints, each of the eight filters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, text
from tests.strategies import footprints

from underseal_node.home import Home
from underseal_node.settings import Settings
from underseal_node.store.criteria_sql import criteria_clauses
from underseal_node.store.database import Store, open_store
from underseal_node.store.footprints import NewFootprint, add_all
from underseal_node.store.index import index_keys
from underseal_node.store.page_sql import Reach, page_statement
from underseal_node.store.tables import AccessGrant, KeyKind, Peer
from underseal_node.store.types import utc_text
from underseal_protocol.criteria import Criteria, FootprintIndex
from underseal_protocol.times import format_time

Document = dict[str, Any]

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EIGHT = (
    *("product_ids", "company_ids", "classifications", "geographies", "statuses"),
    *("valid_on", "valid_after", "valid_before"),
)
# What the query starts from depends on what the grants of the peer allow.
REACHES = (
    Reach(everything=True, level=3, grants=()),
    Reach(everything=True, level=None, grants=()),
    Reach(everything=False, level=None, grants=None),
    Reach(everything=False, level=3, grants=((KeyKind.ALL, ""),)),
)
# A few values that occur in many footprints, beside those that occur in one.
PRODUCTS = ["urn:gtin:4712345060507", "urn:x:Straße", "urn:x:ÉTÉ"]
COMPANIES = ["urn:lei:529900T8BM49AURSDO55", "urn:x:ΣΑΣ"]
CLASSES = ["urn:cpc:0151", "urn:x:漢"]
DAYS = [datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(4)]

SPELLINGS: tuple[Callable[[str], str], ...] = (str, str.upper, str.lower, str.swapcase)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    home = Home(tmp_path / "home")
    home.prepare()
    opened = open_store(Settings(), home)

    def add_peer(session: Session) -> None:
        session.add(Peer(id=1, name="buyer", created_at=NOW))
        session.flush()
        session.add(
            AccessGrant(peer_id=1, kind=KeyKind.ALL, value="", level=3, changed=1, created_at=NOW)
        )

    opened.write_sync(add_peer)
    yield opened
    opened.close()


def replace(store: Store, documents: list[Document]) -> None:
    """Store these footprints, as publishing does, instead of those that are there."""
    new = []
    for number, document in enumerate(documents):
        index = FootprintIndex.of(document)
        keys = {(KeyKind.ALL, ""), *index_keys(index)}
        new.append(
            NewFootprint(
                id=str(number),
                segments=b"-",
                document_digest="",
                credential_digest="",
                valid_from=index.valid_from,
                valid_until=index.valid_until,
                geography=index.geography,
                product_name="",
                summary="{}",
                keys=frozenset(keys),
            )
        )

    def work(session: Session) -> None:
        for table in ("footprint_key", "own_entry", "footprint"):
            session.connection().exec_driver_sql(f"DELETE FROM {table}")
        add_all(session, new, NOW)
        for number, document in enumerate(documents):
            parameters = {"id": str(number), "status": document["status"]}
            statement = text("UPDATE footprint SET status = :status WHERE id = :id")
            session.connection().execute(statement, parameters)

    store.write_sync(work)


def by_conditions(store: Store, criteria: Criteria) -> list[int]:
    """Positions of what meets all the conditions."""
    clauses = criteria_clauses(criteria)
    where = " AND ".join(f"({clause.sql})" for clause in clauses) or "1 = 1"
    parameters = dict(pair for clause in clauses for pair in clause.parameters)
    sql = text(f"SELECT id FROM footprint f WHERE {where} ORDER BY seq")
    rows = store.read_sync(lambda session: session.connection().execute(sql, parameters).fetchall())
    return [int(row[0]) for row in rows]


def by_page(store: Store, criteria: Criteria, reach: Reach) -> list[int]:
    """Positions of what the query for a page finds."""
    statement = page_statement(reach, criteria, only_changed=False)
    parameters: dict[str, Any] = dict(statement.parameters)
    parameters |= {"after": 0, "count": 100, "peer": 1, "now": utc_text(NOW)}
    sql = text(f"SELECT id FROM footprint WHERE seq IN (SELECT seq FROM ({statement.sql}) AS p)")
    rows = store.read_sync(lambda session: session.connection().execute(sql, parameters).fetchall())
    return sorted(int(row[0]) for row in rows)


def by_definition(documents: list[Document], criteria: Criteria) -> list[int]:
    return [
        number
        for number, document in enumerate(documents)
        if criteria.matches(FootprintIndex.of(document))
    ]


def assert_agreement(store: Store, documents: list[Document], criteria: Criteria) -> list[int]:
    due = by_definition(documents, criteria)
    assert by_conditions(store, criteria) == due
    for reach in REACHES:
        assert by_page(store, criteria, reach) == due, reach
    return due


# --- random footprints --------------------------------------------------------------------------


@st.composite
def worlds(draw: st.DrawFn) -> list[Document]:
    """Random footprints, brought together so that filters find some and not others."""
    documents = draw(st.lists(footprints(), min_size=1, max_size=4))
    documents = [document | {"pcf": dict(document["pcf"])} for document in documents * 2]
    for document in documents:
        for name, values in (
            ("productIds", PRODUCTS),
            ("companyIds", COMPANIES),
            ("productClassifications", CLASSES),
        ):
            more = draw(st.lists(st.sampled_from(values), max_size=2, unique=True))
            document[name] = [*document.get(name, ()), *more]
        document["status"] = draw(st.sampled_from(["Active", "Deprecated"]))
        if draw(st.booleans()):
            days = st.sampled_from(DAYS).map(format_time)
            document["pcf"]["referencePeriodEnd"] = draw(days)
            document |= {"validityPeriodStart": draw(days), "validityPeriodEnd": draw(days)}
    return documents


@st.composite
def questions(draw: st.DrawFn, documents: list[Document]) -> Criteria:
    """One to three filters, whose values are mostly those of the footprints."""
    indexes = [FootprintIndex.of(document) for document in documents]
    moments = [one for index in indexes for one in (index.valid_from, index.valid_until)]
    known: dict[str, list[Any]] = {
        "product_ids": [one for document in documents for one in document["productIds"]],
        "company_ids": [one for document in documents for one in document["companyIds"]],
        "classifications": [
            one for document in documents for one in document["productClassifications"]
        ],
        "geographies": [index.geography for index in indexes if index.geography],
        "statuses": ["Active", "Deprecated", "Bogus"],
    }
    filters: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(EIGHT), min_size=1, max_size=3, unique=True)):
        if name in known:
            values = st.sampled_from([*known[name], "urn:x:none"])
            spelling = draw(st.sampled_from(SPELLINGS))
            found = draw(st.lists(values.map(spelling), min_size=1, max_size=3))
            filters[name] = tuple(one for one in found if "\0" not in one)
        else:
            filters[name] = draw(st.sampled_from([*moments, *DAYS]))
    return Criteria(**filters)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_sql_and_matcher_agree(store: Store, data: st.DataObject) -> None:
    documents = data.draw(worlds())
    replace(store, documents)
    for _ in range(4):
        assert_agreement(store, documents, data.draw(questions(documents)))


# --- each filter, alone and with each other -----------------------------------------------------


def footprint(number: int) -> Document:
    """Number 0 to 7: each filter has a half of its own."""
    first, second, third = (bool(number & bit) for bit in (1, 2, 4))
    document: Document = {
        "productIds": ["urn:x:Ä" if first else "urn:x:b", f"urn:n:{number}"],
        "companyIds": ["urn:c:1" if second else "urn:c:2"],
        "productClassifications": ["urn:k:1"] if third else [],
        "status": "Active" if first == second else "Deprecated",
        "pcf": {"referencePeriodEnd": format_time(DAYS[0])},
    }
    if first != third:
        document["pcf"]["geographyRegionOrSubregion"] = "Western Europe"
    if second == third:
        document["validityPeriodStart"] = format_time(DAYS[2])
    if first == third:
        document["validityPeriodEnd"] = format_time(DAYS[3])
    return document


ALONE: dict[str, Any] = {
    "product_ids": ("URN:X:ä",),
    "company_ids": ("urn:C:1",),
    "classifications": ("URN:K:1", "urn:k:3"),
    "geographies": ("WESTERN europe",),
    "statuses": ("deprecated",),
    "valid_on": DAYS[1],
    "valid_after": DAYS[1],
    "valid_before": DAYS[3] + timedelta(seconds=1),
}


@pytest.mark.parametrize("first", EIGHT)
def test_each_filter_counts(store: Store, first: str) -> None:
    documents = [footprint(number) for number in range(8)]
    replace(store, documents)
    alone = assert_agreement(store, documents, Criteria(**{first: ALONE[first]}))
    assert len(alone) == 4, "it finds some and not the others"
    for second in EIGHT:
        if second != first:
            both = Criteria(**{first: ALONE[first], second: ALONE[second]})
            found = assert_agreement(store, documents, both)
            other = assert_agreement(store, documents, Criteria(**{second: ALONE[second]}))
            assert set(found) == set(alone) & set(other)


def test_the_filters_are_all_that_there_are() -> None:
    assert set(Criteria.__dataclass_fields__) == set(EIGHT) == set(ALONE)
    clauses = criteria_clauses(Criteria(**ALONE))
    assert len(clauses) == len(EIGHT)
    assert criteria_clauses(Criteria()) == []


@pytest.mark.parametrize("value", ["'", "' OR 1=1 --", "%", "_", ":product_0", "\\", '"'])
def test_values_are_never_part_of_the_sql(store: Store, value: str) -> None:
    documents = [footprint(0) | {"productIds": [value, "urn:x:1"]}, footprint(1)]
    replace(store, documents)
    for name in ("product_ids", "company_ids", "classifications", "geographies", "statuses"):
        filters: dict[str, Any] = {name: (value,)}
        found = assert_agreement(store, documents, Criteria(**filters))
        assert found == ([0] if name == "product_ids" else [])
