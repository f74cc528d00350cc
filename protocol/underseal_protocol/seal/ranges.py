"""Range proofs: each of several committed values is below a power of two of its own.

One aggregated Bulletproof (Bünz, Bootle, Boneh, Poelstra, Wuille, Maxwell: "Bulletproofs: Short
Proofs for Confidential Transactions and More", 2018) for Pedersen commitments `V_j = v_j G + r_j H`
on G1 of BLS12-381: sections 4.1 and 4.2 with the inner-product argument of section 3, made
non-interactive as in section 4.4, verified as in section 6.2. Generators are those of `generators`.

Widths that differ
------------------
The paper has m values of n bits each. Here value j of 1 to m has n_j bits, 1 to 64. The bits of all
values stand one after the other, the least significant first, from position o_j = n_1 + ... +
n_(j-1) on, and zeros follow up to N positions, the next power of two. The weight of position i is

    d_i = z^(1+j) 2^(i - o_j)  for o_j <= i < o_j + n_j,  and 0 in the padding

and d takes the place of the sum of `z^(1+j) (0 || 2^n || 0)` in section 4.2. All else is as there:

    l(X) = a_L - z 1 + s_L X,   r(X) = y^N o (a_R + z 1 + s_R X) + d
    t_0 = sum_j z^(1+j) v_j + delta,
    delta = (z - z^2) sum_i y^i - sum_j z^(2+j) (2^(n_j) - 1)

Why that is sound: an extractor (by rewinding, as in the proof of section 4.2) gets a_L, a_R and
openings v_j, r_j that are the same for all y, z, x, or a relation between generators. Then

    sum_i y^i a_L,i a_R,i + z sum_i y^i (a_L,i - a_R,i - 1)
        + sum_j z^(1+j) (sum_i 2^(i - o_j) a_L,i - v_j) = 0      (the inner sum over the bits of j)

for N values of y and m + 2 of z. No two of these 2 N + m brackets share a monomial: the first kind
has y^i z^0, the second y^i z^1, the third y^0 z^2 to y^0 z^(m+1). So every bracket is 0. Hence each
position, the padding too, holds 0 or 1, and v_j is a sum of n_j of these bits with the weights 1 to
2^(n_j - 1): below 2^(n_j), over the integers, as 2^64 is far below the order. No position counts
for two values, and the padding, whose weight is 0, for none. What a prover wins by is a challenge
that happens to be a root: with each call of the hash at most N + m + 100 in the order, the degrees
above and a few for x, u and each halving (Attema, Fehr, Klooss, "Fiat-Shamir Transformation of
Multi-Round Interactive Proofs", 2022, for why calls add up and do not multiply).

Pitfalls, and what is done
--------------------------
- *Something public is not hashed* ("Frozen Heart": a prover chooses it after the challenge). Before
  y there are hashed: session identifier (of the tag), suite with its version, number of values,
  widths, commitments, A, S. Each later message is hashed before the next challenge. The generators
  follow from the suite.
- *A challenge of 0* takes terms away or has no inverse: it is refused, on both sides.
- *Generators in two places*: G, H, U, G_i, H_i are all different, see `generators`.
- *A check that is summed with another* by a factor that the prover can foresee: nothing is. The
  polynomial and the inner product are two sums of their own, so no factor is needed.
- *The same value in other bytes*: the statement determines the length; points and scalars are read
  in their one encoding, never the identity; the first byte is the version.
- *Values that wrap around*: the prover takes integers, not scalars, and refuses those out of range.

Format
------
`proof = version || A || S || T_1 || T_2 || t || tau || mu || (L || R) for each halving || a || b`,
the version a byte of 1, points of 48 bytes, scalars of 32: 1,505 bytes for N = 4096. `t`, `tau` and
`mu` are t-hat, tau_x and mu of the paper; the challenge after them makes u of U. The prover draws
alpha, rho, s_L, s_R, tau_1, tau_2, in this order. The instance is that of `RangeStatement.encode`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from underseal_protocol.errors import ProofRefusedError, RelationError, SealError
from underseal_protocol.seal.generators import (
    INNER_PRODUCT_GENERATOR,
    H,
    bit_generators,
    missing_generators,
    pedersen_commitment,
)
from underseal_protocol.seal.group import (
    GENERATOR,
    ONE,
    ORDER,
    POINT_BYTES,
    SCALAR_BYTES,
    Point,
    RandomBytes,
    Scalar,
    linear_combination,
    long_linear_combination,
)
from underseal_protocol.seal.inner_product import (
    Advance,
    challenge_products,
    inner_product,
    prove_inner_product,
    work_of_proving,
)
from underseal_protocol.seal.range_prover import RangeProver
from underseal_protocol.seal.range_statement import RANGE_SUITE, RangeStatement, powers
from underseal_protocol.seal.transcript import (
    ProverTranscript,
    VerifierTranscript,
    derive_session_id,
)

__all__ = [
    "RANGE_PROOF_VERSION",
    "Report",
    "proof_bytes",
    "prove_ranges",
    "range_proof_bytes",
    "verify_ranges",
]

RANGE_PROOF_VERSION = 1

_HASHING_COSTS = 20  # so many times as much for a generator as for a point in a long sum

Report: TypeAlias = Callable[[int, int], None]
"""Is told how much is done, and of how much; no unit."""


def prove_ranges(
    tag: bytes,
    statement: RangeStatement,
    values: Sequence[int],
    blindings: Sequence[Scalar],
    random_bytes: RandomBytes = secrets.token_bytes,
    report: Report | None = None,
) -> bytes:
    """A proof that the value of each commitment has so many bits.

    Args:
        tag: of the application and what the proof is bound to; it names `RANGE_SUITE`.
        statement: the commitments and their widths.
        values, blindings: which open the commitments, in their order.
        random_bytes: of the operating system, but in tests.
        report: is called from time to time; what it raises ends the proof.

    Raises:
        RelationError: a value has more bits, or a commitment has another opening.
        SealError: the tag lacks a part, or the randomness repeats itself.
    """
    transcript = ProverTranscript(_session_id(tag), statement.encode())
    _require_openings(statement, values, blindings)
    positions = statement.positions
    missing, long_sums = missing_generators(positions), 2 * positions + work_of_proving(positions)
    advance = _counting(report, missing * _HASHING_COSTS + long_sums)
    bit_generators(positions, lambda count: advance(count * _HASHING_COSTS))
    prover = RangeProver(statement.bits(tuple(values)), random_bytes)
    transcript.send_points(prover.commit(advance))
    y, z = transcript.nonzero_challenge().value, transcript.nonzero_challenge().value
    transcript.send_points(prover.commit_to_polynomial(statement.weights(z), y, z))
    x = transcript.nonzero_challenge().value
    hidden = inner_product(statement.powers(z), [one.value for one in blindings])
    transcript.send_scalars(prover.evaluate(x, hidden))
    base = INNER_PRODUCT_GENERATOR, transcript.nonzero_challenge()
    of_left, of_right = bit_generators(positions)
    scales = powers(Scalar(y).inverse().value, positions)
    left, right = prover.vectors
    prove_inner_product(transcript, (left, of_left), (right, of_right, scales), base, advance)
    return bytes([RANGE_PROOF_VERSION]) + transcript.proof()


def verify_ranges(tag: bytes, statement: RangeStatement, proof: bytes) -> None:
    """Has the value of each commitment so many bits?

    Args:
        tag, statement: as the verifier makes them; never of the prover.
        proof: of `prove_ranges`.

    Raises:
        ProofRefusedError: it does not show that, or has another length or version.
        SealEncodingError: a part of it is not in its one encoding.
        SealError: the tag lacks a part.
    """
    _require_form(statement, proof)
    transcript = VerifierTranscript(_session_id(tag), statement.encode(), proof[1:])
    received = _received(transcript, _halvings(statement))
    transcript.finish()
    _require_polynomial(statement, received)
    _require_inner_product(statement, received)


def range_proof_bytes(statement: RangeStatement) -> int:
    """The only length that a proof of this statement has."""
    return proof_bytes(sum(statement.widths))


def proof_bytes(bits: int) -> int:
    """The same of a statement whose values have so many bits together, at least 1."""
    halvings = (bits - 1).bit_length()
    return 1 + POINT_BYTES * (4 + 2 * halvings) + SCALAR_BYTES * 5


class _Received(NamedTuple):
    """What a verifier reads, and the challenges between."""

    bits_and_blinds: tuple[Point, ...]
    y: int
    z: int
    polynomial: tuple[Point, ...]
    x: Scalar
    t: Scalar
    tau: Scalar
    mu: Scalar
    of_base: Scalar
    halves: list[Point]
    challenges: list[Scalar]
    a: Scalar
    b: Scalar


def _received(transcript: VerifierTranscript, halvings: int) -> _Received:
    bits_and_blinds = transcript.receive_points(2)
    y, z = transcript.nonzero_challenge().value, transcript.nonzero_challenge().value
    polynomial = transcript.receive_points(2)
    x = transcript.nonzero_challenge()
    t, tau, mu = transcript.receive_scalars(3)
    of_base = transcript.nonzero_challenge()
    halves: list[Point] = []
    challenges: list[Scalar] = []
    for _ in range(halvings):
        halves += transcript.receive_points(2)
        challenges.append(transcript.nonzero_challenge())
    a, b = transcript.receive_scalars(2)
    return _Received(
        bits_and_blinds, y, z, polynomial, x, t, tau, mu, of_base, halves, challenges, a, b
    )


def _require_polynomial(statement: RangeStatement, received: _Received) -> None:
    """`t G + tau H = delta G + sum z^(1+j) V_j + x T_1 + x^2 T_2`: the first check."""
    y, z, x = received.y, received.z, received.x
    delta = Scalar(statement.delta(y, z))
    scalars = [*map(Scalar, statement.powers(z)), x, x * x, delta - received.t, -received.tau]
    points = [*statement.commitments, *received.polynomial, GENERATOR, H]
    if not linear_combination(scalars, points).is_identity:
        raise ProofRefusedError(
            "the range proof does not fit the commitments: it is of other values, another "
            "statement or another tag, or it was altered"
        )


def _require_inner_product(statement: RangeStatement, received: _Received) -> None:
    """`A + x S - z <1, G> + <z 1 + d / y^i, H> - mu H + t u`, with the halves and squares of their
    challenges, is `<a s, G> + <b / s, H / y^i> + a b u`: the second check, one sum.
    """
    z, a, b = received.z, received.a.value, received.b.value
    products = challenge_products(received.challenges)
    of_left = [(-z - a * product) % ORDER for product in products]
    inverses = powers(Scalar(received.y).inverse().value, statement.positions)
    of_right = [
        (z + inverse * (weight - b * product)) % ORDER
        for inverse, weight, product in zip(
            inverses, statement.weights(z), reversed(products), strict=True
        )
    ]
    of_base = received.of_base * (received.t - received.a * received.b)
    rest = [ONE, received.x, -received.mu, of_base]
    for challenge in received.challenges:
        square = challenge * challenge
        rest += [square, square.inverse()]
    left, right = bit_generators(statement.positions)
    total = long_linear_combination(
        [*of_left, *of_right, *(one.value for one in rest)],
        [*left, *right, *received.bits_and_blinds, H, INNER_PRODUCT_GENERATOR, *received.halves],
    )
    if not total.is_identity:
        raise ProofRefusedError(
            "the range proof does not show that every value has its bits: it is of values out of "
            "range or of another statement, or it was altered"
        )


def _session_id(tag: bytes) -> bytes:
    """Of a tag that names the suite, so that no other kind of proof has the same."""
    if RANGE_SUITE.encode("ascii") not in tag:
        raise SealError(f"the tag {tag!r} does not name {RANGE_SUITE}, expected it to")
    return derive_session_id(tag)


def _require_openings(
    statement: RangeStatement, values: Sequence[int], blindings: Sequence[Scalar]
) -> None:
    if not len(values) == len(blindings) == len(statement.widths):
        raise RelationError(
            f"{len(values)} values and {len(blindings)} blindings open "
            f"{len(statement.widths)} commitments, expected as many"
        )
    for index, (value, width) in enumerate(zip(values, statement.widths, strict=True)):
        if type(value) is not int or not 0 <= value < 1 << width:
            raise RelationError(f"value {index} is no integer in [0, 2^{width})")
    openings = zip(statement.commitments, values, blindings, strict=True)
    for index, (commitment, value, blinding) in enumerate(openings):
        if pedersen_commitment(Scalar(value), blinding) != commitment:
            raise RelationError(f"commitment {index} is to another value or with another blinding")


def _require_form(statement: RangeStatement, proof: bytes) -> None:
    """Before anything is calculated."""
    if type(proof) is not bytes:
        raise ProofRefusedError(f"the range proof is {type(proof).__name__}, expected bytes")
    expected = range_proof_bytes(statement)
    if len(proof) != expected:
        raise ProofRefusedError(f"the range proof has {len(proof)} bytes, expected {expected}")
    if proof[0] != RANGE_PROOF_VERSION:
        raise ProofRefusedError(
            f"the range proof is of version {proof[0]}, expected {RANGE_PROOF_VERSION}"
        )


def _halvings(statement: RangeStatement) -> int:
    return statement.positions.bit_length() - 1


def _counting(report: Report | None, total: int) -> Advance:
    """Adds up what is done, for whoever wants to know."""
    done = 0

    def advance(more: int) -> None:
        nonlocal done
        done += more
        if report is not None:
            report(done, total)

    return advance
