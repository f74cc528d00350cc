"""The sponge and the transcripts: what is hashed is what is sent, and nothing is left."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocol.seal.relations import SCALARS, H

from underseal_protocol.errors import ProofRefusedError, SealEncodingError, SealError
from underseal_protocol.seal.group import GENERATOR, IDENTITY, ONE, ZERO, Scalar
from underseal_protocol.seal.transcript import (
    ProverTranscript,
    Sponge,
    VerifierTranscript,
    derive_session_id,
)

SESSION = bytes(range(32))
PARTS = st.lists(st.binary(max_size=200), max_size=4)


def sponge_of(*parts: bytes) -> Sponge:
    sponge = Sponge(SESSION)
    for part in parts:
        sponge.absorb(part)
    return sponge


@pytest.mark.parametrize("length", [0, 31, 33, 168])
def test_a_session_identifier_has_32_bytes(length: int) -> None:
    with pytest.raises(SealError, match=f"{length} bytes, expected 32"):
        Sponge(bytes(length))


@given(PARTS, st.integers(0, 400))
def test_squeezing_is_hashing_what_was_absorbed(parts: list[bytes], length: int) -> None:
    """Section XOF duplex sponge: session_id || zeros(R - 32) || ..."""
    hashed = hashlib.shake_128(SESSION + bytes(136) + b"".join(parts)).digest(length)
    assert sponge_of(*parts).squeeze(length) == hashed


@given(PARTS, st.lists(st.integers(0, 200), max_size=4))
def test_squeezing_goes_on(parts: list[bytes], lengths: list[int]) -> None:
    sponge = sponge_of(*parts)
    pieces = []
    for length in lengths:
        sponge.absorb(b"")  # changes nothing
        pieces.append(sponge.squeeze(length))
    assert b"".join(pieces) == sponge_of(*parts).squeeze(sum(lengths))


@given(st.binary(max_size=50), st.binary(min_size=1, max_size=50), st.integers(0, 64))
def test_what_was_squeezed_does_not_count(first: bytes, then: bytes, length: int) -> None:
    sponge = sponge_of(first)
    sponge.squeeze(length)
    sponge.absorb(then)
    assert sponge.squeeze(32) == sponge_of(first, then).squeeze(32)


def test_squeezing_backwards() -> None:
    with pytest.raises(SealError, match="-1 bytes"):
        Sponge(SESSION).squeeze(-1)


def test_tags_have_sessions_of_their_own() -> None:
    assert len({derive_session_id(tag) for tag in (b"", b"a", b"b", b"ab")}) == 4
    assert len(derive_session_id(b"a")) == 32


def sent() -> ProverTranscript:
    transcript = ProverTranscript(SESSION, b"instance")
    transcript.send_points([GENERATOR, H])
    transcript.challenge()
    transcript.send_scalars([ONE, ZERO, Scalar(5)])
    return transcript


def test_a_verifier_draws_the_challenges_of_the_prover() -> None:
    prover = ProverTranscript(SESSION, b"instance")
    prover.send_points([GENERATOR, H])
    challenges = [prover.challenge(), prover.challenge()]
    prover.send_scalars([Scalar(5)])
    challenges.append(prover.challenge())

    verifier = VerifierTranscript(SESSION, b"instance", prover.proof())
    assert verifier.receive_points(2) == (GENERATOR, H)
    drawn = [verifier.challenge(), verifier.challenge()]
    assert verifier.receive_scalars(1) == (Scalar(5),)
    drawn.append(verifier.challenge())
    verifier.finish()
    assert drawn == challenges
    assert len(set(drawn)) == 3
    expected = sponge_of(b"instance", GENERATOR.encode(), H.encode()).squeeze(48)
    assert drawn[0] == Scalar.from_uniform(expected)


def challenge_of(session: bytes, instance: bytes, *scalars: Scalar) -> Scalar:
    transcript = ProverTranscript(session, instance)
    transcript.send_scalars(scalars)
    return transcript.challenge()


def test_every_value_counts() -> None:
    found = {
        challenge_of(SESSION, b"instance", ONE, ZERO),
        challenge_of(bytes(32), b"instance", ONE, ZERO),
        challenge_of(SESSION, b"instancf", ONE, ZERO),
        challenge_of(SESSION, b"instance", ZERO, ONE),
        challenge_of(SESSION, b"instance", ONE),
        challenge_of(SESSION, b"instance", ONE, ZERO, ZERO),
    }
    assert len(found) == 6


def test_there_is_an_instance() -> None:
    with pytest.raises(SealError, match="instance is empty"):
        ProverTranscript(SESSION, b"")
    with pytest.raises(SealError, match="instance is empty"):
        VerifierTranscript(SESSION, b"", b"")


def test_the_identity_is_not_sent() -> None:
    with pytest.raises(SealEncodingError, match="identity"):
        ProverTranscript(SESSION, b"instance").send_points([GENERATOR, IDENTITY])


def received(proof: bytes) -> None:
    verifier = VerifierTranscript(SESSION, b"instance", proof)
    verifier.receive_points(2)
    verifier.challenge()
    verifier.receive_scalars(3)
    verifier.finish()


def test_bytes_that_are_left_are_refused() -> None:
    proof = sent().proof()
    received(proof)
    with pytest.raises(ProofRefusedError, match="1 bytes follow"):
        received(proof + b"\0")


@given(st.integers(0, 2 * 48 + 3 * 32 - 1))
def test_bytes_that_are_missing_are_refused(length: int) -> None:
    with pytest.raises(SealEncodingError, match="expected at least"):
        received(sent().proof()[:length])


@given(st.binary(max_size=250))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(SealError):
        received(data)


@given(st.lists(SCALARS, min_size=1, max_size=4))
def test_challenges_depend_on_each_message(scalars: list[Scalar]) -> None:
    transcript = ProverTranscript(SESSION, b"instance")
    challenges = []
    for scalar in scalars:
        transcript.send_scalars([scalar])
        challenges.append(transcript.challenge())
    assert all(one != other for one, other in pairwise(challenges))
