"""A system of constraints without its equations: solved exactly, so that the rest leaves room.

What a solver with floating-point numbers cannot tell from an equation is taken for one, in the
attacker's favour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from underseal_protocol.errors import ReleaseError
from underseal_protocol.release.constraints import Column, Constraint, System, Target

__all__ = ["NARROW", "Reduced", "Row", "reduce_system"]

# An interval that is narrower than this, per largest entry, is a point.
NARROW = Fraction(1, 10**7)
MAX_STEPS = 3_000_000
_NONE, _ONE = Fraction(), Fraction(1)
Entries = dict[Column, Fraction]


@dataclass(frozen=True, slots=True)
class Row:
    """A constraint over a common denominator.

    Attributes:
        entries: numerators by the number of the column.
        low, high: numerators; None: no limit.
    """

    entries: Mapping[int, int]
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Reduced:
    """Inequalities only. Each deviation is -1 or more, 0 is inside.

    Attributes:
        width: how many free deviations there are.
        rows: the constraints.
        targets: what is protected, with its deviation in free ones; one that has none is known.
    """

    width: int
    rows: tuple[Row, ...]
    targets: tuple[tuple[Target, Mapping[int, Fraction]], ...]


def reduce_system(system: System) -> Reduced:
    """Solve the equations of a system.

    Raises:
        ReleaseError: that would take too long.
    """
    elimination = _Elimination()
    waiting = _merged(system.constraints)
    while True:
        narrow = [one for one in waiting if _is_narrow(one)]
        if not narrow:
            break
        for one in narrow:
            elimination.add_equation(one.entries)
        rest = (one for one in waiting if not _is_narrow(one))
        waiting = _merged([elimination.substituted(one) for one in rest])
    waiting += [
        Constraint(entries, Fraction(-1), None)
        for entries in elimination.solved.values()
        if entries
    ]
    free = [column for column in system.columns if column not in elimination.solved]
    numbers = {column: number for number, column in enumerate(free)}
    targets = tuple(
        (one, {numbers[c]: value for c, value in elimination.expressed(one.entries).items()})
        for one in system.targets
    )
    return Reduced(len(free), tuple(_row(one, numbers) for one in waiting), targets)


class _Elimination:
    """Gauss-Jordan elimination of homogeneous equations, with fractions."""

    def __init__(self) -> None:
        self.solved: dict[Column, Entries] = {}
        self._used_in: dict[Column, set[Column]] = {}
        self._steps = 0

    def add_equation(self, entries: Mapping[Column, Fraction]) -> None:
        """The sum of the entries is 0."""
        left = self.expressed(entries)
        if not left:
            return
        pivot = max(left, key=lambda column: (abs(left[column]), column))
        factor = -left.pop(pivot)
        solution = {column: value / factor for column, value in left.items()}
        for column in self._used_in.pop(pivot, set()):
            other = self.solved[column]
            if pivot in other:
                self._add(other, solution, other.pop(pivot))
                self._note(column, solution)
        self.solved[pivot] = solution
        self._note(pivot, solution)

    def expressed(self, entries: Mapping[Column, Fraction]) -> Entries:
        """A sum of free deviations."""
        found: Entries = {}
        for column, value in entries.items():
            self._add(found, self.solved.get(column, {column: _ONE}), value)
        return found

    def substituted(self, constraint: Constraint) -> Constraint:
        """A constraint on free deviations."""
        if self.solved.keys().isdisjoint(constraint.entries):
            return constraint
        return Constraint(self.expressed(constraint.entries), constraint.low, constraint.high)

    def _add(self, target: Entries, entries: Mapping[Column, Fraction], factor: Fraction) -> None:
        self._steps += len(entries)
        if self._steps > MAX_STEPS:
            raise ReleaseError(
                "the figures that are released without rounding make too many equations to solve",
                hint="Publish with fewer significant digits, or narrow the scope to the group.",
            )
        for column, value in entries.items():
            total = target.get(column, _NONE) + factor * value
            if total:
                target[column] = total
            else:
                target.pop(column, None)

    def _note(self, column: Column, entries: Entries) -> None:
        for one in entries:
            self._used_in.setdefault(one, set()).add(column)


def _merged(constraints: list[Constraint]) -> list[Constraint]:
    """Multiples of the same sum become one, with what all say."""
    alike: dict[frozenset[Column], list[Constraint]] = {}
    for one in constraints:
        if one.entries:
            alike.setdefault(frozenset(one.entries), []).append(one)
    found: list[Constraint] = []
    for group in alike.values():
        found += group if len(group) == 1 else _merged_group(group)
    return found


def _merged_group(constraints: list[Constraint]) -> Iterable[Constraint]:
    found: dict[frozenset[tuple[Column, Fraction]], Constraint] = {}
    for one in constraints:
        first = one.entries[min(one.entries)]
        entries = {column: value / first for column, value in one.entries.items()}
        low, high = (None if end is None else end / first for end in (one.low, one.high))
        if first < 0:
            low, high = high, low
        key = frozenset(entries.items())
        known = found.get(key)
        if known is not None:
            low = _tighter(max, low, known.low)
            high = _tighter(min, high, known.high)
        found[key] = Constraint(entries, low, high)
    return found.values()


def _tighter(
    choose: Callable[[Fraction, Fraction], Fraction], one: Fraction | None, other: Fraction | None
) -> Fraction | None:
    if one is None or other is None:
        return other if one is None else one
    return choose(one, other)


def _is_narrow(one: Constraint) -> bool:
    if one.low is None or one.high is None or not one.entries:
        return False
    return one.high - one.low <= NARROW * max(map(abs, one.entries.values()))


def _row(one: Constraint, numbers: Mapping[Column, int]) -> Row:
    ends = [end for end in (one.low, one.high) if end is not None]
    common = lcm(*(value.denominator for value in (*one.entries.values(), *ends)))

    def over(value: Fraction) -> int:
        return value.numerator * (common // value.denominator)

    return Row(
        {numbers[column]: over(value) for column, value in one.entries.items()},
        None if one.low is None else over(one.low),
        None if one.high is None else over(one.high),
    )
