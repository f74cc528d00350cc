"""Write `sums.jsonl`: sealed documents that are accepted and refused, for independent verifiers.

Run only when the format changes on purpose, from the root of the repository:

    .venv/bin/python tests/vectors/seal/generate_sums.py

Everything is drawn from deterministic generators, and signatures are those of RFC 6979, so that it
comes out the same again. `README.md` says what the lines are.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[3]))  # when run as a file

from tests.protocol.seal.forging import forge, modular, with_quantity
from tests.protocol.seal.parties import CREATED, CUSTOMER
from tests.vectors.seal.sum_cases import MAIN, drng, same_signatures
from tests.vectors.seal.sum_maker import Line, Maker, changed
from tests.vectors.seal.sum_places import Place, places

from underseal_protocol.carbon import UNITS
from underseal_protocol.seal.facts import facts_of
from underseal_protocol.seal.group import GENERATOR, ORDER
from underseal_protocol.seal.numbers import NANO, Total
from underseal_protocol.seal.sealing import Sealable, sealable
from underseal_protocol.times import format_time

FILE = Path(__file__).parent / "sums.jsonl"
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
OTHER_ID = "7d5b9a52-7f0e-4f3b-9d6c-0c6a1f6f2a12"
IDENTITY = bytes([0xC0]) + bytes(47)
TOTALS = ("fossilGhgEmissions", "pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake")


def variants(part: bytes, kind: str) -> Iterator[tuple[str, bytes]]:
    """What may be done to a part."""
    number = int.from_bytes(part, "big")
    if kind == "point":
        yield "negated", bytes([part[0] ^ 0x20]) + part[1:]
        yield "the identity", IDENTITY
        yield "the generator", GENERATOR.encode()
    elif kind == "scalar":
        yield "+ 1", ((number + 1) % ORDER).to_bytes(32, "big")
        if number + ORDER < 2**256:
            yield "not reduced", (number + ORDER).to_bytes(32, "big")
    elif kind == "signature":
        yield "the other of both that verify", (P256_ORDER - number).to_bytes(32, "big")
        yield "+ 1", (number + 1).to_bytes(32, "big")
    elif kind == "key":
        yield "negated", bytes([part[0] ^ 1]) + part[1:]
        yield "no point", bytes([2]) + b"\xff" * 32
    elif kind == "text":
        yield "with another end", part[:-1] + bytes([part[-1] ^ 1])
    elif kind == "number":
        little = int.from_bytes(part, "little")
        yield "+ 1", (little + 1).to_bytes(len(part), "little")
    else:
        yield "+ 1", bytes([(part[0] + 1) % 256]) + part[1:]
        yield "another last bit", part[:-1] + bytes([part[-1] ^ 1])


def of_places(maker: Maker, case: str, *, but: str = "-") -> None:
    data = maker.chains[case].result.document
    for one in places(data):
        if one.name.startswith(but):
            continue
        part, seen = data[one.at : one.at + one.length], set()
        for comment, new in variants(part, one.kind):
            if new != part and new not in seen:
                maker.splice(case, f"{one.name}: {comment}", one.at, one.length, new)
                seen.add(new)


def of_lengths(maker: Maker, case: str) -> None:
    data = maker.chains[case].result.document
    for at in (0, 9, 16, 100, len(data) // 2, len(data) - 1):
        maker.splice(case, f"the first {at} bytes", at, len(data) - at, b"")
    maker.splice(case, "a byte more", len(data), 0, b"\0")
    maker.splice(case, "itself once more", len(data), 0, data)


def place(data: bytes, name: str) -> Place:
    return next(one for one in places(data) if one.name == name)


def of_order(maker: Maker) -> None:
    """Swapped, twice, or nowhere used."""
    data = maker.chains[MAIN].result.document
    first, second = place(data, "input 1: supplier"), place(data, "input 2: supplier")
    one, other = data[first.at : second.at], data[second.at :][: second.at - first.at]
    start, size = first.at, 2 * len(one)
    maker.splice(MAIN, "inputs swapped", start, size, other + one)
    maker.splice(MAIN, "the first input twice", start, size, one + one)
    maker.splice(MAIN, "the second input left out", start - 1, 1 + size, b"\1" + one)
    maker.splice(MAIN, "both left out", start - 1, 1 + size, b"\0")
    maker.splice(MAIN, "127 inputs", start - 1, 1, bytes([127]))
    c, q = place(data, "input 1: C"), place(data, "input 1: Q")
    of_other = second.at - first.at
    swapped = other[2:50] + one[50:] + other[:2] + one[2:50] + other[50:]
    maker.splice(MAIN, "commitments swapped", c.at, size - 2, swapped)
    quantities = (
        data[q.at + of_other :][:48] + data[q.at + 48 : q.at + of_other] + data[q.at :][:48]
    )
    maker.splice(MAIN, "quantities swapped", q.at, of_other + 48, quantities)
    url = place(data, "supplier 1: url")
    entry = url.length + 2 + 33
    begin = url.at - 2
    table = data[begin : begin + 2 * entry]
    maker.splice(MAIN, "suppliers swapped", begin, 2 * entry, table[entry:] + table[:entry])
    maker.splice(MAIN, "a supplier twice", begin - 1, 1, bytes([3]) + table[:entry])
    longer = (19).to_bytes(2, "little") + b"s9-and-more.example" + table[-33:]
    maker.splice(
        MAIN, "a supplier without an endorsement", begin - 1, 1 + 2 * entry, b"\3" + table + longer
    )
    whole = (url.length + 8).to_bytes(2, "little") + b"https://" + table[2 : 2 + url.length]
    maker.splice(MAIN, "a URL with https://", begin, 2 + url.length, whole)


def of_units(maker: Maker) -> None:
    data = maker.chains[MAIN].result.document
    units = [place(data, f"terms {number}: unit") for number in (1, 2)]
    piece = next(one for one in units if UNITS[data[one.at]] == "piece")
    maker.splice(MAIN, "a supplier's kilogram of 4.02 kg", piece.at, 1, b"\1")


def of_proofs(maker: Maker) -> None:
    """Proofs of another document of the same footprint and secrets."""
    chain = maker.chains[MAIN]
    data = chain.result.document
    other = forge(sealable(chain.order), random_bytes=drng("once more"))
    start, middle = place(data, "sum proof: 0").at, place(data, "range proof: version").at
    maker.splice(
        MAIN, "the sum proof of another document", start, middle - start, other[start:middle]
    )
    maker.splice(MAIN, "the range proof of another", middle, len(data) - middle, other[middle:])


FOOTPRINTS: list[tuple[str, Line]] = [
    ("another total", {"/pcf/fossilGhgEmissions": "60.000"}),
    ("the same total in other digits", {"/pcf/fossilGhgEmissions": "70.0390"}),
    ("another mass", {"/pcf/productMassPerDeclaredUnit": "4.4"}),
    ("another declared unit", {"/pcf/declaredUnitOfMeasurement": "piece"}),
    ("another declared amount", {"/pcf/declaredUnitAmount": "2"}),
    ("another period", {"/pcf/referencePeriodEnd": "2026-01-02T00:00:00Z"}),
    ("another GWP", {"/pcf/ipccCharacterizationFactors/0": "AR5"}),
    ("another standard", {"/pcf/crossSectoralStandards/0": "PAS2050"}),
    ("another carbon content", {"/pcf/fossilCarbonContent": "1"}),
    ("another share of exemptions", {"/pcf/exemptedEmissionsPercent": "1"}),
    ("something else in the core", {"/pcf/primaryDataShare": "50"}),
    ("another id", {"/id": OTHER_ID}),
    ("the id in capitals", {"/id": "7D5B9A52-7F0E-4F3B-9D6C-0C6A1F6F2A11"}),
    ("another product", {"/productIds/1": "urn:gtin:2040000001032"}),
    ("products in another order", {"/productIds/0": "urn:gtin:2040000001018",
                                   "/productIds/1": "urn:gtin:2040000001025"}),
    ("another company", {"/companyName": "Somebody"}),
    ("another time", {"/created": "2026-02-10T09:30:01Z"}),
    ("no time", {"/created": "soon"}),
    ("no pcf", {"/pcf": None}),
    ("another version", {"/specVersion": "3.0.1"}),
    ("a total of text", {"/pcf/fossilGhgEmissions": "much"}),
]  # fmt: skip


def of_footprints(maker: Maker) -> None:
    data = maker.chains[MAIN].result.document
    base: Line = {"base": f"underseal/sums/{MAIN}", "at": 0, "remove": 0, "insert": ""}
    for comment, change in FOOTPRINTS:
        maker.add(MAIN, comment, data, base, change=change)
    for name, value, comment in (
        ("biogenicCO2Uptake", "-0.1", "uptake in a block"),
        ("technologicalCO2Removals", "-1", "removals in a block"),
        ("ccsTechnologicalCO2Capture", "-1", "capture in a block"),
        ("landManagementBiogenicCO2Removals", "-1", "removals of land in a block"),
        ("biogenicCO2Uptake", "0", "no uptake, and that in a block"),
        ("dqi", {"temporalDQR": "1"}, "something in a block"),
    ):
        maker.add(MAIN, comment, data, base, change={f"/pcf/{name}": value})
    maker.add(MAIN, "another status", data, base, change={"/status": "Deprecated"})
    maker.add(MAIN, "another publisher", data, base, publisher=["https://other.example"])
    moved = ["https://new.example", CUSTOMER]
    maker.add(MAIN, "a publisher that has moved", data, base, publisher=moved)
    was = ["https://s0.example", CUSTOMER]
    maker.add(MAIN, "a publisher that was its own supplier", data, base, publisher=was)
    for name in maker.trust:
        maker.add(MAIN, f"for a reader who knows: {name}", data, base, trust=name)
    later = format_time(CREATED + timedelta(days=9))
    maker.add(MAIN, "after a key was revoked", data, base, trust="revoked", time=later)


class Cheats:
    """A publisher that skips every check, with the secrets of one document."""

    def __init__(self, maker: Maker) -> None:
        self.maker, self.chain = maker, maker.chains[MAIN]
        self.honest = sealable(self.chain.order)
        masses = [one.endorsement.terms.mass for one in self.honest.inputs]
        self.heavy = masses.index(max(masses))

    def cheat(self, comment: str, lie: Sealable, change: Line | None = None, **more: Any) -> None:
        data = forge(lie, random_bytes=drng(comment), **more)
        self.maker.add(MAIN, comment, data, change=change or {})

    def with_header(self, **changes: Any) -> Sealable:
        return replace(self.honest, header=replace(self.honest.header, **changes))

    def moved(self, steps: int) -> Sealable:
        """With another quantity, for which own emissions make up."""
        honest, one = self.honest, self.honest.inputs[self.heavy]
        found = with_quantity(honest, self.heavy, modular(one.quantity + steps * NANO))
        own = honest.own - steps * one.opening.value
        covered = honest.covered + steps * NANO * one.opening.value
        excess = (honest.excess or 0) + steps * NANO * one.endorsement.terms.mass
        return replace(found, own=modular(own), covered=covered, excess=excess)

    def of_quantities(self) -> None:
        honest = self.honest
        self.cheat("honest, by the tool of the cheats", honest)
        self.cheat("a negative quantity", self.moved(-2))
        without = replace(self.moved(-2), excess=honest.excess)
        self.cheat("a negative quantity without mass", without)
        self.cheat("own emissions below 0", self.moved(1))
        lower = Total(honest.total.number - 1000, honest.total.decimals)
        change = {f"/pcf/{name}": lower.text for name in TOTALS}
        lie = self.with_header(core=facts_of(changed(self.chain.document, change)).core)
        remainder = modular(honest.remainder + 1000 * honest.total.step)
        lie = replace(lie, total=lower, remainder=remainder)
        self.cheat("a lower total, for a footprint that says so", lie, change)

    def of_mass_and_coverage(self) -> None:
        honest = self.honest
        self.cheat("no mass balance", replace(honest, excess=None))
        heavier = {"/pcf/productMassPerDeclaredUnit": "5.03"}
        below = self.with_header(core=facts_of(changed(self.chain.document, heavier)).core)
        excess = (honest.excess or 0) - 530 * NANO * NANO // 1000
        below = replace(below, mass=5_030_000_000, excess=excess)
        self.cheat("less mass than the product", below, heavier)
        self.cheat("less mass than the product, wrapped around", below, heavier, high=0)
        for comment, amount in (("a kilogram of 4.5 kg", "1"), ("4.5 kilograms of 4.5 kg", "4.50")):
            change = {
                "/pcf/declaredUnitOfMeasurement": "kilogram",
                "/pcf/declaredUnitAmount": amount,
            }
            facts = facts_of(changed(self.chain.document, change))
            self.cheat(comment, self.with_header(core=facts.core), change)
        most, covered = self.with_header(coverage=90), honest.covered
        self.cheat("coverage of 90 % where there is that much", most)
        with_own = covered + NANO * honest.own
        self.cheat("coverage with own emissions in it", most, covered=with_own)
        whole = 2 * covered // honest.total.step
        self.cheat("more wholes than are covered", most, whole=whole)

    def of_endorsements(self) -> None:
        other = self.with_header(salt=bytes(32))
        self.cheat("endorsements of another context", other, with_ranges=False)
        other = self.with_header(product_id="urn:gtin:2040000001025")
        self.cheat("endorsements of another product", other, with_ranges=False)
        one, light = self.honest.inputs[self.heavy], self.honest.inputs[1 - self.heavy]
        late = CREATED + timedelta(seconds=1)
        for comment, changes in (
            ("an endorsement that has ended", {"not_after": CREATED}),
            ("an endorsement that is not valid yet", {"not_before": late}),
            ("an endorsement for another customer", {"customer": "https://other.example"}),
            ("an endorsement without consent to be named", {"is_named": False}),
        ):
            drawn = drng(f"{comment}: r")
            endorsement, opening = self.chain.suppliers[0].endorse(random_bytes=drawn, **changes)
            lie = replace(one, endorsement=endorsement, opening=opening)
            inputs = sorted((lie, light), key=lambda item: item.endorsement.commitment.encode())
            self.cheat(comment, replace(self.honest, inputs=tuple(inputs)), with_ranges=False)


def text() -> str:
    """`sums.jsonl`."""
    with same_signatures():
        maker = Maker()
        for name, chain in maker.chains.items():
            maker.add(name, "as it was sealed", chain.result.document)
        of_places(maker, MAIN)
        of_places(maker, "none", but="range proof")
        of_lengths(maker, MAIN)
        of_order(maker)
        of_units(maker)
        of_proofs(maker)
        of_footprints(maker)
        cheats = Cheats(maker)
        cheats.of_quantities()
        cheats.of_mass_and_coverage()
        cheats.of_endorsements()
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in maker.lines)


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
