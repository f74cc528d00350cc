"""The audit log is ordered by what a list shows of it, in both databases alike, page by page."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import insert, update
from sqlmodel import Session, col
from tests.postgresql import NEEDS_POSTGRESQL, Databases

from underseal_node.home import Home
from underseal_node.node import Node
from underseal_node.settings import Settings
from underseal_node.store import audit_lists
from underseal_node.store.audit_lists import AuditWanted
from underseal_node.store.audit_order import BY_NUMBER, SORTS
from underseal_node.store.audit_tables import AuditRow
from underseal_node.store.database import Store, open_store
from underseal_node.store.searching import Part

POSTGRESQL = (NEEDS_POSTGRESQL, pytest.mark.xdist_group("postgresql"))
ACTS = ("token-issued", "footprints-read", "grant-added", "peer-added")
PEERS = ("beta", "Alpha", 'with "quotes" {and} more', "电池", None)
LEVELS = ("total", "full", None)
KEYS = tuple(one for one in SORTS if one not in BY_NUMBER)


def members_of(number: int) -> dict[str, Any]:
    """An entry in which no two members go together."""
    found: dict[str, Any] = {
        "act": ACTS[number % len(ACTS)],
        "actor": ("operator", "peer", "node")[number % 3],
        "number": number,
        "outcome": "refused" if number % 5 == 0 else "done",
        "time": "2026-03-01T12:00:00Z",
    }
    name, level = PEERS[number % len(PEERS)], LEVELS[number % len(LEVELS)]
    if name is not None:
        found["peer"] = {"id": number % 7, "name": name}
    if level is not None:
        found["level"] = level
    if number % 4:
        ids = [f"{one:08}" for one in range(number % 4)]
        found["footprints"] = {"count": number % 13, "ids": ids}
        if number % 4 == 3:
            found["footprints"] = {"count": number % 130, "digest": "x"}
    if number % 2:
        found["detail"] = {"kind": ("product", "all")[number % 3 % 2], "n": number % 3}
    return found


def body_of(members: dict[str, Any]) -> str:
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fill(store: Store, count: int) -> None:
    rows = [
        {"number": number, "body": body_of(members_of(number)), "leaf": b"leaf"}
        for number in range(1, count + 1)
    ]
    store.write_sync(lambda session: session.execute(insert(AuditRow), rows))


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=POSTGRESQL)])
def log(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """A log with sixty entries; each database once, as nothing here changes them for good."""
    home = Home(tmp_path_factory.mktemp("log") / "home")
    home.prepare()
    with ExitStack() as stack:
        settings = Settings(database_url=None)
        if request.param == "postgresql":
            databases: Databases = request.getfixturevalue("databases")
            url = databases.new()
            stack.callback(databases.drop_url, url)
            settings = Settings(database_url=SecretStr(url))
        store = open_store(settings, home)
        stack.callback(store.close)
        fill(store, 60)
        yield store


def shown(store: Store, wanted: AuditWanted, part: Part) -> tuple[list[int], int | None]:
    def work(session: Session) -> tuple[list[int], int | None]:
        found, total = audit_lists.find(session, wanted, part)
        return [one["number"] for one in found], total

    return store.read_sync(work)


def key_of(name: str, members: dict[str, Any]) -> str:
    """What an entry is ordered by, by another way than the database's."""
    if name == "footprints":
        found = members.get("footprints")
        ids = body_of(found["ids"]) if found and "ids" in found else ""
        return f"{found['count']:09}{ids}" if found else ""
    if name == "peer":
        # Databases fold the letters of ASCII; PostgreSQL has quotes as they are written.
        return str((members.get("peer") or {}).get("name", "")).lower().replace('"', '\\"')
    if name == "details":
        return body_of(members["detail"]).lower() if "detail" in members else ""
    return str(members.get(name, "")).lower()


def expected(name: str, *, is_down: bool, numbers: list[int]) -> list[int]:
    newest = sorted(numbers, reverse=True)
    with_key = [one for one in newest if key_of(name, members_of(one))]
    without = [one for one in newest if not key_of(name, members_of(one))]
    with_key.sort(key=lambda one: key_of(name, members_of(one)), reverse=is_down)
    if is_down:  # what is alike stays the newest first
        with_key = [one for one in newest if one in with_key]
        with_key.sort(key=lambda one: _turned(key_of(name, members_of(one))))
    return with_key + without


def _turned(text: str) -> list[int]:
    return [-ord(one) for one in text] + [1]


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("is_down", [False, True])
def test_pages_are_in_the_order_of_what_is_shown(log: Store, name: str, is_down: bool) -> None:
    everything = list(range(1, 61))
    found: list[int] = []
    for offset in range(0, 60, 7):
        part = Part(name, is_down, limit=7, offset=offset, is_counted=True)
        some, total = shown(log, AuditWanted(), part)
        assert total == 60
        found += some
    assert found == expected(name, is_down=is_down, numbers=everything)
    done = AuditWanted(outcome="done")
    some, total = shown(log, done, Part(name, is_down, limit=10, offset=5, is_counted=True))
    numbers = [one for one in everything if one % 5]
    assert total == len(numbers)
    assert some == expected(name, is_down=is_down, numbers=numbers)[5:15]


@pytest.mark.parametrize("name", KEYS)
def test_a_spoiled_entry_stops_no_list(log: Store, name: str) -> None:
    spoiled = update(AuditRow).where(col(AuditRow.number) == 7).values(body='{"act":')
    mended = spoiled.values(body=body_of(members_of(7)))
    log.write_sync(lambda session: session.execute(spoiled))
    for wanted in (AuditWanted(), AuditWanted(act="peer-added")):
        found, _total = shown(log, wanted, Part(name, limit=100))
        assert len(found) == len(set(found))
        assert (7 in found) is wanted.is_everything
    log.write_sync(lambda session: session.execute(mended))


def test_by_number_is_the_default_and_of_time_the_same(log: Store) -> None:
    newest = list(range(60, 0, -1))
    for part in (Part(), Part("number", is_down=True), Part("time", is_down=True)):
        assert shown(log, AuditWanted(), part)[0] == newest
    assert shown(log, AuditWanted(), Part("time"))[0] == newest[::-1]


def test_pages_of_ten_thousand_entries_are_quick(node: Node) -> None:
    """Whatever it is sorted by; a page of the newest takes a thousandth of a second."""
    store = node.store
    fill(store, 10_000)
    for name in KEYS:
        for offset in (0, 5_000, 9_950):
            part = Part(name, limit=50, offset=offset, is_counted=True)
            began = time.perf_counter()
            found, total = shown(store, AuditWanted(), part)
            took = time.perf_counter() - began
            assert (len(found), total) == (50, 10_000)
            assert took < 1, (name, offset, took)
