"""docs/explanation/release-gate.md is calculated: its tables are the inputs and the results."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from tests.protocol.release.builders import EXCLUDING, exposed, made_of, released, supplied

from underseal_protocol.disclosure import Level
from underseal_protocol.release.exposure import Exposure, Figure
from underseal_protocol.release.gate import judge_grant, judge_publication
from underseal_protocol.release.knowledge import NOTHING, Peer
from underseal_protocol.release.reading import exposure_of
from underseal_protocol.release.rules import shares_of
from underseal_protocol.release.thresholds import DEFAULT, Dominance
from underseal_protocol.release.verdict import Outcome
from underseal_protocol.rollup.numbers import round_exact
from underseal_protocol.rollup.sources import ReceivedFootprint

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "release-gate.md"
Row = dict[str, str]


def tables() -> list[list[Row]]:
    """All tables of the page, each as rows by head."""
    found: list[list[Row]] = []
    heads: list[str] = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            heads = []
        elif not heads:
            heads = cells
            found.append([])
        elif not set(line) <= set("|-"):
            found[-1].append(dict(zip(heads, cells, strict=True)))
    return found


RULES, PARTS, PASSED, PAIRS = tables()
MORE = Decimal("0.01")
OWN = PARTS[-1]["Contribution"]


def parts(more: Decimal = Decimal(0)) -> list[tuple[ReceivedFootprint, str]]:
    found = []
    for row in PARTS[:-1]:
        kilograms = Decimal(row["kg"]) + (more if row["Part"] == "steel" else 0)
        found.append((supplied(row["Part"], row["kg CO2e per kg"]), str(kilograms)))
    return found


def bracket(footprint: str, digits: int, more: Decimal = Decimal(0)) -> Exposure:
    return exposed(*parts(more), own=OWN, footprint=footprint, digits=digits)


def total_of(exposure: Exposure) -> Figure:
    return next(one for one in exposure.figures if one.name == EXCLUDING)


@pytest.mark.parametrize("row", PARTS[:-1], ids=lambda row: row["Part"])
def test_contributions(row: Row) -> None:
    made = Decimal(row["kg"]) * Decimal(row["kg CO2e per kg"])
    assert made == Decimal(row["Contribution"])


def test_the_rules_and_their_limits() -> None:
    exposure = bracket("first", 6)
    shares = shares_of(exposure, total_of(exposure), NOTHING, frozenset())
    (_, first), (_, second), _ = shares.suppliers
    whole = shares.remainder
    got = [Fraction(len(shares.suppliers)), (whole - first) / first * 100]
    got += [first / whole * 100, (first + second) / whole * 100]
    assert [str(round_exact(one, 6)) for one in got] == [row["Got"] for row in PASSED]
    limits = [DEFAULT.contributors, DEFAULT.percent, *(one.percent for one in DEFAULT.dominance)]
    assert [str(one) for one in limits] == [row["Limit"] for row in PASSED]
    assert [row["Default"] for row in RULES] == ["k = 3", "p = 10", "(1, 75) and (2, 85)"]
    assert DEFAULT.dominance == (Dominance(1, 75), Dominance(2, 85))


@pytest.mark.parametrize("row", PAIRS, ids=lambda row: row["Digits"])
def test_two_brackets(row: Row) -> None:
    digits = int(row["Digits"])
    first, stronger = bracket("first", digits), bracket("stronger", digits, MORE)
    told = [total_of(first), total_of(stronger)]
    assert [one.text for one in told] == [row["First"], row["Stronger"]]
    low = (told[1].low - told[0].high) / Fraction(MORE)
    high = (told[1].high - told[0].low) / Fraction(MORE)
    ends = [Fraction(row["Steel is at least"]), Fraction(row["at most"])]
    assert [max(low, Fraction(0)), high] == ends
    verdict = judge_grant(stronger, Level.TOTAL, Peer("x"), [released(first, "x", Level.TOTAL)])
    assert str(verdict.outcome) == row["Gate"]
    for leak in verdict.leaks:
        assert (leak.source, str(leak.value)) == ("footprint:steel", "4")
        assert [leak.low, leak.high] == pytest.approx(ends, rel=1e-4)


def test_alone_each_passes() -> None:
    for exposure in (bracket("first", 6), bracket("stronger", 6, MORE)):
        assert judge_grant(exposure, Level.TOTAL, Peer("x"), []).outcome is Outcome.RELEASE


def test_after_six_digits_the_second_is_published_with_three() -> None:
    made = made_of(*parts(MORE), own=OWN)
    ledger = [released(bracket("first", 6), "x", Level.TOTAL)]
    found = judge_publication(
        lambda digits: exposure_of(made, "stronger", digits), Level.TOTAL, [Peer("x")], ledger
    )
    assert (found.outcome, found.digits) == (Outcome.COARSER, 3)
    assert total_of(exposure_of(made, "stronger", 3)).text == "12.3"
    page = PAGE.read_text(encoding="utf-8")
    assert "the gate fixes 3 digits, and publishes 12.3" in page
