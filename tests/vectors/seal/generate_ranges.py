"""Write `ranges.json` and `generators.json`: range proofs have no published vectors.

Run only when the format changes on purpose, from the root of the repository:

    .venv/bin/python tests/vectors/seal/generate_ranges.py

Everything is drawn from deterministic generators, so that it comes out the same again. The refused
vectors are made of the accepted ones; each says in `Comment` what was done to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from underseal_protocol.seal.generators import (
    DOMAIN,
    INNER_PRODUCT_GENERATOR,
    H,
    bit_generators,
    pedersen_commitment,
)
from underseal_protocol.seal.group import GENERATOR, ORDER, Scalar, encode_scalars, random_scalar
from underseal_protocol.seal.range_statement import RANGE_SUITE, RangeStatement
from underseal_protocol.seal.ranges import prove_ranges
from underseal_protocol.seal.sigma import CIPHERSUITE
from underseal_protocol.seal.transcript import derive_session_id
from underseal_protocol.seal.vectors.drng import instance_drng, range_drng

HERE = Path(__file__).parent
Vector: TypeAlias = dict[str, Any]
GENERATORS = 16

CASES: dict[str, list[tuple[int, int]]] = {
    "bit_0": [(1, 0)],
    "bit_1": [(1, 1)],
    "two_widths": [(1, 1), (2, 2)],
    "without_padding": [(1, 1), (3, 0), (4, 15)],
    "with_padding": [(3, 5), (2, 3)],
    "one_after_a_power": [(4, 15), (4, 0), (1, 1)],
    "widths_of_a_seal": [(56, 2**56 - 1), (64, 2**64 - 1), (1, 0), (56, 123_456_789)],
}
"""Widths and values."""

REFUSED = ("bit_1", "two_widths")  # of which refused vectors are made


def accepted(name: str) -> Vector:
    """The proof of a case."""
    drng = instance_drng(f"ranges-{name}")
    widths, values = zip(*CASES[name], strict=True)
    blindings = [random_scalar(drng) for _ in values]
    scalars = [Scalar(value) for value in values]
    commitments = tuple(map(pedersen_commitment, scalars, blindings))
    statement, tag = RangeStatement(commitments, widths), f"{name}-with-{RANGE_SUITE}"
    proof = prove_ranges(tag.encode(), statement, values, blindings, range_drng(name))
    return {
        "Id": f"underseal/ranges/{name}",
        "Function": "RangeProof",
        "Ciphersuite": RANGE_SUITE,
        "Relation": name,
        "Tag": tag,
        "SessionId": derive_session_id(tag.encode()).hex(),
        "Instance": statement.encode().hex(),
        "Witness": encode_scalars([*scalars, *blindings]).hex(),
        "NargString": proof.hex(),
        "Expected": "accept",
    }


def refused(base: Vector) -> Iterator[Vector]:
    """What was done to an accepted vector, one thing each."""
    changes = [*of_the_proof(base), *of_the_statement(base), *of_the_tag(base)]
    for number, (comment, changed) in enumerate(changes, 1):
        yield {
            "Id": f"{base['Id']}/{number}",
            "BaseId": base["Id"],
            "Comment": comment,
            **{name: base[name] for name in ("Function", "Ciphersuite", "Tag")},
            **{name: base[name] for name in ("Instance", "NargString")},
            **changed,
            "Expected": "reject",
        }


def of_the_proof(base: Vector) -> Iterator[tuple[str, Vector]]:
    proof = bytes.fromhex(base["NargString"])
    points = ["A", "S", "T_1", "T_2"]
    parts = [(name, 1 + 48 * at, 48) for at, name in enumerate(points)]
    parts += [(name, 193 + 32 * at, 32) for at, name in enumerate(["t", "tau", "mu"])]
    ends = range(289, len(proof) - 64, 48)
    parts += [
        (f"{'LR'[at % 2]} of halving {at // 2 + 1}", start, 48) for at, start in enumerate(ends)
    ]
    parts += [("a", len(proof) - 64, 32), ("b", len(proof) - 32, 32)]
    for name, start, length in parts:
        before, part, after = proof[:start], proof[start : start + length], proof[start + length :]
        if length == 48:
            changed = {
                f"{name} negated": bytes([part[0] ^ 0x20]) + part[1:],
                f"{name} is the generator": GENERATOR.encode(),
                f"{name} is the identity": bytes([0xC0]) + bytes(47),
            }
        else:
            number = int.from_bytes(part, "big")
            changed = {
                f"{name} + 1": ((number + 1) % ORDER).to_bytes(32, "big"),
                f"{name} is 0": bytes(32),
            }
            if number + ORDER < 2**256:
                changed[f"{name} not reduced"] = (number + ORDER).to_bytes(32, "big")
        for comment, data in changed.items():
            yield comment, {"NargString": (before + data + after).hex()}
    others = {
        "version 0": bytes(1) + proof[1:],
        "version 2": bytes([2]) + proof[1:],
        "a byte more": proof + bytes(1),
        "a byte less": proof[:-1],
        "without the version": proof[1:],
        "a halving more": proof[:-64] + 2 * GENERATOR.encode() + proof[-64:],
        "nothing": b"",
        "zeros": bytes([1]) + bytes(len(proof) - 1),
    }
    for comment, data in others.items():
        yield comment, {"NargString": data.hex()}


def of_the_statement(base: Vector) -> Iterator[tuple[str, Vector]]:
    data = bytes.fromhex(base["Instance"])
    statement = RangeStatement.decode(data)
    commitments, widths = statement.commitments, statement.widths
    front = len(data) - 49 * len(widths)
    last = commitments[-1]

    def made(points: Sequence[Any], bits: Sequence[int]) -> Vector:
        return {"Instance": RangeStatement(tuple(points), tuple(bits)).encode().hex()}

    yield "the last width + 1", made(commitments, (*widths[:-1], widths[-1] + 1))
    yield "the last value + 1", made((*commitments[:-1], last + GENERATOR), widths)
    yield "the last value negated", made((*commitments[:-1], -last), widths)
    yield "another blinding", made((*commitments[:-1], last + H), widths)
    yield "a commitment more", made((*commitments, last), (*widths, 1))
    if len(widths) > 1:
        yield "the last width - 1", made(commitments, (*widths[:-1], widths[-1] - 1))
        yield "commitments in another order", made(commitments[::-1], widths)
        yield "values in another order", made(commitments[::-1], widths[::-1])
        yield "a bit of another value", made(commitments, (widths[0] + 1, widths[1] - 1))
        yield "a commitment less", made(commitments[:-1], widths[:-1])
    others = {
        "a byte more in the statement": data + bytes(1),
        "a byte less in the statement": data[:-1],
        "no value": data[: front - 4] + bytes(4),
        "more values than there is room for": data[: front - 4] + b"\xff" * 4 + data[front:],
        "a width of 0": data[:front] + bytes(1) + data[front + 1 :],
        "a width of 65": data[:front] + bytes([65]) + data[front + 1 :],
        "a commitment is the identity": data[:-48] + bytes([0xC0]) + bytes(47),
        "another suite": data[:4] + b"B" + data[5:],
    }
    for comment, changed in others.items():
        yield comment, {"Instance": changed.hex()}


def of_the_tag(base: Vector) -> Iterator[tuple[str, Vector]]:
    yield "the tag of another application", {"Tag": "other-" + base["Tag"]}
    yield "a tag without the suite", {"Tag": base["Relation"]}
    yield "a tag of linear relations", {"Tag": f"{base['Relation']}-CMPT-with-{CIPHERSUITE}"}


def text() -> str:
    """`ranges.json`, each vector on a line of its own."""
    vectors: list[Vector] = []
    for name in CASES:
        base = accepted(name)
        vectors += [base, *(refused(base) if name in REFUSED else ())]
    return "[\n" + ",\n".join(map(json.dumps, vectors)) + "\n]\n"


def generators() -> str:
    """`generators.json`: H, U, and the first of the others."""
    of_left, of_right = bit_generators(GENERATORS)
    found = {
        "Domain": DOMAIN.decode("ascii"),
        "H": H.encode().hex(),
        "U": INNER_PRODUCT_GENERATOR.encode().hex(),
        "G_i": [one.encode().hex() for one in of_left],
        "H_i": [one.encode().hex() for one in of_right],
    }
    return json.dumps(found, indent=1) + "\n"


if __name__ == "__main__":
    (HERE / "ranges.json").write_text(text(), encoding="utf-8")
    (HERE / "generators.json").write_text(generators(), encoding="utf-8")
