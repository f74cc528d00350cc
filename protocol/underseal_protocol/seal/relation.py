"""Linear relations: what is proved (draft-irtf-cfrg-sigma-protocols, section Linear relations).

A relation is a list of equations `image = terms`. An image is a sum of coefficient x element; the
terms are a sum of coefficient x secret scalar x element. Elements and scalars are named by index;
element 0 is the generator. Only a valid relation can be made (section Instance validation):

1. there is an equation, and none lacks image or terms;
2. every index names something, and everything but the generator is named;
3. element 0 is the generator, and no element is the identity;
4. no image is the identity: the witness 0 would show it;
5. every scalar counts in some equation: its terms there do not cancel.

What it cannot see is left to whoever makes the statement: every public value stands in it by
itself, never summed up before, and no equation is one that pins down no scalar, as
`X = x * G + y * G` does (section Instance security).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from underseal_protocol.errors import RelationError, SealEncodingError
from underseal_protocol.seal import codec
from underseal_protocol.seal.generators import combined
from underseal_protocol.seal.group import (
    GENERATOR,
    ONE,
    SCALAR_BYTES,
    ZERO,
    Point,
    Scalar,
    decode_points,
    encode_points,
)

__all__ = ["MAX_RELATION_BYTES", "Equation", "ImageTerm", "LinearRelation", "Term"]

MAX_RELATION_BYTES = 1 << 18  # that are read from elsewhere
INDEX_BYTES = 4
MAX_COUNT = 1 << (8 * INDEX_BYTES)


class ImageTerm(NamedTuple):
    """A summand of an image: coefficient x element."""

    element: int
    coefficient: Scalar


class Term(NamedTuple):
    """A summand of the other side: coefficient x secret scalar x element."""

    scalar: int
    element: int
    coefficient: Scalar


@dataclass(frozen=True, slots=True)
class Equation:
    """`image = terms`.

    Attributes:
        image: what is public.
        terms: what has the secrets.
    """

    image: tuple[ImageTerm, ...]
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class LinearRelation:
    """A statement, without what makes it true.

    Args:
        elements: the generator first.
        equations: in the order of the statement, which counts.

    Raises:
        RelationError: it is not valid, see above.
    """

    elements: tuple[Point, ...]
    equations: tuple[Equation, ...]
    num_scalars: int = field(init=False)

    def __post_init__(self) -> None:
        _require_form(self.equations)
        scalars = {term.scalar for equation in self.equations for term in equation.terms}
        object.__setattr__(self, "num_scalars", len(scalars))
        _require_all_named("scalar", scalars, max(scalars) + 1)
        _require_all_named("element", _named_elements(self.equations), len(self.elements))
        if self.elements[0] != GENERATOR:
            raise RelationError("element 0 of a relation is not the generator, expected it to be")
        for index, element in enumerate(self.elements):
            if element.is_identity:
                raise RelationError(f"element {index} of a relation is the identity")
        for number, equation in enumerate(self.equations):
            if self._vanishes(_summed(equation.image)):
                raise RelationError(
                    f"the image of equation {number} is the identity: secrets of 0 would show it"
                )
        self._require_that_scalars_count()

    def map(self, scalars: Sequence[Scalar]) -> tuple[Point, ...]:
        """The right side of each equation for these scalars (section Map evaluation).

        Raises:
            RelationError: there are more scalars or fewer than the relation has.
        """
        self._require_count(scalars)
        return tuple(self._combined(_products(one.terms, scalars)) for one in self.equations)

    def image(self) -> tuple[Point, ...]:
        """The left side of each equation."""
        return tuple(self._combined(_summed(one.image)) for one in self.equations)

    def map_less_image(self, scalars: Sequence[Scalar], factor: Scalar) -> tuple[Point, ...]:
        """The right side of each equation less the left side x factor: one sum for each.

        Raises:
            RelationError: there are more scalars or fewer than the relation has.
        """
        self._require_count(scalars)
        found = []
        for equation in self.equations:
            coefficients = _products(equation.terms, scalars)
            for element, coefficient in equation.image:
                coefficients[element] -= coefficient * factor
            found.append(self._combined(coefficients))
        return tuple(found)

    def require_witness(self, witness: Sequence[Scalar]) -> None:
        """Whether these secrets make the statement true.

        Raises:
            RelationError: they do not, or they are more or fewer than the relation has.
        """
        for number, difference in enumerate(self.map_less_image(witness, ONE)):
            if not difference.is_identity:
                raise RelationError(
                    f"equation {number} does not hold for the witness: both sides should be equal"
                )

    def encode(self) -> bytes:
        """`SerializeLinearRelation` (section Serialization): what a proof binds."""
        count = partial(codec.little_endian, width=INDEX_BYTES)
        parts = [count(len(self.equations))]
        for equation in self.equations:
            parts.append(count(len(equation.image)))
            for element, coefficient in equation.image:
                parts += (count(element), coefficient.encode())
            parts.append(count(len(equation.terms)))
            for scalar, element, coefficient in equation.terms:
                parts += (count(scalar), count(element), coefficient.encode())
        return b"".join(parts) + encode_points(self.elements[1:])

    @classmethod
    def decode(cls, data: bytes) -> LinearRelation:
        """The inverse of `encode`.

        Raises:
            SealEncodingError: it is not the encoding of equations and points, or too long.
            RelationError: the relation is not valid.
        """
        if type(data) is not bytes:
            raise SealEncodingError(f"a relation cannot be read from {type(data).__name__}")
        if len(data) > MAX_RELATION_BYTES:
            raise SealEncodingError(
                f"a relation has {len(data)} bytes, expected at most {MAX_RELATION_BYTES}"
            )
        reader = _Reader(data)
        equations = tuple(reader.equation() for _ in range(reader.count(of_bytes=2 * INDEX_BYTES)))
        elements = decode_points(reader.rest, max(_named_elements(equations)))
        return cls((GENERATOR, *elements), equations)

    def _combined(self, coefficients: Mapping[int, Scalar]) -> Point:
        used = [(index, one) for index, one in coefficients.items() if one]
        return combined([one for _, one in used], [self.elements[i] for i, _ in used])

    def _vanishes(self, coefficients: Mapping[int, Scalar]) -> bool:
        """Whether the sum is the identity; one element alone cannot be, as the order is prime."""
        used = sum(map(bool, coefficients.values()))
        return used != 1 and self._combined(coefficients).is_identity

    def _require_count(self, scalars: Sequence[Scalar]) -> None:
        if len(scalars) != self.num_scalars:
            raise RelationError(
                f"there are {len(scalars)} scalars, the relation expects {self.num_scalars}"
            )

    def _require_that_scalars_count(self) -> None:
        """Check 10: no column of the matrix is the identity."""
        waiting = set(range(self.num_scalars))
        for equation in self.equations:
            of_scalar = defaultdict(list)
            for scalar, element, coefficient in equation.terms:
                of_scalar[scalar].append(ImageTerm(element, coefficient))
            for scalar, terms in of_scalar.items():
                if scalar in waiting and not self._vanishes(_summed(terms)):
                    waiting.discard(scalar)
        if waiting:
            raise RelationError(
                f"the terms of scalar {min(waiting)} cancel in every equation: it is not proved"
            )


class _Reader:
    """Reads equations; a count that the input cannot hold is refused before anything is made."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def equation(self) -> Equation:
        image_bytes = INDEX_BYTES + SCALAR_BYTES
        image = tuple(
            ImageTerm(self._index(), self._scalar())
            for _ in range(self.count(of_bytes=image_bytes))
        )
        terms = tuple(
            Term(self._index(), self._index(), self._scalar())
            for _ in range(self.count(of_bytes=INDEX_BYTES + image_bytes))
        )
        return Equation(image, terms)

    def count(self, *, of_bytes: int) -> int:
        count = self._index()
        if count * of_bytes > len(self.rest):
            raise SealEncodingError(
                f"{count} parts of a relation should follow, there are {len(self.rest)} bytes"
            )
        return count

    def _index(self) -> int:
        return codec.from_little_endian(self._take(INDEX_BYTES))

    def _scalar(self) -> Scalar:
        return Scalar.decode(self._take(SCALAR_BYTES))

    def _take(self, length: int) -> bytes:
        taken, self.rest = codec.read_bytes(self.rest, length)
        return taken


