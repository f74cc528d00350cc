"""What the coverage step of a sealed sum tells, as a figure among those that the gate judges."""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import pytest

from underseal_protocol.disclosure import Level
from underseal_protocol.errors import ReleaseError
from underseal_protocol.release.coverage import COVERAGE, with_coverage, without_coverage
from underseal_protocol.release.exposure import Exposure, Figure, Source
from underseal_protocol.release.gate import judge_publication
from underseal_protocol.rollup.properties import EXCLUDING, FOSSIL, OUTBOUND

TOTAL = Fraction(4)


def exposure(*, delivery: str = "0") -> Exposure:
    """3 of one supplier, with what brings it here, 0.5 of another one and 0.5 of ours."""
    figures = {FOSSIL: Fraction("1.5"), OUTBOUND: Fraction(delivery)}
    sources = {
        "footprint:a": Source(
            "footprint:a",
            "A",
            frozenset({"a"}),
            {name: one for name, one in figures.items() if one},
        ),
        "footprint:b": Source("footprint:b", "B", frozenset({"b"}), {FOSSIL: Fraction(1)}),
        "own": Source("own", None, frozenset({"own"}), {FOSSIL: Fraction(1)}),
    }
    form = {
        ("footprint:a", FOSSIL): Fraction(2),
        **({("footprint:a", OUTBOUND): Fraction(2)} if figures[OUTBOUND] else {}),
        ("footprint:b", FOSSIL): Fraction(1, 2),
        ("own", FOSSIL): Fraction(1, 2),
    }
    figure = Figure(EXCLUDING, None, "4", TOTAL, TOTAL, form)
    return Exposure("one", "cell", 3, sources, (figure,))


def at_digits(one: Exposure, _digits: int) -> Exposure:
    return one


def test_it_is_a_share_with_a_lower_end() -> None:
    made = with_coverage(exposure(), EXCLUDING, ["a"], 75)
    (share,) = (one for one in made.figures if one.name == COVERAGE)
    assert (share.low, share.high, share.block) == (Fraction(3, 4), Fraction(1), None)
    assert share.below is not None
    assert made.value_of(share.top) / made.value_of(share.below) == Fraction(3, 4)


def test_what_brings_it_here_is_not_endorsed() -> None:
    made = with_coverage(exposure(delivery="0.2"), EXCLUDING, ["a", "b"], 50)
    (share,) = (one for one in made.figures if one.name == COVERAGE)
    assert {name for _, name in share.top} == {FOSSIL}
    assert made.value_of(share.top) == Fraction("3.5")


def test_it_takes_the_place_of_the_one_before_and_can_be_taken_out() -> None:
    plain = exposure()
    once = with_coverage(plain, EXCLUDING, ["a"], 75)
    again = with_coverage(once, EXCLUDING, ["a"], 50)
    assert [one.low for one in again.figures if one.name == COVERAGE] == [Fraction(1, 2)]
    assert without_coverage(again) == plain
    assert with_coverage(once, EXCLUDING, ["a"], 0) == plain


def test_it_survives_storage() -> None:
    made = with_coverage(exposure(), EXCLUDING, ["a"], 75)
    assert Exposure.from_json(made.to_json()) == made


def test_a_figure_that_is_not_stated_has_none() -> None:
    with pytest.raises(ReleaseError, match="states no fossilGhgEmissions"):
        with_coverage(exposure(), "fossilGhgEmissions", ["a"], 25)


def test_the_gate_takes_it_for_what_it_tells() -> None:
    """Half of it is far from the truth, three quarters are the truth."""
    plain, half, close = (
        with_coverage(exposure(), EXCLUDING, ["a"], percent) for percent in (0, 50, 75)
    )
    leaks = []
    for one in (plain, half, close):
        verdict = judge_publication(partial(at_digits, one), Level.TOTAL, [], [])
        leaks.append({(leak.source, leak.figure, leak.product) for leak in verdict.leaks})
    of_a = ("footprint:a", EXCLUDING, None)
    assert of_a not in leaks[0] | leaks[1]
    assert of_a in leaks[2]
