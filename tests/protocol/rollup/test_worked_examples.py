"""docs/explanation/roll-up.md is calculated: its tables are the inputs and the expected results."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from tests.protocol.rollup.builders import (
    factor,
    inputs_of,
    material,
    product,
    received,
    rolled_up,
)

from underseal_protocol.rollup.calculation import calculate_figures
from underseal_protocol.rollup.findings import RULES
from underseal_protocol.rollup.inputs import (
    DirectEmission,
    Energy,
    Line,
    Material,
    Product,
    Quantity,
    Transport,
)
from underseal_protocol.rollup.sources import (
    DataQuality,
    Factor,
    FactorSource,
    FootprintSource,
    ProductSource,
    ReceivedFootprint,
)

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "roll-up.md"
Row = dict[str, str]


def tables(page: Path) -> list[list[Row]]:
    """All tables of a page, each as rows by head."""
    found: list[list[Row]] = []
    heads: list[str] = []
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            heads = []
        elif not heads:
            heads = cells
            found.append([])
        elif not set(line) <= set("|-"):
            found[-1].append(dict(zip(heads, cells, strict=True)))
    return found


SPRING, SPRING_RESULT, HANDLE, TOOL, TOOL_RESULT, FINDINGS = tables(PAGE)


def values(table: list[Row]) -> dict[str, str]:
    (name, value) = table[0]
    return {row[name]: row[value] for row in table}


def spring() -> tuple[Product, list[Factor]]:
    lines: list[Line] = []
    factors = []
    for row in SPRING:
        name, quality = row["Line"], DataQuality(*map(int, row["DQR"].split(",")))
        emission = Decimal(row["kg CO2e"])
        if row["Kind"] == "direct":
            lines.append(
                DirectEmission(
                    id=name, name=name, emissions={"fossilGhgEmissions": emission}, quality=quality
                )
            )
            continue
        quantity, source = Quantity(Decimal(row["Amount"]), row["Unit"]), FactorSource(name)
        if row["Kind"] == "material":
            loss = Decimal(row["Lost %"]) / 100
            lines.append(Material(id=name, name=name, quantity=quantity, source=source, loss=loss))
        elif row["Kind"] == "energy":
            lines.append(Energy(id=name, name=name, quantity=quantity, source=source))
        else:
            distance = Quantity(Decimal(row["Distance km"]), "km")
            lines.append(
                Transport(id=name, name=name, load=quantity, distance=distance, source=source)
            )
        factors.append(factor(name, row["per"], {"fossilGhgEmissions": emission}, quality=quality))
    return product(*lines, product_id="spring"), factors


def everything() -> list[Product | Factor | ReceivedFootprint]:
    made, factors = spring()
    # The rod is a footprint: a factor is primary as a whole, or not at all.
    row = SPRING[0]
    rod = received(
        row["Line"],
        pcfExcludingBiogenicUptake=row["kg CO2e"],
        pcfIncludingBiogenicUptake=row["kg CO2e"],
        fossilGhgEmissions=row["kg CO2e"],
        primaryDataShare=row["Primary %"],
    )
    first = made.lines[0]
    assert isinstance(first, Material)
    bought = replace(first, source=FootprintSource(row["Line"]))
    stated = {row["Property"]: row["Beech, per 500 kg"] for row in HANDLE}
    beech = received(
        declaredUnitAmount="500", productMassPerDeclaredUnit="500", primaryDataShare="37", **stated
    )
    wood = material(amount=Decimal("0.6"), loss=Decimal("0.25"))
    handle = product(wood, product_id="handle", unit="piece", mass_kg=Decimal("0.6"))
    parts = [
        material(row["Line"], Decimal(row["Amount"]), row["Unit"], ProductSource(row["Line"]))
        for row in TOOL
    ]
    tool = product(*parts, product_id="tool", unit="piece", mass_kg=1)
    made = replace(made, lines=(bought, *made.lines[1:]))
    return [made, *factors, rod, handle, beech, tool]


def test_the_spring() -> None:
    result = rolled_up(*everything(), product_id="spring")
    amounts = {one.ref.line: one.amount for one in result.explanation.contributions}
    assert amounts == {row["Line"]: Fraction(row["Contribution"]) for row in SPRING}
    pcf = result.document["pcf"]
    expected = values(SPRING_RESULT)
    assert {name: pcf.get(name) or pcf["dqi"].get(name) for name in expected} == expected


def test_the_handle() -> None:
    figures, _ = calculate_figures(inputs_of(*everything()), "handle")
    for row in HANDLE:
        assert figures[row["Property"]] == Fraction(row["Handle"]), row
        if row["Multiplied by"]:
            stated = Fraction(row["Beech, per 500 kg"])
            assert stated * Fraction(row["Multiplied by"]) == Fraction(row["Handle"])


def test_the_tool() -> None:
    result = rolled_up(*everything(), product_id="tool")
    amounts = {one.ref.line: one.amount for one in result.explanation.own_lines}
    assert amounts == {row["Line"]: Fraction(row["Contribution"]) for row in TOOL}
    expected = values(TOOL_RESULT)
    assert {name: result.document["pcf"][name] for name in expected} == expected


def test_the_page_lists_every_finding() -> None:
    assert {row["Finding"]: row["Severity"] for row in FINDINGS} == {
        rule.id: rule.severity.value for rule in RULES.values()
    }
    for row in FINDINGS:
        rule = RULES[row["Finding"]]
        assert row["When, and what to do"] == f"{rule.meaning} {rule.hint}"
