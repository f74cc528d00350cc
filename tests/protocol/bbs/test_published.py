"""Byte for byte what the published vectors of BBS signatures say."""

from __future__ import annotations

import pytest
from tests.protocol.bbs.published import (
    BLINDING,
    BOUND,
    COMMITTED,
    CONTEXT,
    DIGESTS,
    ENTROPY,
    HEADER,
    INFO,
    MATERIAL,
    MESSAGES,
    NYM_COUNT,
    PROVER_NYM,
    digest,
    mocked,
    scalars,
)

from underseal_protocol.bbs.blind import blind_sign, finish
from underseal_protocol.bbs.commitment import Commitment, commit
from underseal_protocol.bbs.keys import SecretKey
from underseal_protocol.bbs.proof import Proof, prove, pseudonym_of, verify_proof
from underseal_protocol.bbs.setup import Setup
from underseal_protocol.bbs.signature import Signature, sign, sign_point, signed_point, verify
from underseal_protocol.bbs.suite import BASE, PLAIN, PSEUDONYM, octets
from underseal_protocol.seal.group import Point2

SECRET = SecretKey.derived(MATERIAL, INFO)
KEY = SECRET.public_key


def test_keys_and_the_base_point() -> None:
    assert digest(SECRET.scalar.encode()) == DIGESTS["secret key"]
    assert digest(KEY.encode()) == DIGESTS["public key"]
    assert Point2.decode(KEY.encode()) == KEY
    assert digest(BASE.encode()) == DIGESTS["P1"]


@pytest.mark.parametrize(
    ("messages", "header", "name"),
    [
        (MESSAGES[:1], HEADER, "signature of one"),
        (MESSAGES, HEADER, "signature of ten"),
        (MESSAGES, b"", "signature without header"),
    ],
)
def test_signatures(messages: tuple[bytes, ...], header: bytes, name: str) -> None:
    setup = Setup.plain(KEY, header, len(messages))
    signature = sign(SECRET, setup, scalars(messages, PLAIN))
    assert digest(signature.encode()) == DIGESTS[name]
    assert Signature.decode(signature.encode()) == signature
    verify(setup, signature, scalars(messages, PLAIN))


@pytest.mark.parametrize(
    ("messages", "shown", "name"),
    [
        (MESSAGES[:1], [0], "proof of one"),
        (MESSAGES, list(range(10)), "proof of all"),
        (MESSAGES, [0, 2, 4, 6], "proof of some"),
    ],
)
def test_proofs(messages: tuple[bytes, ...], shown: list[int], name: str) -> None:
    setup, values = Setup.plain(KEY, HEADER, len(messages)), scalars(messages, PLAIN)
    proof = prove(
        setup,
        sign(SECRET, setup, values),
        values,
        shown=shown,
        bound=BOUND,
        random_bytes=mocked(PLAIN, 5 + len(messages) - len(shown)),
    )
    assert digest(proof.encode()) == DIGESTS[name]
    decoded = Proof.decode(proof.encode())
    verify_proof(setup, decoded, {index: values[index] for index in shown}, bound=BOUND)


def test_blind_issuance() -> None:
    unseen = [*scalars(COMMITTED, PSEUDONYM), PROVER_NYM]
    commitment, blinding = commit(unseen, PSEUDONYM, mocked(PLAIN + b"COMMIT_", 8))
    assert digest(commitment.encode()) == DIGESTS["commitment"]
    assert Commitment.decode(commitment.encode()) == commitment
    setup, seen = Setup.blind(KEY, HEADER + NYM_COUNT, 10, 6), scalars(MESSAGES, PSEUDONYM)
    signature = blind_sign(SECRET, setup, commitment, seen, ENTROPY)
    assert digest(signature.encode()) == DIGESTS["blind signature"]
    messages = finish(setup, signature, seen, blinding, unseen, ENTROPY)
    assert messages[-1] == PROVER_NYM + ENTROPY


def test_a_proof_with_a_pseudonym() -> None:
    setup = Setup.blind(KEY, HEADER, 10, 1)
    values = [*scalars(MESSAGES, PSEUDONYM), BLINDING, PROVER_NYM + ENTROPY]
    nym = pseudonym_of(setup, CONTEXT, values[-1])
    assert digest(nym.point.encode()) == DIGESTS["pseudonym"]
    point = signed_point(setup, values)
    signature = sign_point(SECRET, setup, point, octets(SECRET.scalar, point))
    assert digest(signature.encode()) == DIGESTS["signature with pseudonym"]
    proof = prove(
        setup,
        signature,
        values,
        shown=[0, 2, 4, 6],
        bound=BOUND,
        nym=nym,
        random_bytes=mocked(PLAIN + b"PROOF_", 13),
    )
    assert digest(proof.encode()) == DIGESTS["proof with pseudonym"]
    shown = {index: values[index] for index in (0, 2, 4, 6)}
    verify_proof(setup, Proof.decode(proof.encode()), shown, bound=BOUND, nym=nym)
