"""A second implementation of the same sums, in matrix form, on random bills; and what must hold.

The amounts of products that a bill needs solve (I - A) x = f, with A the amounts of products in
products (Leontief). Solved by Gaussian elimination with fractions, it shares no code with the
roll-up, which walks the graph.
"""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.rollup.builders import factor, figures_of, inputs_of, product, received

from underseal_protocol.rollup.calculated import calculate
from underseal_protocol.rollup.calculation import calculate_figures
from underseal_protocol.rollup.inputs import Line, Material, Product, Quantity, RollUpInputs
from underseal_protocol.rollup.properties import SUMMANDS, TAKEN_UP
from underseal_protocol.rollup.sources import (
    Factor,
    FactorSource,
    FootprintSource,
    ProductSource,
    ReceivedFootprint,
    Source,
)

EXCLUDING, UPTAKE = "pcfExcludingBiogenicUptake", "biogenicCO2Uptake"
SIZES = {"kg": Fraction(1), "g": Fraction(1, 1000), "t": Fraction(1000)}
Matrix = list[list[Fraction]]

amounts = st.decimals("0.001", "5", places=4)
losses = st.sampled_from([Decimal(0), Decimal("0.04"), Decimal("0.1"), Decimal("0.333")])


@st.composite
def sources(draw: st.DrawFn) -> list[ReceivedFootprint]:
    found = []
    for number in range(draw(st.integers(1, 3))):
        parts = [draw(st.decimals("0", "50", places=3)) for _ in range(3)]
        removed, taken_up = (-draw(st.decimals("0", "60", places=2)) for _ in range(2))
        total = sum(parts) + removed
        found.append(
            received(
                f"s{number}",
                declaredUnitAmount=str(draw(st.sampled_from([1, 3, 1000]))),
                fossilGhgEmissions=str(parts[0]),
                landUseChangeGhgEmissions=str(parts[1]),
                biogenicNonCO2Emissions=str(parts[2]),
                landManagementBiogenicCO2Removals=str(removed),
                biogenicCO2Uptake=str(taken_up),
                pcfExcludingBiogenicUptake=str(total),
                pcfIncludingBiogenicUptake=str(total + taken_up),
                primaryDataShare=str(draw(st.integers(0, 100))),
            )
        )
    return found


@st.composite
def bills(draw: st.DrawFn) -> RollUpInputs:
    """Up to five products, each made of sources and of products with a higher number."""
    bought = draw(sources())
    count = draw(st.integers(1, 5))
    made = []
    for number in range(count):
        possible: list[Source] = [FootprintSource(one.id) for one in bought]
        possible += [ProductSource(f"p{one}") for one in range(number + 1, count)]
        lines: list[Line] = [
            Material(
                id=f"l{index}",
                name="a",
                source=draw(st.sampled_from(possible)),
                quantity=Quantity(draw(amounts), draw(st.sampled_from(list(SIZES)))),
                loss=draw(losses),
                retained=draw(st.sampled_from([Decimal(1), Decimal("0.5"), Decimal(0)])),
            )
            for index in range(draw(st.integers(0, 5)))
        ]
        made.append(
            product(
                *lines,
                product_id=f"p{number}",
                declared_unit=Quantity(draw(st.sampled_from([1, 2, 7])), "kg"),
                yield_share=draw(st.sampled_from([1, Decimal("0.96"), Decimal("0.7")])),
            )
        )
    return RollUpInputs.of(made, bought)


