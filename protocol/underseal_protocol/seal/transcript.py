"""The Fiat-Shamir transformation over SHAKE128 (draft-irtf-cfrg-fiat-shamir).

- A challenge is the hash of everything before it: session identifier, instance, all messages of the
  prover. Writing a message into the proof and hashing it is one call, and so is reading it.
- The session identifier names the application, the version, the argument and its codecs. Prover and
  verifier derive it; it is never taken from the proof.
- The instance holds every public value of the statement, in an encoding that is free of prefixes.
- What a verifier reads has the length that the statement says; bytes that are left are refused.
- The last message needs no challenge after it, and may still be hashed: it changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from underseal_protocol.errors import ProofRefusedError, SealError
from underseal_protocol.seal import codec
from underseal_protocol.seal.group import (
    POINT_BYTES,
    SCALAR_BYTES,
    UNIFORM_BYTES,
    Point,
    Scalar,
    decode_points,
    decode_scalars,
    encode_points,
    encode_scalars,
)

__all__ = [
    "RATE_BYTES",
    "SESSION_ID_BYTES",
    "ProverTranscript",
    "Sponge",
    "VerifierTranscript",
    "derive_session_id",
]

SESSION_ID_BYTES = 32
RATE_BYTES = 168  # `R` of SHAKE128 (section SHAKE128)

_OF_SESSION_IDS = b"irtf-cfrg-fiat-shamir/session-id"


class Sponge:
    """The duplex sponge of an extendable-output function (section XOF duplex sponge).

    Args:
        session_id: 32 bytes.

    Raises:
        SealError: it has more bytes or fewer.
    """

    def __init__(self, session_id: bytes) -> None:
        if len(session_id) != SESSION_ID_BYTES:
            raise SealError(
                f"a session identifier has {len(session_id)} bytes, expected {SESSION_ID_BYTES}"
            )
        self._absorbed = hashlib.shake_128(session_id + bytes(RATE_BYTES - SESSION_ID_BYTES))
        self._squeezed = 0

    def absorb(self, data: bytes) -> None:
        """`Absorb`: what is squeezed from now on depends on this; on nothing new if it is empty."""
        if data:
            self._absorbed.update(data)
            self._squeezed = 0

    def squeeze(self, length: int) -> bytes:
        """`Squeeze`: the next bytes of the output; consecutive calls continue it.

        Args:
            length: in bytes, at least 0.
        """
        if length < 0:
            raise SealError(f"{length} bytes are squeezed, expected at least 0")
        start, self._squeezed = self._squeezed, self._squeezed + length
        return self._absorbed.digest(self._squeezed)[start:]


def derive_session_id(tag: bytes) -> bytes:
    """`DeriveSessionID` (section Session identifiers).

    Args:
        tag: of the application and the argument, such that no other use has the same.
    """
    sponge = Sponge(_OF_SESSION_IDS)
    sponge.absorb(tag)
    return sponge.squeeze(SESSION_ID_BYTES)


class _Transcript:
    """What prover and verifier do alike.

    Args:
        session_id: 32 bytes.
        instance: the statement, encoded.

    Raises:
        SealError: the session identifier has another length, or there is no instance.
    """

    def __init__(self, session_id: bytes, instance: bytes) -> None:
        if not instance:
            raise SealError("the instance is empty, expected every value of the statement")
        self._sponge = Sponge(session_id)
        self._sponge.absorb(instance)

    def challenge(self) -> Scalar:
        """The next message of the verifier: a uniform scalar, by `DecodeField`."""
        return Scalar.from_uniform(self._sponge.squeeze(UNIFORM_BYTES))

    def nonzero_challenge(self) -> Scalar:
        """A challenge for an argument that divides by it, or that 0 would take a part from.

        Raises:
            ProofRefusedError: it is 0, which nobody will ever see.
        """
        challenge = self.challenge()
        if not challenge:
            raise ProofRefusedError("a challenge is 0, expected one that has an inverse")
        return challenge


class ProverTranscript(_Transcript):
    """Hashes and writes down what the prover sends (section Serialization)."""

    def __init__(self, session_id: bytes, instance: bytes) -> None:
        super().__init__(session_id, instance)
        self._sent: list[bytes] = []

    def send_points(self, points: Sequence[Point]) -> None:
        """The next message: points.

        Raises:
            SealEncodingError: one is the identity.
        """
        self._send(encode_points(points))

    def send_scalars(self, scalars: Sequence[Scalar]) -> None:
        """The next message: scalars."""
        self._send(encode_scalars(scalars))

    def proof(self) -> bytes:
        """The NARG string of what was sent until now."""
        return b"".join(self._sent)

    def _send(self, message: bytes) -> None:
        self._sponge.absorb(message)
        self._sent.append(message)


class VerifierTranscript(_Transcript):
    """Hashes and reads what the prover sent (section Deserialization).

    Args:
        session_id, instance: as the verifier derives them.
        proof: the NARG string.
    """

    def __init__(self, session_id: bytes, instance: bytes, proof: bytes) -> None:
        super().__init__(session_id, instance)
        self._rest = proof

    def receive_points(self, count: int) -> tuple[Point, ...]:
        """The next message: so many points.

        Raises:
            SealEncodingError: there are fewer, or one is none or the identity.
        """
        return decode_points(self._receive(count * POINT_BYTES), count)

    def receive_scalars(self, count: int) -> tuple[Scalar, ...]:
        """The next message: so many scalars.

        Raises:
            SealEncodingError: there are fewer, or one is not below the group order.
        """
        return decode_scalars(self._receive(count * SCALAR_BYTES), count)

    def finish(self) -> None:
        """Nothing more is read.

        Raises:
            ProofRefusedError: there is more.
        """
        if self._rest:
            raise ProofRefusedError(f"{len(self._rest)} bytes follow the proof, expected none")

    def _receive(self, length: int) -> bytes:
        message, self._rest = codec.read_bytes(self._rest, length)
        self._sponge.absorb(message)
        return message
