"""Every property belongs to the core or to exactly one block."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from underseal_protocol.criteria import FootprintIndex
from underseal_protocol.disclosure import (
    CREDENTIAL_SCHEMA_PATH,
    Block,
    Level,
    block_of,
    is_credential_entry,
    properties_of,
    split,
)
from underseal_protocol.errors import CredentialError

SAMPLE = json.loads(
    (Path(__file__).parents[1] / "vectors" / "credential" / "footprint.json").read_text("utf-8")
)
PUBLISHED = Path(__file__).parents[2].parent / "shared" / "pact" / "openapi_v3.yaml"

CORE = {
    *("id", "specVersion", "precedingPfIds", "created", "validityPeriodStart"),
    *("validityPeriodEnd", "companyName", "companyIds", "productDescription", "productIds"),
    *("productClassifications", "productNameCompany", "pcf"),
}
CORE_PCF = {
    *("declaredUnitOfMeasurement", "declaredUnitAmount", "productMassPerDeclaredUnit"),
    *("referencePeriodStart", "referencePeriodEnd", "geographyRegionOrSubregion"),
    *("geographyCountry", "geographyCountrySubdivision", "pcfExcludingBiogenicUptake"),
    *("pcfIncludingBiogenicUptake", "fossilGhgEmissions", "fossilCarbonContent"),
    *("ipccCharacterizationFactors", "crossSectoralStandards", "exemptedEmissionsPercent"),
    *("packagingEmissionsIncluded", "ccsTechnologicalCO2CaptureIncluded", "primaryDataShare"),
}


def merge(into: dict[str, Any], part: dict[str, Any]) -> None:
    for name, value in part.items():
        if name == "pcf":
            merge(into.setdefault("pcf", {}), value)
        else:
            assert name not in into, f"{name} is in two parts"
            into[name] = value


def test_the_parts_are_the_whole() -> None:
    parts = split(SAMPLE)
    joined: dict[str, Any] = {}
    for part in (parts.core, *parts.blocks.values()):
        merge(joined, part)
    assert joined == {name: value for name, value in SAMPLE.items() if name != "status"}
    assert tuple(parts.blocks) == tuple(Block)


def test_the_core_is_what_is_always_shown() -> None:
    core = split(SAMPLE).core
    geography = {"geographyRegionOrSubregion", "geographyCountrySubdivision"}
    assert core.keys() == CORE
    assert core["pcf"].keys() == CORE_PCF - geography
    for name in geography:
        assert block_of(name) is None


def test_blocks_of_the_sample() -> None:
    blocks = split(SAMPLE).blocks
    assert blocks[Block.QUALITY]["pcf"].keys() == {
        "dqi",
        "exemptedEmissionsDescription",
        "secondaryEmissionFactorSources",
    }
    assert blocks[Block.VERIFICATION] == {"pcf": {"verification": SAMPLE["pcf"]["verification"]}}
    assert blocks[Block.CARBON]["pcf"].keys() == {
        "biogenicCarbonContent",
        "recycledCarbonContent",
        "ccuCarbonContent",
        "packagingBiogenicCarbonContent",
    }
    assert blocks[Block.METHOD]["comment"] == SAMPLE["comment"]
    assert blocks[Block.OTHER] == {
        "pcf": {"x-kws-furnace": SAMPLE["pcf"]["x-kws-furnace"]},
        "extensions": SAMPLE["extensions"],
        "x-kws-revision": "B",
    }


def test_empty_blocks_are_there() -> None:
    parts = split({"id": "x", "status": "Active", "pcf": {"declaredUnitAmount": "1"}})
    assert parts.blocks == {block: {} for block in Block}
    assert parts.core == {"id": "x", "pcf": {"declaredUnitAmount": "1"}}


def test_null_and_empty_values_are_content() -> None:
    parts = split({"comment": None, "pcf": {"dqi": {}, "x": None}, "extensions": []})
    assert parts.blocks[Block.METHOD] == {"comment": None}
    assert parts.blocks[Block.QUALITY] == {"pcf": {"dqi": {}}}
    assert parts.blocks[Block.OTHER] == {"pcf": {"x": None}}


def test_only_the_credential_is_left_out_of_the_extensions() -> None:
    credential = {"dataSchema": "https://a.example" + CREDENTIAL_SCHEMA_PATH}
    near = {"dataSchema": f"https://a.example{CREDENTIAL_SCHEMA_PATH}?"}
    odd: list[Any] = [near, {"dataSchema": 5}, {}, "text", None]
    assert is_credential_entry(credential)
    assert not any(map(is_credential_entry, odd))
    parts = split({"pcf": {}, "extensions": [near, credential, *odd[1:]]})
    assert parts.blocks[Block.OTHER] == {"extensions": odd}


@pytest.mark.parametrize("document", [{"pcf": []}, {"pcf": None}, {"pcf": "x"}])
def test_a_pcf_that_is_no_object_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(CredentialError, match="pcf is"):
        split(document)


@pytest.mark.parametrize("extensions", [None, {}, "x"])
def test_extensions_that_are_no_array_are_refused(extensions: Any) -> None:
    with pytest.raises(CredentialError, match="extensions is"):
        split({"pcf": {}, "extensions": extensions})


def test_levels_nest() -> None:
    assert [level.rank for level in Level] == [0, 1, 2, 3]
    assert Level.TOTAL.blocks == ()
    assert Level.QUALITY.blocks == (Block.QUALITY, Block.VERIFICATION)
    assert Level.BREAKDOWN.blocks == (*Level.QUALITY.blocks, Block.EMISSIONS, Block.CARBON)
    assert Level.FULL.blocks == (*Level.BREAKDOWN.blocks, Block.METHOD, Block.OTHER)
    for level in Level:
        assert Level.of_rank(level.rank) is level


@pytest.mark.parametrize("rank", [-1, 4])
def test_there_are_no_other_ranks(rank: int) -> None:
    with pytest.raises(ValueError, match="rank"):
        Level.of_rank(rank)


@pytest.mark.parametrize(
    ("path", "block"),
    [
        ("/id", None),
        ("/status", None),
        ("/pcf", None),
        ("/pcf/pcfExcludingBiogenicUptake", None),
        ("/pcf/dqi/temporalDQR", Block.QUALITY),
        ("/pcf/secondaryEmissionFactorSources/0/name", Block.QUALITY),
        ("/pcf/verification", Block.VERIFICATION),
        ("/pcf/aircraftGhgEmissions", Block.EMISSIONS),
        ("/pcf/ccuCarbonContent", Block.CARBON),
        ("/comment", Block.METHOD),
        ("/extensions/0/data", Block.OTHER),
        ("/pcf/x~1y", Block.OTHER),
        ("/x", Block.OTHER),
        ("dqi", Block.QUALITY),
        ("comment", Block.METHOD),
        ("primaryDataShare", None),
        ("status", None),
        ("pcf", None),
        ("productIds", None),
        ("x-unknown", Block.OTHER),
        ("extensions", Block.OTHER),
    ],
)
def test_block_of(path: str, block: Block | None) -> None:
    assert block_of(path) is block


def test_properties_of_blocks() -> None:
    assert properties_of([]) == frozenset()
    assert properties_of([Block.VERIFICATION]) == {"verification"}
    assert "extensions" in properties_of([Block.OTHER])
    assert "comment" in properties_of([Block.METHOD])
    for name in properties_of(Block):
        assert block_of(name) is not None


@pytest.mark.published
@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published specification is not here")
def test_every_published_property_has_its_place() -> None:
    yaml = pytest.importorskip("yaml")
    schemas = yaml.safe_load(PUBLISHED.read_text("utf-8"))["components"]["schemas"]
    in_blocks = properties_of(Block)
    top = schemas["ProductFootprint"]["properties"].keys() - {"status"}
    pcf = schemas["CarbonFootprint"]["properties"].keys()
    assert top == CORE | {"comment", "extensions"}
    assert CORE - {"precedingPfIds", "validityPeriodStart", "validityPeriodEnd"} - {
        "productClassifications"
    } == set(schemas["ProductFootprint"]["required"]) - {"status"}
    assert set(schemas["CarbonFootprint"]["required"]) < CORE_PCF
    assert pcf == CORE_PCF | (in_blocks - {"comment", "extensions"})


class Noted(Mapping[str, Any]):
    """A document that notes which members are asked for."""

    def __init__(self, members: Mapping[str, Any], noted: set[str], path: str = "") -> None:
        self._members, self._noted, self._path = members, noted, path

    def __getitem__(self, name: str) -> Any:
        self._noted.add(f"{self._path}/{name}")
        value = self._members[name]
        return Noted(value, self._noted, f"{self._path}/{name}") if name == "pcf" else value

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("the filters look at single members")

    def __len__(self) -> int:
        return len(self._members)


def test_the_filters_look_at_the_core_alone() -> None:
    """So no filter can ask about what a level withholds (docs/adr/0013-disclosure-levels.md)."""
    noted: set[str] = set()
    FootprintIndex.of(Noted(SAMPLE, noted))
    assert {"/productIds", "/companyIds", "/status", "/pcf/geographyCountry"} <= noted
    assert {path: block_of(path) for path in noted} == dict.fromkeys(noted)
