"""What a range proof is about: commitments, and how many bits the value of each has.

`ranges` says how the widths become weights of positions, and why that is sound.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, repeat

from underseal_protocol.errors import SealEncodingError, SealError
from underseal_protocol.seal import codec
from underseal_protocol.seal.generators import MAX_BITS
from underseal_protocol.seal.group import ORDER, Point, decode_points, encode_points

__all__ = ["MAX_WIDTH", "RANGE_SUITE", "RangeStatement"]

RANGE_SUITE = "bulletproofs-V01_Shake128_BLS12381"
"""Of proof, instance and generators. What a proof is bound to names it."""

MAX_WIDTH = 64  # so that sums of products of values stay far below the group order
COUNT_BYTES = 4


@dataclass(frozen=True, slots=True)
class RangeStatement:
    """The value of each commitment is in [0, 2^width).

    Args:
        commitments: to values by G and blindings by H, see `generators`. Their order counts.
        widths: in bits, one for each commitment.

    Raises:
        SealError: there is no commitment, or not a width for each; a width is not from 1 to 64;
            there are more than 16,384 bits; a commitment is the identity, which hides nothing.
    """

    commitments: tuple[Point, ...]
    widths: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.widths:
            raise SealError("there is no value in the range proof, expected at least one")
        if len(self.commitments) != len(self.widths):
            raise SealError(
                f"{len(self.commitments)} commitments have {len(self.widths)} widths, expected as "
                "many"
            )
        for index, width in enumerate(self.widths):
            if type(width) is not int or not 1 <= width <= MAX_WIDTH:
                raise SealError(f"value {index} has {width!r} bits, expected 1 to {MAX_WIDTH}")
        if sum(self.widths) > MAX_BITS:
            raise SealError(
                f"the values have {sum(self.widths)} bits together, expected at most {MAX_BITS}"
            )
        for index, commitment in enumerate(self.commitments):
            if commitment.is_identity:
                raise SealError(f"commitment {index} is the identity, expected another point")

    @property
    def positions(self) -> int:
        """`N`: the bits of all values, and zeros up to a power of two."""
        return 1 << (sum(self.widths) - 1).bit_length()

    def bits(self, values: tuple[int, ...]) -> list[int]:
        """`a_L`: what stands at each position."""
        found = [
            value >> bit & 1
            for value, width in zip(values, self.widths, strict=True)
            for bit in range(width)
        ]
        return found + [0] * (self.positions - len(found))

    def powers(self, z: int) -> list[int]:
        """`z^(1+j)` for value j, counted from 1."""
        return [factor * z % ORDER for factor in powers(z, len(self.widths) + 1)[1:]]

    def weights(self, z: int) -> list[int]:
        """`d`: what a bit at each position counts."""
        found = [
            (factor << bit) % ORDER
            for factor, width in zip(self.powers(z), self.widths, strict=True)
            for bit in range(width)
        ]
        return found + [0] * (self.positions - len(found))

    def delta(self, y: int, z: int) -> int:
        """What of `t_0` is public."""
        # The sum of y^i for i below N, a power of two: the product of 1 + y^(2^k).
        sum_of_powers, square = 1, y
        for _ in range(self.positions.bit_length() - 1):
            sum_of_powers = sum_of_powers * (1 + square) % ORDER
            square = square * square % ORDER
        most = (
            factor * ((1 << width) - 1)
            for factor, width in zip(self.powers(z), self.widths, strict=True)
        )
        return ((z - z * z) * sum_of_powers - z * sum(most)) % ORDER

    def encode(self) -> bytes:
        """What a proof binds: suite, number of values, a byte for each width, commitments."""
        return b"".join(
            (
                codec.write_string(RANGE_SUITE.encode("ascii")),
                codec.little_endian(len(self.widths), COUNT_BYTES),
                bytes(self.widths),
                encode_points(self.commitments),
            )
        )

    @classmethod
    def decode(cls, data: bytes) -> RangeStatement:
        """The inverse of `encode`.

        Raises:
            SealEncodingError: it is of another suite, or has another length than it should, or a
                commitment is no point.
            SealError: it is no statement, see above.
        """
        if type(data) is not bytes:
            raise SealEncodingError(f"an instance cannot be read from {type(data).__name__}")
        suite, rest = codec.read_string(data)
        if suite != RANGE_SUITE.encode("ascii"):
            raise SealEncodingError(f"the instance is of another suite, expected {RANGE_SUITE}")
        taken, rest = codec.read_bytes(rest, COUNT_BYTES)
        count = codec.from_little_endian(taken)
        if count > MAX_BITS:
            raise SealEncodingError(f"there are {count} values, expected at most {MAX_BITS}")
        widths, rest = codec.read_bytes(rest, count)
        return cls(decode_points(rest, count), tuple(widths))


def powers(base: int, count: int) -> list[int]:
    """`base^0` to `base^(count - 1)`, modulo the order; at least one."""
    return list(accumulate(repeat(base, count - 1), lambda one, by: one * by % ORDER, initial=1))
