"""What a sealed document proves: one linear relation and one list of ranges, and what binds them.

    Relation SealedSum(t, u, f[j], H, E, R, C[i], Q[i], F[j], P):
      Witness: q[i], s[i], for each factor x[j], y[j], then rho, and pi where there is coverage
      Equations:
        Q[i] = q[i] * G + s[i] * H                                         for each input i
        F[j] = x[j] * G + y[j] * H                                         for each factor j
        t * G - u * E + R = sum q[i] * C[i] + sum f[j] * x[j] * G + rho * H
        P = sum q[i] * C[i] + pi * H                                       where there is coverage

with `t = T S - h` and `u = 10^9` (`numbers`). Elements and scalars are numbered in this order, a
q or x always with its s or y behind it. C are bases that others chose: they may depend on each
other in any way, which does no harm, as the first equations pin down each q.

Ranges, in this order, of commitments that stand in the document or that everybody calculates:

| commitment | value | bits | where |
|---|---|---|---|
| Q[i] | a quantity | 56 | each input |
| C[i] | an endorsed value | 56 | each input |
| F[j] | a quantity | 56 | each factor |
| E | own emissions | 64 | always |
| R | what rounding leaves | 64 | always |
| (S - 1) G - R | so it is below S | 64 | always |
| M_1 | the excess of mass, above 64 bits | 64 | mass |
| sum w[i] Q[i] - m 10^9 G - 2^64 M_1 | the excess of mass, the lower 64 bits | 64 | mass |
| A | a: how often S is in the covered sum | 64 | coverage |
| P - S A | what is left of the covered sum | 64 | coverage |
| (S - 1) G - (P - S A) | so it is below S | 64 | coverage |
| 100 A - c T G | 100 a - c T: at least c percent | 64 | coverage |

So `sum w q - m 10^9 >= 0`: the endorsed inputs have at least the mass of the product. And the sum
of the endorsed `q v` is at least c percent of the total.

The tags of both proofs end with the digest of the statement, so both are bound to every byte of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from underseal_protocol.seal.document import SealedDocument
from underseal_protocol.seal.generators import H
from underseal_protocol.seal.group import (
    GENERATOR,
    ONE,
    Point,
    Scalar,
    linear_combination,
)
from underseal_protocol.seal.numbers import NANO, VALUE_BITS, WIDE_BITS, Total
from underseal_protocol.seal.range_statement import RANGE_SUITE, RangeStatement
from underseal_protocol.seal.relation import Equation, ImageTerm, LinearRelation, Term
from underseal_protocol.seal.sigma import CIPHERSUITE, Flavor

__all__ = ["LIMB", "mass_excess", "range_statement", "range_tag", "sum_relation", "sum_tag"]

APPLICATION = "UNDERSEAL-SEAL-V01-0001"
LIMB = 1 << WIDE_BITS

_G, _H, _OWN, _REMAINDER, _FIRST = range(5)  # elements


def sum_tag(document: SealedDocument) -> bytes:
    """What the proof of the relation is bound to."""
    name = f"{APPLICATION}-{Flavor.COMPACT.value}-with-{CIPHERSUITE}-"
    return (name + document.digest_hex).encode("ascii")


def range_tag(document: SealedDocument) -> bytes:
    """What the proof of the ranges is bound to."""
    return f"{APPLICATION}-with-{RANGE_SUITE}-{document.digest_hex}".encode("ascii")


def sum_relation(document: SealedDocument, total: Total) -> LinearRelation:
    """The relation.

    Args:
        document: read.
        total: of the footprint.

    Raises:
        RelationError: its points make no valid relation.
    """
    n, m = len(document.listed), len(document.factors)
    commitments = [one.endorsement.commitment for one in document.listed]
    quantities = [one.quantity for one in document.listed]
    quantities += [one.quantity for one in document.factors]
    elements = [GENERATOR, H, document.own, document.remainder, *commitments, *quantities]
    of_quantities = _FIRST + n
    equations = [
        Equation(
            (ImageTerm(of_quantities + k, ONE),),
            (Term(2 * k, _G, ONE), Term(2 * k + 1, _H, ONE)),
        )
        for k in range(n + m)
    ]
    endorsed = [Term(2 * i, _FIRST + i, ONE) for i in range(n)]
    public = [
        Term(2 * (n + j), _G, Scalar(one.factor.value)) for j, one in enumerate(document.factors)
    ]
    rho = 2 * (n + m)
    image = (
        ImageTerm(_G, signed(total.number * total.step - total.half_step)),
        ImageTerm(_OWN, -Scalar(NANO)),
        ImageTerm(_REMAINDER, ONE),
    )
    equations.append(Equation(image, (*endorsed, *public, Term(rho, _H, ONE))))
    if document.covered is not None:
        image_of_covered = (ImageTerm(len(elements), ONE),)
        equations.append(Equation(image_of_covered, (*endorsed, Term(rho + 1, _H, ONE))))
        elements.append(document.covered[0])
    return LinearRelation(tuple(elements), tuple(equations))


def range_statement(document: SealedDocument, total: Total, mass: int) -> RangeStatement:
    """The ranges.

    Args:
        document: read.
        total: of the footprint.
        mass: of its declared unit, in 10^-9 kg.

    Raises:
        SealError: they are none of a range proof: too many, or one of them is the identity.
    """
    narrow = [one.quantity for one in document.listed]
    narrow += [one.endorsement.commitment for one in document.listed]
    narrow += [one.quantity for one in document.factors]
    below_step = Scalar(total.step - 1) * GENERATOR
    wide = [document.own, document.remainder, below_step - document.remainder]
    if document.mass_high is not None:
        wide += [document.mass_high, _mass_low(document, document.mass_high, mass)]
    if document.covered is not None:
        covered, whole = document.covered
        left = covered - Scalar(total.step) * whole
        least = Scalar(document.header.coverage * total.number)
        enough = linear_combination([Scalar(100), -least], [whole, GENERATOR])
        wide += [whole, left, below_step - left, enough]
    widths = [VALUE_BITS] * len(narrow) + [WIDE_BITS] * len(wide)
    return RangeStatement((*narrow, *wide), tuple(widths))


def mass_excess(masses: Sequence[int], quantities: Sequence[int], mass: int) -> int:
    """`sum w q - m 10^9`, in 10^-18 kg.

    Args:
        masses: `w`, in 10^-9 kg.
        quantities: `q`, as many.
        mass: of the declared unit of the product, in 10^-9 kg.
    """
    return sum(w * q for w, q in zip(masses, quantities, strict=True)) - mass * NANO


def signed(number: int) -> Scalar:
    """A public coefficient, which may be negative."""
    return Scalar(number) if number >= 0 else -Scalar(-number)


def _mass_low(document: SealedDocument, high: Point, mass: int) -> Point:
    weighed = [one for one in document.listed if one.endorsement.terms.mass]
    scalars = [Scalar(one.endorsement.terms.mass) for one in weighed]
    return linear_combination(
        [*scalars, -Scalar(mass * NANO), -Scalar(LIMB)],
        [*(one.quantity for one in weighed), GENERATOR, high],
    )
