"""Stricter than the published suite: the life of a footprint, and the data themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.conformance.harness import EXTRA_ID, Api, Json, publish_copy

from underseal_cli.demo_nodes import NodeProcess

DECIMAL = re.compile(r"-?\d+(\.\d+)?")
SIGNED_NOT_POSITIVE = (
    "landManagementBiogenicCO2Removals",
    "technologicalCO2Removals",
    "ccsTechnologicalCO2Capture",
    "biogenicCO2Uptake",
)
SUMMED = (
    "fossilGhgEmissions",
    "landUseChangeGhgEmissions",
    "landManagementBiogenicCO2Emissions",
    "landManagementBiogenicCO2Removals",
    "technologicalCO2Removals",
    "ccsTechnologicalCO2Capture",
    "biogenicNonCO2Emissions",
)

# --- 10. lifecycle --------------------------------------------------------------------------


def without_status(footprint: Json) -> Json:
    return {name: value for name, value in footprint.items() if name != "status"}


def test_deprecation_changes_the_status_and_nothing_else(
    api: Api, operator: NodeProcess, sample: Json, tmp_path: Path
) -> None:
    new = publish_copy(operator, sample, tmp_path)
    before = api.get(new["id"]).json()["data"]
    operator.run("footprint", "deprecate", new["id"])
    after = api.get(new["id"]).json()["data"]
    assert (before["status"], after["status"]) == ("Active", "Deprecated")
    assert without_status(before) == without_status(after)
    assert new["id"] in api.ids(status="Deprecated")
    assert new["id"] in api.ids()
    assert new["id"] not in api.ids(status="Active")


def test_a_correction_is_a_new_footprint_that_names_the_old_one(
    api: Api, operator: NodeProcess
) -> None:
    wanted = "urn:pact:jichuan.example:product-id:LH-BG-01"
    by_status = {item["status"]: item for item in api.items(productId=wanted)}
    assert set(by_status) == {"Active", "Deprecated"}
    assert by_status["Active"]["precedingPfIds"] == [by_status["Deprecated"]["id"]]


def test_other_content_under_the_same_id_is_not_published(
    api: Api, operator: NodeProcess, sample: Json, tmp_path: Path
) -> None:
    new = publish_copy(operator, sample, tmp_path)
    before = api.get(new["id"]).content
    new["pcf"]["productMassPerDeclaredUnit"] = "2"
    file = tmp_path / "again.json"
    file.write_text(json.dumps(new), encoding="utf-8")
    refused = operator.run("footprint", "import", str(file), check=False)
    assert refused.returncode != 0
    assert "supersede" in refused.stderr + refused.stdout
    assert api.get(new["id"]).content == before


# --- 11 to 15. the data ---------------------------------------------------------------------


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member, f"{path}/{name}")
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from leaves(member, f"{path}/{number}")
    else:
        yield path, value


def test_decimals_are_plain_text_and_the_sums_hold(footprints: list[Json]) -> None:
    for footprint in footprints:
        pcf = footprint["pcf"]
        figures = {name: pcf[name] for name in pcf if name.endswith(("Uptake", "Emissions"))}
        assert all(isinstance(v, str) and DECIMAL.fullmatch(v) for v in figures.values()), figures
        total = sum((Decimal(pcf.get(name, "0")) for name in SUMMED), Decimal(0))
        excluding = Decimal(pcf["pcfExcludingBiogenicUptake"])
        including = Decimal(pcf["pcfIncludingBiogenicUptake"])
        assert abs(excluding - total) <= Decimal("0.01") * max(Decimal(1), abs(total))
        assert including == excluding + Decimal(pcf.get("biogenicCO2Uptake", "0"))
        assert all(Decimal(pcf.get(name, "0")) <= 0 for name in SIGNED_NOT_POSITIVE)
        assert Decimal(pcf["declaredUnitAmount"]) > 0
        assert Decimal(pcf["productMassPerDeclaredUnit"]) >= 0


def test_quality_figures_are_within_their_scales(footprints: list[Json]) -> None:
    for footprint in footprints:
        pcf = footprint["pcf"]
        if "primaryDataShare" in pcf:
            assert 0 <= Decimal(pcf["primaryDataShare"]) <= 100
        assert all(1 <= Decimal(rating) <= 5 for rating in pcf.get("dqi", {}).values())


def test_nothing_is_null_or_needlessly_empty(footprints: list[Json]) -> None:
    for footprint in footprints:
        own = {name: value for name, value in footprint.items() if name != "extensions"}
        assert [path for path, value in leaves(own) if value is None] == []
        assert footprint["pcf"].get("secondaryEmissionFactorSources") != []
        geographies = [name for name in footprint["pcf"] if name.startswith("geography")]
        assert len(geographies) <= 1


def test_every_extension_has_its_three_members(footprints: list[Json]) -> None:
    for footprint in footprints:
        for extension in footprint.get("extensions", []):
            assert isinstance(extension["specVersion"], str)
            assert urlsplit(extension["dataSchema"]).scheme == "https"
            assert isinstance(extension["data"], dict)


def test_an_extension_of_somebody_else_is_passed_on_untouched(
    api: Api, operator: NodeProcess
) -> None:
    extensions = api.get(EXTRA_ID).json()["data"]["extensions"]
    foreign = [item for item in extensions if "catalogue.example" in item["dataSchema"]]
    assert foreign == [
        {
            "specVersion": "2.0.0",
            "dataSchema": "https://catalogue.example/schemas/shipment.json",
            "data": {"shipmentId": "S-1", "weight": 10.5, "nested": {"empty": [], "no": None}},
        }
    ]


@pytest.mark.published
def test_everything_listed_is_valid_by_the_published_schema(
    footprints: list[Json], valid: Callable[[str, Any], None], published_schema: Path
) -> None:
    assert published_schema.exists()
    for footprint in footprints:
        valid("ProductFootprint", footprint)