def _products(terms: Iterable[Term], scalars: Sequence[Scalar]) -> defaultdict[int, Scalar]:
    """Of each element, what it is multiplied by."""
    return _summed(ImageTerm(at, coefficient * scalars[i]) for i, at, coefficient in terms)


def _summed(terms: Iterable[ImageTerm]) -> defaultdict[int, Scalar]:
    sums: defaultdict[int, Scalar] = defaultdict(lambda: ZERO)
    for element, coefficient in terms:
        sums[element] += coefficient
    return sums


def _named_elements(equations: Iterable[Equation]) -> set[int]:
    named = {0}
    for equation in equations:
        named.update(term.element for term in equation.image)
        named.update(term.element for term in equation.terms)
    return named


def _require_form(equations: Sequence[Equation]) -> None:
    """Checks 1 and 2."""
    if not equations:
        raise RelationError("a relation has no equation, expected at least one")
    for number, equation in enumerate(equations):
        if not equation.image or not equation.terms:
            raise RelationError(f"equation {number} has an empty side, expected a term on each")


def _require_all_named(what: str, named: set[int], count: int) -> None:
    """Checks 3 to 6: so many indices, from 0 on, are named and no others."""
    if min(named) < 0 or max(named) >= MAX_COUNT:
        raise RelationError(f"the index of some {what} is not in [0, 2^32)")
    if max(named) >= count:
        raise RelationError(f"{what} {max(named)} is named, the relation has {count}")
    if len(named) < count:
        missing = next(index for index in range(count) if index not in named)
        raise RelationError(f"{what} {missing} is in no equation, expected it in one")
