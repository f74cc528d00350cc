"""The token of an invitation: what the inviting node keeps of it, and how a reply proves it.

The token, 256 random bits, stands for a key pair (HKDF of RFC 5869, Ed25519 of RFC 8032). The
inviting node keeps the public half: with that it recognises the token, and a reply that was signed
by whoever has it. From what it keeps, also from a stolen backup of it, nobody can make either.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from underseal_protocol import base64url
from underseal_protocol.errors import InvitationError

__all__ = ["check_proof", "prove_token", "token_key"]

_SEED_BYTES = 32
_PURPOSE = b"underseal registration token"
_REPLY = b"underseal reply\0"


def token_key(token: str) -> str:
    """What the inviting node keeps of a registration token: a public key, base64url.

    Args:
        token: as it is in the invitation, or as somebody has sent it.
    """
    return base64url.encode(_key_pair(token).public_key().public_bytes_raw())


def prove_token(token: str, reply_digest: str) -> str:
    """A proof that whoever made a reply has the token: a signature, base64url.

    The token itself does not travel with the reply, so whoever reads that cannot register another
    node with it.

    Args:
        token: of the invitation.
        reply_digest: of the signed part of the reply.
    """
    return base64url.encode(_key_pair(token).sign(_signed(reply_digest)))


def check_proof(proof: str | None, key: str, reply_digest: str) -> None:
    """Check that whoever made a reply had the token.

    Args:
        proof: that came with the reply.
        key: see `token_key`.
        reply_digest: of the signed part of the reply.

    Raises:
        InvitationError: the proof is missing, or of another token or another reply.
    """
    try:
        public = Ed25519PublicKey.from_public_bytes(base64url.decode(key))
        public.verify(base64url.decode(proof or ""), _signed(reply_digest))
    except (ValueError, InvalidSignature):
        raise InvitationError(
            "whoever wrote the reply did not have the invitation",
            hint="Ask the company on another way whether it sent this.",
        ) from None


def _key_pair(token: str) -> Ed25519PrivateKey:
    kdf = HKDF(algorithm=SHA256(), length=_SEED_BYTES, salt=None, info=_PURPOSE)
    return Ed25519PrivateKey.from_private_bytes(kdf.derive(token.encode("utf-8", "replace")))


def _signed(reply_digest: str) -> bytes:
    return _REPLY + reply_digest.encode("utf-8", "replace")
