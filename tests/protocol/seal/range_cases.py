"""Range proofs for tests, and the bit relations that say the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import strategies as st
from tests.protocol.seal.relations import CMPT

from underseal_protocol.seal.generators import H, pedersen_commitment
from underseal_protocol.seal.group import GENERATOR, ONE, ZERO, Point, Scalar, random_scalar
from underseal_protocol.seal.range_statement import RANGE_SUITE, RangeStatement
from underseal_protocol.seal.ranges import prove_ranges
from underseal_protocol.seal.relation import Equation, ImageTerm, LinearRelation, Term
from underseal_protocol.seal.sigma import prove_compact, verify_compact

TAG = b"UNDERSEAL-TEST-V01-with-" + RANGE_SUITE.encode("ascii")


class Opened(NamedTuple):
    """A statement and what opens it; the values need not be in range."""

    statement: RangeStatement
    values: list[int]
    blindings: list[Scalar]

    def proof(self, tag: bytes = TAG) -> bytes:
        return prove_ranges(tag, self.statement, self.values, self.blindings)


def opened(*cases: tuple[int, int]) -> Opened:
    """Of widths and values; a value may be negative or too large."""
    widths, values = zip(*cases, strict=True)
    blindings = [random_scalar() for _ in values]
    commitments = tuple(map(pedersen_commitment, map(reduced, values), blindings))
    return Opened(RangeStatement(commitments, widths), list(values), blindings)


def reduced(value: int) -> Scalar:
    return Scalar(value) if value >= 0 else -Scalar(-value)


@st.composite
def cases_in_range(draw: st.DrawFn, most: int = 4, widest: int = 64) -> list[tuple[int, int]]:
    """Widths, each with a value, often one at the border."""
    found = []
    for width in draw(st.lists(st.integers(1, widest), min_size=1, max_size=most)):
        border = st.sampled_from([0, 1, 2**width - 1])
        found.append((width, draw(border | st.integers(0, 2**width - 1))))
    return found


def prove_bits(width: int, value: int, blinding: Scalar) -> tuple[list[Point], bytes]:
    """Commitments to the digits of a value, the last of which takes what is left, and a proof that
    each is a bit and that they sum up: `B = b G + r H`, `B = b B + s H`, `V = sum 2^i B_i + rho H`.

    Raises:
        RelationError: a digit is no bit, so that there is no witness.
    """
    digits = [value >> bit & 1 for bit in range(width - 1)]
    digits.append(value >> (width - 1))
    hidden = [random_scalar() for _ in digits]
    points = list(map(pedersen_commitment, map(reduced, digits), hidden))
    rest, witness = blinding, []
    for place, (digit, r) in enumerate(zip(digits, hidden, strict=True)):
        witness += [reduced(digit), r, (ONE - reduced(digit)) * r]
        rest -= Scalar(1 << place) * r
    relation = relation_of_bits(pedersen_commitment(reduced(value), blinding), points)
    return points, prove_compact(CMPT, relation, [*witness, rest])


def verify_bits(commitment: Point, points: Sequence[Point], proof: bytes) -> None:
    """Whether the commitment is to a value of so many bits as there are points.

    Raises:
        SealError: that is not shown.
    """
    verify_compact(CMPT, relation_of_bits(commitment, points), proof)


def relation_of_bits(commitment: Point, points: Sequence[Point]) -> LinearRelation:
    equations = []
    image = [ImageTerm(2, ONE)]
    for place in range(len(points)):
        at, first = 3 + place, 3 * place
        bit = (Term(first, 0, ONE), Term(first + 1, 1, ONE))
        square = (Term(first, at, ONE), Term(first + 2, 1, ONE))
        equations += [Equation((ImageTerm(at, ONE),), one) for one in (bit, square)]
        image.append(ImageTerm(at, ZERO - Scalar(1 << place)))
    last = (Term(3 * len(points), 1, ONE),)
    equations.append(Equation(tuple(image), last))
    return LinearRelation((GENERATOR, H, commitment, *points), tuple(equations))
