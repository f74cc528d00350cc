"""Our own vectors of range proofs, and the second implementation: also one that cheats."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.seal import second_ranges
from tests.protocol.seal.range_cases import TAG, cases_in_range, opened
from tests.protocol.seal.second import RefusedError
from tests.protocol.seal.vector_files import ROOT, outcome, without
from tests.vectors.seal import generate_ranges

from underseal_protocol.errors import ProofRefusedError
from underseal_protocol.seal.group import ORDER
from underseal_protocol.seal.ranges import prove_ranges, verify_ranges
from underseal_protocol.seal.transcript import Sponge
from underseal_protocol.seal.vectors.__main__ import main

OWN = ROOT / "tests" / "vectors" / "seal" / "ranges.json"
VECTORS: list[dict[str, Any]] = json.loads(OWN.read_text("utf-8"))
BASES = [one for one in VECTORS if one["Expected"] == "accept"]
SMALL = [one["Id"] for one in BASES if one["Relation"] != "widths_of_a_seal"]
ONE = next(one for one in BASES if one["Relation"] == "two_widths")
FEW = settings(max_examples=5, deadline=None)


def test_our_own_vectors_come_out_the_same_again() -> None:
    assert generate_ranges.text() == OWN.read_text("utf-8")
    assert generate_ranges.generators() == second_ranges.GENERATORS.read_text("utf-8")


def test_our_own_vectors_are_as_expected() -> None:
    output = io.StringIO()
    assert main([str(OWN)], output) == 0
    assert output.getvalue().endswith(f"\n{len(VECTORS)} as expected, 0 not\n")
    assert output.getvalue().count("proved again, byte for byte") == len(BASES)


@pytest.mark.parametrize("base", SMALL)
def test_our_own_vectors_by_the_second_implementation(base: str) -> None:
    for vector in VECTORS:
        if base in (vector["Id"], vector.get("BaseId")):
            accepted = second_ranges.accepts(vector)
            assert accepted == (vector["Expected"] == "accept"), vector["Id"]


def test_each_refused_vector_differs_from_the_one_it_is_made_of() -> None:
    refused = [vector for vector in VECTORS if vector["Expected"] == "reject"]
    assert len(refused) > 100
    by_id = {vector["Id"]: vector for vector in BASES}
    for vector in refused:
        base = by_id[vector["BaseId"]]
        assert any(base[name] != vector[name] for name in ("Tag", "Instance", "NargString"))


@pytest.mark.parametrize(
    "changes",
    [
        {"Relation": "bit_0"},
        {"Witness": "00" * 128},
        {"Witness": ONE["Witness"] + "00" * 32},
        {"Witness": "xx"},
        {"Relation": 5},
    ],
)
def test_what_verifies_and_is_not_proved_again_is_not_as_expected(changes: Any) -> None:
    for expected in ("accept", "reject"):
        found = outcome({**ONE, **changes, "Expected": expected})
        assert not found.as_expected
        assert "accept" not in found.found


@pytest.mark.parametrize("name", ["Relation", "Witness", "SessionId"])
def test_fields_that_may_be_left_out(name: str) -> None:
    found = outcome(without(ONE, name))
    assert found.as_expected
    assert ("proved again" in found.found) == (name == "SessionId")


def test_another_session_identifier_or_suite() -> None:
    assert outcome({**ONE, "SessionId": "00" * 32, "Expected": "reject"}).as_expected
    found = outcome({**ONE, "Ciphersuite": "bulletproofs-V02", "Expected": "reject"})
    assert not found.as_expected


# The second implementation


@FEW
@given(cases_in_range(most=3, widest=3).filter(lambda found: sum(w for w, _ in found) <= 8))
def test_proofs_come_out_as_those_of_the_second_implementation(
    cases: list[tuple[int, int]],
) -> None:
    case = opened(*cases)
    statement = second_ranges.statement_of(case.statement.encode())
    digits = second_ranges.digits_of(statement, case.values)
    blindings = [one.value for one in case.blindings]
    seed = bytes(32)
    theirs = second_ranges.prove(TAG, statement, digits, blindings, Sponge(seed).squeeze)
    ours = prove_ranges(TAG, *case, random_bytes=Sponge(seed).squeeze)
    assert ours == theirs
    second_ranges.verify(TAG, statement, ours)


def cheated(case: Any, left: list[int], right: list[int], t_shift: int = 0) -> None:
    """Both implementations refuse what a cheating prover made."""
    statement = second_ranges.statement_of(case.statement.encode())
    blindings = [one.value for one in case.blindings]
    proof = second_ranges.prove(
        TAG, statement, (left, right), blindings, Sponge(bytes(32)).squeeze, t_shift
    )
    with pytest.raises(ProofRefusedError):
        verify_ranges(TAG, case.statement, proof)
    with pytest.raises(RefusedError):
        second_ranges.verify(TAG, statement, proof)


@FEW
@given(st.integers(1, 3), st.sampled_from(["2^n", "-1", "2^n + 1", "order - 2^n"]))
def test_digits_that_are_no_bits(width: int, which: str) -> None:
    """They sum up to the value, and one of them is not 0 or 1: the brackets of y^i."""
    numbers = {"2^n": 2**width, "-1": -1, "2^n + 1": 2**width + 1}
    case = opened((width, numbers.get(which, -(2**width))), (1, 1))
    statement = second_ranges.statement_of(case.statement.encode())
    cheated(case, *second_ranges.digits_of(statement, case.values))


CHEATS = {
    "a_R = 0 where a_L is 2": ([2, 0], [0, ORDER - 1]),
    "a_R is not a_L - 1": ([1, 0], [0, 0]),
    "bits of a smaller value": ([0, 0], [ORDER - 1, ORDER - 1]),
}


@pytest.mark.parametrize(("left", "right"), CHEATS.values(), ids=CHEATS)
def test_vectors_that_break_one_condition(left: list[int], right: list[int]) -> None:
    cheated(opened((2, 2)), left, right)


def test_a_bit_in_the_padding_counts_for_no_value() -> None:
    """With weight 0 it may be 1, which is a true proof; it makes no value larger."""
    case = opened((3, 5))
    statement = second_ranges.statement_of(case.statement.encode())
    blindings, draw = [case.blindings[0].value], Sponge(bytes(32)).squeeze
    bits = ([1, 0, 1, 1], [0, ORDER - 1, 0, 0])
    proof = second_ranges.prove(TAG, statement, bits, blindings, draw)
    verify_ranges(TAG, case.statement, proof)
    larger = opened((3, 5 + 8))
    cheated(larger, *bits)


def test_something_in_the_padding_that_is_no_bit() -> None:
    """Otherwise it could balance whatever the other positions lack."""
    case = opened((3, 5))
    for left, right in ((2, 1), (1, 1), (ORDER - 1, ORDER - 2), (0, 0)):
        cheated(case, [1, 0, 1, left], [0, ORDER - 1, 0, right])


def test_a_value_may_not_borrow_bits_of_the_next() -> None:
    """4 in two bits, with the bit of the second value, whose weight is of z^3 and not of z^2."""
    cheated(opened((2, 4), (1, 0)), [0, 0, 1, 0], [ORDER - 1, ORDER - 1, 0, ORDER - 1])


def test_a_value_at_x_that_is_not_the_inner_product() -> None:
    case = opened((2, 2))
    statement = second_ranges.statement_of(case.statement.encode())
    left, right = second_ranges.digits_of(statement, case.values)
    cheated(case, left, right, t_shift=1)
