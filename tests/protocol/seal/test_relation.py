"""Linear relations: only valid ones are made, and each has one encoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.seal import second
from tests.protocol.seal.relations import (
    SCALARS,
    Case,
    H,
    cases,
    discrete_logarithm,
    equation,
    same_opening,
)

from underseal_protocol.errors import RelationError, SealEncodingError, SealError
from underseal_protocol.seal.group import GENERATOR, IDENTITY, ONE, ORDER, ZERO, Point, Scalar
from underseal_protocol.seal.relation import (
    MAX_RELATION_BYTES,
    Equation,
    ImageTerm,
    LinearRelation,
    Term,
)

X = Scalar(7) * GENERATOR
Y = Scalar(7) * H


def relation(elements: Sequence[Point], *equations: Equation) -> LinearRelation:
    return LinearRelation((GENERATOR, *elements), equations)


def test_the_example_of_the_draft() -> None:
    """Section Serialization, Chaum-Pedersen."""
    made = relation([H, X, Y], equation([2], [(0, 0)]), equation([3], [(0, 1)]))
    one = bytes(31) + b"\1"

    def le(number: int) -> bytes:
        return number.to_bytes(4, "little")

    expected = (
        le(2)
        + (le(1) + le(2) + one)
        + (le(1) + le(0) + le(0) + one)
        + (le(1) + le(3) + one)
        + (le(1) + le(0) + le(1) + one)
        + H.encode()
        + X.encode()
        + Y.encode()
    )
    assert made.encode() == expected
    assert LinearRelation.decode(expected) == made
    assert made.num_scalars == 1


def test_both_sides_of_an_equation() -> None:
    made, witness = same_opening()
    assert made.map(witness) == made.image()
    assert made.map_less_image(witness, ONE) == (IDENTITY, IDENTITY)
    assert made.map_less_image(witness, ZERO) == made.image()
    made.require_witness(witness)


@settings(max_examples=25, deadline=None)
@given(cases(), SCALARS, st.data())
def test_both_sides_as_the_second_implementation_has_them(
    case: Case, factor: Scalar, data: st.DataObject
) -> None:
    made, witness = case
    scalars = data.draw(st.lists(SCALARS, min_size=len(witness), max_size=len(witness)))
    plain = second.instance_of(made.encode())
    images, values = plain.sides([one.value for one in scalars])
    assert [one.encode() for one in made.image()] == [second.encode(one) for one in images]
    for got, value in zip(made.map(scalars), values, strict=True):
        assert got.is_identity if value is None else got.encode() == second.encode(value)
    together = made.map_less_image(scalars, factor)
    assert together == tuple(
        value - factor * image for value, image in zip(made.map(scalars), made.image(), strict=True)
    )


@settings(max_examples=50, deadline=None)
@given(cases())
def test_a_relation_has_one_encoding(case: Case) -> None:
    made, witness = case
    data = made.encode()
    assert LinearRelation.decode(data) == made
    assert LinearRelation.decode(data).encode() == data
    assert len(witness) == made.num_scalars
    made.require_witness(witness)


def test_the_order_of_equations_and_terms_counts() -> None:
    one, other = equation([2], [(0, 0), (1, 1)]), equation([2], [(1, 1), (0, 0)])
    made = [relation([H, X + Y], first) for first in (one, other)]
    assert made[0].encode() != made[1].encode()


T = Term(0, 0, ONE)
IMAGE = (ImageTerm(1, ONE),)
MINUS = -ONE

INVALID: dict[str, tuple[Sequence[Point], Sequence[Equation], str]] = {
    "1: no equation": ([], [], "has no equation"),
    "2: no image": ([X], [Equation((), (T,))], "equation 0 has an empty side"),
    "2: no terms": ([X], [equation([1], [(0, 0)]), Equation(IMAGE, ())], "equation 1 has an empty"),
    "3: a negative scalar": ([X], [Equation(IMAGE, (T, Term(-1, 0, ONE)))], "index of some scalar"),
    "3: a negative element": (
        [X],
        [Equation(IMAGE, (T, Term(0, -1, ONE)))],
        "index of some element",
    ),
    "3: a scalar of 2^32": (
        [X],
        [Equation(IMAGE, (T, Term(2**32, 0, ONE)))],
        "index of some scalar",
    ),
    "4: an element that is not there": ([X], [equation([1], [(0, 2)])], "element 2 is named"),
    "4: an image that is not there": ([X], [equation([1, 9], [(0, 0)])], "element 9 is named"),
    "5: an element that is not named": ([X, Y], [equation([1], [(0, 0)])], "element 2 is in no"),
    "6: a scalar that is not named": ([X], [equation([1], [(1, 0)])], "scalar 0 is in no equation"),
    "6: a far scalar": ([X], [equation([1], [(0, 0), (2**32 - 1, 0)])], "scalar 1 is in no"),
    "8: the identity": ([X, IDENTITY], [equation([1], [(0, 2)])], "element 2 .* is the identity"),
    "9: an image that cancels": (
        [X, -X],
        [equation([1, 2], [(0, 0)])],
        "image of equation 0 is the identity",
    ),
    "9: an image of 0": (
        [X],
        [equation([1], [(0, 0)]), Equation((ImageTerm(1, ZERO),), (T,))],
        "image of equation 1 is the identity",
    ),
    "10: a term of 0": ([X], [Equation(IMAGE, (T, Term(1, 0, ZERO)))], "terms of scalar 1 cancel"),
    "10: terms of one element that cancel": (
        [X],
        [Equation(IMAGE, (T, Term(1, 0, ONE), Term(1, 0, MINUS)))],
        "terms of scalar 1 cancel",
    ),
    "10: terms of two elements that cancel": (
        [X, -X],
        [Equation(IMAGE, (T, Term(1, 1, ONE), Term(1, 2, ONE)))],
        "terms of scalar 1 cancel",
    ),
}


@pytest.mark.parametrize(("elements", "equations", "message"), INVALID.values(), ids=INVALID)
def test_an_invalid_relation_cannot_be_made(
    elements: Sequence[Point], equations: Sequence[Equation], message: str
) -> None:
    """The number is that of the check in section Instance validation."""
    with pytest.raises(RelationError, match=message):
        relation(elements, *equations)


def test_the_first_element_is_the_generator() -> None:
    for elements in ((H, X), (X, GENERATOR)):
        with pytest.raises(RelationError, match="element 0 of a relation is not the generator"):
            LinearRelation(elements, (equation([1], [(0, 0)]),))
    with pytest.raises(RelationError, match="element 1 is named, the relation has 0"):
        LinearRelation((), (equation([1], [(0, 0)]),))


VALID: dict[str, tuple[Sequence[Point], Sequence[Equation]]] = {
    "the generator is not named": ([H, Y], [equation([2], [(0, 1)])]),
    "a term of 0 beside another": ([X], [Equation(IMAGE, (T, Term(0, 0, ZERO)))]),
    "a term again": ([X], [equation([1], [(0, 0), (0, 0)])]),
    "an element on both sides": ([H, X], [equation([2], [(0, 1), (1, 2)])]),
    "terms that cancel in one equation only": (
        [X, Y],
        [
            Equation(IMAGE, (T, Term(1, 0, ONE), Term(1, 0, MINUS))),
            Equation((ImageTerm(2, ONE),), (Term(1, 0, ONE),)),
        ],
    ),
    "the same point under two numbers": ([X, X], [equation([1, 2], [(0, 0)])]),
}


@pytest.mark.parametrize(("elements", "equations"), VALID.values(), ids=VALID)
def test_a_valid_relation_can_be_made(
    elements: Sequence[Point], equations: Sequence[Equation]
) -> None:
    made = relation(elements, *equations)
    second.instance_of(made.encode())
    assert LinearRelation.decode(made.encode()) == made


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_as_many_scalars_as_the_relation_has(count: int) -> None:
    made, _ = same_opening()
    attempts: list[Any] = [made.map, made.require_witness, lambda s: made.map_less_image(s, ONE)]
    for attempt in attempts:
        with pytest.raises(RelationError, match=f"{count} scalars, the relation expects 3"):
            attempt([ONE] * count)


def test_a_witness_of_something_else() -> None:
    made, witness = same_opening()
    for index in range(3):
        changed = [*witness]
        changed[index] += ONE
        with pytest.raises(RelationError, match=f"equation {1 if index == 2 else 0} does not hold"):
            made.require_witness(changed)


# Reading


NO_RELATIONS: dict[str, tuple[Any, str]] = {
    "nothing": (b"", "0 bytes, expected at least 4"),
    "part of a count": (b"\1", "1 bytes, expected at least 4"),
    "no equation": (bytes(4), "no equation"),
    "equations without sides": (b"\1\0\0\0" + bytes(8), "empty side"),
    "too many equations": (b"\xff" * 4 + bytes(1000), "4294967295 parts .* 1000 bytes"),
    "one equation too many": (b"\2\0\0\0" + bytes(15), "2 parts .* 15 bytes"),
    "too many image terms": (b"\1\0\0\0" + b"\xff" * 4 + bytes(900), "4294967295 parts"),
    "one image term too many": (b"\1\0\0\0\3\0\0\0" + bytes(107), "3 parts .* 107 bytes"),
    "too many terms": (
        b"\1\0\0\0\1\0\0\0" + bytes(36) + b"\xff" * 4 + bytes(1000),
        "4294967295 parts .* 1000 bytes",
    ),
    "one term too many": (
        b"\1\0\0\0\1\0\0\0" + bytes(36) + b"\3\0\0\0" + bytes(119),
        "3 parts .* 119 bytes",
    ),
    "no bytes": (bytearray(same_opening()[0].encode()), "cannot be read from bytearray"),
    "too long": (bytes(MAX_RELATION_BYTES + 1), f"expected at most {MAX_RELATION_BYTES}"),
}


@pytest.mark.parametrize(("data", "message"), NO_RELATIONS.values(), ids=NO_RELATIONS)
def test_what_is_no_relation(data: Any, message: str) -> None:
    """A count that the bytes cannot hold is refused before anything is made of it."""
    with pytest.raises(SealError, match=message):
        LinearRelation.decode(data)


@given(st.binary(max_size=400))
def test_any_bytes_are_a_relation_or_refused(data: bytes) -> None:
    with pytest.raises(SealError):
        LinearRelation.decode(data)


@settings(deadline=None)
@given(st.sampled_from([discrete_logarithm, same_opening]), st.data())
def test_changed_bytes_are_another_relation_or_refused(make: Any, data: st.DataObject) -> None:
    """Whatever is read encodes to the bytes that it was read from."""
    made, _ = make()
    encoded = bytearray(made.encode())
    encoded[data.draw(st.integers(0, len(encoded) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        found = LinearRelation.decode(bytes(encoded))
    except SealError:
        return
    assert found != made
    assert found.encode() == encoded


@settings(deadline=None)
@given(st.data())
def test_truncated_and_extended_bytes_are_refused(data: st.DataObject) -> None:
    encoded = same_opening()[0].encode()
    length = data.draw(st.integers(0, len(encoded) - 1))
    more = data.draw(st.binary(min_size=1, max_size=100))
    for one in (encoded[:length], encoded + more, encoded + H.encode()):
        with pytest.raises(SealError):
            LinearRelation.decode(one)


def test_a_coefficient_that_is_not_reduced() -> None:
    encoded = discrete_logarithm()[0].encode()
    changed = encoded.replace(ONE.encode(), (ORDER + 1).to_bytes(32, "big"), 1)
    with pytest.raises(SealEncodingError, match="not below the group order"):
        LinearRelation.decode(changed)
