"""What an endorsement is bound to: one version of the footprint of one product of one customer.

`ctx = SHA-256(domain, customer, product, footprint, salt)`: domain and texts in UTF-8, each with
its length of four bytes in front, little-endian, then the 32 bytes of the salt.

The supplier is given ctx alone, and cannot tell what it is for: the salt is random. The sealed
document shows the salt, so that whoever reads it can calculate ctx.
"""

from __future__ import annotations

import hashlib

from underseal_protocol.errors import SealError
from underseal_protocol.seal import codec
from underseal_protocol.uuids import is_uuid

__all__ = ["CONTEXT_BYTES", "SALT_BYTES", "context_of"]

DOMAIN = b"UNDERSEAL-SEAL-V01-context"
CONTEXT_BYTES, SALT_BYTES = 32, 32


def context_of(customer: str, product_id: str, footprint_id: str, salt: bytes) -> bytes:
    """`ctx`.

    Args:
        customer: the URL of the node of who publishes the footprint.
        product_id: one of the `productIds` of the footprint.
        footprint_id: `id`, which another version of the footprint does not have.
        salt: random, of this footprint only.

    Raises:
        SealError: the salt has another length, or the id is no UUID in lower case.
    """
    if type(salt) is not bytes or len(salt) != SALT_BYTES:
        raise SealError(f"the salt of a context is not {SALT_BYTES} bytes, expected so many")
    if not is_uuid(footprint_id) or footprint_id != footprint_id.lower():
        raise SealError(f"the footprint {footprint_id[:60]!r} has no UUID in lower case as its id")
    parts = (DOMAIN, customer.encode(), product_id.encode(), footprint_id.encode())
    return hashlib.sha256(b"".join(map(codec.write_string, parts)) + salt).digest()
