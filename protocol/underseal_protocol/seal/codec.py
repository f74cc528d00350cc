"""Integers, field elements and byte strings as bytes (draft-irtf-cfrg-fiat-shamir, section Codecs).

- Everything is little-endian, but for what a ciphersuite pins (`Scalar` is big-endian).
- Each value has one encoding; the readers refuse every other.
- Readers consume the front of what is left of the input and return the rest: whoever reads last
  refuses a rest that is not empty.
- Decoding is not reading: it makes any uniform bytes a uniform value, and cannot fail.
"""

from __future__ import annotations

from collections.abc import Sequence

from underseal_protocol.errors import SealEncodingError, SealError

__all__ = [
    "EXTRA_BYTES",
    "LENGTH_BYTES",
    "decode_uint",
    "from_little_endian",
    "little_endian",
    "read_bytes",
    "read_field",
    "read_string",
    "read_uint",
    "uint_bytes",
    "write_field",
    "write_string",
    "write_uint",
]

LENGTH_BYTES = 4
EXTRA_BYTES = 16  # beyond a modulus, so that reducing is uniform but for 2^-128


def little_endian(number: int, width: int) -> bytes:
    """`LE(n, w)` of section Bytes and integers.

    Args:
        number: at least 0, less than 256^width.
        width: in bytes.

    Raises:
        SealError: it does not fit.
    """
    if number < 0 or number >> (8 * width):
        raise SealError(f"an integer of {number.bit_length()} bits does not fit in {width} bytes")
    return number.to_bytes(width, "little")


def from_little_endian(data: bytes) -> int:
    """`LE2IP(x)` of section Bytes and integers."""
    return int.from_bytes(data, "little")


def uint_bytes(modulus: int) -> int:
    """`Ns`: the smallest number of bytes that holds every integer below the modulus.

    Raises:
        SealError: the modulus is below 2, so that there would be none.
    """
    if modulus < 2:
        raise SealError(f"the modulus is {modulus}, expected at least 2")
    return ((modulus - 1).bit_length() + 7) // 8


def write_uint(number: int, modulus: int) -> bytes:
    """`SerializeUint`.

    Raises:
        SealError: the integer is not in [0, modulus).
    """
    if not 0 <= number < modulus:
        raise SealError("an integer is not below its modulus, expected its one representative")
    return little_endian(number, uint_bytes(modulus))


def read_uint(data: bytes, modulus: int) -> tuple[int, bytes]:
    """`DeserializeUint`: the integer, and the rest.

    Raises:
        SealEncodingError: there are too few bytes, or the integer is not below the modulus.
    """
    taken, rest = read_bytes(data, uint_bytes(modulus))
    number = from_little_endian(taken)
    if number >= modulus:
        raise SealEncodingError("an integer is not below its modulus, expected it reduced")
    return number, rest


def decode_uint(data: bytes, modulus: int) -> int:
    """`DecodeUint`: a uniform integer below a modulus, of uniform bytes.

    Args:
        data: as many bytes as the modulus has, and `EXTRA_BYTES` more.
        modulus: of the result.

    Raises:
        SealError: there are more bytes or fewer.
    """
    expected = uint_bytes(modulus) + EXTRA_BYTES
    if len(data) != expected:
        raise SealError(f"an integer is decoded of {len(data)} bytes, expected {expected}")
    return from_little_endian(data) % modulus


def write_field(coordinates: Sequence[int], prime: int) -> bytes:
    """`SerializeField`: each coordinate over the prime field, the least significant first.

    Raises:
        SealError: a coordinate is not in [0, prime).
    """
    return b"".join(write_uint(one, prime) for one in coordinates)


def read_field(data: bytes, prime: int, degree: int) -> tuple[tuple[int, ...], bytes]:
    """`DeserializeField`: as many coordinates as the extension has degrees, and the rest.

    Raises:
        SealEncodingError: there are too few bytes, or a coordinate is not below the prime.
    """
    if len(data) < degree * uint_bytes(prime):
        raise SealEncodingError(
            f"there are {len(data)} bytes, expected {degree} coordinates of {uint_bytes(prime)}"
        )
    coordinates, rest = [], data
    for _ in range(degree):
        one, rest = read_uint(rest, prime)
        coordinates.append(one)
    return tuple(coordinates), rest


def write_string(data: bytes) -> bytes:
    """`SerializeVarLenString`: the length in front makes it free of prefixes."""
    return little_endian(len(data), LENGTH_BYTES) + data


def read_string(data: bytes) -> tuple[bytes, bytes]:
    """`DeserializeVarLenString`: the byte string, and the rest.

    Raises:
        SealEncodingError: there are fewer bytes than the length says.
    """
    length, rest = read_bytes(data, LENGTH_BYTES)
    return read_bytes(rest, from_little_endian(length))


def read_bytes(data: bytes, length: int) -> tuple[bytes, bytes]:
    """`DeserializeBytes`: so many bytes, and the rest.

    Raises:
        SealEncodingError: there are fewer.
    """
    if len(data) < length:
        raise SealEncodingError(f"there are {len(data)} bytes, expected at least {length}")
    return data[:length], data[length:]
