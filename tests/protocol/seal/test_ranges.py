"""Range proofs: honest ones verify, and nothing else does."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.seal.range_cases import (
    TAG,
    Opened,
    cases_in_range,
    opened,
    prove_bits,
    reduced,
    verify_bits,
)

from underseal_protocol.errors import ProofRefusedError, RelationError, SealEncodingError, SealError
from underseal_protocol.seal import transcript
from underseal_protocol.seal.generators import H, pedersen_commitment
from underseal_protocol.seal.group import GENERATOR, ORDER, ZERO, Point, Scalar, random_scalar
from underseal_protocol.seal.range_prover import RangeProver
from underseal_protocol.seal.range_statement import RANGE_SUITE, RangeStatement
from underseal_protocol.seal.ranges import prove_ranges, range_proof_bytes, verify_ranges
from underseal_protocol.seal.transcript import Sponge

QUICK = settings(max_examples=10, deadline=None)
REFUSED = (ProofRefusedError, SealEncodingError)

SMALL = opened((1, 1), (1, 0))
PROOF = SMALL.proof()
MIXED = opened((1, 1), (3, 4), (2, 3))
MIXED_PROOF = MIXED.proof()


def require_refused(statement: RangeStatement, proof: bytes, tag: bytes = TAG) -> None:
    with pytest.raises(ProofRefusedError):
        verify_ranges(tag, statement, proof)


@QUICK
@given(cases_in_range(most=3))
def test_honest_proofs_verify(cases: list[tuple[int, int]]) -> None:
    case = opened(*cases)
    proof = case.proof()
    verify_ranges(TAG, case.statement, proof)
    assert len(proof) == range_proof_bytes(case.statement)


@pytest.mark.parametrize(
    "cases",
    [
        [(1, 0)],
        [(1, 1)],
        [(64, 2**64 - 1)],
        [(64, 0), (1, 1), (56, 2**56 - 1), (1, 0), (64, 2**63)],
        [(56, 2**56 - 1), (8, 255)],
        [(1, 1)] * 17,
    ],
)
def test_values_at_the_border(cases: list[tuple[int, int]]) -> None:
    case = opened(*cases)
    verify_ranges(TAG, case.statement, case.proof())


def test_the_same_commitment_twice() -> None:
    blinding = random_scalar()
    commitment = pedersen_commitment(Scalar(5), blinding)
    statement = RangeStatement((commitment, commitment), (3, 8))
    case = Opened(statement, [5, 5], [blinding, blinding])
    verify_ranges(TAG, statement, case.proof())


def test_the_length_of_a_proof() -> None:
    assert len(PROOF) == 1 + 4 * 48 + 5 * 32 + 2 * 48
    most = RangeStatement((GENERATOR,) * 64, (64,) * 64)
    assert (most.positions, range_proof_bytes(most)) == (4096, 1505)
    most = RangeStatement((GENERATOR,) * 256, (64,) * 256)
    assert (most.positions, range_proof_bytes(most)) == (16_384, 1697)


# Values out of range


@pytest.mark.parametrize("width", [1, 3, 56, 64])
@pytest.mark.parametrize("wrong", ["2^n", "2^n + 1", "-1", "order - 1", "order"])
def test_a_value_out_of_range_is_not_proved(width: int, wrong: str) -> None:
    value = {"2^n": 2**width, "2^n + 1": 2**width + 1, "-1": -1, "order - 1": ORDER - 1}
    blinding, number = random_scalar(), value.get(wrong, ORDER)
    commitment = pedersen_commitment(Scalar(number % ORDER), blinding)
    statement = RangeStatement((commitment,), (width,))
    with pytest.raises(RelationError, match=rf"value 0 is no integer in \[0, 2\^{width}\)"):
        prove_ranges(TAG, statement, [number], [blinding])


@pytest.mark.parametrize("value", [True, 1.0, "1", None, Scalar(1)])
def test_a_value_is_an_integer(value: Any) -> None:
    with pytest.raises(RelationError, match="value 0 is no integer"):
        prove_ranges(TAG, SMALL.statement, [value, 0], SMALL.blindings)


def test_an_error_does_not_tell_the_value() -> None:
    case = opened((20, 2**20 + 123_456))
    with pytest.raises(RelationError) as caught:
        case.proof()
    assert str(2**20 + 123_456) not in str(caught.value)


@QUICK
@given(st.integers(1, 8), st.integers(-3, 300))
def test_bit_relations_agree(width: int, value: int) -> None:
    """Sigma proofs of the bits accept and refuse the same values."""
    case = opened((width, value))
    (commitment,) = case.statement.commitments
    if not 0 <= value < 2**width:
        for prove in (case.proof, lambda: prove_bits(width, value, case.blindings[0])):
            with pytest.raises(RelationError):
                prove()
        return
    verify_ranges(TAG, case.statement, case.proof())
    points, proof = prove_bits(width, value, case.blindings[0])
    verify_bits(commitment, points, proof)
    with pytest.raises(SealError):
        verify_bits(commitment + GENERATOR, points, proof)


@pytest.mark.parametrize(("width", "value"), [(2, 4), (2, 7), (1, 2), (4, 16), (3, -1)])
def test_a_prover_without_scruples(width: int, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the value modulo 2^n, or a highest digit that is no bit; the commitment stays."""
    case = opened((width, value), (1, 1))
    monkeypatch.setattr("underseal_protocol.seal.ranges._require_openings", lambda *_: None)
    require_refused(case.statement, case.proof())
    top = value >> (width - 1)
    digits = [*(value >> bit & 1 for bit in range(width - 1)), top, 1]

    def forced(statement: RangeStatement, values: tuple[int, ...]) -> list[int]:
        return digits + [0] * (statement.positions - len(digits))

    monkeypatch.setattr(RangeStatement, "bits", forced)
    require_refused(case.statement, case.proof())


