"""Statements of range proofs: what is none, and what stands at which position."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from underseal_protocol.errors import SealEncodingError, SealError
from underseal_protocol.seal.generators import H, bit_generators
from underseal_protocol.seal.group import IDENTITY
from underseal_protocol.seal.range_statement import RANGE_SUITE, RangeStatement

C = H
FAILURES: dict[str, tuple[Any, Any, str]] = {
    "none": ((), (), "expected at least one"),
    "fewer widths": ((C, C), (1,), "2 commitments have 1 widths"),
    "a width of 0": ((C,), (0,), "value 0 has 0 bits, expected 1 to 64"),
    "a negative width": ((C, C), (1, -1), "value 1 has -1 bits"),
    "a width of 65": ((C,), (65,), "value 0 has 65 bits"),
    "no integer": ((C,), (True,), "value 0 has True bits"),
    "too many bits": (
        (C,) * 257,
        (64,) * 256 + (1,),
        "16385 bits together, expected at most 16384",
    ),
    "the identity": ((C, IDENTITY), (1, 1), "commitment 1 is the identity"),
}


@pytest.mark.parametrize(("commitments", "widths", "message"), FAILURES.values(), ids=FAILURES)
def test_what_is_no_statement(commitments: Any, widths: Any, message: str) -> None:
    with pytest.raises(SealError, match=message):
        RangeStatement(commitments, widths)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 64), min_size=1, max_size=64))
def test_a_statement_is_read_as_it_was_written(widths: list[int]) -> None:
    points = bit_generators(64)[0][: len(widths)]
    statement = RangeStatement(points, tuple(widths))
    data = statement.encode()
    assert RangeStatement.decode(data) == statement
    for wrong in (data[:-1], data + b"\0", data[1:], b""):
        with pytest.raises(SealError):
            RangeStatement.decode(wrong)


def test_a_number_of_values_is_bounded_before_anything_is_read() -> None:
    front = RangeStatement((C,), (1,)).encode()[: 4 + len(RANGE_SUITE)]
    with pytest.raises(SealEncodingError, match="there are 4294967295 values"):
        RangeStatement.decode(front + b"\xff" * 4)
    with pytest.raises(SealEncodingError, match="cannot be read from bytearray"):
        RangeStatement.decode(bytearray(front))  # type: ignore[arg-type]


def test_positions_are_a_power_of_two() -> None:
    for widths, positions in [((1,), 1), ((2,), 2), ((1, 2), 4), ((64, 1), 128), ((64, 64), 128)]:
        assert RangeStatement((C,) * len(widths), widths).positions == positions


def test_weights_of_unequal_widths() -> None:
    statement = RangeStatement((C, C, C), (2, 1, 3))
    z = 10
    assert statement.weights(z) == [100, 200, 1000, 10**4, 2 * 10**4, 4 * 10**4, 0, 0]
    assert statement.bits((2, 1, 3)) == [0, 1, 1, 1, 1, 0, 0, 0]
