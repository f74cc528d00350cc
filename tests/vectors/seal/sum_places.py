"""Where the parts of a sealed document are, by docs/reference/sealed-sum-format.md alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Place", "places"]

HEADER = [
    ("magic", 10), ("version", 1), ("scheme", 1), ("property", 1), ("decimals", 1),
    ("coverage", 1), ("flags", 1), ("footprint", 16), ("core", 32), ("salt", 32),
]  # fmt: skip


class Place(NamedTuple):
    """A part of a document."""

    name: str
    kind: str
    at: int
    length: int


class _Walk:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def place(self, name: str, kind: str, length: int) -> Place:
        found = Place(name, kind, self.at, length)
        self.at += length
        return found

    def number(self, length: int = 1) -> int:
        self.at += length
        return int.from_bytes(self.data[self.at - length : self.at], "little")

    def text(self, name: str) -> Place:
        return self.place(name, "text", self.number(2))


def places(data: bytes) -> list[Place]:
    """All parts, without the bytes that count others."""
    walk = _Walk(data)
    found = [walk.place(name, "byte" if size == 1 else "bytes", size) for name, size in HEADER]
    found += [walk.text("publisher"), walk.text("product")]
    is_hidden = data[11] == 2
    if is_hidden:
        found += _roster(walk)
    for number in range(1, walk.number() + 1):
        if is_hidden:
            found.append(walk.place(f"pseudonym {number}", "point", 48))
        else:
            found += [
                walk.text(f"supplier {number}: url"),
                walk.place(f"supplier {number}: key", "key", 33),
            ]
    for number in range(1, walk.number() + 1):
        found += _terms(walk, f"terms {number}")
    inputs = walk.number()
    for number in range(1, inputs + 1):
        found += (_member if is_hidden else _input)(walk, f"input {number}")
    factors = walk.number()
    for number in range(1, factors + 1):
        name = f"factor {number}"
        found += [walk.text(f"{name}: name"), walk.text(f"{name}: unit")]
        found += [walk.place(f"{name}: value", "number", 7), walk.place(f"{name}: F", "point", 48)]
    has_mass, has_coverage = data[15] == 1, data[14] != 0
    names = ["E", "R", *(["M_1"] if has_mass else []), *(["P", "A"] if has_coverage else [])]
    found += [walk.place(name, "point", 48) for name in names]
    scalars = 2 * (inputs + factors) + 1 + has_coverage
    found += [walk.place(f"sum proof: {n}", "scalar", 32) for n in range(scalars + 1)]
    found += _range_proof(walk)
    assert walk.at == len(data)
    return found


def _roster(walk: _Walk) -> Iterator[Place]:
    yield walk.text("roster: issuer")
    yield walk.text("roster: name")
    yield walk.place("roster: key", "bytes", 96)
    yield walk.place("roster: not before", "number", 5)
    yield walk.place("roster: not after", "number", 5)
    yield walk.text("publisher: entity")
    yield walk.place("publisher: pseudonym", "point", 48)
    yield from _member_proof(walk, "publisher", 2)


def _member_proof(walk: _Walk, name: str, hidden: int) -> Iterator[Place]:
    for what in ("Abar", "Bbar", "D"):
        yield walk.place(f"{name}: {what}", "point", 48)
    for number in range(4 + hidden):
        yield walk.place(f"{name}: scalar {number}", "scalar", 32)


def _member(walk: _Walk, name: str) -> Iterator[Place]:
    yield walk.place(f"{name}: pseudonym", "byte", 1)
    yield walk.place(f"{name}: terms", "byte", 1)
    yield walk.place(f"{name}: C", "point", 48)
    yield walk.place(f"{name}: origin", "bytes", 32)
    yield from _member_proof(walk, name, 3)
    yield walk.place(f"{name}: Q", "point", 48)


def _terms(walk: _Walk, name: str) -> Iterator[Place]:
    yield walk.text(f"{name}: amount")
    yield walk.place(f"{name}: unit", "byte", 1)
    yield walk.place(f"{name}: mass", "number", 8)
    yield walk.place(f"{name}: start", "number", 5)
    yield walk.place(f"{name}: end", "number", 5)
    for what in ("report", "standard"):
        for _ in range(walk.number()):
            yield walk.text(f"{name}: {what}")


def _input(walk: _Walk, name: str) -> Iterator[Place]:
    yield walk.place(f"{name}: supplier", "byte", 1)
    yield walk.place(f"{name}: terms", "byte", 1)
    yield walk.place(f"{name}: C", "point", 48)
    yield walk.place(f"{name}: credential", "bytes", 32)
    yield walk.place(f"{name}: not before", "number", 5)
    yield walk.place(f"{name}: not after", "number", 5)
    yield walk.place(f"{name}: r", "bytes", 32)
    yield walk.place(f"{name}: s", "signature", 32)
    yield walk.place(f"{name}: Q", "point", 48)


def _range_proof(walk: _Walk) -> Iterator[Place]:
    yield walk.place("range proof: version", "byte", 1)
    for name in ("A", "S", "T_1", "T_2"):
        yield walk.place(f"range proof: {name}", "point", 48)
    for name in ("t", "tau", "mu"):
        yield walk.place(f"range proof: {name}", "scalar", 32)
    halvings = (len(walk.data) - walk.at - 64) // 96
    for number in range(1, halvings + 1):
        for name in ("L", "R"):
            yield walk.place(f"range proof: {name}_{number}", "point", 48)
    for name in ("a", "b"):
        yield walk.place(f"range proof: {name}", "scalar", 32)