def solve(matrix: Matrix, right: list[Fraction]) -> list[Fraction]:
    """Gaussian elimination, exactly."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for column in range(size):
        pivot = next(row for row in range(column, size) if rows[row][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [value / rows[column][column] for value in rows[column]]
        for row in range(size):
            if row != column and rows[row][column]:
                factor_ = rows[row][column]
                rows[row] = [a - factor_ * b for a, b in zip(rows[row], rows[column], strict=True)]
    return [row[-1] for row in rows]


def by_matrix(inputs: RollUpInputs, property_: str, *, contained: bool) -> Fraction:
    """A figure per declared unit of p0."""
    ids = list(inputs.products)
    size = len(ids)
    needs = [[Fraction()] * size for _ in ids]  # kg of the row in one kg of the column
    direct = [Fraction()] * size
    for column, id_ in enumerate(ids):
        made = inputs.products[id_]
        declared = Fraction(made.declared_unit.amount)
        for line in made.lines:
            assert isinstance(line, Material)
            amount = Fraction(line.quantity.amount) * SIZES[line.quantity.unit]
            if contained:
                amount *= Fraction(line.retained)
            else:
                amount /= (1 - Fraction(line.loss)) * Fraction(made.yield_share)
            share = amount / declared
            if isinstance(line.source, ProductSource):
                needs[ids.index(line.source.id)][column] += share
            else:
                pcf = inputs.footprints[line.source.id].document["pcf"]  # type: ignore[union-attr]
                stated = Fraction(pcf[property_]) / Fraction(pcf["declaredUnitAmount"])
                direct[column] += share * stated
    identity = [[Fraction(int(i == j)) - needs[i][j] for j in range(size)] for i in range(size)]
    wanted = [Fraction(int(id_ == "p0")) for id_ in ids]
    total = sum((x * d for x, d in zip(solve(identity, wanted), direct, strict=True)), Fraction())
    return total * Fraction(inputs.products["p0"].declared_unit.amount)


@given(bills())
@settings(max_examples=150)
def test_both_implementations_agree_exactly(inputs: RollUpInputs) -> None:
    figures, _ = calculate_figures(inputs, "p0")
    for name in (EXCLUDING, "fossilGhgEmissions", "landUseChangeGhgEmissions",
                 "landManagementBiogenicCO2Removals", "biogenicNonCO2Emissions"):  # fmt: skip
        if name in figures:
            assert figures[name] == by_matrix(inputs, name, contained=False)
    assert figures[UPTAKE] == by_matrix(inputs, UPTAKE, contained=True)


@given(bills())
def test_totals_are_the_sum_of_their_components(inputs: RollUpInputs) -> None:
    figures, _ = calculate_figures(inputs, "p0")
    excluding = figures[EXCLUDING]
    assert excluding == sum(figures.get(name, Fraction()) for name in SUMMANDS)
    assert figures["pcfIncludingBiogenicUptake"] == excluding + figures[UPTAKE]


@given(bills())
def test_contributions_add_up_to_the_total(inputs: RollUpInputs) -> None:
    figures, explanation = calculate_figures(inputs, "p0")
    total = figures[EXCLUDING]
    assert sum(one.amount for one in explanation.contributions) == total
    assert sum(one.amount for one in explanation.own_lines) == total
    assert sum(explanation.by_kind.values()) == total
    assert sum(explanation.by_product.values()) == total
    sums: dict[str, Fraction] = {}
    for one in explanation.contributions:
        for name, value in one.components.items():
            sums[name] = sums.get(name, Fraction()) + value
    assert sums.pop(TAKEN_UP, 0) == figures[UPTAKE]
    for name in SUMMANDS:
        assert sums.get(name, 0) == figures.get(name, 0)
    if explanation.absolute_total:
        assert sum(map(explanation.share, explanation.contributions)) == 1


@given(bills(), st.randoms(use_true_random=False))
def test_the_order_of_lines_and_inputs_does_not_matter(
    inputs: RollUpInputs, shuffle: random.Random
) -> None:
    made = [
        replace(one, lines=tuple(shuffle.sample(one.lines, len(one.lines))))
        for one in inputs.products.values()
    ]
    bought = list(inputs.footprints.values())
    shuffle.shuffle(made)
    shuffle.shuffle(bought)
    other = RollUpInputs.of(made, bought)
    assert calculate(other, "p0").result.sums == calculate(inputs, "p0").result.sums


@given(bills(), st.sampled_from([2, 3, Fraction(1, 7)]))
def test_twice_as_much_of_everything_is_twice_the_footprint(
    inputs: RollUpInputs, times: Fraction
) -> None:
    def enlarged(line: Line) -> Line:
        assert isinstance(line, Material)
        amount = Fraction(line.quantity.amount) * times
        return replace(line, quantity=Quantity(amount, line.quantity.unit))

    root = inputs.products["p0"]
    larger = replace(root, lines=tuple(map(enlarged, root.lines)))
    other = replace(inputs, products={**inputs.products, "p0": larger})
    before, after = (calculate(one, "p0").result.sums for one in (inputs, other))
    assert after == {name: value * times for name, value in before.items()}


@given(bills())
def test_for_twice_the_declared_unit_everything_is_twice(inputs: RollUpInputs) -> None:
    root = inputs.products["p0"]
    unit, amount = root.declared_unit.unit, root.declared_unit.amount
    double = replace(root, declared_unit=Quantity(amount * 2, unit), basis=Quantity(amount, unit))
    other = replace(inputs, products={**inputs.products, "p0": double})
    before, after = (calculate(one, "p0").result.sums for one in (inputs, other))
    assert after == {name: value * 2 for name, value in before.items()}


@given(bills(), st.data())
def test_splitting_a_line_changes_nothing(inputs: RollUpInputs, data: st.DataObject) -> None:
    root = inputs.products["p0"]
    if not root.lines:
        return
    line = data.draw(st.sampled_from(root.lines))
    assert isinstance(line, Material)
    part = Fraction(line.quantity.amount) * data.draw(
        st.sampled_from([Fraction(1, 3), Fraction(1), Fraction(0)])
    )
    rest = Fraction(line.quantity.amount) - part
    parts = [
        replace(line, id=f"{line.id}{name}", quantity=Quantity(amount, line.quantity.unit))
        for name, amount in (("a", part), ("b", rest))
    ]
    lines = (*(one for one in root.lines if one is not line), *parts)
    other = replace(inputs, products={**inputs.products, "p0": replace(root, lines=lines)})
    assert calculate(other, "p0").result.sums == calculate(inputs, "p0").result.sums


def test_how_a_bill_is_cut_does_not_matter() -> None:
    """Also for averages, with contributions of both signs."""
    sink = received(
        "sink",
        pcfExcludingBiogenicUptake="-1",
        pcfIncludingBiogenicUptake="-1",
        fossilGhgEmissions="0",
        landManagementBiogenicCO2Removals="-1",
        primaryDataShare="80",
    )

    def line(line_id: str, source: FootprintSource | FactorSource | ProductSource) -> Material:
        return Material(id=line_id, name="a", quantity=Quantity(1, "kg"), source=source)

    lines = line("a", FootprintSource("sink")), line("b", FactorSource("F"))
    given_: list[ReceivedFootprint | Factor] = [sink, factor("F", "kg")]
    flat = product(*lines)
    part: Product = product(*lines, product_id="part")
    nested = product(line("c", ProductSource("part")))
    flat_sums = calculate(inputs_of(flat, *given_), "P").result.sums
    assert calculate(inputs_of(nested, part, *given_), "P").result.sums == flat_sums
    assert figures_of(flat, *given_)[EXCLUDING] == Fraction(-1, 2)
