"""Signing messages of which some are not seen (draft-irtf-cfrg-bbs-per-verifier-linkability,
BlindSignWithNym and VerifyFinalizeWithNym).

The secret of the pseudonym is the sum of a part of the holder, which the signer never sees, and a
part of the signer, so that no holder can choose the secret of another one.
"""

from __future__ import annotations

from collections.abc import Sequence

from underseal_protocol.bbs.commitment import Commitment, verify_commitment
from underseal_protocol.bbs.keys import SecretKey
from underseal_protocol.bbs.setup import Setup
from underseal_protocol.bbs.signature import Signature, sign_point, verify
from underseal_protocol.bbs.suite import octets
from underseal_protocol.errors import SealError
from underseal_protocol.seal.group import linear_combination
from underseal_protocol.seal.scalars import Scalar

__all__ = ["blind_sign", "finish"]


def blind_sign(
    secret: SecretKey,
    setup: Setup,
    commitment: Commitment,
    messages: Sequence[Scalar],
    entropy: Scalar,
) -> Signature:
    """`BlindSignWithNym`.

    Args:
        secret: of the public key of `setup`.
        setup: `Setup.blind`.
        commitment: of the holder.
        messages: those that the signer sees, as scalars.
        entropy: the part of the signer of the secret of the pseudonym; fresh, not secret.

    Raises:
        ProofRefusedError: the holder does not know what is in the commitment.
        SealError: they do not fit together.
    """
    unseen = len(setup.points) - len(messages) - 1
    verify_commitment(commitment, unseen, setup.api_id)
    seen = linear_combination(
        [*messages, entropy], [*setup.points[: len(messages)], setup.points[-1]]
    )
    point = setup.base + seen + commitment.point
    if point.is_identity:
        raise SealError("what is to be signed is the identity")
    return sign_point(secret, setup, point, octets(secret.scalar, point))


def finish(
    setup: Setup,
    signature: Signature,
    seen: Sequence[Scalar],
    blinding: Scalar,
    unseen: Sequence[Scalar],
    entropy: Scalar,
) -> tuple[Scalar, ...]:
    """`VerifyFinalizeWithNym`: all messages, in their order, the secret of the pseudonym last.

    Args:
        setup: `Setup.blind`.
        signature: of the signer.
        seen: the messages that the signer saw.
        blinding: of the commitment.
        unseen: what was committed to; the holder's part of the secret is the last.
        entropy: the signer's part.

    Raises:
        ProofRefusedError: the signature is of something else.
        SealError: they do not fit together, or the secret is 0.
    """
    *others, own = unseen
    messages = (*seen, blinding, *others, own + entropy)
    if not messages[-1]:
        raise SealError("the secret of a pseudonym is 0, expected another scalar")
    verify(setup, signature, messages)
    return messages
