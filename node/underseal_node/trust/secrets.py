"""Client secrets that this node issues to peers.

A secret is 256 random bits, so its plain SHA-256 is as good as any slow hash: there is no list of
likely values to try, and a token request costs microseconds instead of the tens of milliseconds
that scrypt would give to anybody who floods the token endpoint.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from underseal_node.errors import NodeError

__all__ = [
    "SecretMismatchError",
    "check_secret",
    "hash_secret",
    "new_client_id",
    "new_client_secret",
]

SECRET_BYTES = 32
HASH_PREFIX = "sha256:"
DOMAIN = b"underseal client secret\0"

# Compared with when there is no such client, so that both answers take the same time.
NO_HASH = HASH_PREFIX + "0" * 64


class SecretMismatchError(NodeError):
    """A client secret is not the one that was issued."""


def new_client_id() -> str:
    """A fresh client id; it is not secret, but nobody can guess it."""
    return f"client-{secrets.token_hex(12)}"


def new_client_secret() -> str:
    """A fresh client secret of 256 random bits, in URL-safe characters."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_secret(secret: str) -> str:
    """What is stored of a client secret."""
    # surrogatepass: whatever text a client sends has a hash, which then matches nothing.
    digest = hashlib.sha256(DOMAIN + secret.encode("utf-8", "surrogatepass"))
    return HASH_PREFIX + digest.hexdigest()


def check_secret(secret: str, stored: str | None) -> None:
    """Compare a client secret with the stored hash in constant time.

    Args:
        secret: what the client sent.
        stored: what `hash_secret` returned when it was issued, or `None` for an unknown client.

    Raises:
        SecretMismatchError: it is another one; the message names neither.
    """
    if not hmac.compare_digest(hash_secret(secret), stored or NO_HASH):
        raise SecretMismatchError("the client secret is not the one that was issued")
