"""Energy that is in no footprint is found."""

from __future__ import annotations

import pytest
from tests.protocol.rollup.test_allocation import order, reading, shared

from underseal_protocol.rollup.allocation import Allocation
from underseal_protocol.rollup.allocation_findings import findings_of
from underseal_protocol.rollup.findings import RULES


def found(allocation: Allocation) -> dict[str, str]:
    return {one.rule: one.message for one in findings_of(allocation)}


def test_nothing_is_found_where_all_is_allocated() -> None:
    assert found(shared([reading(0, 31, 100)], [order("1", "A", 0, 31, 5)])) == {}


@pytest.mark.parametrize(
    ("rule", "allocation", "words"),
    [
        (
            "energy-without-production",
            shared([reading(0, 1, 100), reading(1, 31, 25)], [order("1", "A", 0, 1, 5)]),
            ["25 kWh of electricity", "20 %", "from 2025-03-01"],
        ),
        (
            "energy-unallocated",
            shared([reading(0, 31, 100)], [order("1", "A", 0, 31, 5, line="L9")]),
            ["100 kWh of electricity", "100 %", "line L1"],
        ),
        (
            "energy-unallocated",
            shared([reading(0, 31, 100)], [order("7", "A", 0, 31, 5, "pieces")]),
            ["100 kWh of electricity", "product A"],
        ),
        (
            "meter-gaps",
            shared(
                [reading(0, 1, 100), reading(2, 31, 100)],
                [order("1", "A", 0, 31, 5)],
            ),
            ["24 h"],
        ),
    ],
)
def test_what_is_missing_is_told(rule: str, allocation: Allocation, words: list[str]) -> None:
    messages = found(allocation)
    assert rule in messages, messages
    for word in words:
        assert word in messages[rule]
    (one,) = [one for one in findings_of(allocation) if one.rule == rule]
    assert one.severity is RULES[rule].severity
