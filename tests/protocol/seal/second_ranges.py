"""The second implementation of range proofs: plain integers, by the paper alone.

It folds generators in each round and checks `P' = g^a h^b u^ab` at the end, as Protocol 2 of Bünz
et al. has it, where the first has closed forms. Its prover takes any a_L and a_R: it can cheat. The
generators are those of `tests/vectors/seal/generators.json`, as it cannot hash to the curve.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.protocol.seal.second import (
    G_BYTES,
    Affine,
    P,
    R,
    RefusedError,
    _doubled,
    _increased,
    add,
    decode,
    encode,
    hashed,
    multiply,
    require,
    scalars_of,
    session_id_of,
)

GENERATORS = Path(__file__).parents[2] / "vectors" / "seal" / "generators.json"
SUITE = b"bulletproofs-V01_Shake128_BLS12381"

_FROZEN = json.loads(GENERATORS.read_text("utf-8"))
G = decode(G_BYTES)
H = decode(bytes.fromhex(_FROZEN["H"]))
U = decode(bytes.fromhex(_FROZEN["U"]))
G_I = [decode(bytes.fromhex(one)) for one in _FROZEN["G_i"]]
H_I = [decode(bytes.fromhex(one)) for one in _FROZEN["H_i"]]


def combined(*products: tuple[int, Affine]) -> Affine:
    """Double and add, all sums at once."""
    total = (1, 1, 0)
    kept = [(scalar % R, point) for scalar, point in products if point is not None]
    for bit in reversed(range(255)):
        total = _doubled(total)
        for scalar, point in kept:
            if scalar >> bit & 1:
                total = _increased(total, point)
    x, y, z = total
    if z == 0:
        return None
    inverse = pow(z, -1, P)
    return x * inverse**2 % P, y * inverse**3 % P


def dot(one: Sequence[int], other: Sequence[int]) -> int:
    return sum(a * b for a, b in zip(one, other, strict=True)) % R


@dataclass
class Statement:
    data: bytes
    widths: list[int]
    commitments: list[Affine]

    @property
    def length(self) -> int:
        length = 1
        while length < sum(self.widths):
            length *= 2
        return length

    def weights(self, z: int) -> list[int]:
        """The sum of one vector for each value, as the paper writes it."""
        total = [0] * self.length
        start = 0
        for number, width in enumerate(self.widths, 1):
            for bit in range(width):
                total[start + bit] += pow(z, 1 + number, R) * 2**bit
            start += width
        return [one % R for one in total]


def statement_of(data: bytes) -> Statement:
    front = len(SUITE).to_bytes(4, "little") + SUITE
    require(data.startswith(front) and len(data) >= len(front) + 4)
    count = int.from_bytes(data[len(front) :][:4], "little")
    rest = data[len(front) + 4 :]
    require(len(rest) == 49 * count and count > 0)
    widths = list(rest[:count])
    require(all(1 <= one <= 64 for one in widths) and sum(widths) <= 16384)
    points = [decode(rest[i : i + 48]) for i in range(count, len(rest), 48)]
    return Statement(data, widths, points)


class Hash:
    """What was sent, and the challenges from it."""

    def __init__(self, tag: bytes, statement: Statement) -> None:
        require(SUITE in tag)
        self.session_id, self.absorbed, self.used = session_id_of(tag), statement.data, 0

    def absorb(self, data: bytes) -> bytes:
        self.absorbed += data
        self.used = 0
        return data

    def challenge(self) -> int:
        self.used += 48
        squeezed = hashed(self.session_id, self.absorbed, self.used)[-48:]
        found = int.from_bytes(squeezed, "little") % R
        require(found != 0)
        return found


def scalar_bytes(*scalars: int) -> bytes:
    return b"".join((one % R).to_bytes(32, "big") for one in scalars)


def h_of(y: int, length: int) -> list[Affine]:
    """The h' of the paper."""
    return [multiply(pow(y, -i, R), point) for i, point in enumerate(H_I[:length])]


