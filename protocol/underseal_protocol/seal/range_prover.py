"""The prover of `ranges` until the inner product: its secrets, and what it sends of them."""

from __future__ import annotations

from underseal_protocol.errors import SealError
from underseal_protocol.seal.generators import H, bit_generators, pedersen_commitment
from underseal_protocol.seal.group import (
    ORDER,
    Point,
    RandomBytes,
    Scalar,
    long_linear_combination,
    random_scalar,
)
from underseal_protocol.seal.inner_product import Advance, Vector, inner_product
from underseal_protocol.seal.range_statement import powers

__all__ = ["RangeProver"]


class RangeProver:
    """Good for one proof: two evaluations would tell the values.

    Args:
        bits: `a_L`.
        random_bytes: gives alpha, rho, s_L, s_R, tau_1, tau_2.

    Raises:
        SealError: the randomness repeats itself.
    """

    def __init__(self, bits: Vector, random_bytes: RandomBytes) -> None:
        count = len(bits)
        drawn = [random_scalar(random_bytes).value for _ in range(2 * count + 4)]
        if len(set(drawn)) < len(drawn):
            raise SealError("the random bytes repeat themselves, expected fresh ones for each use")
        self._bits = bits
        self._alpha, self._rho = drawn[:2]
        self._s_left, self._s_right = drawn[2 : 2 + count], drawn[2 + count : -2]
        self._tau_1, self._tau_2 = drawn[-2:]
        # l and r, and t, as coefficients of X^0, X^1, X^2.
        self._left: tuple[Vector, Vector] = ([], [])
        self._right: tuple[Vector, Vector] = ([], [])
        self._t: tuple[int, int, int] = (0, 0, 0)
        self.vectors: tuple[Vector, Vector] = ([], [])
        """l(x) and r(x), once there is x."""

    def commit(self, advance: Advance) -> tuple[Point, Point]:
        """A and S."""
        of_left, of_right = bit_generators(len(self._bits))
        # a_L is 0 or 1 and a_R is a_L - 1, so each position has one summand.
        bits = Scalar(self._alpha) * H
        for bit, g, h in zip(self._bits, of_left, of_right, strict=True):
            bits = bits + g if bit else bits - h
        blinds = long_linear_combination(
            [*self._s_left, *self._s_right, self._rho], [*of_left, *of_right, H]
        )
        advance(2 * len(self._bits))
        return bits, blinds

    def commit_to_polynomial(self, weights: Vector, y: int, z: int) -> tuple[Point, Point]:
        """T_1 and T_2."""
        of_y = powers(y, len(weights))
        self._left = [(bit - z) % ORDER for bit in self._bits], self._s_left
        self._right = (
            [
                (power * (bit - 1 + z) + weight) % ORDER
                for power, bit, weight in zip(of_y, self._bits, weights, strict=True)
            ],
            [power * one % ORDER for power, one in zip(of_y, self._s_right, strict=True)],
        )
        (left_0, left_1), (right_0, right_1) = self._left, self._right
        mixed = (inner_product(left_0, right_1) + inner_product(left_1, right_0)) % ORDER
        self._t = inner_product(left_0, right_0), mixed, inner_product(left_1, right_1)
        return (
            pedersen_commitment(Scalar(self._t[1]), Scalar(self._tau_1)),
            pedersen_commitment(Scalar(self._t[2]), Scalar(self._tau_2)),
        )

    def evaluate(self, x: int, hidden: int) -> tuple[Scalar, Scalar, Scalar]:
        """t, tau and mu.

        Args:
            x: the challenge.
            hidden: the blindings of the commitments, with the powers of z that these have.

        Raises:
            SealError: it has evaluated before.
        """
        if self.vectors[0]:
            raise SealError("a prover evaluates once: two evaluations would tell its values")
        left, right = (
            [(constant + x * factor) % ORDER for constant, factor in zip(*vector, strict=True)]
            for vector in (self._left, self._right)
        )
        self.vectors = left, right
        t = self._t[0] + x * (self._t[1] + x * self._t[2])
        tau = hidden + x * (self._tau_1 + x * self._tau_2)
        mu = self._alpha + x * self._rho
        return Scalar(t % ORDER), Scalar(tau % ORDER), Scalar(mu % ORDER)
