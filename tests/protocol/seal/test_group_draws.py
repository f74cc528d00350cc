"""Scalars and points that nobody chose: drawn, or hashed."""

from __future__ import annotations

import pytest

from underseal_protocol.errors import SealError
from underseal_protocol.seal import scalars
from underseal_protocol.seal.group import (
    ORDER,
    Scalar,
    hash_to_curve,
    hash_to_scalar,
    random_scalar,
)

QUUX = b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_"

# Randomness


def test_randomness_is_of_the_operating_system() -> None:
    assert len({random_scalar() for _ in range(100)}) == 100


def test_a_scalar_is_drawn_of_48_bytes() -> None:
    asked: list[int] = []

    def draw(length: int) -> bytes:
        asked.append(length)
        return bytes([1]) + bytes(length - 2) + bytes([1])

    assert random_scalar(draw) == Scalar((1 + (1 << 376)) % ORDER)
    assert asked == [48]


@pytest.mark.parametrize("length", [0, 32, 47, 49])
def test_a_generator_that_gives_another_length(length: int) -> None:
    with pytest.raises(SealError, match=f"{length} bytes, expected 48"):
        random_scalar(lambda _: bytes(length))


# Hashing


@pytest.mark.parametrize(
    ("message", "x"),
    [
        (
            b"",
            "052926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4"
            "e8cf62d9c09db0fac349612b759e79a1",
        ),
        (
            b"abc",
            "03567bc5ef9c690c2ab2ecdf6a96ef1c139cc0b2f284dca0a9a7943388a49a3a"
            "ee664ba5379a7655d3c68900be2f6903",
        ),
    ],
)
def test_hashing_to_the_curve_by_rfc_9380(message: bytes, x: str) -> None:
    """Appendix J.9.1: the coordinate x."""
    data = hash_to_curve(message, QUUX).encode()
    assert bytes([data[0] & 0x1F]) + data[1:] == bytes.fromhex(x)


@pytest.mark.parametrize(
    ("message", "length", "expected"),
    [
        (b"", 32, "68a985b87eb6b46952128911f2a4412bbc302a9d759667f87f7a21d803f07235"),
        (b"abc", 32, "d8ccab23b5985ccea865c6c97b6e5b8350e794e603b4b97902f53a8a0d605615"),
        (
            b"abc",
            128,
            "abba86a6129e366fc877aab32fc4ffc70120d8996c88aee2fe4b32d6c7b6437a"
            "647e6c3163d40b76a73cf6a5674ef1d890f95b664ee0afa5359a5c4e07985635"
            "bbecbac65d747d3d2da7ec2b8221b17b0ca9dc8a1ac1c07ea6a1e60583e2cb00"
            "058e77b7b72a298425cd1b941ad4ec65e8afc50303a22c0f99b0509b4c895f40",
        ),
    ],
)
def test_expanding_by_rfc_9380(message: bytes, length: int, expected: str) -> None:
    """Appendix K.1."""
    domain = b"QUUX-V01-CS02-with-expander-SHA256-128"
    assert scalars.expand_message(message, domain, length).hex() == expected


def test_hashing_to_a_scalar_as_bbs_signatures_do() -> None:
    """The vector of draft-irtf-cfrg-bbs-signatures for BLS12-381-SHA-256."""
    message = "9872ad089e452c7b6e283dfac2a80d58e8d0ff71cc4d5e310a1debdda4a45f02"
    domain = b"BBS_BLS12381G1_XMD:SHA-256_SSWU_RO_H2G_HM2S_H2S_"
    expected = "0f90cbee27beb214e6545becb8404640d3612da5d6758dffeccd77ed7169807c"
    assert hash_to_scalar(bytes.fromhex(message), domain).encode().hex() == expected


def test_hashing_to_a_scalar_is_an_expansion_modulo_the_order() -> None:
    domain = b"BBS_BLS12381G1_XMD:SHA-256_SSWU_RO_H2G_HM2S_H2S_"
    expanded = scalars.expand_message(b"message", domain, 48)
    assert hash_to_scalar(b"message", domain).value == int.from_bytes(expanded, "big") % ORDER
    assert hash_to_scalar(b"message", domain) != hash_to_scalar(b"message", domain + b"1")


@pytest.mark.parametrize("length", [0, 1, 15, 256, 1000])
def test_domains_of_another_length_are_refused(length: int) -> None:
    """The library takes an empty one, and hashes long ones."""
    for hashing in (hash_to_curve, hash_to_scalar):
        with pytest.raises(SealError, match=f"domain has {length} bytes, expected 16 to 255"):
            hashing(b"", bytes(length))


@pytest.mark.parametrize("length", [16, 255])
def test_domains_of_the_lengths_that_are_taken(length: int) -> None:
    assert not hash_to_curve(b"", bytes(length)).is_identity
    assert hash_to_scalar(b"", bytes(length))
