"""The inner-product argument: what the prover folds, and what the verifier does not."""

from __future__ import annotations

import pytest

from underseal_protocol.seal import transcript
from underseal_protocol.seal.generators import H, bit_generators
from underseal_protocol.seal.group import ORDER, Scalar, linear_combination
from underseal_protocol.seal.inner_product import (
    FOLD,
    challenge_products,
    inner_product,
    prove_inner_product,
    work_of_proving,
)
from underseal_protocol.seal.transcript import ProverTranscript, Sponge


@pytest.mark.parametrize("length", [1, 2, 8, FOLD, 2 * FOLD, 4 * FOLD])
def test_the_closed_form_of_what_is_folded(length: int) -> None:
    """Whether or not generators were folded on the way."""
    g, h = bit_generators(length)
    sponge = Sponge(bytes(32))
    a, b, scales = (
        [int.from_bytes(sponge.squeeze(40), "big") % ORDER for _ in range(length)] for _ in "abs"
    )
    base = (H, Scalar(9))
    sent = ProverTranscript(bytes(32), b"inner product")
    done: list[int] = []
    prove_inner_product(sent, (a, g), (b, h, scales), base, done.append)
    assert sum(done) == work_of_proving(length)
    received = transcript.VerifierTranscript(bytes(32), b"inner product", sent.proof())
    challenges: list[Scalar] = []
    total = Scalar(inner_product(a, b)) * base[1] * H
    total += linear_combination(list(map(Scalar, a)), g)
    total += linear_combination(
        [Scalar(one) * Scalar(by) for one, by in zip(b, scales, strict=True)], h
    )
    while 1 << len(challenges) < length:
        left, right = received.receive_points(2)
        challenges.append(received.nonzero_challenge())
        square = challenges[-1] * challenges[-1]
        total += square * left + square.inverse() * right
    last_a, last_b = received.receive_scalars(2)
    received.finish()
    products = [Scalar(one) for one in challenge_products(challenges)]
    expected = last_a * last_b * base[1] * H
    expected += linear_combination([last_a * one for one in products], g)
    inverse = zip(reversed(products), scales, strict=True)
    expected += linear_combination([last_b * one * Scalar(by) for one, by in inverse], h)
    assert total == expected


def test_the_products_of_challenges() -> None:
    first, second = Scalar(3), Scalar(5)
    one, other = first.inverse(), second.inverse()
    expected = [one * other, one * second, first * other, first * second]
    assert challenge_products([first, second]) == [product.value for product in expected]
    assert challenge_products([]) == [1]