# What is changed


def test_every_byte_counts() -> None:
    for position in range(len(PROOF)):
        changed = bytearray(PROOF)
        changed[position] ^= 1 << position % 8
        with pytest.raises(REFUSED):
            verify_ranges(TAG, SMALL.statement, bytes(changed))


def test_every_length_but_one_is_refused() -> None:
    lengths = [PROOF[:length] for length in range(len(PROOF))]
    for one in (*lengths, PROOF + b"\0", b"\0" + PROOF, PROOF * 2, PROOF + PROOF[-96:]):
        with pytest.raises(ProofRefusedError, match=f"{len(one)} bytes, expected {len(PROOF)}"):
            verify_ranges(TAG, SMALL.statement, one)


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_any_bytes_are_refused(data: st.DataObject) -> None:
    body = data.draw(st.binary(min_size=len(PROOF) - 1, max_size=len(PROOF) - 1))
    with pytest.raises(REFUSED):
        verify_ranges(TAG, SMALL.statement, b"\1" + body)


@pytest.mark.parametrize("proof", [None, "ab", [], bytearray(PROOF), memoryview(PROOF)])
def test_a_proof_is_bytes(proof: Any) -> None:
    with pytest.raises(ProofRefusedError, match="expected bytes"):
        verify_ranges(TAG, SMALL.statement, proof)


@pytest.mark.parametrize("version", [0, 2, 255])
def test_another_version(version: int) -> None:
    with pytest.raises(ProofRefusedError, match=f"version {version}, expected 1"):
        verify_ranges(TAG, SMALL.statement, bytes([version]) + PROOF[1:])


@pytest.mark.parametrize("at", [1, 49, 97, 145, 289, 337])
def test_the_identity_in_a_proof(at: int) -> None:
    changed = PROOF[:at] + bytes([0xC0]) + bytes(47) + PROOF[at + 48 :]
    with pytest.raises(SealEncodingError, match="the identity"):
        verify_ranges(TAG, SMALL.statement, changed)


@pytest.mark.parametrize("at", [193, 225, 257, 385, 417])
def test_a_scalar_that_is_not_reduced(at: int) -> None:
    for number in (ORDER, 2**256 - 1):
        changed = PROOF[:at] + number.to_bytes(32, "big") + PROOF[at + 32 :]
        with pytest.raises(SealEncodingError, match="not below the group order"):
            verify_ranges(TAG, SMALL.statement, changed)


