"""Write `relations.json`: what the published vectors of linear relations do not have.

Run only when the format changes on purpose, from the root of the repository:

    .venv/bin/python tests/vectors/seal/generate.py

Coefficients other than 1, scalars and elements that occur again, a bit, a sum as a sealed footprint
has it. Everything is drawn from the generator of the drafts, so that it comes out the same again.
The refused ones are made of the accepted ones; each says in `Comment` what was done to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from underseal_protocol.seal.group import (
    GENERATOR,
    ONE,
    ORDER,
    ZERO,
    Point,
    Scalar,
    encode_scalars,
    linear_combination,
    random_scalar,
)
from underseal_protocol.seal.relation import Equation, ImageTerm, LinearRelation, Term
from underseal_protocol.seal.sigma import CIPHERSUITE, Flavor, prove_batchable, prove_compact
from underseal_protocol.seal.transcript import derive_session_id
from underseal_protocol.seal.vectors.drng import instance_drng, prover_drng

TARGET = Path(__file__).parent / "relations.json"
FLAVORS = {"batchable": Flavor.BATCHABLE, "compact": Flavor.COMPACT}
Vector: TypeAlias = dict[str, Any]
Case: TypeAlias = tuple[LinearRelation, list[Scalar]]
Draw: TypeAlias = Callable[[], Scalar]


def of(value: int) -> Scalar:
    """A coefficient of the statement, which may be negative."""
    return Scalar(value) if value >= 0 else -Scalar(-value)


def made(elements: Sequence[Point], *equations: tuple[list[Any], list[Any]]) -> LinearRelation:
    """A relation of `([(element, coefficient)], [(scalar, element, coefficient)])`."""
    return LinearRelation(
        (GENERATOR, *elements),
        tuple(
            Equation(
                tuple(ImageTerm(at, of(number)) for at, number in image),
                tuple(Term(index, at, of(number)) for index, at, number in terms),
            )
            for image, terms in equations
        ),
    )


def coefficients(draw: Draw) -> Case:
    """3 C - 2 G = 5 m * G - 7 r * H + 2^200 r * G + 0 m * H."""
    h, m, r = draw() * GENERATOR, draw(), draw()
    right = [of(5) * m + of(2**200) * r + of(2), of(-7) * r]
    c = of(3).inverse() * linear_combination(right, [GENERATOR, h])
    terms = [(0, 0, 5), (1, 1, -7), (1, 0, 2**200), (0, 1, 0)]
    return made([h, c], ([(2, 3), (0, -2)], terms)), [m, r]


def repeated(draw: Draw) -> Case:
    """E0 = r * G and M + E1 = r * (X1 + X2) + r * X1: one scalar, again and again."""
    x1, x2, message, r = (draw() * GENERATOR, draw() * GENERATOR, draw() * GENERATOR, draw())
    e0, e1 = r * GENERATOR, r * (x1 + x2 + x1) - message
    return made(
        [x1, x2, message, e0, e1],
        ([(4, 1)], [(0, 0, 1)]),
        ([(3, 1), (5, 1)], [(0, 1, 1), (0, 2, 1), (0, 1, 1)]),
    ), [r]


def bit(draw: Draw, value: int) -> Case:
    """B = b * G + r * H and B = b * B + s * H: b is 0 or 1."""
    h, r, b = draw() * GENERATOR, draw(), Scalar(value)
    committed = linear_combination([b, r], [GENERATOR, h])
    s = (ONE - b) * r
    return made(
        [h, committed],
        ([(2, 1)], [(0, 0, 1), (1, 1, 1)]),
        ([(2, 1)], [(0, 2, 1), (2, 1, 1)]),
    ), [b, r, s]


def total(draw: Draw, quantities: Sequence[int], factor: int = 0) -> Case:
    """Q_i = q_i G + s_i H; T S G - h G - U E + Rm = sum q_i C_i + f q_0 G + rho H.

    The numbers are those of a total in kg with three decimals.
    """
    h, unit, scale = draw() * GENERATOR, 10**9, 10**15
    values = [7_000_000_000 + 123 * at for at in range(len(quantities))]
    own = 55_000_000_123
    exact = sum(q * v for q, v in zip(quantities, values, strict=True)) + unit * own
    exact += factor * quantities[0]
    rounded, rest = divmod(exact + scale // 2, scale)
    blinds = [draw() for _ in quantities]
    hidden = [draw() for _ in quantities]
    of_own, of_rest = draw(), draw()

    def pedersen(value: int, blind: Scalar) -> Point:
        return linear_combination([Scalar(value), blind], [GENERATOR, h])

    endorsed = [pedersen(v, r) for v, r in zip(values, blinds, strict=True)]
    committed = [pedersen(q, s) for q, s in zip(quantities, hidden, strict=True)]
    rho = of_rest - Scalar(unit) * of_own
    for quantity, blind in zip(quantities, blinds, strict=True):
        rho -= Scalar(quantity) * blind
    count = len(quantities)
    first_q = 4 + count
    rows = [([(first_q + at, 1)], [(2 * at, 0, 1), (2 * at + 1, 1, 1)]) for at in range(count)]
    sum_row: tuple[list[Any], list[Any]] = (
        [(0, rounded * scale - scale // 2), (2, -unit), (3, 1)],
        [(2 * at, 4 + at, 1) for at in range(count)],
    )
    if factor:
        sum_row[1].append((0, 0, factor))
    sum_row[1].append((2 * count, 1, 1))
    elements = [h, pedersen(own, of_own), pedersen(rest, of_rest), *endorsed, *committed]
    witness = [one for q, s in zip(quantities, hidden, strict=True) for one in (Scalar(q), s)]
    return made(elements, *rows, sum_row), [*witness, rho]


def chain(draw: Draw) -> Case:
    """X_i = (i + 1) x_i * G - x_(i-1) * X_(i-1): every element is a base of the next equation."""
    witness = [draw() for _ in range(6)]
    elements: list[Point] = []
    rows: list[tuple[list[Any], list[Any]]] = []
    for at, one in enumerate(witness):
        element, terms = of(at + 1) * one * GENERATOR, [(at, 0, at + 1)]
        if at:
            element -= witness[at - 1] * elements[-1]
            terms.append((at - 1, at, -1))
        elements.append(element)
        rows.append(([(at + 1, 1)], terms))
    return made(elements, *rows), witness


def total_of_none(draw: Draw) -> Case:
    """T S G - h G - U E + Rm = rho * H: a total of own emissions only."""
    h, unit, scale, own = draw() * GENERATOR, 10**9, 10**15, 55_000_000_123
    rounded, rest = divmod(unit * own + scale // 2, scale)
    of_own, of_rest = draw(), draw()
    e = linear_combination([Scalar(own), of_own], [GENERATOR, h])
    rm = linear_combination([Scalar(rest), of_rest], [GENERATOR, h])
    row = ([(0, rounded * scale - scale // 2), (2, -unit), (3, 1)], [(0, 1, 1)])
    return made([h, e, rm], row), [of_rest - Scalar(unit) * of_own]


CASES: dict[str, Callable[[Draw], Case]] = {
    "coefficients": coefficients,
    "repeated_scalar": repeated,
    "bit_0": lambda draw: bit(draw, 0),
    "bit_1": lambda draw: bit(draw, 1),
    "total_of_none": total_of_none,
    "total_of_one": lambda draw: total(draw, [123_456_789]),
    "total_of_three": lambda draw: total(draw, [123_456_789, 0, 2**55]),
    "total_with_factor": lambda draw: total(draw, [1, 10**12], factor=2**50 + 1),
    "chain": chain,
}


# Like another, so that what is done to it shows nothing new.
ONLY_ACCEPTED = {"bit_1", "total_of_one", "total_of_three"}


def tag_of(name: str, flavor: Flavor) -> str:
    """As in the published vectors."""
    return f"{name}-{flavor.value}-with-{CIPHERSUITE}"


def accepted(name: str) -> list[Vector]:
    """Both flavours of a case."""
    drng = instance_drng(name)
    relation, witness = CASES[name](lambda: random_scalar(drng))
    found = []
    for word, flavor in FLAVORS.items():
        tag = tag_of(name, flavor)
        prover = prove_batchable if flavor is Flavor.BATCHABLE else prove_compact
        proof = prover(tag.encode(), relation, witness, prover_drng(name, flavor))
        found.append(
            {
                "Id": f"underseal/relations/{name}/{word}",
                "Function": "SigmaProof",
                "Ciphersuite": CIPHERSUITE,
                "Relation": name,
                "Flavor": word,
                "Tag": tag,
                "SessionId": derive_session_id(tag.encode()).hex(),
                "Instance": relation.encode().hex(),
                "Witness": encode_scalars(witness).hex(),
                "NargString": proof.hex(),
                "Expected": "accept",
            }
        )
    return found


def refused(base: Vector) -> Iterator[Vector]:
    """What was done to an accepted vector, one thing each."""
    for number, (comment, changes) in enumerate(mutations(base), 1):
        yield {
            "Id": f"{base['Id']}/{number}",
            "BaseId": base["Id"],
            "Comment": comment,
            **{name: base[name] for name in ("Function", "Ciphersuite", "Flavor", "Tag")},
            **{name: base[name] for name in ("Instance", "NargString")},
            **changes,
            "Expected": "reject",
        }


def mutations(base: Vector) -> Iterator[tuple[str, Vector]]:
    yield from of_the_proof(base)
    if base["Flavor"] == "compact":
        yield from of_the_statement(base)
    flavor = FLAVORS[base["Flavor"]]
    other = next(one for one in FLAVORS.values() if one is not flavor)
    yield "the tag of another application", {"Tag": "other-" + base["Tag"]}
    yield "the tag of the other flavour", {"Tag": tag_of(base["Relation"], other)}
    yield "a tag without the ciphersuite", {"Tag": base["Relation"] + "-" + flavor.value}
    yield (
        "read as the other flavour",
        {"Flavor": next(word for word, one in FLAVORS.items() if one is other)},
    )


def of_the_proof(base: Vector) -> Iterator[tuple[str, Vector]]:
    proof = base["NargString"]
    last = int(proof[-64:], 16)
    changed = {
        "the last response + 1": proof[:-64] + f"{(last + 1) % ORDER:064x}",
        "the last response negated": proof[:-64] + f"{-last % ORDER:064x}",
        "a byte more": proof + "00",
        "a byte less": proof[:-2],
        "a scalar more": proof + "00" * 32,
        "a scalar less": proof[:-64],
        "nothing": "",
        "zeros": "00" * (len(proof) // 2),
    }
    if last + ORDER < 2**256:
        changed["the last response not reduced"] = proof[:-64] + f"{last + ORDER:064x}"
    if base["Flavor"] == "batchable":
        first = "c0" + "00" * 47
        changed["the identity committed to"] = first + proof[96:]
        changed["the first commitment negated"] = f"{int(proof[0], 16) ^ 2:x}" + proof[1:]
    else:
        first_scalar = (int(proof[:64], 16) + 1) % ORDER
        changed["the challenge + 1"] = f"{first_scalar:064x}" + proof[64:]
    for comment, text in changed.items():
        yield comment, {"NargString": text}


def of_the_statement(base: Vector) -> Iterator[tuple[str, Vector]]:
    relation = LinearRelation.decode(bytes.fromhex(base["Instance"]))
    for comment, data in statements(relation):
        yield comment, {"Instance": data.hex()}


def statements(relation: LinearRelation) -> Iterator[tuple[str, bytes]]:
    """Other statements, valid or not, for which the proof is none."""
    elements, equations = relation.elements, relation.equations
    *before, last = equations
    data = relation.encode()
    yield "an element more", data + GENERATOR.encode()
    yield "an element less", data[:-48]
    yield "the last element is another", data[:-48] + (elements[-1] + GENERATOR).encode()
    yield "the last element is the identity", data[:-48] + bytes([0xC0]) + bytes(47)
    yield "the last element is not in the subgroup", data[:-48] + bytes([0x80]) + bytes(47)
    yield "no equation", bytes(4) + data[4:]
    yield "more equations than bytes", b"\xff" * 4 + data[4:]
    image, terms = last.image, last.terms
    scalar, at, coefficient = terms[-1]
    cancelled = (Term(scalar, at, coefficient), Term(scalar, at, -coefficient))
    gap = (*terms[:-1], Term(relation.num_scalars, at, coefficient))
    far = (*terms[:-1], Term(2**32 - 1, at, coefficient))
    changes = {
        "the last coefficient + 1": (image, (*terms[:-1], Term(scalar, at, coefficient + ONE))),
        "the last coefficient 0": (image, (*terms[:-1], Term(scalar, at, ZERO))),
        "a term again": (image, (*terms, terms[-1])),
        "terms that cancel": (image, (*terms, *cancelled)),
        "a scalar of another number": (image, gap),
        "a scalar of the highest number": (image, far),
        "the image negated": (tuple(ImageTerm(one, -c) for one, c in image), terms),
        "the image again, negated": (
            (*image, *(ImageTerm(one, -c) for one, c in image)),
            terms,
        ),
        "an image term of 0": ((*image, ImageTerm(0, ZERO)), terms),
        "no image": ((), terms),
        "no terms": (image, ()),
    }
    if len(terms) > 1:
        changes["terms in another order"] = (image, terms[::-1])
        changes["a term less"] = (image, terms[:-1])
    for comment, (one, others) in changes.items():
        changed = Equation(one, tuple(others))
        if changed != last:
            yield comment, encoded(elements, [*before, changed])
    if before and equations[0] != last:
        yield "equations in another order", encoded(elements, [last, *before])
        yield "an equation less", encoded(elements, before)


def encoded(elements: Sequence[Point], equations: Sequence[Equation]) -> bytes:
    """As `LinearRelation.encode`, also of what is no valid relation."""
    found = object.__new__(LinearRelation)
    object.__setattr__(found, "elements", tuple(elements))
    object.__setattr__(found, "equations", tuple(equations))
    return found.encode()


def text() -> str:
    """The file, each vector on a line of its own."""
    vectors: list[Vector] = []
    for name in CASES:
        for base in accepted(name):
            vectors += [base, *(() if name in ONLY_ACCEPTED else refused(base))]
    return "[\n" + ",\n".join(map(json.dumps, vectors)) + "\n]\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
