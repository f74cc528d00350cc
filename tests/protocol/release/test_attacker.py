"""The attacker of the promise, on random supply chains with versions and variants.

It has the published texts, the quantities of all bills of materials, and what is declared to be
known, and solves for suppliers' numbers. It shares no code with the gate: it reads the documents,
has its own idea of what rounding tells, and asks the solver for its best bounds. With the gate on
it never gets within p % of a number; with the gate off it often does.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog
from tests.protocol.release.builders import EXCLUDING, FOSSIL, LAND_USE, bought, supplied
from tests.protocol.rollup.builders import DRAFT_ID, NOW, energy, factor, inputs_of, product

from underseal_protocol.disclosure import Level, split
from underseal_protocol.release.exposure import Release
from underseal_protocol.release.gate import judge_grant, judge_publication
from underseal_protocol.release.knowledge import Knowledge, Peer
from underseal_protocol.release.reading import exposure_of
from underseal_protocol.release.thresholds import Thresholds
from underseal_protocol.rollup.calculation import RollUp, RollUpOptions, roll_up
from underseal_protocol.rollup.inputs import DirectEmission, Line
from underseal_protocol.rollup.sources import ReceivedFootprint

PRIMARY_SHARE = "primaryDataShare"
GRID = "our electricity"
STACK = "our stack"  # with its kilograms behind the name: where they are the same, it is the same
CLOSE = 0.1 - 1e-6  # p, but for what the solver of the attacker may be off
Bill = Mapping[str, str]  # kilograms, kilowatt hours of the grid, 1 of the stack; by source


@dataclass
class World:
    """A supply chain: what suppliers have told us, and what we have made of it."""

    footprints: dict[str, ReceivedFootprint]
    bills: list[Bill]
    peer: Peer

    def rolled_up(self, bill: Bill, digits: int) -> RollUp:
        used = [self.footprints[name] for name in bill if name in self.footprints]
        lines: list[Line] = [bought(one, bill[one.id]) for one in used]
        if GRID in bill:
            lines.append(energy(amount=Decimal(bill[GRID])))
        lines += [
            DirectEmission(id="stack", name="Stack", emissions={FOSSIL: Decimal(stack_kg(name))})
            for name in bill
            if name.startswith(STACK)
        ]
        grid = factor(values={FOSSIL: Decimal("0.37")})
        return roll_up(
            inputs_of(product(*lines), grid, *used),
            "P",
            footprint_id=DRAFT_ID,
            created=NOW,
            options=RollUpOptions(significant_digits=digits),
        )


def random_world(seed: int) -> World:
    """Suppliers, products of theirs, and for most products versions and variants."""
    rng = random.Random(seed)

    def value(low: float, high: float) -> str:
        return str(round(rng.uniform(low, high), rng.randint(2, 5)))

    def footprint(name: str) -> ReceivedFootprint:
        land_use = value(0.1, 2) if rng.random() < 0.4 else "0"
        share = str(rng.randint(0, 100))
        return of_product(supplied(name, value(0.5, 10), land_use, primaryDataShare=share))

    names = [f"s{number}" for number in range(rng.randint(3, 8))]
    footprints = {name: footprint(name) for name in names}
    bills: list[dict[str, str]] = []
    for _ in range(rng.randint(1, 3)):
        bill = {n: value(0.1, 3) for n in rng.sample(names, rng.randint(1, len(names)))}
        if rng.random() < 0.8:
            bill[GRID] = value(0.1, 20)
        if rng.random() < 0.5:
            bill[f"{STACK} {value(0.1, 10)}"] = "1"
        bills.append(bill)
        for _ in range(rng.randint(0, 3)):
            bills.append(changed(bill, rng, value, footprints, footprint))
    known = frozenset(rng.sample(names, rng.choice([0, 0, 1])))
    return World(footprints, list(bills), Peer("buyer", knowledge=Knowledge(footprints=known)))


def changed(
    bill: Bill,
    rng: random.Random,
    value: Callable[[float, float], str],
    footprints: dict[str, ReceivedFootprint],
    footprint: Callable[[str], ReceivedFootprint],
) -> dict[str, str]:
    """A variant, by a quantity or an input; or a version, by a corrected footprint."""
    new = dict(bill)
    name = rng.choice(sorted(bill))
    kind = rng.uniform(0.4, 1) if name.startswith(STACK) else rng.random()
    if kind < 0.4:
        new[name] = value(0.1, 3)
    elif kind < 0.6 and len(bill) > 1:
        del new[name]
    elif kind < 0.7:
        return {one: amount for one, amount in bill.items() if one not in footprints} or new
    elif name in footprints:
        later = f"{name}'{len(footprints)}"
        footprints[later] = footprint(later) if kind < 0.85 else again(footprints[name], later, rng)
        new[later] = new.pop(name)
    return new


def again(old: ReceivedFootprint, later: str, rng: random.Random) -> ReceivedFootprint:
    """The same product under another id: with the same figures, or corrected by up to 5 %."""
    pcf = old.document["pcf"]
    change = rng.choice([Decimal(1), 1 + Decimal(rng.randint(-50, 50)) / 1000])
    fossil, land_use = (str(Decimal(pcf[name]) * change) for name in (FOSSIL, LAND_USE))
    made = supplied(later, fossil, land_use, primaryDataShare=pcf[PRIMARY_SHARE])
    return of_product(made)


def of_product(footprint: ReceivedFootprint) -> ReceivedFootprint:
    """With the ids of its product and company, which later ones have as well."""
    base = base_of(footprint.id)
    named = {"companyIds": [f"urn:company:{base}"], "productIds": [f"urn:product:{base}"]}
    return replace(footprint, document={**footprint.document, **named})


def base_of(footprint_id: str) -> str:
    return footprint_id.partition("'")[0]


def stack_kg(name: str) -> str:
    return name.removeprefix(STACK).strip()


@dataclass
class Attacker:
    """Collects what is published, as inequalities of the unknowns.

    Each source has fossil emissions, emissions of land use change, and a part of both that is from
    primary data. That a source has none of one is known. The stacks of two products are one if they
    emit the same, and a footprint that was corrected a little is nearly what it was.
    """

    world: World
    columns: dict[tuple[str, str], int] = field(default_factory=dict)
    rows: list[tuple[dict[int, float], float, float]] = field(default_factory=list)

    def read(self, bill: Bill, shown: Mapping[str, Any], digits: int) -> None:
        """A document, as far as it is shown."""
        amounts = {name: float(Fraction(amount)) for name, amount in bill.items()}
        for figure in (FOSSIL, LAND_USE, EXCLUDING):
            if figure in shown:
                self.rows.append((self.sum_of(amounts, figure), *bounds(shown[figure], digits)))
        if PRIMARY_SHARE in shown:
            low, high = bounds(shown[PRIMARY_SHARE], digits)
            for share, is_low in ((low / 100, True), (high / 100, False)):
                row = self.sum_of(amounts, "primary")
                for column, amount in self.sum_of(amounts, EXCLUDING).items():
                    row[column] = row.get(column, 0) - share * amount
                self.rows.append((row, 0, np.inf) if is_low else (row, -np.inf, 0))

    def sum_of(self, amounts: Mapping[str, float], figure: str) -> dict[int, float]:
        parts = (FOSSIL, LAND_USE) if figure == EXCLUDING else (figure,)
        row: dict[int, float] = {}
        for name, amount in amounts.items():
            for part in parts:
                if part == "primary" or self.truth(name, part):
                    row[self.column(name, part)] = amount
        return row

    def column(self, name: str, part: str) -> int:
        if (name, part) not in self.columns:
            self.columns[name, part] = len(self.columns)
            if part == "primary":
                row = {n: -a for n, a in self.sum_of({name: 1}, EXCLUDING).items()}
                self.rows.append(({**row, self.columns[name, part]: 1}, -np.inf, 0))
        return self.columns[name, part]

    def truth(self, name: str, part: str) -> float:
        if name == GRID:
            return 0.37 if part in (FOSSIL, EXCLUDING) else 0
        if name.startswith(STACK):
            return float(stack_kg(name)) if part in (FOSSIL, EXCLUDING, "primary") else 0
        pcf = self.world.footprints[name].document["pcf"]
        if part == "primary":
            return float(pcf[EXCLUDING]) * float(pcf[PRIMARY_SHARE]) / 100
        return float(pcf[part])

    def assume(self) -> None:
        """What has another id and nearly the same figures is the same, corrected: as near as it
        is."""
        names = sorted({name for name, _ in self.columns} & self.world.footprints.keys())
        for one, other in combinations(names, 2):
            if base_of(one) == base_of(other):
                for part in (FOSSIL, LAND_USE):
                    values = self.truth(one, part), self.truth(other, part)
                    difference = abs(values[0] - values[1])
                    if difference + min(values) > 0 and difference <= 0.05 * min(values):
                        row = {self.column(one, part): 1.0, self.column(other, part): -1.0}
                        self.rows.append((row, -difference, difference))

    def found(self) -> set[tuple[str, str]]:
        """Suppliers' numbers that it has to within p %, on either side."""
        known = self.world.peer.knowledge.footprints
        names = sorted({name for name, _ in self.columns} & self.world.footprints.keys() - known)
        return {
            (name, figure)
            for name in names
            for figure in (EXCLUDING, FOSSIL, LAND_USE)
            if self.truth(name, figure) and self.is_close(name, figure)
        }

    def is_close(self, name: str, figure: str) -> bool:
        truth = self.truth(name, figure)
        objective = np.zeros(len(self.columns))
        for column, amount in self.sum_of({name: 1.0}, figure).items():
            objective[column] = amount
        low, high = self.extreme(objective), -self.extreme(-objective)
        return low > truth * (1 - CLOSE) or high < truth * (1 + CLOSE)

    def extreme(self, objective: Any) -> float:
        array, ends = self.constraints
        known = self.world.peer.knowledge.footprints
        limits = [
            (self.truth(n, p), self.truth(n, p)) if n in known else (0, None)
            for n, p in self.columns
        ]
        result = linprog(objective, array, ends, bounds=limits, method="highs")
        if result.status == 4:  # unbounded, or only difficult: presolving does not say
            more = {"presolve": False}
            result = linprog(objective, array, ends, bounds=limits, method="highs", options=more)
        if result.status == 3:
            return -np.inf
        assert result.status == 0, result.message  # the truth agrees with everything
        return float(result.fun)

    @cached_property
    def constraints(self) -> tuple[Any, list[float]]:
        array, ends = [], []
        for row, low, high in self.rows:
            dense = np.zeros(len(self.columns))
            for column, amount in row.items():
                dense[column] = amount
            for sign, end in ((1, high), (-1, -low)):
                if np.isfinite(end):
                    array.append(sign * dense)
                    ends.append(end + 1e-9)
        return np.array(array), ends