OTHERS: dict[str, tuple[tuple[Point, ...], tuple[int, ...]]] = {
    "commitments in another order": (MIXED.statement.commitments[::-1], (1, 3, 2)),
    "values in another order": (MIXED.statement.commitments[::-1], (2, 3, 1)),
    "a bit of another value": (MIXED.statement.commitments, (1, 2, 3)),
    "a width more": (MIXED.statement.commitments, (1, 3, 3)),
    "a width less": (MIXED.statement.commitments, (1, 3, 1)),
    "wider, though true": (MIXED.statement.commitments, (1, 4, 2)),
    "a value more": ((*MIXED.statement.commitments, H), (1, 3, 2, 1)),
    "a value less": (MIXED.statement.commitments[:2], (1, 4)),
    "another value": (
        (*MIXED.statement.commitments[:2], MIXED.statement.commitments[2] - GENERATOR),
        (1, 3, 2),
    ),
    "another blinding": (
        (*MIXED.statement.commitments[:2], MIXED.statement.commitments[2] + H),
        (1, 3, 2),
    ),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_the_proof_of_another_statement(
    other: tuple[tuple[Point, ...], tuple[int, ...]],
) -> None:
    verify_ranges(TAG, MIXED.statement, MIXED_PROOF)
    require_refused(RangeStatement(*other), MIXED_PROOF)


@pytest.mark.parametrize("tag", [TAG + b"-", b"X" + TAG, TAG.replace(b"TEST", b"SEAL")])
def test_the_proof_of_another_tag(tag: bytes) -> None:
    require_refused(SMALL.statement, PROOF, tag)


@pytest.mark.parametrize("tag", [b"", b"UNDERSEAL", TAG.replace(b"V01_", b"V02_")])
def test_a_tag_names_the_suite(tag: bytes) -> None:
    with pytest.raises(SealError, match=f"does not name {RANGE_SUITE}"):
        SMALL.proof(tag)
    with pytest.raises(SealError, match=f"does not name {RANGE_SUITE}"):
        verify_ranges(tag, SMALL.statement, PROOF)


def test_a_false_opening_is_not_proved() -> None:
    statement, values, blindings = SMALL
    for wrong in ([0, 0], [1, 1]):
        with pytest.raises(RelationError, match="is to another value or with another blinding"):
            prove_ranges(TAG, statement, wrong, blindings)
    with pytest.raises(RelationError, match="commitment 0 is to another"):
        prove_ranges(TAG, statement, values, blindings[::-1])
    for values, hidden in (([1], blindings), ([1, 0, 0], blindings), ([1, 0], blindings[:1])):
        with pytest.raises(RelationError, match="open 2 commitments, expected as many"):
            prove_ranges(TAG, statement, values, hidden)


@pytest.mark.parametrize("number", range(5))
def test_a_challenge_of_zero_is_refused(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """y, z, x, that of u, and that of the halving."""
    original = transcript._Transcript.challenge
    asked = 0

    def challenge(self: Any) -> Scalar:
        nonlocal asked
        asked += 1
        return ZERO if asked == number + 1 else original(self)

    monkeypatch.setattr(transcript._Transcript, "challenge", challenge)
    with pytest.raises(ProofRefusedError, match="a challenge is 0"):
        verify_ranges(TAG, SMALL.statement, PROOF)
    asked = 0
    with pytest.raises(ProofRefusedError, match="a challenge is 0"):
        SMALL.proof()


# Randomness and progress


def test_no_proof_comes_twice() -> None:
    assert len({SMALL.proof() for _ in range(5)}) == 5


def test_a_generator_that_repeats_itself() -> None:
    with pytest.raises(SealError, match="random bytes repeat themselves"):
        prove_ranges(TAG, *SMALL, random_bytes=lambda length: b"\1" * length)


def test_the_same_randomness_gives_the_same_proof() -> None:
    proofs = {prove_ranges(TAG, *SMALL, random_bytes=Sponge(bytes(32)).squeeze) for _ in range(2)}
    assert len(proofs) == 1


def test_a_prover_evaluates_once() -> None:
    prover = RangeProver([1, 0], Sponge(bytes(32)).squeeze)
    prover.commit(lambda _: None)
    prover.commit_to_polynomial([4, 8], 3, 2)
    prover.evaluate(5, 6)
    with pytest.raises(SealError, match="a prover evaluates once"):
        prover.evaluate(7, 6)
    assert "0x" in repr(prover)  # that of an object, without its secrets


def test_progress_ends_where_it_should() -> None:
    case = opened((64, 1), (64, 2))
    told: list[tuple[int, int]] = []
    proof = prove_ranges(TAG, *case, report=lambda done, total: told.append((done, total)))
    verify_ranges(TAG, case.statement, proof)
    assert len(told) > 20
    assert len({total for _, total in told}) == 1
    assert told[-1][0] == told[-1][1]
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_what_a_report_raises_ends_the_proof() -> None:
    def cancel(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prove_ranges(TAG, *SMALL, report=cancel)


# Large


@pytest.mark.soak
@pytest.mark.parametrize("cases", [[(56, 2**55)] * 61 + [(64, 2**64 - 1)] * 8, [(64, 3)] * 64])
def test_as_many_bits_as_there_may_be(cases: list[tuple[int, int]]) -> None:
    """Thirty inputs with mass and coverage have 3,944 bits."""
    case = opened(*cases)
    proof = case.proof()
    verify_ranges(TAG, case.statement, proof)
    assert len(proof) == 1505
    for position in range(0, len(proof), 100):
        changed = bytearray(proof)
        changed[position] ^= 1
        with pytest.raises(REFUSED):
            verify_ranges(TAG, case.statement, bytes(changed))
    commitments = case.statement.commitments
    wrong = (*commitments[:-1], commitments[-1] + reduced(-1) * GENERATOR)
    require_refused(RangeStatement(wrong, case.statement.widths), proof)
