"""The four tiers of examples/battery, from the files that people import."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from tests.node.products.test_export import back

from underseal_node.products.reading import read_factors, read_products
from underseal_node.settings import Settings
from underseal_protocol.rollup.calculation import calculate_figures
from underseal_protocol.rollup.documents import factor_of, product_of
from underseal_protocol.rollup.inputs import Material, Product, RollUpInputs
from underseal_protocol.rollup.sources import Factor, ProductSource

BATTERY = Path(__file__).parents[3] / "examples" / "battery"
COMPANIES = ("jichuan", "wierzbolit", "tiszahajnal", "harzquell")
NAMES = {"companyName": "x", "companyIds": ["urn:x:1"]}
EXCLUDING = "pcfExcludingBiogenicUptake"


def read(company: str) -> list[dict[str, Any]]:
    content = (BATTERY / "products" / f"{company}.csv").read_bytes()
    found = read_products(f"{company}.csv", content, Settings())
    assert found.problems == ()
    return [one.document for one in found.products]


def products() -> dict[str, Product]:
    made = [product_of(one, NAMES) for company in COMPANIES for one in read(company)]
    return {one.id: one for one in made}


def factors() -> list[Factor]:
    found = read_factors("sources.csv", (BATTERY / "sources.csv").read_bytes(), Settings())
    return [factor_of(one.document) for one in found.factors]


def matched(chain: dict[str, Product]) -> list[Product]:
    """With what comes from another company, found by its product ids."""
    by_product_id = {
        urn: one.id
        for one in chain.values()
        if one.declaration is not None
        for urn in one.declaration.product_ids
    }

    def match(line: Any) -> Any:
        if line.source is not None:
            return line
        assert isinstance(line, Material)
        assert line.supplier
        return replace(line, source=ProductSource(by_product_id[line.product_ids[0]]))

    return [replace(one, lines=tuple(map(match, one.lines))) for one in chain.values()]


def written(value: Fraction, like: str) -> str:
    """A number with as many places as another one."""
    places = len(like.partition(".")[2])
    return f"{Decimal(value.numerator) / value.denominator:.{places}f}"


@pytest.mark.parametrize(
    ("product", "expected"),
    [
        ("lioh-spodumene", "14.28"),
        ("nmc811", "23.71"),
        ("nmc811-market", "24.98"),
        ("cell-nmc811", "67.1"),
        ("cell-nmc811-gras", "84.1"),
        ("pack-75", "78.6"),
        ("pack-75-gras", "95.6"),
        ("pack-75-piece", "5893"),
    ],
)
def test_each_tier_has_the_known_total(product: str, expected: str) -> None:
    inputs = RollUpInputs.of(matched(products()), (), factors())
    assert written(calculate_figures(inputs, product)[0][EXCLUDING], expected) == expected


def test_the_files_are_what_the_script_writes(tmp_path: Path) -> None:
    script = [sys.executable, str(BATTERY / "bills.py"), str(tmp_path)]
    subprocess.run(script, check=True)
    for company in COMPANIES:
        committed = BATTERY / "products" / f"{company}.csv"
        assert (tmp_path / committed.name).read_bytes() == committed.read_bytes(), company


def test_unverified_factors_are_marked() -> None:
    unverified = {one.id for one in factors() if not one.is_verified}
    assert {"MA-SPODCONC", "CH-H2SO4", "MA-PVDF"} <= unverified
    assert not {"EL-CN", "FU-NG", "TR-TRUCK"} & unverified


def test_the_bills_survive_a_workbook() -> None:
    chain = list(products().values())
    found = back(*chain, factors=factors())
    assert found.problems == ()
    assert [one.document["id"] for one in found.products] == [one.id for one in chain]
