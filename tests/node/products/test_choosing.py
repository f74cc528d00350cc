"""Which received footprint counts, and that each summary is read once: a peer's may be large."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from underseal_node.products.choosing import best_of, newest_of, read_summary
from underseal_node.store.exchange_tables import ReceivedFootprint

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LINKS = 40


def row(number: int, *preceding: str, **changes: Any) -> ReceivedFootprint:
    summary = {
        "precedingPfIds": preceding,
        "declaredUnitOfMeasurement": "kilogram",
        "referencePeriodEnd": "2026-01-01T00:00:00Z",
        "created": f"2026-01-01T00:00:{number:02}Z",
    }
    values = {
        "seq": number,
        "peer_id": 1,
        "footprint_id": f"id-{number}",
        "status": "Active",
        "verification": "verified",
        "geography": f"place-{number}",
        "valid_from": "2026-01-01T00:00:00.000000Z",
        "valid_until": "2027-01-01T00:00:00.000000Z",
        "summary": json.dumps(summary),
    }
    return ReceivedFootprint(**{**values, **changes})


def test_the_end_of_a_long_chain_counts_and_each_summary_is_read_once() -> None:
    first = row(0)
    rows = [row(number, f"id-{number - 1}") for number in range(LINKS, 0, -1)] + [first]
    read: Counter[int | None] = Counter()

    def counted(one: ReceivedFootprint) -> Mapping[str, Any]:
        read[one.seq] += 1
        return read_summary(one)

    assert newest_of(first, rows, NOW, counted).footprint_id == f"id-{LINKS}"
    assert set(read) == {one.seq for one in rows}
    # What was matched is among the rows as well.
    assert max(read.values()) <= 2


def test_another_place_is_another_decision() -> None:
    matched = row(0)
    assert newest_of(matched, [row(1), matched], NOW) is matched
    same_place = row(2, geography=matched.geography)
    assert newest_of(matched, [same_place, row(1), matched], NOW) is same_place


def test_what_is_invalid_never_counts() -> None:
    assert best_of([row(1, verification="invalid")], NOW) is None
    old, ended = row(1), row(2, status="Deprecated")
    assert best_of([ended, old], NOW) is old
    assert best_of([row(3, valid_until="2026-02-01T00:00:00.000000Z"), old], NOW) is old
    assert best_of([row(3, verification="unsigned"), old], NOW) is old
    assert best_of([row(3, "id-1"), old], NOW) is not old
