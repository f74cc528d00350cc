"""Proofs: honest ones verify, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.seal import second
from tests.protocol.seal.relations import (
    CMPT,
    DSFS,
    SCALARS,
    Case,
    H,
    cases,
    discrete_logarithm,
    same_opening,
)

from underseal_protocol.errors import ProofRefusedError, RelationError, SealError
from underseal_protocol.seal.group import (
    GENERATOR,
    ONE,
    ORDER,
    ZERO,
    Scalar,
    decode_scalars,
    encode_scalars,
)
from underseal_protocol.seal.relation import Equation, LinearRelation
from underseal_protocol.seal.sigma import (
    CIPHERSUITE,
    ProverState,
    check,
    commit,
    prove_batchable,
    prove_compact,
    simulate_commitment,
    simulate_response,
    verify_batchable,
    verify_compact,
)
from underseal_protocol.seal.transcript import Sponge

SLOW = settings(max_examples=25, deadline=None)

Prover: TypeAlias = Callable[..., bytes]
Verifier: TypeAlias = Callable[[bytes, LinearRelation, bytes], None]

BATCHABLE = (prove_batchable, verify_batchable, DSFS)
COMPACT = (prove_compact, verify_compact, CMPT)
FLAVORS = pytest.mark.parametrize(("prove", "verify", "tag"), [BATCHABLE, COMPACT])
MADE = {tag: prove(tag, *same_opening()) for prove, _, tag in (BATCHABLE, COMPACT)}


@SLOW
@given(cases(), st.sampled_from([BATCHABLE, COMPACT]))
def test_honest_proofs_verify(case: Case, flavor: tuple[Prover, Verifier, bytes]) -> None:
    relation, witness = case
    prove, verify, tag = flavor
    proof = prove(tag, relation, witness)
    verify(tag, relation, proof)
    word = "batchable" if verify is verify_batchable else "compact"
    second.verify(tag, word, second.instance_of(relation.encode()), proof)


@SLOW
@given(cases(), st.sampled_from(["batchable", "compact"]), st.binary(min_size=32, max_size=32))
def test_proofs_come_out_as_those_of_the_second_implementation(
    case: Case, word: str, seed: bytes
) -> None:
    relation, witness = case
    prove, _, tag = BATCHABLE if word == "batchable" else COMPACT
    instance, plain = second.instance_of(relation.encode()), [one.value for one in witness]
    expected = second.prove(tag, word, instance, plain, Sponge(seed).squeeze)
    assert prove(tag, relation, witness, Sponge(seed).squeeze) == expected


@FLAVORS
def test_the_length_of_a_proof(prove: Prover, verify: Verifier, tag: bytes) -> None:
    """Section Non-interactive argument string serialization."""
    expected = {DSFS: 2 * 48 + 3 * 32, CMPT: (3 + 1) * 32}
    assert len(MADE[tag]) == expected[tag]


@FLAVORS
def test_every_byte_counts(prove: Prover, verify: Verifier, tag: bytes) -> None:
    relation, _ = same_opening()
    for position in range(len(MADE[tag])):
        for change in (0x01, 0x20, 0x80):
            changed = bytearray(MADE[tag])
            changed[position] ^= change
            with pytest.raises(SealError):
                verify(tag, relation, bytes(changed))


@FLAVORS
def test_every_length_but_one_is_refused(prove: Prover, verify: Verifier, tag: bytes) -> None:
    relation, _ = same_opening()
    proof = MADE[tag]
    lengths = [proof[:length] for length in range(len(proof))]
    for one in (*lengths, proof + b"\0", b"\0" + proof, proof + proof, proof + proof[-32:]):
        with pytest.raises(ProofRefusedError, match=f"{len(one)} bytes, expected {len(proof)}"):
            verify(tag, relation, one)


@settings(deadline=None)
@given(st.data(), st.sampled_from([BATCHABLE, COMPACT]))
def test_any_bytes_are_refused(data: st.DataObject, flavor: tuple[Prover, Verifier, bytes]) -> None:
    relation, _ = same_opening()
    _, verify, tag = flavor
    length = len(MADE[tag])
    with pytest.raises(SealError):
        verify(tag, relation, data.draw(st.binary(min_size=length, max_size=length)))


@FLAVORS
@pytest.mark.parametrize("proof", [None, "ab", [], bytearray(192), memoryview(bytes(128))])
def test_a_proof_is_bytes(prove: Prover, verify: Verifier, tag: bytes, proof: Any) -> None:
    with pytest.raises(ProofRefusedError, match="expected bytes"):
        verify(tag, same_opening()[0], proof)


@FLAVORS
def test_a_scalar_that_is_not_reduced(prove: Prover, verify: Verifier, tag: bytes) -> None:
    """The same value in other bytes would be a second proof."""
    relation, _ = same_opening()
    proof = MADE[tag]
    for start in range(len(proof) - 96 if tag is DSFS else 0, len(proof), 32):
        number = int.from_bytes(proof[start : start + 32], "big") + ORDER
        if number < 2**256:
            changed = proof[:start] + number.to_bytes(32, "big") + proof[start + 32 :]
            with pytest.raises(SealError, match="not below the group order"):
                verify(tag, relation, changed)


@FLAVORS
def test_the_proof_of_another_statement(prove: Prover, verify: Verifier, tag: bytes) -> None:
    relation, _ = same_opening()
    generator, h, c, d = relation.elements
    others = {
        "another element": replace(relation, elements=(generator, h, c, d + GENERATOR)),
        "another base": replace(relation, elements=(generator, h + GENERATOR, c, d)),
        "other elements first": replace(relation, elements=(generator, h, d, c)),
        "other equations first": replace(relation, equations=relation.equations[::-1]),
        "another opening": same_opening(m=6)[0],
    }
    first, last = relation.equations
    for number, term in enumerate(last.terms):
        terms = list(last.terms)
        terms[number] = term._replace(coefficient=Scalar(2))
        changed = Equation(last.image, tuple(terms))
        others[f"another coefficient {number}"] = replace(relation, equations=(first, changed))
    image = (last.image[0]._replace(coefficient=Scalar(2)),)
    others["another image"] = replace(relation, equations=(first, Equation(image, last.terms)))
    verify(tag, relation, MADE[tag])
    for other in others.values():
        with pytest.raises(ProofRefusedError, match="another statement or another tag"):
            verify(tag, other, MADE[tag])


@FLAVORS
def test_the_proof_of_another_tag(prove: Prover, verify: Verifier, tag: bytes) -> None:
    relation, _ = same_opening()
    for other in (tag + b"-", b"X" + tag, tag.replace(b"V01", b"V02")):
        with pytest.raises(ProofRefusedError, match="another statement or another tag"):
            verify(other, relation, MADE[tag])


@FLAVORS
@pytest.mark.parametrize(
    ("part", "other"), [(b"DSFS", b"XXXX"), (b"CMPT", b"XXXX"), (CIPHERSUITE.encode(), b"suite")]
)
def test_a_tag_names_flavour_and_ciphersuite(
    prove: Prover, verify: Verifier, tag: bytes, part: bytes, other: bytes
) -> None:
    relation, witness = same_opening()
    if part not in tag:
        return
    wrong = tag.replace(part, other)
    with pytest.raises(SealError, match="does not name"):
        prove(wrong, relation, witness)
    with pytest.raises(SealError, match="does not name"):
        verify(wrong, relation, MADE[tag])


def test_a_transcript_in_the_other_flavour() -> None:
    """Vectors F4 and F4b of the draft do it with theirs."""
    relation, _ = discrete_logarithm()
    compact = prove_compact(CMPT, relation, [Scalar(7)])
    challenge, *response = decode_scalars(compact, 2)
    commitment = simulate_commitment(relation, response, challenge)
    check(relation, commitment, challenge, response)
    batchable = commitment[0].encode() + encode_scalars(response)
    with pytest.raises(ProofRefusedError, match="equation 0 of 1 does not hold"):
        verify_batchable(DSFS, relation, batchable)


def test_a_proof_of_zeros() -> None:
    relation, _ = same_opening()
    with pytest.raises(ProofRefusedError, match="commitment 0 of the proof is the identity"):
        verify_compact(CMPT, relation, bytes(128))


@FLAVORS
def test_a_false_statement_is_not_proved(prove: Prover, verify: Verifier, tag: bytes) -> None:
    relation, witness = same_opening()
    with pytest.raises(RelationError, match="equation 0 does not hold for the witness"):
        prove(tag, relation, [witness[0] + ONE, *witness[1:]])
    for wrong in ([], witness[:-1], [*witness, ONE]):
        with pytest.raises(RelationError, match="the relation expects 3"):
            prove(tag, relation, wrong)


# Randomness


@FLAVORS
def test_no_proof_comes_twice(prove: Prover, verify: Verifier, tag: bytes) -> None:
    assert len({prove(tag, *same_opening()) for _ in range(10)}) == 10


def test_the_generator_is_asked_for_each_scalar() -> None:
    asked: list[int] = []
    source = Sponge(bytes(32))

    def draw(length: int) -> bytes:
        asked.append(length)
        return source.squeeze(length)

    prove_compact(CMPT, *same_opening(), draw)
    assert asked == [48, 48, 48]


def test_a_generator_that_repeats_itself() -> None:
    with pytest.raises(SealError, match="random bytes repeat themselves"):
        prove_compact(CMPT, *same_opening(), lambda length: b"\1" * length)


def test_the_same_nonces_twice_tell_the_witness() -> None:
    """Why randomness is injected in tests only: the extractor of special soundness."""
    relation, witness = discrete_logarithm(1234)
    proofs = [
        prove_compact(tag, relation, witness, Sponge(bytes(32)).squeeze)
        for tag in (CMPT, b"again-" + CMPT)
    ]
    (c1, s1), (c2, s2) = (decode_scalars(proof, 2) for proof in proofs)
    assert (s1 - s2) * (c1 - c2).inverse() == witness[0]


# The interactive protocol


@SLOW
@given(cases(), SCALARS)
def test_an_honest_prover_answers_any_challenge(case: Case, challenge: Scalar) -> None:
    relation, witness = case
    commitment, state = commit(relation, witness)
    response = state.respond(challenge)
    check(relation, commitment, challenge, response)
    with pytest.raises(ProofRefusedError, match="does not hold"):
        check(relation, commitment, challenge + ONE, response)


def test_a_prover_answers_once() -> None:
    _, state = commit(*same_opening())
    state.respond(ONE)
    assert not [one for one in vars(state).values() if one not in ([], True)]  # it has forgotten
    for challenge in (ONE, ZERO):
        with pytest.raises(SealError, match="a prover answers one challenge"):
            state.respond(challenge)


def test_a_prover_keeps_its_secrets_out_of_sight() -> None:
    relation, witness = discrete_logarithm(987654321)
    _, state = commit(relation, witness)
    assert "987654321" not in repr(state) + repr(vars(state))


def test_as_many_nonces_as_secrets() -> None:
    with pytest.raises(RelationError, match="2 secret scalars are hidden by 1"):
        ProverState([ONE, ONE], [ONE])


def test_messages_of_another_length() -> None:
    relation, witness = same_opening()
    commitment, state = commit(relation, witness)
    response = state.respond(ONE)
    for wrong in (commitment[:1], (*commitment, H), ()):
        with pytest.raises(ProofRefusedError, match=f"{len(wrong)} points .* expected 2"):
            check(relation, wrong, ONE, response)
    for scalars in (response[:2], (*response, ONE), ()):
        with pytest.raises(ProofRefusedError, match=f"{len(scalars)} scalars, expected 3"):
            check(relation, commitment, ONE, scalars)


@SLOW
@given(cases(), SCALARS)
def test_a_simulated_transcript_is_accepted(case: Case, challenge: Scalar) -> None:
    """Without a witness: it shows nothing, because the challenge was known before."""
    relation, _ = case
    response = simulate_response(relation)
    check(relation, simulate_commitment(relation, response, challenge), challenge, response)


def test_a_simulated_transcript_is_no_proof() -> None:
    relation, _ = discrete_logarithm()
    response = simulate_response(relation)
    commitment = simulate_commitment(relation, response, ONE)
    with pytest.raises(ProofRefusedError):
        verify_compact(CMPT, relation, encode_scalars((ONE, *response)))
    with pytest.raises(ProofRefusedError):
        verify_batchable(DSFS, relation, commitment[0].encode() + encode_scalars(response))
