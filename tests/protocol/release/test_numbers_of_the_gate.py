"""The numerical side: what cannot be told apart counts for the attacker, and claims are exact."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.release.builders import EXCLUDING, exposed, released, supplied

from underseal_protocol.disclosure import Level
from underseal_protocol.errors import ReleaseError
from underseal_protocol.release import reduction
from underseal_protocol.release.constraints import Constraint, System, Target, build_system
from underseal_protocol.release.gate import judge_grant
from underseal_protocol.release.knowledge import NOTHING, Knowledge, Peer
from underseal_protocol.release.reduction import reduce_system
from underseal_protocol.release.solver import unprotected
from underseal_protocol.release.thresholds import Thresholds

ONLY_PROGRAMMING = Thresholds(contributors=1, dominance=())
A, B, C = ("a",), ("b",), ("c",)
TENTH = Fraction(1, 10)


def system_of(*constraints: Constraint, columns: tuple[tuple[str, ...], ...] = (A, B, C)) -> System:
    """With each column as a target."""
    targets = [
        Target(one[0], EXCLUDING, None, Fraction(1), {one: Fraction(1)}, one[0]) for one in columns
    ]
    return System(list(constraints), targets, dict.fromkeys(columns))


def row(low: str | None, high: str | None, **entries: str) -> Constraint:
    """A constraint."""
    return Constraint(
        {(name,): Fraction(value) for name, value in entries.items()},
        None if low is None else Fraction(low),
        None if high is None else Fraction(high),
    )


def open_targets(system: System, share: Fraction = TENTH) -> list[str]:
    return sorted(one.target.source for one in unprotected(reduce_system(system), share))


def test_without_constraints_everything_is_protected() -> None:
    assert open_targets(system_of()) == []


def test_a_sum_of_two_determines_none() -> None:
    assert open_targets(system_of(row("0", "0", a="1", b="1"))) == []


def test_a_sum_of_one_determines_it() -> None:
    assert open_targets(system_of(row("0", "0", a="3"))) == ["a"]


@pytest.mark.parametrize(("width", "found"), [("0.0999", ["a"]), ("0.1001", [])])
def test_an_interval_protects_if_it_is_wide_enough(width: str, found: list[str]) -> None:
    assert open_targets(system_of(row(f"-{width}", width, a="1"))) == found


def test_one_side_is_not_enough() -> None:
    assert open_targets(system_of(row("-0.5", "0.05", a="1"))) == ["a"]
    assert open_targets(system_of(row("-0.05", "0.5", a="1"))) == ["a"]
    assert open_targets(system_of(row(None, "0.05", a="1"))) == ["a"]


@pytest.mark.parametrize("shift", ["1/1000", "1/1000000000", "1/1000000000000000000"])
def test_equations_that_nearly_agree_are_solved_exactly(shift: str) -> None:
    """(1, 1) and (1, 1 + shift) determine both, however small the shift is."""
    second = str(1 + Fraction(shift))
    system = system_of(row("0", "0", a="1", b="1"), row("0", "0", a="1", b=second))
    assert open_targets(system) == ["a", "b"]


def test_what_the_solver_cannot_see_counts_as_nothing() -> None:
    """The interval is narrower than the tolerance of the solver."""
    thin = "0.00000000001"
    assert open_targets(system_of(row(f"-{thin}", thin, a="1"))) == ["a"]


def test_equations_that_follow_from_others_add_nothing() -> None:
    same = [row("0", "0", a=str(n), b=str(n)) for n in (1, 2, -3)]
    assert open_targets(system_of(*same)) == []


def test_intervals_of_the_same_sum_are_taken_together() -> None:
    """Each is wide enough, and both have only the truth in common."""
    one, other = row("0", "0.5", a="1"), row("0", "1", a="-2")
    assert open_targets(system_of(one)) == ["a"]
    reduced = reduce_system(system_of(one, other))
    assert reduced.width == 2  # b and c; a is known
    assert open_targets(system_of(one, other)) == ["a"]


def test_solved_unknowns_stay_positive() -> None:
    """If b rises by 10 %, a falls by 11 times as much: it cannot fall by more than all of it."""
    system = system_of(row("0", "0", a="1", b="11"), columns=(A, B))
    assert open_targets(system) == ["b"]
    assert open_targets(system_of(row("0", "0", a="1", b="9"), columns=(A, B))) == []


def test_a_report_tells_the_interval() -> None:
    (found,) = unprotected(
        reduce_system(system_of(row("-0.02", "0.05", a="1"), columns=(A,))), TENTH
    )
    assert list(found.ends) == pytest.approx([-0.02, 0.05], abs=1e-6)


def test_no_limit_is_reported_as_none() -> None:
    (found,) = unprotected(reduce_system(system_of(row("-0.02", None, a="1"), columns=(A,))), TENTH)
    assert found.ends[1] is None


def test_too_many_equations_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reduction, "MAX_STEPS", 3)
    with pytest.raises(ReleaseError, match="too many equations"):
        reduce_system(system_of(*(row("0", "0", a=str(n), b="1", c="2") for n in range(1, 4))))


digits = st.integers(-9, 9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(digits, digits, digits), max_size=3), st.integers(0, 40))
def test_what_is_claimed_to_be_protected_is_by_another_calculation(
    sums: list[tuple[int, int, int]], width: int
) -> None:
    """Against bounds from the solver on the constraints as they are, without any reduction."""
    linprog = pytest.importorskip("scipy.optimize").linprog
    end = Fraction(width, 100)
    constraints = [
        Constraint({c: Fraction(v) for c, v in zip((A, B, C), one, strict=True) if v}, -end, end)
        for one in sums
        if any(one)
    ]
    found = open_targets(system_of(*constraints))
    array = [list(one) for one in sums if any(one)]
    both = [*array, *([-v for v in one] for one in array)] or None
    ends = [float(end)] * len(both) if both else None
    for number, name in enumerate("abc"):
        reaches = []
        for side in (1, -1):
            objective = [0.0] * 3
            objective[number] = -side
            options = {"presolve": False}  # it cannot tell what is unbounded from what is wrong
            result = linprog(
                objective, both, ends, bounds=(-1, None), method="highs", options=options
            )
            assert result.status in (0, 3), result.message
            reaches.append(float("inf") if result.status == 3 else -result.fun)
        if name not in found:
            assert min(reaches) >= 0.1 - 1e-6
        else:
            assert min(reaches) <= 0.1 + 1e-3


def test_with_unknown_quantities_no_more_is_found() -> None:
    """Who does not know the quantities knows less: only what is told of contributions."""
    rods = [supplied("a", "2.0000001"), supplied("b", "3.0000001")]
    one = exposed((rods[0], "1"), (rods[1], "1"), footprint="one")
    other = exposed((rods[0], "3"), (rods[1], "1"), footprint="other")
    shown = {"one": (one, frozenset[object]()), "other": (other, frozenset[object]())}
    counts = []
    for known in (True, False):
        system = build_system(
            shown,  # type: ignore[arg-type]
            NOTHING,
            frozenset(),
            ONLY_PROGRAMMING,
            quantities_known=known,
        )
        counts.append(len(list(unprotected(reduce_system(system), TENTH))))
    assert counts[0] > 0
    assert counts[1] == 0


def test_a_declared_quantity_is_known_all_the_same() -> None:
    """Then the same supplier's number is one unknown in both products."""
    rods = [supplied("a", "2.0000001"), supplied("b", "3.0000001")]
    parts = [(rods[0], "1"), (rods[1], "1")]
    ledger = [released(exposed(*parts, footprint="one"), level=Level.TOTAL)]
    other = exposed((rods[0], "3"), (rods[1], "1"), footprint="other")
    needs = {}
    for quantities in (frozenset[str](), frozenset({"a"})):
        peer = Peer("buyer", knowledge=Knowledge(quantities=quantities))
        found = judge_grant(other, Level.TOTAL, peer, ledger, (), ONLY_PROGRAMMING)
        needs[len(quantities)] = {leak.needs_quantities for leak in found.leaks}
    assert needs == {0: {True}, 1: {False}}


def test_scipy_is_imported_by_who_asks_and_nobody_else() -> None:
    code = (
        "import sys, underseal_protocol.release.gate, underseal_protocol.release.reading;"
        "sys.exit('scipy' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
