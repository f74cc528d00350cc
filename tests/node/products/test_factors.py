"""Emission factors from CSV, workbooks and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from underseal_node.products.reading import read_factors
from underseal_node.products.results import ReadProducts
from underseal_node.settings import Settings
from underseal_protocol.rollup.documents import factor_of

Book = Callable[..., bytes]
Csv = Callable[..., bytes]

SOURCES = Path(__file__).parents[3] / "examples" / "battery" / "sources.csv"
HEADER = ["id", "name", "value", "unit", "database", "version"]
ROW = ["EL", "power", "0.5", "kgCO2e/kWh", "ecoinvent", "3.11"]
EXCLUDING = "pcfExcludingBiogenicUptake"


def document_of(read: ReadProducts) -> dict[str, Any]:
    assert read.problems == ()
    (placed,) = read.factors
    return placed.document


def one(settings: Settings, csv_of: Csv, **cells: str) -> ReadProducts:
    """The factor of a row with other cells."""
    row = {**dict(zip(HEADER, ROW, strict=True)), **cells}
    return read_factors("f.csv", csv_of([list(row), list(row.values())]), settings)


def test_the_factors_of_the_example(settings: Settings) -> None:
    read = read_factors("sources.csv", SOURCES.read_bytes(), settings)
    assert read.problems == ()
    factors = {one.document["id"]: factor_of(one.document) for one in read.factors}
    assert len(factors) == len(SOURCES.read_text("utf-8").splitlines()) - 1
    truck = factors["TR-TRUCK"]
    assert (truck.unit, truck.year, truck.assessment_reports) == ("tkm", 2025, ("AR5",))
    assert truck.database.startswith("UK Government GHG conversion factors 2025")
    ore = factors["MA-SPODCONC"]
    assert (ore.is_verified, ore.database, ore.version) == (False, "unverified estimate", "undated")
    assert factors["TR-SHIP"].geography is None
    assert factors["EL-PL"].values == {EXCLUDING: factors["EL-PL"].values[EXCLUDING]}
    assert str(factors["EL-PL"].values[EXCLUDING]) == "0.61498"


@pytest.mark.parametrize(
    ("unit", "value", "expected", "per"),
    [
        ("kWh", "0.5", "0.5", "kWh"),
        ("kgCO2e/kWh", "0.50", "0.50", "kWh"),
        ("kg CO2-eq. / MJ", "1e-3", "0.001", "MJ"),
        ("g CO2e/kWh", "412", "0.412", "kWh"),
        ("t CO₂e per t", "1/3", "1000/3", "t"),
        ("kg CO2-Äq pro Stück", "7", "7", "Stück"),
        ("lb CO2/MWh", "100", "45.35923700", "MWh"),
    ],
)
def test_units(
    settings: Settings, csv_of: Csv, unit: str, value: str, expected: str, per: str
) -> None:
    document = document_of(one(settings, csv_of, unit=unit, value=value))
    assert (document["values"], document["unit"]) == ({EXCLUDING: expected}, per)


@pytest.mark.parametrize(
    ("cells", "place", "message"),
    [
        ({"unit": "kg/kWh"}, "row 2, column unit", "is not of CO2e"),
        ({"unit": "CO2e/kWh"}, "row 2, column unit", "is no unit"),
        ({"unit": "kWh CO2e/kWh"}, "row 2, column unit", "is no mass"),
        ({"unit": "kgCO2e/ton"}, "row 2, column unit", "has several meanings"),
        ({"value": ""}, "row 2, column value", "the value is missing"),
        ({"value": "x"}, "row 2, column value", "is not a number"),
        ({"id": ""}, "row 2, column id", "the id is missing"),
        ({"database": ""}, "row 2, column database", "nothing says where the factor is from"),
        ({"year": "24"}, "row 2, column year", "'24' is no year"),
        ({"technological DQR": "2"}, "row 2", "is missing"),
        (
            {"unit": "g CO2e/kWh", "fossilGhgEmissions": "1"},
            "row 2, column unit",
            "components are in kg",
        ),
    ],
)
def test_what_is_wrong_has_its_place(
    settings: Settings, csv_of: Csv, cells: dict[str, str], place: str, message: str
) -> None:
    problem = one(settings, csv_of, **cells).problems[0]
    assert (problem.place, message in problem.message) == (place, True), problem


def test_components_and_the_rest(settings: Settings, csv_of: Csv) -> None:
    document = document_of(
        one(
            settings,
            csv_of,
            value="",
            unit="kg",
            amount="1.000,5",
            geography="GLO",
            year="2024",
            licence="CC BY 4.0",
            verified="nein",
            assessmentReports="AR5 | AR6",
            density="870",
            **{
                "Fossil GHG emissions": "0,4",
                "Biogenic CO2 uptake": "-1,8",
                "technological DQR": "1",
                "geographical DQR": "2",
                "temporal DQR": "3",
            },
        )
    )
    assert document == {
        "id": "EL",
        "name": "power",
        "values": {"fossilGhgEmissions": "0.4", "biogenicCO2Uptake": "-1.8"},
        "unit": "kg",
        "amount": "1000.5",
        "database": "ecoinvent",
        "version": "3.11",
        "year": 2024,
        "licence": "CC BY 4.0",
        "isVerified": False,
        "assessmentReports": ["AR5", "AR6"],
        "quality": {"technological": "1", "geographical": "2", "temporal": "3"},
        "properties": {"densityKgPerM3": "870"},
    }


def test_factors_beside_products_in_a_workbook(book: Book, settings: Settings) -> None:
    content = book({"Products": [["x", "y"]], "Emissionsfaktoren": [HEADER, ROW]})
    assert document_of(read_factors("f.xlsx", content, settings))["id"] == "EL"
    unnamed = book({"Tabelle1": [HEADER, ROW]})
    assert document_of(read_factors("f.xlsx", unnamed, settings))["id"] == "EL"


def test_two_of_one_id(settings: Settings, csv_of: Csv) -> None:
    (problem,) = read_factors("f.csv", csv_of([HEADER, ROW, ROW]), settings).problems
    assert (problem.place, problem.message) == (
        "row 3, column id",
        "the factor 'EL' is there twice",
    )


def test_a_file_without_factors(book: Book, settings: Settings) -> None:
    content = book({"Products": [["Product", "Name", "Unit"], ["a", "b", "kg"]]})
    (problem,) = read_factors("f.xlsx", content, settings).problems
    assert problem.message == "there is no factor in it"


def test_json(settings: Settings) -> None:
    document = {
        "id": "EL", "name": "power", "values": {"fossilGhgEmissions": "0.5"}, "unit": "kWh",
        "database": "d", "version": "1", "isPrimary": False,
    }  # fmt: skip
    for value in (document, [document], {"factors": [document], "products": [{"id": 1}]}):
        found = document_of(read_factors("f.json", json.dumps(value).encode(), settings))
        assert found == {key: one for key, one in document.items() if key != "isPrimary"}
