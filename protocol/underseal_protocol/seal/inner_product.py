"""The inner-product argument of Bünz et al., "Bulletproofs", 2018, section 3 (Protocol 2).

It shows that the prover knows vectors a and b with `P = <a, G> + <b, H'> + <a, b> u`, in two points
for each halving of their length and two scalars at the end.

- All is as in the paper: G' = x^-1 G_lo + x G_hi, H' = x H_lo + x^-1 H_hi, and so on. The length is
  a power of two. A challenge is never 0, which has no inverse and would make a half free.
- The H' of a range proof is H with a scalar at each place (y^-i); it is never computed as points.
- Folding generators in each round would take two multiplications for each of them. The prover
  instead leaves them as they are for a few rounds, with the products of challenges as scalars in
  one multi-scalar multiplication, and then folds `FOLD` of them into one, by another: less than
  half of the work for 4,096 positions.
- The verifier folds nothing: after all rounds each generator has the product of the challenges or
  their inverses as its scalar (section 3.1, equation 4).

Vectors are lists of plain integers in [0, order).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from underseal_protocol.seal.group import ORDER, Point, Scalar, long_linear_combination
from underseal_protocol.seal.transcript import ProverTranscript

__all__ = [
    "FOLD",
    "Advance",
    "Vector",
    "challenge_products",
    "inner_product",
    "prove_inner_product",
    "work_of_proving",
]

FOLD = 16  # measured: 8 and 32 are slower
_FOLDING_COSTS = 3  # so many times as much for a point in a short sum as in a long one

Vector: TypeAlias = list[int]
Advance: TypeAlias = Callable[[int], None]
"""Is told how much more is done, in points of a long sum."""


def inner_product(one: Sequence[int], other: Sequence[int]) -> int:
    """Of vectors of the same length, modulo the order."""
    return sum(a * b for a, b in zip(one, other, strict=True)) % ORDER


def challenge_products(challenges: Sequence[Scalar]) -> Vector:
    """What each G_i is multiplied by once all rounds are done; the H_i by these in reverse.

    The first challenge halves the whole vector, so it is about the highest bit of the index: where
    the bit is set the challenge is a factor, elsewhere its inverse is.

    Args:
        challenges: of all rounds, none of them 0.
    """
    products = [1]
    for challenge in challenges:
        pair = (challenge.inverse().value, challenge.value)
        products = [product * factor % ORDER for product in products for factor in pair]
    return products


class _Bases:
    """A vector of generators after some rounds. Element i of n is the sum over k of
    `factors[k] scales[i + k n] points[i + k n]`.

    Args:
        points: as many as the vector has elements now.
        scales: by which each is multiplied; all by 1 if there are none.
    """

    def __init__(self, points: Sequence[Point], scales: Vector | None, advance: Advance) -> None:
        self._points, self._scales = points, scales
        self._advance = advance
        self._factors = [1]
        self._length = len(points)

    def combined(self, coefficients: Vector, *, high: bool) -> tuple[Vector, list[Point]]:
        """The sum of one half of the elements with coefficients, as scalars and points."""
        half = len(coefficients)
        scalars: Vector = []
        points: list[Point] = []
        for k, factor in enumerate(self._factors):
            start = k * self._length + (half if high else 0)
            points += self._points[start : start + half]
            one = coefficients
            if self._scales is not None:
                scales = self._scales[start : start + half]
                one = [a * b for a, b in zip(one, scales, strict=True)]
            scalars += [scalar * factor % ORDER for scalar in one]
        self._advance(len(points))
        return scalars, points

    def fold(self, low: int, high: int) -> None:
        """Element i becomes `low element i + high element (i + n / 2)`."""
        self._length //= 2
        self._factors = [one * pair % ORDER for one in self._factors for pair in (low, high)]
        if len(self._factors) == FOLD and self._length > 1:
            self._points = [self._element(index) for index in range(self._length)]
            self._scales, self._factors = None, [1]

    def _element(self, index: int) -> Point:
        points, scalars = self._points[index :: self._length], self._factors
        if self._scales is not None:
            scales = self._scales[index :: self._length]
            scalars = [one * scale % ORDER for one, scale in zip(scalars, scales, strict=True)]
        self._advance(_FOLDING_COSTS * FOLD)
        return long_linear_combination(scalars, points)


def prove_inner_product(
    transcript: ProverTranscript,
    left: tuple[Vector, Sequence[Point]],
    right: tuple[Vector, Sequence[Point], Vector],
    base: tuple[Point, Scalar],
    advance: Advance,
) -> None:
    """Send what shows that the prover knows a and b.

    Args:
        transcript: in which `P`, or all that it is made of, was sent or is the statement's.
        left: a and G, of a length that is a power of two.
        right: b and H, and the scalars that make it H'.
        base: a point and the scalar by which it is u.
        advance: is told of what is done.

    Raises:
        ProofRefusedError: a challenge is 0.
    """
    a, g = left[0], _Bases(left[1], None, advance)
    b, h = right[0], _Bases(right[1], right[2], advance)
    point, scale = base
    while len(a) > 1:
        half = len(a) // 2
        a_lo, a_hi, b_lo, b_hi = a[:half], a[half:], b[:half], b[half:]
        sides = []
        for of_a, of_b, high in ((a_lo, b_hi, True), (a_hi, b_lo, False)):
            scalars, points = g.combined(of_a, high=high)
            more_scalars, more_points = h.combined(of_b, high=not high)
            last = inner_product(of_a, of_b) * scale.value % ORDER
            sides.append(
                long_linear_combination(
                    [*scalars, *more_scalars, last], [*points, *more_points, point]
                )
            )
        transcript.send_points(sides)
        challenge = transcript.nonzero_challenge()
        x, inverse = challenge.value, challenge.inverse().value
        a = [(lo * x + hi * inverse) % ORDER for lo, hi in zip(a_lo, a_hi, strict=True)]
        b = [(lo * inverse + hi * x) % ORDER for lo, hi in zip(b_lo, b_hi, strict=True)]
        g.fold(inverse, x)
        h.fold(x, inverse)
    transcript.send_scalars([Scalar(a[0]), Scalar(b[0])])


def work_of_proving(length: int) -> int:
    """What `advance` is told in all, for vectors of this length."""
    work, points, factors = 0, length, 1
    while length > 1:
        work += 2 * points
        length, factors = length // 2, factors * 2
        if factors == FOLD and length > 1:
            work += 2 * points * _FOLDING_COSTS
            points, factors = length, 1
    return work
