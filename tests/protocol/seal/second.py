"""A second implementation of G1 and of the proofs: plain integers, by the drafts alone.

It shares nothing with the first but the text that both were written from. It does every check of
`ValidateInstance` by computing it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

# The parameter of the curve; the characteristic and the order are polynomials in it.
Z = -0xD201000000010000
P = (Z - 1) ** 2 * (Z**4 - Z**2 + 1) // 3 + Z
R = 52435875175126190479447740508185965837690552500527637822603658699938581184513
G_BYTES = bytes.fromhex(
    "97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac58"
    "6c55e83ff97a1aeffb3af00adb22c6bb"
)

Affine: TypeAlias = tuple[int, int] | None
"""None is the identity."""


class RefusedError(Exception):
    """Not a valid encoding, instance or proof."""


def require(holds: bool) -> None:
    if not holds:
        raise RefusedError


def add(one: Affine, other: Affine) -> Affine:
    """The chord and the tangent."""
    if one is None or other is None:
        return other if one is None else one
    if one[0] == other[0]:
        if (one[1] + other[1]) % P == 0:
            return None
        slope = 3 * one[0] * one[0] * pow(2 * one[1], -1, P)
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, P)
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def multiply(scalar: int, point: Affine) -> Affine:
    """Double and add, over one denominator; the scalar is not reduced: that checks a subgroup."""
    if point is None:
        return None
    total = (1, 1, 0)
    for bit in bin(scalar)[2:]:
        total = _doubled(total)
        if bit == "1":
            total = _increased(total, point)
    x, y, z = total
    if z == 0:
        return None
    inverse = pow(z, -1, P)
    return x * inverse**2 % P, y * inverse**3 % P


def _doubled(point: tuple[int, int, int]) -> tuple[int, int, int]:
    """(x, y, z) stands for (x / z^2, y / z^3), and z = 0 for the identity."""
    x, y, z = point
    slope, s = 3 * x * x, 4 * x * y * y
    new = (slope * slope - 2 * s) % P
    return new, (slope * (s - new) - 8 * y**4) % P, 2 * y * z % P


def _increased(point: tuple[int, int, int], other: tuple[int, int]) -> tuple[int, int, int]:
    x, y, z = point
    if z == 0:
        return (*other, 1)
    h, r = (other[0] * z * z - x) % P, (other[1] * z**3 - y) % P
    if h == 0:
        return _doubled(point) if r == 0 else (1, 1, 0)
    new = (r * r - h**3 - 2 * x * h * h) % P
    return new, (r * (x * h * h - new) - y * h**3) % P, z * h % P


@cache
def decode(data: bytes) -> Affine:
    require(len(data) == 48 and data[0] >> 6 == 0b10)
    x = int.from_bytes(bytes([data[0] & 0x1F]) + data[1:], "big")
    require(x < P)
    square = (x**3 + 4) % P
    y = pow(square, (P + 1) // 4, P)
    require(y * y % P == square)
    if (y > (P - 1) // 2) != bool(data[0] & 0x20):
        y = P - y
    require(multiply(R, (x, y)) is None)
    return x, y


def encode(point: Affine) -> bytes:
    require(point is not None)
    assert point is not None
    flags = 0x80 | (0x20 if point[1] > (P - 1) // 2 else 0)
    data = point[0].to_bytes(48, "big")
    return bytes([data[0] | flags]) + data[1:]


def scalars_of(data: bytes) -> list[int]:
    require(len(data) % 32 == 0)
    found = [int.from_bytes(data[i : i + 32], "big") for i in range(0, len(data), 32)]
    require(all(one < R for one in found))
    return found


@dataclass
class Instance:
    data: bytes
    elements: list[Affine]
    images: list[list[tuple[int, int]]]
    rows: list[list[tuple[int, int, int]]]
    scalars: int

    def sides(self, scalars: Sequence[int]) -> tuple[list[Affine], list[Affine]]:
        images, values = [], []
        for image, row in zip(self.images, self.rows, strict=True):
            images.append(self._sum((coefficient, at) for at, coefficient in image))
            values.append(self._sum((c * scalars[index] % R, at) for index, at, c in row))
        return images, values

    def validate(self) -> None:
        """All ten checks."""
        require(bool(self.rows) and all(self.rows) and all(self.images))
        named = {at for image in self.images for at, _ in image}
        named |= {at for row in self.rows for _, at, _ in row} | {0}
        require(named == set(range(len(self.elements))))
        used = {index for row in self.rows for index, _, _ in row}
        require(used == set(range(self.scalars)))
        require(None not in self.elements)
        images, _ = self.sides([0] * self.scalars)
        require(None not in images)
        for index in range(self.scalars):
            _, column = self.sides([int(other == index) for other in range(self.scalars)])
            require(any(one is not None for one in column))

    def _sum(self, summands: Any) -> Affine:
        total: Affine = None
        for coefficient, at in summands:
            total = add(total, multiply(coefficient, self.elements[at]))
        return total


@cache
def instance_of(data: bytes) -> Instance:
    rest = data

    def take(length: int) -> bytes:
        nonlocal rest
        require(len(rest) >= length)
        taken, rest = rest[:length], rest[length:]
        return taken

    def index() -> int:
        return int.from_bytes(take(4), "little")

    def scalar() -> int:
        return scalars_of(take(32))[0]

    images, rows = [], []
    for _ in range(index()):
        images.append([(index(), scalar()) for _ in range(index())])
        rows.append([(index(), index(), scalar()) for _ in range(index())])
    require(len(rest) % 48 == 0)
    elements = [decode(G_BYTES)]
    elements += [decode(rest[i : i + 48]) for i in range(0, len(rest), 48)]
    largest = max((index for row in rows for index, _, _ in row), default=-1)
    highest = max((at for image in images for at, _ in image), default=0)
    highest = max([highest, *(at for row in rows for _, at, _ in row)])
    require(largest < 1000 and highest < len(elements))
    found = Instance(data, elements, images, rows, largest + 1)
    found.validate()
    return found


def hashed(session_id: bytes, absorbed: bytes, length: int) -> bytes:
    return hashlib.shake_128(session_id + bytes(168 - 32) + absorbed).digest(length)


def session_id_of(tag: bytes) -> bytes:
    return hashed(b"irtf-cfrg-fiat-shamir/session-id", tag, 32)


def challenge_of(tag: bytes, instance: Instance, commitment: bytes) -> int:
    squeezed = hashed(session_id_of(tag), instance.data + commitment, 48)
    return int.from_bytes(squeezed, "little") % R


def verify(tag: bytes, flavor: str, instance: Instance, proof: bytes) -> None:
    """By the equation of section Verifier, or by that of section Simulator."""
    if flavor == "batchable":
        split = 48 * len(instance.rows)
        require(len(proof) == split + 32 * instance.scalars)
        commitment = [decode(proof[i : i + 48]) for i in range(0, split, 48)]
        challenge = challenge_of(tag, instance, proof[:split])
        images, values = instance.sides(scalars_of(proof[split:]))
        for sent, image, value in zip(commitment, images, values, strict=True):
            require(add(sent, multiply(challenge, image)) == value)
        return
    require(len(proof) == 32 * (instance.scalars + 1))
    challenge, *response = scalars_of(proof)
    images, values = instance.sides(response)
    recovered = [
        add(value, multiply(R - challenge, image) if challenge else None)
        for image, value in zip(images, values, strict=True)
    ]
    require(challenge_of(tag, instance, b"".join(map(encode, recovered))) == challenge)


def prove(
    tag: bytes,
    flavor: str,
    instance: Instance,
    witness: Sequence[int],
    random_bytes: Callable[[int], bytes],
) -> bytes:
    nonces = [int.from_bytes(random_bytes(48), "little") % R for _ in witness]
    commitment = b"".join(map(encode, instance.sides(nonces)[1]))
    challenge = challenge_of(tag, instance, commitment)
    response = [(nonce + challenge * one) % R for nonce, one in zip(nonces, witness, strict=True)]
    first = commitment if flavor == "batchable" else challenge.to_bytes(32, "big")
    return first + b"".join(one.to_bytes(32, "big") for one in response)


def drng_of(flavor: str, suite: str, relation: str) -> Callable[[int], bytes]:
    """TestDRNG of a prover, all of whose output is one stream."""
    marker = {"batchable": "DSFS", "compact": "CMPT"}[flavor]
    tag = f"TestDRNG-SIGMA-PROOFS-{marker}-{suite}-{relation}".encode()
    stream, position = hashed(session_id_of(tag), b"", 48 * 1000), 0

    def next_bytes(length: int) -> bytes:
        nonlocal position
        position += length
        return stream[position - length : position]

    return next_bytes


def accepts(vector: Mapping[str, Any]) -> bool:
    """What this implementation says of a vector, without what the vector expects."""
    tag = vector["Tag"].encode("ascii")
    try:
        instance = instance_of(bytes.fromhex(vector["Instance"]))
        verify(tag, vector["Flavor"], instance, bytes.fromhex(vector["NargString"]))
    except RefusedError:
        return False
    return True


def proved_again(vector: Mapping[str, Any]) -> str:
    """The proof in hexadecimal, made of the witness."""
    instance = instance_of(bytes.fromhex(vector["Instance"]))
    witness = scalars_of(bytes.fromhex(vector["Witness"]))
    drng = drng_of(vector["Flavor"], vector["Ciphersuite"], vector["Relation"])
    tag = vector["Tag"].encode("ascii")
    return prove(tag, vector["Flavor"], instance, witness, drng).hex()
