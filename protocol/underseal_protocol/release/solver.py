"""How far an attacker's answer can be from the truth, by linear programming (HiGHS, in scipy).

The solver only proposes. A number counts as protected on one side if there is a *witness*: other
values of all unknowns that agree with everything that was released, and put the number p % off. A
witness is held against each constraint with integers, so that no rounding of the solver can claim a
protection that is not there. What cannot be decided counts as not protected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

from underseal_protocol.release.constraints import Target
from underseal_protocol.release.reduction import Reduced

__all__ = ["Reach", "unprotected"]

_GRID = 10**12  # witnesses are multiples of one part of this
_INSET = 1e-8  # of the largest entry: how far inside of constraints a witness is looked for
_TOLERANCE = 1e-9
_BEYOND = 1.01  # witnesses are looked for somewhat beyond p
_OPTIONS = {"primal_feasibility_tolerance": _TOLERANCE, "dual_feasibility_tolerance": _TOLERANCE}


class Reach:
    """How closely a number can be determined; calculated when it is asked for.

    Args:
        target: the number.
        ends: gives the deviations between which it is known to be, as shares of the truth; None:
            no limit that is known. They are for reports: found by the solver, not exact.
    """

    def __init__(
        self, target: Target, ends: Callable[[], tuple[float | None, float | None]]
    ) -> None:
        self.target = target
        self._ends = ends

    @cached_property
    def ends(self) -> tuple[float | None, float | None]:
        """The lower and the upper one."""
        return self._ends()


def unprotected(reduced: Reduced, share: Fraction) -> Iterator[Reach]:
    """The targets that an attacker can determine more closely than the share, on either side.

    Args:
        reduced: what it knows.
        share: p, 0 to 1.
    """
    return _Search(reduced, share).run()


class _Search:
    def __init__(self, reduced: Reduced, share: Fraction) -> None:
        self._reduced, self._share = reduced, share
        count = len(reduced.targets)
        free = [number for number in range(count) if reduced.targets[number][1]]
        self._open = {(number, side) for number in free for side in (1, -1)}

    def run(self) -> Iterator[Reach]:
        """Witnesses for many targets at once, then for each that is left."""
        for number, (_, form) in enumerate(self._reduced.targets):
            if not form:
                yield self._reach(number)
        progress = True
        while self._open and progress:
            before = len(self._open)
            for last in (1, -1):  # of a target that is open on both sides, the last one counts
                chosen = dict(sorted(self._open, reverse=last < 0))
                if chosen:
                    self._look_for(chosen)
            progress = len(self._open) < before
        for number in sorted({number for number, _ in self._open}):
            for side in (1, -1):
                if (number, side) in self._open:
                    self._look_for({number: side})
                if (number, side) in self._open:
                    yield self._reach(number)
                    break

    def _look_for(self, chosen: Mapping[int, int]) -> None:
        """Another world in which the chosen targets are higher (1) or lower (-1)."""
        witness = self._program.optimum(chosen, float(self._share) * _BEYOND)
        if witness is None:
            return
        exact = [max(round(value * _GRID), -_GRID) for value in witness]
        if not all(map(self._holds(exact), self._reduced.rows)):
            return
        needed = self._share * _GRID
        for number, side in tuple(self._open):
            form = self._reduced.targets[number][1]
            if side * sum(value * exact[column] for column, value in form.items()) >= needed:
                self._open.discard((number, side))

    @staticmethod
    def _holds(exact: Sequence[int]) -> Any:
        def check(row: Any) -> bool:
            total = sum([value * exact[column] for column, value in row.entries.items()])
            return (row.low is None or total >= row.low * _GRID) and (
                row.high is None or total <= row.high * _GRID
            )

        return check

    @cached_property
    def _program(self) -> _Program:
        return _Program(self._reduced)

    def _reach(self, number: int) -> Reach:
        target, form = self._reduced.targets[number]

        def end(side: int) -> float | None:
            witness = self._program.optimum({number: side}, None) if form else ()
            if witness is None:
                return None
            return sum(float(value) * witness[column] for column, value in form.items())

        return Reach(target, lambda: (end(-1), end(1)))


class _Program:
    """The constraints as the solver takes them."""

    def __init__(self, reduced: Reduced) -> None:
        # Importing scipy takes longer than most commands: only who asks the gate waits for it.
        import numpy as np
        from scipy.optimize import linprog
        from scipy.sparse import csr_array

        self._np, self._solve = np, linprog
        self._width = reduced.width
        entries, ends = [], []
        for row in reduced.rows:
            largest = max(map(abs, row.entries.values()))
            scaled = {column: value / largest for column, value in row.entries.items()}
            if row.high is not None:
                entries.append(scaled)
                ends.append(row.high / largest - _INSET)
            if row.low is not None:
                entries.append({column: -value for column, value in scaled.items()})
                ends.append(-row.low / largest - _INSET)
        self._forms = [
            {column: float(value) for column, value in form.items()} for _, form in reduced.targets
        ]
        self._array, self._ends = self._matrix_of(csr_array, entries), ends
        self._sparse = csr_array

    def optimum(self, chosen: Mapping[int, int], limit: float | None) -> Sequence[float] | None:
        """A solution that is far from the truth in the chosen targets; None: there is none.

        Args:
            chosen: 1 for higher, -1 for lower, by target.
            limit: how far each has to be at most; None: as far as it can.
        """
        np = self._np
        objective = np.zeros(self._width)
        limits = []
        for number, side in chosen.items():
            form = self._forms[number]
            for column, value in form.items():
                objective[column] -= side * value
            limits.append({column: side * value for column, value in form.items()})
        array, ends = self._array, self._ends
        if limit is not None:
            from scipy.sparse import vstack

            array = vstack([array, self._matrix_of(self._sparse, limits)], format="csr")
            ends = [*ends, *[limit] * len(limits)]
        result = self._solve(
            objective, array, ends, bounds=(-1 + _INSET, None), method="highs", options=_OPTIONS
        )
        return None if result.x is None or result.status != 0 else [float(one) for one in result.x]

    def _matrix_of(self, make: Any, entries: list[dict[int, float]]) -> Any:
        rows = [number for number, one in enumerate(entries) for _ in one]
        columns = [column for one in entries for column in one]
        values = [value for one in entries for value in one.values()]
        return make((values, (rows, columns)), shape=(len(entries), self._width))