def bounds(text: str, digits: int) -> tuple[float, float]:
    """What a text tells: half a unit of its last place, unless it is too short to be rounded."""
    number = Decimal(text)
    if len(number.as_tuple().digits) < digits:
        return float(number), float(number)
    places = len(text.partition(".")[2])
    half = Decimal(5).scaleb(-places - 1)
    return float(number - half), float(number + half)


def shown_at(rolled: RollUp, level: Level) -> dict[str, Any]:
    parts = split(rolled.document)
    shown = dict(parts.core["pcf"])
    for block in level.blocks:
        shown.update(parts.blocks[block].get("pcf", {}))
    return shown


@dataclass(frozen=True)
class Result:
    """What came of a world."""

    published: int
    bills: int
    found: frozenset[tuple[str, str]]


def play(seed: int, thresholds: Thresholds | None) -> Result:
    """Publish and grant what a world has; with thresholds, what the gate lets out."""
    world, published = random_world(seed), 0
    attacker = Attacker(world)
    ledger: list[Release] = []
    for number, bill in enumerate(world.bills):
        level, digits = Level.FULL, 6
        rolled = world.rolled_up(bill, digits)
        if thresholds is not None:
            calculated = rolled.explanation.calculated

            def exposure_at(places: int, made: Any = calculated, name: str = f"b{number}") -> Any:
                return exposure_of(made, name, places)

            first = judge_publication(exposure_at, level, [world.peer], ledger, thresholds)
            if first.level is None:
                continue
            exposure = exposure_at(first.digits)
            second = judge_grant(exposure, level, world.peer, ledger, (), thresholds)
            assert second.level is first.level
            level, digits = first.level, first.digits
            ledger.append(Release("buyer", frozenset(level.blocks), exposure))
            rolled = world.rolled_up(bill, digits)
        published += 1
        attacker.read(bill, shown_at(rolled, level), digits)
    attacker.assume()
    return Result(published, len(world.bills), frozenset(attacker.found()))


