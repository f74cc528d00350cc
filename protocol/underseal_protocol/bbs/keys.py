"""Keys of those who issue BBS signatures (draft-irtf-cfrg-bbs-signatures, Key Generation)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from underseal_protocol.bbs.suite import PLAIN, random_scalars
from underseal_protocol.errors import SealError
from underseal_protocol.seal.group import GENERATOR_2, Point2
from underseal_protocol.seal.scalars import RandomBytes, Scalar, hash_to_scalar

__all__ = ["MIN_MATERIAL_BYTES", "SecretKey", "generate"]

MIN_MATERIAL_BYTES = 32
MAX_INFO_BYTES = 65_535


@dataclass(frozen=True, slots=True)
class SecretKey:
    """Of an issuer. Its `repr` does not tell it.

    Raises:
        SealError: it is 0.
    """

    scalar: Scalar = field(repr=False)

    def __post_init__(self) -> None:
        if not self.scalar:
            raise SealError("a secret key is 0, expected another scalar")

    @property
    def public_key(self) -> Point2:
        """`SkToPk`."""
        return self.scalar * GENERATOR_2

    @classmethod
    def derived(cls, material: bytes, info: bytes = b"") -> SecretKey:
        """`KeyGen`.

        Args:
            material: at least 32 secret bytes that cannot be guessed.
            info: public, at most 65,535 bytes.

        Raises:
            SealError: the material is too short, or the information too long.
        """
        if len(material) < MIN_MATERIAL_BYTES:
            raise SealError(
                f"a key is made of {len(material)} bytes, expected at least {MIN_MATERIAL_BYTES}"
            )
        if len(info) > MAX_INFO_BYTES:
            raise SealError(
                f"a key is made with {len(info)} bytes of information, expected at most "
                f"{MAX_INFO_BYTES}"
            )
        data = material + len(info).to_bytes(2, "big") + info
        return cls(hash_to_scalar(data, PLAIN + b"KEYGEN_DST_"))


def generate(random_bytes: RandomBytes = secrets.token_bytes) -> SecretKey:
    """A fresh key.

    Args:
        random_bytes: of the operating system, but in tests.
    """
    return SecretKey(random_scalars(1, random_bytes)[0])
