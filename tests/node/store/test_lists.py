"""What lists are made from: in the order of figures, in step with the rows, there after updates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, col, select
from tests.node.conftest import StandingClock

from underseal_node.home import Home
from underseal_node.node import Node
from underseal_node.store import footprints, granted, own_lists, received, received_lists
from underseal_node.store.database import open_store
from underseal_node.store.exchange_tables import ReceivedFootprint
from underseal_node.store.list_tables import OwnEntry, ReceivedEntry
from underseal_node.store.listed import figure_key
from underseal_node.store.own_lists import OwnWanted
from underseal_node.store.received_lists import ReceivedWanted
from underseal_node.store.searching import Part, Word
from underseal_node.store.tables import Peer
from underseal_node.store.types import from_utc_text
from underseal_protocol.disclosure import Level
from underseal_protocol.usage_terms import GrantedToUs

Publish = Callable[..., str]
# What came after the lists; what is not there cannot be made by its migration.
LATER_TABLES = (
    *("seal", "seal_context", "endorsement", "endorsement_question", "received_seal"),
    *("roster_admission", "roster_epoch", "roster", "roster_membership", "trusted_roster"),
)

decimals = st.decimals(allow_nan=False, allow_infinity=False, places=6) | st.decimals(
    min_value=-1000, max_value=1000, allow_nan=False
)


@given(decimals, decimals)
def test_the_key_of_a_figure_has_its_order(one: Decimal, other: Decimal) -> None:
    keys = [figure_key(format(each, "f")) for each in (one, other)]
    assert (keys[0] < keys[1]) is (one < other)
    assert (keys[0] == keys[1]) is (one == other)


@pytest.mark.parametrize(
    "ordered",
    [
        ["-12.5", "-12", "-1.5", "-1", "-0.02", "-0.01", "0", "0.009", "0.01", "1", "1.5", "12"],
        ["9", "10", "1" + "0" * 5000, "1" + "0" * 5000 + "1" * 5],
        ["1", "abc", "zzz"],
    ],
)
def test_figures_are_ordered(ordered: list[str]) -> None:
    keys = [figure_key(one) for one in ordered]
    assert keys == sorted(keys)
    assert figure_key("+1.50") == figure_key("1.5") == figure_key("01.500")
    assert figure_key("-0.0") == figure_key("0")


def own(node: Node, part: Part | None = None, **wanted: Any) -> list[str]:
    """The names of own footprints that are found."""

    def work(session: Session) -> list[str]:
        numbers, _ = own_lists.find(session, OwnWanted(**wanted), part or Part())
        return [one.summary["productNameCompany"] for one in footprints.in_order(session, numbers)]

    return node.store.read_sync(work)


def word(*forms: str, states: frozenset[str] = frozenset()) -> list[Word]:
    return [Word(forms, states)]


def test_own_footprints_are_found_by_each_thing_that_a_list_shows(
    node: Node, publish: Publish
) -> None:
    publish(1, productNameCompany="Größe 电池")
    gone = publish(2, productIds=["urn:x:2", "urn:y:OTHER_100%"])
    node.store.write_sync(lambda session: footprints.deprecate(session, gone, "x.y.z"))
    for form in ("GRÖSSE", "电池", "urn:x:1"):
        assert own(node, words=word(form)) == ["Größe 电池"], form
    for form in ("other_100%", "deprec", "Product 2", "urn:y"):
        assert own(node, words=word(form)) == ["Product 2"], form
    for form in ("1.50", "1 kilogram", "2029-01-01T", "kilo"):
        expected = [] if form == "1 kilogram" else ["Product 2", "Größe 电池"]
        assert own(node, words=word(form)) == expected, form
    for form in ("other.100%", "x_1", "product%2"):
        assert own(node, words=word(form)) == [], form
    assert own(node, words=word("Kilogramm", states=frozenset({"kilogram"}))) != []
    assert own(node, words=word("aktiv", states=frozenset({"Active"}))) == ["Größe 电池"]
    assert own(node, words=[*word("product"), *word("电池")]) == []


def test_own_footprints_are_ordered_and_counted(node: Node, publish: Publish) -> None:
    for number, figure in enumerate(("9.5", "10", "-3", "10", "0.02"), 1):
        pcf = {
            "declaredUnitOfMeasurement": "kilogram", "declaredUnitAmount": "1",
            "productMassPerDeclaredUnit": "1", "referencePeriodStart": "2025-01-01T00:00:00Z",
            "referencePeriodEnd": "2026-01-01T00:00:00Z", "pcfExcludingBiogenicUptake": figure,
            "pcfIncludingBiogenicUptake": figure, "fossilGhgEmissions": figure.lstrip("-"),
            "fossilCarbonContent": "0", "ipccCharacterizationFactors": ["AR6"],
            "crossSectoralStandards": ["PACT-3.0"], "exemptedEmissionsPercent": "0",
        }  # fmt: skip
        publish(number, pcf=pcf)
    up, down = (Part("pcfExcludingBiogenicUptake", is_down) for is_down in (False, True))
    assert [one[-1] for one in own(node, up)] == ["3", "5", "1", "4", "2"]
    assert [one[-1] for one in own(node, down)] == ["4", "2", "1", "5", "3"]
    for name in own_lists.ORDER.columns:
        whole = own(node, Part(name))
        for offset in range(7):
            part = Part(name, limit=2, offset=offset, is_counted=True)
            assert own(node, part) == whole[offset : offset + 2], (name, offset)

    def counted(session: Session) -> int | None:
        return own_lists.find(
            session, OwnWanted(words=word("product")), Part(limit=1, is_counted=True)
        )[1]

    assert node.store.read_sync(counted) == 5


def entries(node: Node) -> list[dict[str, Any]]:
    def work(session: Session) -> list[dict[str, Any]]:
        own_rows = session.exec(select(OwnEntry).order_by(col(OwnEntry.seq))).all()
        others = session.exec(select(ReceivedEntry).order_by(col(ReceivedEntry.seq))).all()
        return [one.model_dump() for one in (*own_rows, *others)]

    return node.store.read_sync(work)


def receive(node: Node, number: int, peer_id: int, summary: str = "{}") -> None:
    def work(session: Session) -> None:
        row = ReceivedFootprint(
            peer_id=peer_id, footprint_id=f"id {number}", body=b"{}", body_digest="d",
            status="Active", verification="verified", received_at=node.now(),
            changed_at=node.now(), valid_from="", valid_until="", summary=summary,
        )  # fmt: skip
        portion = received.Portion(session, peer_id, [row.footprint_id])
        portion.add(row, [])
        portion.write()

    node.store.write_sync(work)


def test_what_is_changed_of_a_received_footprint_is_changed_in_the_list(
    node: Node, add_peer: Callable[..., int]
) -> None:
    peer = add_peer("Käufer")
    receive(node, 1, peer, '{"productNameCompany": "Zelle", "companyName": "A", "productIds": 5}')

    def change(session: Session) -> None:
        row = received.find(session, peer, "id 1")
        assert row is not None
        row.status, row.verification = "Deprecated", "unsigned"
        row.summary = '{"productNameCompany": "Pouch"}'
        received.save(session, row)

    node.store.write_sync(change)

    def note(session: Session) -> None:
        told = GrantedToUs("all", "", Level.TOTAL, terms="Nur für uns")
        row = session.get_one(Peer, peer)
        granted.keep(session, row, granted.as_told([told]), node.now())
        granted.note_terms(session, row, ["id 1"])

    node.store.write_sync(note)
    (entry,) = entries(node)
    assert entry["status"] == "Deprecated"
    assert entry["verification"] == "unsigned"
    assert entry["name"] == "pouch"
    assert entry["terms"] == "nur für uns"
    assert entry["company"] == ""

    def found(session: Session) -> list[int]:
        return [
            len(received_lists.find(session, ReceivedWanted(words=word(form)), Part())[0])
            for form in ("zelle", "pouch", "FÜR UNS", "käufer", "usable", "unsig", "verified")
        ]

    assert node.store.read_sync(found) == [0, 1, 1, 1, 1, 1, 0]

    def distrust(session: Session) -> None:
        session.get_one(Peer, peer).accept_unsigned = False

    def usable(session: Session) -> list[int]:
        return [
            len(received_lists.find(session, ReceivedWanted(is_usable=one), Part())[0])
            for one in (True, False)
        ]

    assert node.store.read_sync(usable) == [1, 0]
    node.store.write_sync(distrust)
    assert node.store.read_sync(usable) == [0, 1]


def test_rows_that_lack_what_a_list_is_sorted_by_come_last(
    node: Node, add_peer: Callable[..., int]
) -> None:
    peer = add_peer("zeta")
    other = add_peer("Alpha")
    receive(node, 1, peer, '{"pcfExcludingBiogenicUptake": "2", "companyName": "B"}')
    receive(node, 2, other, "{}")
    receive(node, 3, peer, '{"pcfExcludingBiogenicUptake": "10", "companyName": "a"}')

    def order(sort: str, is_down: bool) -> list[int]:
        part = Part(sort, is_down)
        return node.store.read_sync(
            lambda session: received_lists.find(session, ReceivedWanted(), part)[0]
        )

    assert order("pcfExcludingBiogenicUptake", False) == [1, 3, 2]
    assert order("pcfExcludingBiogenicUptake", True) == [3, 1, 2]
    assert order("companyName", False) == [3, 1, 2]
    assert order("companyName", True) == [1, 3, 2]
    assert order("peer", False) == [2, 3, 1]
    assert order("peer", True) == [3, 1, 2]
    for name in received_lists.ORDER.columns:
        assert sorted(order(name, False)) == [1, 2, 3], name


def test_a_database_from_before_there_were_lists_gets_them(
    home: Home, node: Node, clock: StandingClock, publish: Publish, add_peer: Callable[..., int]
) -> None:
    ids = [publish(number) for number in range(1, 4)]
    node.store.write_sync(lambda session: footprints.deprecate(session, ids[1], "x.y.z"))
    receive(node, 1, add_peer(), '{"productNameCompany": "Zelle"}')
    before = entries(node)
    with node.store.write_engine.begin() as connection:
        for table in ("own_entry", "received_entry", *LATER_TABLES):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        for column in ("endorse", "endorse_named"):
            connection.exec_driver_sql(f"ALTER TABLE peer DROP COLUMN {column}")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0010'")
    open_store(node.settings, home, clock=clock).close()
    assert entries(node) == before
    assert [one["status"] for one in before[:3]] == ["Active", "Deprecated", "Active"]


def test_validity_is_looked_for_by_its_end(node: Node, publish: Publish) -> None:
    publish(1)
    (end,) = {one["valid_until"] for one in entries(node)}
    moment = from_utc_text(end)
    assert own(node, ends_before=moment) == []
    assert own(node, ends_before=moment + timedelta(seconds=1)) == ["Product 1"]
