"""The files of examples/battery are what its build script computes, and are well-formed."""

from __future__ import annotations

import csv
import json
import runpy
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from stdnum import ean, lei

BATTERY = Path(__file__).parents[2] / "examples" / "battery"
COMMITTED = BATTERY / "footprints"
FILES = sorted(path.relative_to(COMMITTED) for path in COMMITTED.rglob("*.json"))


def load(path: Path | str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((COMMITTED / path).read_text(encoding="utf-8"))
    return document


def total(path: str) -> Decimal:
    return Decimal(load(path)["pcf"]["pcfExcludingBiogenicUptake"])


def test_the_build_script_writes_exactly_the_committed_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["build.py", str(tmp_path)])
    runpy.run_path(str(BATTERY / "build.py"), run_name="__main__")
    built = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.json"))
    assert built == FILES
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (COMMITTED / name).read_bytes(), name


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("jichuan/lioh-spodumene.json", "14.28"),
        ("wierzbolit/nmc811.json", "23.71"),
        ("wierzbolit/nmc811-market.json", "24.98"),
        ("tiszahajnal/cell-nmc811.json", "67.1"),
        ("tiszahajnal/cell-nmc811-gras.json", "84.1"),
        ("harzquell/pack-75.json", "78.6"),
        ("harzquell/pack-75-gras.json", "95.6"),
        ("harzquell/pack-75-piece.json", "5893"),
    ],
)
def test_the_totals_are_those_of_the_worked_example(path: str, expected: str) -> None:
    assert total(path).quantize(Decimal(expected)) == Decimal(expected)


def test_the_correction_names_what_it_corrects_and_says_another_number() -> None:
    first, second = (
        load("jichuan/lioh-spodumene.json"),
        load("corrections/jichuan/lioh-spodumene.json"),
    )
    assert second["precedingPfIds"] == [first["id"]]
    assert second["id"] != first["id"]
    assert second["productIds"] == first["productIds"]
    assert total("corrections/jichuan/lioh-spodumene.json") == Decimal("14.6193")


def test_identifiers_have_valid_check_digits_and_are_not_used_twice() -> None:
    ids, gtins = set(), []
    for name in FILES:
        document = load(name)
        ids.add(document["id"])
        gtins += [
            (urn, "corrections" in name.parts)
            for urn in document["productIds"]
            if urn.startswith("urn:gtin:")
        ]
        assert lei.is_valid(document["companyIds"][0].removeprefix("urn:lei:"))
    assert len(ids) == len(FILES)
    assert all(ean.is_valid(urn.removeprefix("urn:gtin:")) for urn, _ in gtins)
    originals = [urn for urn, correction in gtins if not correction]
    assert len(set(originals)) == len(originals)


def test_every_factor_keeps_its_source_or_is_marked_unverified() -> None:
    with (BATTERY / "sources.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert {row["verified"] for row in rows} == {"yes", "no"}
    for row in rows:
        assert (row["verified"] == "yes") == bool(row["source_title"] and row["source_url"]), row


def test_a_footprint_with_unverified_factors_says_so() -> None:
    named = {entry["name"] for entry in secondary_sources("jichuan/lioh-spodumene.json")}
    assert "Unverified estimates of this example" in named
    named = {entry["name"] for entry in secondary_sources("jichuan/lioh-brine.json")}
    assert "Unverified estimates of this example" not in named


def secondary_sources(path: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = load(path)["pcf"]["secondaryEmissionFactorSources"]
    return found
