"""`PYTHONPATH=. python tests/benchmarks/sealing.py`: a sealed sum of 30 inputs.

Once with suppliers that are named, once with members of a roster that are not; thirty of each, with
mass and coverage; the generators are there already. Times are of the processor, and set against a
multiplication of a point of G1 by a scalar, measured moments before and after: what takes as long
as 1,000 of them is 1,000. Exits 1 above the targets.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

from tests.protocol.seal.chains import Chain, Part
from tests.protocol.seal.hidden_chain import HiddenChain

from underseal_protocol.seal.generators import H, bit_generators
from underseal_protocol.seal.group import random_scalar
from underseal_protocol.seal.prover import seal
from underseal_protocol.seal.verdict import Grade

INPUTS, ROUNDS = 30, 5
TARGETS = {"prove": 13_000.0, "verify": 1_200.0, "size": 12.0}
HIDDEN_TARGETS = {"prove": 13_000.0, "verify": 2_000.0, "size": 24.0}
MULTIPLICATIONS = 100
T = TypeVar("T")


@dataclass(frozen=True)
class _Timed:
    """In multiplications, and in seconds here."""

    ratio: float
    seconds: float


def multiplication_seconds() -> float:
    """Of a point that is no generator, by a scalar of full length."""
    scalar, point = random_scalar(), random_scalar() * H
    start = time.process_time()
    for _ in range(MULTIPLICATIONS):
        scalar * point
    return (time.process_time() - start) / MULTIPLICATIONS


def timed(work: Callable[[], T]) -> tuple[_Timed, T]:
    before, start = multiplication_seconds(), time.process_time()
    result = work()
    seconds = time.process_time() - start
    unit = (before + multiplication_seconds()) / 2
    return _Timed(seconds / unit, seconds), result


def measured(inputs: int, rounds: int, kind: type[Chain] = Chain) -> dict[str, float]:
    """Ratios and seconds of proving and verifying, and the size in kB.

    Args:
        inputs: how many.
        rounds: of proving; twice as many of verifying.
        kind: `Chain` or `HiddenChain`.
    """
    parts = tuple(Part(f"{7 + n}.{n}", "1.1", f"0.0{n + 1}") for n in range(inputs))
    chain = kind(parts=parts, own="0.01", mass="0.01", decimals=3, coverage=50)
    order = chain.order  # endorsements are made before, and verified once more in the work
    bit_generators(1 << (112 * inputs + 9 * 64 - 1).bit_length())
    proved, documents = zip(*(timed(lambda: seal(order)) for _ in range(rounds)), strict=True)
    data = documents[-1].document
    verified, verdicts = zip(
        *(timed(lambda: chain.verify(data)) for _ in range(2 * rounds)), strict=True
    )
    assert {(one.grade, one.coverage) for one in verdicts} == {(Grade.MASS, 50)}
    return {
        "prove": median(one.ratio for one in proved),
        "prove_seconds": median(one.seconds for one in proved),
        "verify": median(one.ratio for one in verified),
        "verify_seconds": median(one.seconds for one in verified),
        "size": len(data) / 1000,
    }


def main() -> int:
    missed = False
    for name, kind, targets in (
        ("named", Chain, TARGETS),
        ("members of a roster", HiddenChain, HIDDEN_TARGETS),
    ):
        found = measured(INPUTS, ROUNDS, kind)
        print(
            f"{name}: proved in {found['prove']:,.0f} multiplications "
            f"({found['prove_seconds']:.2f} s), verified in {found['verify']:,.0f} "
            f"({found['verify_seconds']:.3f} s), {found['size']:.2f} kB"
        )
        missed |= any(found[one] > target for one, target in targets.items())
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
