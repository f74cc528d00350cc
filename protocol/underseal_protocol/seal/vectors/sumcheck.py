"""The sumcheck protocol, the example of draft-irtf-cfrg-fiat-shamir (appendix Example protocol).

A toy for its vectors: nothing of a sealed sum is made with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from underseal_protocol.errors import ProofRefusedError, SealEncodingError
from underseal_protocol.seal import codec
from underseal_protocol.seal.transcript import Sponge

__all__ = ["prove", "verify"]

COEFFICIENTS = 2  # of the polynomial of a round


def prove(session_id: bytes, witness: Sequence[int], prime: int) -> tuple[bytes, int]:
    """`SumcheckProve`: the proof, and the final evaluation.

    Args:
        session_id: 32 bytes.
        witness: of each corner of the hypercube, the value of the polynomial: 2^v of them.
        prime: order of the field.

    Raises:
        SealEncodingError: they are not 2^v, or a value is not below the prime.
    """
    variables = len(witness).bit_length() - 1
    if len(witness) != 1 << max(variables, 0) or not all(one < prime for one in witness):
        raise SealEncodingError(f"a table has {len(witness)} values, expected 2^v below {prime}")
    sponge = _sponge(session_id, variables, sum(witness) % prime, prime)
    table, proof = list(witness), b""
    for _ in range(variables):
        even, odd = table[::2], table[1::2]
        constant = sum(even) % prime
        message = codec.write_field((constant, (sum(odd) - constant) % prime), prime)
        proof += message
        challenge = _challenge(sponge, message, prime)
        folded = zip(even, odd, strict=True)
        table = [(low + challenge * (high - low)) % prime for low, high in folded]
    return proof, table[0]


def verify(session_id: bytes, variables: int, claim: int, proof: bytes, prime: int) -> int:
    """`SumcheckVerify`, but for its last comparison: gives what the final evaluation has to be.

    Args:
        session_id: 32 bytes.
        variables: of the polynomial.
        claim: what its values are said to add up to.
        proof: of it.
        prime: order of the field.

    Raises:
        SealEncodingError: a value is missing, or not below the prime.
        ProofRefusedError: the proof does not show the claim.
    """
    sponge = _sponge(session_id, variables, claim, prime)
    for number in range(variables):
        (constant, slope), rest = codec.read_field(proof, prime, COEFFICIENTS)
        message, proof = proof[: len(proof) - len(rest)], rest
        if (2 * constant + slope - claim) % prime:
            raise ProofRefusedError(f"the polynomial of round {number} does not add up to {claim}")
        claim = (constant + slope * _challenge(sponge, message, prime)) % prime
    if proof:
        raise ProofRefusedError(f"{len(proof)} bytes follow the proof, expected none")
    return claim


def _sponge(session_id: bytes, variables: int, claim: int, prime: int) -> Sponge:
    sponge = Sponge(session_id)
    sponge.absorb(codec.write_uint(variables, 1 << 32) + codec.write_field((claim,), prime))
    return sponge


def _challenge(sponge: Sponge, message: bytes, prime: int) -> int:
    """Of as many bytes as the field has: its bias is below the error of the protocol."""
    sponge.absorb(message)
    return codec.from_little_endian(sponge.squeeze(codec.uint_bytes(prime))) % prime