def verify(tag: bytes, statement: Statement, proof: bytes) -> None:
    length, rounds = statement.length, statement.length.bit_length() - 1
    require(len(proof) == 1 + 48 * (4 + 2 * rounds) + 160 and proof[0] == 1)
    rest = proof[1:]
    hash_ = Hash(tag, statement)

    def points(count: int) -> list[Affine]:
        nonlocal rest
        taken, rest = hash_.absorb(rest[: 48 * count]), rest[48 * count :]
        return [decode(taken[i : i + 48]) for i in range(0, len(taken), 48)]

    def scalars(count: int) -> list[int]:
        nonlocal rest
        taken, rest = hash_.absorb(rest[: 32 * count]), rest[32 * count :]
        return scalars_of(taken)

    a_point, s_point = points(2)
    y, z = hash_.challenge(), hash_.challenge()
    t_1, t_2 = points(2)
    x = hash_.challenge()
    t, tau, mu = scalars(3)
    u = multiply(hash_.challenge(), U)
    # Each d_i is once in delta: z < 1, d > is the sum of z^(2+j) < 1, 2^n >.
    of_y, d = [pow(y, i, R) for i in range(length)], statement.weights(z)
    delta = (z - z * z) * sum(of_y) - z * sum(d)
    values = [(pow(z, 2 + j, R), one) for j, one in enumerate(statement.commitments)]
    right = combined((delta, G), (x, t_1), (x * x, t_2), *values)
    require(combined((t, G), (tau, H)) == right)
    g, h = G_I[:length], h_of(y, length)
    p = combined((1, a_point), (x, s_point), (-mu, H), (t, u), *((-z, one) for one in g))
    p = add(p, combined(*((z * of_y[i] + d[i], h[i]) for i in range(length))))
    while len(g) > 1:
        left_point, right_point = points(2)
        x = hash_.challenge()
        g, h = folded(g, pow(x, -1, R), x), folded(h, x, pow(x, -1, R))
        p = combined((x * x, left_point), (1, p), (pow(x, -2, R), right_point))
    a, b = scalars(2)
    require(combined((a, g[0]), (b, h[0]), (a * b, u)) == p)


def folded(points: Sequence[Affine], low: int, high: int) -> list[Affine]:
    half = len(points) // 2
    return [combined((low, points[i]), (high, points[half + i])) for i in range(half)]


def prove(
    tag: bytes,
    statement: Statement,
    of_bits: tuple[Sequence[int], Sequence[int]],
    blindings: Sequence[int],
    random_bytes: Callable[[int], bytes],
    t_shift: int = 0,
) -> bytes:
    """Of any a_L and a_R, true or not; `t_shift` is added to t."""
    length = statement.length
    a_left, a_right = of_bits
    drawn = [int.from_bytes(random_bytes(48), "little") % R for _ in range(2 * length + 4)]
    alpha, rho, *drawn = drawn
    s_left, s_right, (tau_1, tau_2) = drawn[:length], drawn[length:-2], drawn[-2:]
    g, h = G_I[:length], H_I[:length]
    hash_ = Hash(tag, statement)
    out = bytes([1])
    for blind, left, right in ((alpha, a_left, a_right), (rho, s_left, s_right)):
        both = [*zip(left, g, strict=True), *zip(right, h, strict=True)]
        out += hash_.absorb(encode(combined((blind, H), *both)))
    y, z = hash_.challenge(), hash_.challenge()
    d = statement.weights(z)
    left_0 = [one - z for one in a_left]
    right_0 = [pow(y, i, R) * (one + z) + d[i] for i, one in enumerate(a_right)]
    right_1 = [pow(y, i, R) * one for i, one in enumerate(s_right)]
    t1, t2 = dot(left_0, right_1) + dot(s_left, right_0), dot(s_left, right_1)
    for value, blind in ((t1, tau_1), (t2, tau_2)):
        out += hash_.absorb(encode(combined((value, G), (blind, H))))
    x = hash_.challenge()
    a = [(one + x * other) % R for one, other in zip(left_0, s_left, strict=True)]
    b = [(one + x * other) % R for one, other in zip(right_0, right_1, strict=True)]
    hidden = sum(pow(z, 2 + j, R) * one for j, one in enumerate(blindings))
    sent = (dot(a, b) + t_shift, hidden + tau_1 * x + tau_2 * x * x, alpha + rho * x)
    out += hash_.absorb(scalar_bytes(*sent))
    u, h = multiply(hash_.challenge(), U), h_of(y, length)
    while len(a) > 1:
        n = len(a) // 2
        for of_a, of_b, gs, hs in ((a[:n], b[n:], g[n:], h[:n]), (a[n:], b[:n], g[:n], h[n:])):
            both = [*zip(of_a, gs, strict=True), *zip(of_b, hs, strict=True)]
            out += encode(combined((dot(of_a, of_b), u), *both))
        hash_.absorb(out[-96:])
        x = hash_.challenge()
        inverse = pow(x, -1, R)
        g, h = folded(g, inverse, x), folded(h, x, inverse)
        a = [(a[i] * x + a[n + i] * inverse) % R for i in range(n)]
        b = [(b[i] * inverse + b[n + i] * x) % R for i in range(n)]
    return out + scalar_bytes(a[0], b[0])


def digits_of(statement: Statement, values: Sequence[int]) -> tuple[list[int], list[int]]:
    """a_L and a_R of values; what does not fit is in the highest digit, which is then no bit."""
    found: list[int] = []
    for value, width in zip(values, statement.widths, strict=True):
        found += [value >> bit & 1 for bit in range(width - 1)]
        found.append((value - (value & (2 ** (width - 1) - 1))) // 2 ** (width - 1))
    found += [0] * (statement.length - len(found))
    return [one % R for one in found], [(one - 1) % R for one in found]


def accepts(vector: Any) -> bool:
    try:
        statement = statement_of(bytes.fromhex(vector["Instance"]))
        verify(vector["Tag"].encode("ascii"), statement, bytes.fromhex(vector["NargString"]))
    except RefusedError:
        return False
    return True