def rates(
    seeds: range, thresholds: Thresholds, say: Callable[[str, object], None]
) -> tuple[list[int], list[int], float]:
    """Worlds in which the attacker succeeds, with the gate off and on; how much is published."""
    off = [seed for seed in seeds if play(seed, None).found]
    results = {seed: play(seed, thresholds) for seed in seeds}
    on = [seed for seed, one in results.items() if one.found]
    published = sum(one.published for one in results.values())
    share = published / sum(one.bills for one in results.values())
    say(
        "said",
        f"{len(seeds)} supply chains: the attacker succeeds in {len(off)} with the gate off, in "
        f"{len(on)} with the gate on, which lets {share:.0%} of the footprints out",
    )
    return off, on, share


SETTINGS = {
    "default": Thresholds(),
    # Without the rules nearly everything depends on linear programming.
    "no rules": Thresholds(contributors=1, dominance=(), percent=10),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_attacker(name: str, record_property: Callable[[str, object], None]) -> None:
    off, on, share = rates(range(8), SETTINGS[name], record_property)
    assert on == []
    assert len(off) > 4
    assert share > 0.15


@pytest.mark.soak
@pytest.mark.parametrize("name", SETTINGS)
def test_the_attacker_at_length(name: str, record_property: Callable[[str, object], None]) -> None:
    off, on, share = rates(range(1000, 1400), SETTINGS[name], record_property)
    assert on == []
    assert len(off) > 200
    assert share > 0.15
