"""Multiples by a table are the multiples."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from underseal_protocol.errors import SealError
from underseal_protocol.seal.fixed_base import FixedBase
from underseal_protocol.seal.generators import H, combined, pedersen_commitment
from underseal_protocol.seal.group import (
    GENERATOR,
    IDENTITY,
    ORDER,
    Scalar,
    hash_to_curve,
    linear_combination,
)

TABLE = FixedBase(H)
OTHERS = [hash_to_curve(b"%d" % n, b"UNDERSEAL-TEST-other-points") for n in range(6)]
SCALARS = st.integers(0, ORDER - 1).map(Scalar)
FEW = settings(max_examples=50, deadline=None)


@FEW
@example(Scalar(0))
@example(Scalar(1))
@example(Scalar(63))
@example(Scalar(64))
@example(Scalar(1 << 252))
@example(Scalar(ORDER - 1))
@given(SCALARS)
def test_a_product(scalar: Scalar) -> None:
    assert TABLE.times(scalar) == scalar * H


@FEW
@given(SCALARS, SCALARS)
def test_a_commitment(value: Scalar, blinding: Scalar) -> None:
    expected = linear_combination([value, blinding], [GENERATOR, H])
    assert pedersen_commitment(value, blinding) == expected


@FEW
@given(st.lists(st.tuples(SCALARS, st.sampled_from([GENERATOR, H, *OTHERS])), max_size=8))
def test_a_sum_of_products(terms: list[tuple[Scalar, object]]) -> None:
    scalars, points = [one for one, _ in terms], [point for _, point in terms]
    assert combined(scalars, points) == linear_combination(scalars, points)  # type: ignore[arg-type]


def test_a_sum_of_nothing_and_of_lists_that_do_not_fit() -> None:
    assert combined([], []) == IDENTITY
    for scalars, points in (([Scalar(1)], []), ([], [H]), ([Scalar(1)] * 2, [H])):
        with pytest.raises(SealError, match="expected as many"):
            combined(scalars, points)
