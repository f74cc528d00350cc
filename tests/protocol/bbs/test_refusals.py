"""What BBS refuses: every single change of what is signed, shown, bound or committed."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_arkworks_bls12381 import G2Point

from underseal_protocol.bbs.blind import blind_sign, finish
from underseal_protocol.bbs.commitment import Commitment, commit, verify_commitment
from underseal_protocol.bbs.keys import SecretKey, generate
from underseal_protocol.bbs.proof import Nym, Proof, proof_bytes, prove, pseudonym_of, verify_proof
from underseal_protocol.bbs.setup import Setup
from underseal_protocol.bbs.signature import Signature, sign_point, verify
from underseal_protocol.bbs.suite import PSEUDONYM, generators, message_scalar
from underseal_protocol.errors import ProofRefusedError, SealEncodingError, SealError
from underseal_protocol.seal import group
from underseal_protocol.seal.group import (
    GENERATOR,
    GENERATOR_2,
    IDENTITY,
    Point2,
    pairings_are_equal,
)
from underseal_protocol.seal.scalars import ONE, ZERO, Scalar

SECRET, OTHER = generate(), generate()
SEEN = [message_scalar(one, PSEUDONYM) for one in (b"first", b"second")]
SETUP = Setup.blind(SECRET.public_key, b"header", 2, 2)
UNSEEN = [Scalar(7), Scalar(11)]
COMMITMENT, BLINDING = commit(UNSEEN, PSEUDONYM)
SIGNATURE = blind_sign(SECRET, SETUP, COMMITMENT, SEEN, Scalar(13))
MESSAGES = finish(SETUP, SIGNATURE, SEEN, BLINDING, UNSEEN, Scalar(13))
NYM = pseudonym_of(SETUP, b"context", MESSAGES[-1])
SHOWN = {0: MESSAGES[0], 3: MESSAGES[3]}
PROOF = prove(SETUP, SIGNATURE, MESSAGES, shown=[0, 3], bound=b"bound", nym=NYM)


def test_an_honest_proof_verifies() -> None:
    verify_proof(SETUP, PROOF, SHOWN, bound=b"bound", nym=NYM)
    assert len(PROOF.encode()) == proof_bytes(3)
    again = prove(SETUP, SIGNATURE, MESSAGES, shown=[0, 3], bound=b"bound", nym=NYM)
    assert set(again.points).isdisjoint(PROOF.points)
    assert again.challenge != PROOF.challenge


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, proof_bytes(3) * 8 - 1))
def test_every_bit_of_a_proof_counts(at: int) -> None:
    data = bytearray(PROOF.encode())
    data[at // 8] ^= 1 << at % 8
    with pytest.raises(SealError):
        verify_proof(SETUP, Proof.decode(bytes(data)), SHOWN, bound=b"bound", nym=NYM)


@pytest.mark.parametrize(
    "change",
    [
        {"setup": Setup.blind(OTHER.public_key, b"header", 2, 2)},
        {"setup": Setup.blind(SECRET.public_key, b"another", 2, 2)},
        {"setup": Setup.blind(SECRET.public_key, b"header", 1, 3)},
        {"setup": Setup.plain(SECRET.public_key, b"header", 5)},
        {"shown": {0: MESSAGES[0] + ONE, 3: MESSAGES[3]}},
        {"shown": {1: MESSAGES[0], 3: MESSAGES[3]}},
        {"shown": {1: MESSAGES[1], 3: MESSAGES[3]}},
        {"shown": {0: MESSAGES[0]}},
        {"shown": {0: MESSAGES[0], 1: MESSAGES[1], 3: MESSAGES[3]}},
        {"bound": b"Bound"},
        {"bound": b""},
        {"nym": None},
        {"nym": Nym(b"Context", NYM.point)},
        {"nym": Nym(b"context", NYM.point + GENERATOR)},
        {"nym": pseudonym_of(SETUP, b"context", MESSAGES[-1] + ONE)},
        {"nym": Nym(b"context", IDENTITY)},
    ],
)
def test_what_a_proof_is_bound_to(change: dict[str, object]) -> None:
    given = {"setup": SETUP, "shown": SHOWN, "bound": b"bound", "nym": NYM} | change
    setup, shown = given.pop("setup"), given.pop("shown")
    with pytest.raises(SealError):
        verify_proof(setup, PROOF, shown, **given)  # type: ignore[arg-type]


def test_the_secret_of_a_pseudonym_is_never_shown() -> None:
    with pytest.raises(SealError, match="expected it to be hidden"):
        prove(SETUP, SIGNATURE, MESSAGES, shown=[4], bound=b"", nym=NYM)
    with pytest.raises(SealError, match="expected it to be hidden"):
        verify_proof(SETUP, PROOF, {4: MESSAGES[4]}, bound=b"", nym=NYM)


def test_a_pseudonym_of_another_secret_cannot_be_proved() -> None:
    """Whoever has a credential has one pseudonym in each context."""
    other = pseudonym_of(SETUP, b"context", Scalar(99))
    proof = prove(SETUP, SIGNATURE, MESSAGES, shown=[0], bound=b"", nym=other)
    with pytest.raises(ProofRefusedError, match="challenge"):
        verify_proof(SETUP, proof, {0: MESSAGES[0]}, bound=b"", nym=other)


def test_what_was_never_signed_cannot_be_proved() -> None:
    forged = (*MESSAGES[:-1], MESSAGES[-1] + ONE)
    proof = prove(SETUP, SIGNATURE, forged, shown=[0], bound=b"")
    with pytest.raises(ProofRefusedError, match="nothing is signed"):
        verify_proof(SETUP, proof, {0: forged[0]}, bound=b"")


@pytest.mark.parametrize("shown", [[1, 0], [0, 0], [-1], [5], [0, 5]])
def test_places_of_messages(shown: Sequence[int]) -> None:
    with pytest.raises(SealError, match="expected some of 5, in order"):
        prove(SETUP, SIGNATURE, MESSAGES, shown=shown, bound=b"")


@pytest.mark.parametrize("place", range(5))
def test_every_message_is_signed(place: int) -> None:
    changed = list(MESSAGES)
    changed[place] += ONE
    with pytest.raises(ProofRefusedError, match="not of these messages"):
        verify(SETUP, SIGNATURE, changed)
    with pytest.raises(SealError, match="4 messages, expected 5"):
        verify(SETUP, SIGNATURE, MESSAGES[:4])


@settings(max_examples=30, deadline=None)
@given(at=st.integers(0, 80 * 8 - 1))
def test_every_bit_of_a_signature_counts(at: int) -> None:
    data = bytearray(SIGNATURE.encode())
    data[at // 8] ^= 1 << at % 8
    with pytest.raises(SealError):
        verify(SETUP, Signature.decode(bytes(data)), MESSAGES)


@settings(max_examples=40, deadline=None)
@given(at=st.integers(0, len(COMMITMENT.encode()) * 8 - 1))
def test_every_bit_of_a_commitment_counts(at: int) -> None:
    data = bytearray(COMMITMENT.encode())
    data[at // 8] ^= 1 << at % 8
    with pytest.raises(SealError):
        verify_commitment(Commitment.decode(bytes(data)), 2, PSEUDONYM)


def test_what_a_signer_refuses() -> None:
    with pytest.raises(SealError, match="not that of the public key"):
        blind_sign(OTHER, SETUP, COMMITMENT, SEEN, ONE)
    with pytest.raises(SealError, match="to 2 messages, expected 3"):
        blind_sign(SECRET, SETUP, COMMITMENT, SEEN[:1], ONE)
    with pytest.raises(SealError, match="the identity"):
        sign_point(SECRET, SETUP, IDENTITY, b"")
    moved = Commitment(
        COMMITMENT.point + GENERATOR,
        COMMITMENT.of_blinding,
        COMMITMENT.of_messages,
        COMMITMENT.challenge,
    )
    with pytest.raises(ProofRefusedError, match="proof of the commitment"):
        blind_sign(SECRET, SETUP, moved, SEEN, ONE)


def test_a_holder_finds_out_that_something_else_was_signed() -> None:
    for seen, entropy in (([SEEN[1], SEEN[0]], Scalar(13)), (SEEN, Scalar(14))):
        with pytest.raises(ProofRefusedError, match="not of these messages"):
            finish(SETUP, SIGNATURE, seen, BLINDING, UNSEEN, entropy)
    with pytest.raises(SealError, match="secret of a pseudonym is 0"):
        finish(SETUP, SIGNATURE, SEEN, BLINDING, UNSEEN, -UNSEEN[-1])
    with pytest.raises(SealError, match="secret of a pseudonym is 0"):
        pseudonym_of(SETUP, b"context", ZERO)


@pytest.mark.parametrize("read", [Proof.decode, Signature.decode, Commitment.decode])
@pytest.mark.parametrize("cut", [0, 1, 47, 48, 79, 81, 100, 303, 305])
def test_bytes_of_other_lengths(read: object, cut: int) -> None:
    data = (PROOF.encode() + PROOF.encode())[:cut]
    with pytest.raises(SealEncodingError):
        read(data)  # type: ignore[operator]
    with pytest.raises(SealEncodingError):
        Proof.decode(bytearray(PROOF.encode()))  # type: ignore[arg-type]


def test_a_scalar_of_a_proof_is_not_0() -> None:
    with pytest.raises(SealEncodingError, match="is 0"):
        Proof.decode(PROOF.encode()[:-32] + bytes(32))


def test_keys() -> None:
    with pytest.raises(SealError, match="made of 31 bytes"):
        SecretKey.derived(bytes(31))
    with pytest.raises(SealError, match="65536 bytes of information"):
        SecretKey.derived(bytes(32), bytes(65_536))
    with pytest.raises(SealError, match="is 0"):
        SecretKey(ZERO)
    assert str(SECRET.scalar.value) not in repr(SECRET)
    assert SECRET.public_key != OTHER.public_key


def test_generators_are_all_different() -> None:
    found = {*generators(20, PSEUDONYM), *generators(20, b"BLIND_" + PSEUDONYM)}
    assert len(found) == 40


# Points of G2 and pairings


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "0 bytes for a point of G2, expected 96"),
        (bytes(96), "not compressed"),
        (b"\xc0" + bytes(95), "is the identity"),
        (b"\xe0" + bytes(95), "is the identity"),
        (b"\xc0" + bytes(94) + b"\x01", "is the identity"),
        (b"\x80" + bytes(95), "no point"),
        (b"\x9f" + b"\xff" * 95, "no point"),
        (bytearray(GENERATOR_2.encode()), "cannot be read from bytearray"),
    ],
)
def test_bytes_that_are_no_point_of_g2(data: bytes, told: str) -> None:
    with pytest.raises(SealEncodingError, match=told):
        Point2.decode(data)


def test_points_of_g2_outside_of_the_subgroup() -> None:
    """x = 1 and so on: most points of the curve are not in the subgroup."""
    found = 0
    for number in range(1, 40):
        data = b"\x80" + number.to_bytes(95, "big")
        try:
            outside = G2Point.from_compressed_bytes_unchecked(data)
        except ValueError:
            continue
        found += not outside.is_in_subgroup()
        with pytest.raises(SealEncodingError, match="no point of the curve and the subgroup"):
            Point2.decode(data)
    assert found > 5


def test_what_is_read_of_g2_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    class Lenient:
        identity = G2Point.identity

        @staticmethod
        def from_compressed_bytes(data: bytes) -> G2Point:
            return G2Point.from_compressed_bytes(bytes([data[0] ^ 0x20]) + data[1:])

    monkeypatch.setattr(group, "G2Point", Lenient)
    with pytest.raises(SealEncodingError, match="not in its one encoding"):
        Point2.decode(GENERATOR_2.encode())


def test_points_of_g2_travel_and_multiply() -> None:
    point = Scalar(5) * GENERATOR_2
    assert pickle.loads(pickle.dumps(point)) == copy.deepcopy(point) == point
    with pytest.raises(SealError, match="multiplied by 0"):
        ZERO * GENERATOR_2
    with pytest.raises(TypeError):
        5 * GENERATOR_2  # type: ignore[operator]


def test_pairings() -> None:
    left = Scalar(6) * GENERATOR, Scalar(5) * GENERATOR_2
    assert pairings_are_equal(left, (Scalar(10) * GENERATOR, Scalar(3) * GENERATOR_2))
    assert not pairings_are_equal(left, (Scalar(10) * GENERATOR, Scalar(4) * GENERATOR_2))
    for pairs in ((left, (IDENTITY, GENERATOR_2)), ((IDENTITY, GENERATOR_2), left)):
        with pytest.raises(SealError, match="identity is paired"):
            pairings_are_equal(*pairs)
