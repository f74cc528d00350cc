"""Multiples of G and H by a table: less than half of the time of a multiplication.

The two are multiplied hundreds of times in a seal. A table has the multiples of 64^k by 1 to 63,
for each k; a product is then a sum of at most 43 of them. It is made at the first use, which takes
as long as some sixty multiplications.

Which entries are read depends on the scalar, as the time of other arithmetic does: see the package.
"""

from __future__ import annotations

from underseal_protocol.seal.group import IDENTITY, ORDER, Point, Scalar

__all__ = ["FixedBase"]

WINDOW_BITS = 6
_MASK = (1 << WINDOW_BITS) - 1


class FixedBase:
    """A point that is multiplied often.

    Args:
        point: not the identity.
    """

    def __init__(self, point: Point) -> None:
        self.point = point
        self._rows: list[list[Point]] = []

    def times(self, scalar: Scalar) -> Point:
        """The product of both."""
        if not self._rows:
            self._rows = self._made()
        rest, total = scalar.value, IDENTITY
        for row in self._rows:
            digit = rest & _MASK
            if digit:
                total = row[digit - 1] + total
            rest >>= WINDOW_BITS
            if not rest:
                break
        return total

    def _made(self) -> list[list[Point]]:
        rows, power = [], self.point
        for _ in range(-(-ORDER.bit_length() // WINDOW_BITS)):
            row = [power]
            for _ in range(_MASK - 1):
                row.append(row[-1] + power)
            rows.append(row)
            power = row[-1] + power
        return rows
