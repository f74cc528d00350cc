"""Relations for tests: with names instead of numbers, and random ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from hypothesis import strategies as st

from underseal_protocol.errors import RelationError
from underseal_protocol.seal.group import (
    GENERATOR,
    ONE,
    ORDER,
    Point,
    Scalar,
    hash_to_curve,
    linear_combination,
)
from underseal_protocol.seal.relation import Equation, ImageTerm, LinearRelation, Term
from underseal_protocol.seal.sigma import CIPHERSUITE

DSFS = f"UNDERSEAL-TEST-V01-0001-DSFS-with-{CIPHERSUITE}".encode()
CMPT = f"UNDERSEAL-TEST-V01-0001-CMPT-with-{CIPHERSUITE}".encode()
H = hash_to_curve(b"H", b"UNDERSEAL-TEST-V01-generators")

Case: TypeAlias = tuple[LinearRelation, list[Scalar]]

SMALL = st.integers(0, 40).map(Scalar)
SCALARS = st.one_of(
    st.integers(0, ORDER - 1),
    st.integers(0, 3),
    st.integers(ORDER - 3, ORDER - 1),
    st.integers(0, 2**64),
).map(Scalar)


def equation(image: Sequence[int], terms: Sequence[tuple[int, int]]) -> Equation:
    """With coefficients of 1."""
    return Equation(
        tuple(ImageTerm(at, ONE) for at in image),
        tuple(Term(scalar, at, ONE) for scalar, at in terms),
    )


def discrete_logarithm(x: int = 7) -> Case:
    """X = x * G."""
    secret = Scalar(x)
    relation = LinearRelation((GENERATOR, secret * GENERATOR), (equation([1], [(0, 0)]),))
    return relation, [secret]


def same_opening(m: int = 5, r: int = 11, s: int = 13) -> Case:
    """C = m * G + r * H and D = m * G + s * H."""
    c = linear_combination([Scalar(m), Scalar(r)], [GENERATOR, H])
    d = linear_combination([Scalar(m), Scalar(s)], [GENERATOR, H])
    equations = (equation([2], [(0, 0), (1, 1)]), equation([3], [(0, 0), (2, 1)]))
    return LinearRelation((GENERATOR, H, c, d), equations), [Scalar(m), Scalar(r), Scalar(s)]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Relations with up to four scalars and equations, any coefficients, and a true witness."""
    scalars = draw(st.integers(1, 4))
    bases: list[Point] = [GENERATOR, H, *(hash_to_curve(bytes([i]), bytes(16)) for i in range(2))]
    witness = draw(st.lists(SCALARS, min_size=scalars, max_size=scalars))
    used = draw(st.integers(1, len(bases)))
    elements, equations = bases[:used], []
    rows = draw(st.integers(1, 4))
    for row in range(rows):
        terms = [
            Term(index, draw(st.integers(0, len(elements) - 1)), draw(SCALARS))
            for index in draw(st.lists(st.integers(0, scalars - 1), min_size=1, max_size=4))
        ]
        if row == 0:  # every scalar counts, every base is named
            terms += [Term(index, 0, ONE) for index in range(scalars)]
            terms += [Term(0, at, ONE) for at in range(1, used)]
        value = linear_combination(
            [term.coefficient * witness[term.scalar] for term in terms],
            [elements[term.element] for term in terms],
        )
        # The image is a new element, and some of an old one.
        factor, old, part = draw(SCALARS), draw(st.integers(0, len(elements) - 1)), draw(SCALARS)
        if not factor:
            factor = ONE
        new = factor.inverse() * (value - part * elements[old])
        if value.is_identity or new.is_identity:
            continue
        elements.append(new)
        image = (ImageTerm(old, part), ImageTerm(len(elements) - 1, factor))
        equations.append(Equation(image, tuple(terms)))
    return valid_or_simple(elements, equations, witness)


def valid_or_simple(
    elements: Sequence[Point], equations: Sequence[Equation], witness: Sequence[Scalar]
) -> Case:
    """What was drawn, unless the first equation fell away or its coefficients cancel."""
    try:
        return LinearRelation(tuple(elements), tuple(equations)), list(witness)
    except RelationError:
        return same_opening()
