"""`python tests/benchmarks/compare.py OLD NEW`: has anything got worse between two `bench.json`?

Compares every figure of OLD with the same one of NEW: ratios and megabytes, never times. Exits 1
if one is worse by more than the tolerance, or is not there any more; 2 if the files cannot be
compared.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # when run as a file

from tests.benchmarks.results import Figure, Results, ResultsError, read_results

TOLERANCE = 0.15
# The slowest of a hundred requests is a matter of chance more than the others are.
TOLERANCE_OF_TAILS = 0.5
TAIL = "p50"
NO_WORSE, WORSE, NOT_COMPARABLE = 0, 1, 2


@dataclass(frozen=True)
class Change:
    """A figure in two runs; `new` is None when it was not measured again."""

    old: Figure
    new: Figure | None

    @property
    def loss(self) -> float:
        """By which share it is worse, against the old one; negative if it is better.

        A cost of 1.2 instead of 1.0 and a speed of 1 / 1.2 instead of 1.0 are both worse by 0.2.
        """
        if self.new is None:
            return float("inf")
        worse, better = self.old.measured, self.new.measured
        if self.old.at_most:
            worse, better = better, worse
        if better == worse:
            return 0.0
        return worse / better - 1 if better > 0 else float("inf")

    def is_worse(self, tolerance: float) -> bool:
        allowed = max(tolerance, TOLERANCE_OF_TAILS) if self.old.unit == TAIL else tolerance
        return self.loss > allowed

    def __str__(self) -> str:
        if self.new is None:
            return f"{self.old.name}: {self.old.measured:.3f}, and not measured any more"
        if abs(self.loss) < 0.0005:
            return f"{self.old.name}: {self.old.measured:.3f} as before"
        how = f"{self.loss:+.1%}" if self.loss != float("inf") else "all of it"
        word = "worse" if self.loss > 0 else "better"
        values = f"{self.old.measured:.3f} -> {self.new.measured:.3f} {self.old.unit}"
        return f"{self.old.name}: {values}, {word} ({how.lstrip('+-')})"


def changes(old: Results, new: Results) -> Iterator[Change]:
    """Every figure of the old run.

    Raises:
        ResultsError: the two have not one figure in common, or not the same sizes.
    """
    known = {figure.name: figure for figure in new.figures}
    if not known.keys() & {figure.name for figure in old.figures}:
        raise ResultsError("the two runs have no figure in common")
    for name in ("count", "small"):
        if old.options.get(name) != new.options.get(name):
            before, after = old.options.get(name), new.options.get(name)
            raise ResultsError(f"the runs differ in size: {name} was {before}, and is {after}")
    for figure in old.figures:
        yield Change(figure, known.get(figure.name))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument(
        "--tolerance",
        type=float,
        default=TOLERANCE,
        help="by which share a figure may be worse (default: %(default)s; p99 to p50: "
        f"{TOLERANCE_OF_TAILS})",
    )
    parser.add_argument(
        "--parts", action="store_true", help="of figures that were not measured again, say nothing"
    )
    given = parser.parse_args(arguments)
    try:
        found = list(changes(read_results(given.old), read_results(given.new)))
    except ResultsError as error:
        print(error)
        return NOT_COMPARABLE
    if given.parts:
        found = [one for one in found if one.new is not None]
    worse = [one for one in found if one.is_worse(given.tolerance)]
    for one in found:
        print(f"{'WORSE ' if one in worse else '      '}{one}")
    print(f"{len(worse)} of {len(found)} figures are worse by more than the tolerance")
    return WORSE if worse else NO_WORSE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
