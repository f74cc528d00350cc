"""Our tables of reporting rules against the `x-rule`, `x-comment` and `x-methodology` that the
OpenAPI document of PACT 3.0 gives its properties."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import pytest

from underseal_protocol import methodology_presence as presence
from underseal_protocol.methodology_figures import EXCLUDING, INCLUDING, SUMMANDS, UPTAKE
from underseal_protocol.methodology_rules import RULES

pytestmark = pytest.mark.published

Properties: TypeAlias = dict[str, dict[str, Any]]

# Properties with SHOULD that have a rule of their own, or that nobody can miss from outside.
SHOULD_ELSEWHERE = {
    "packagingGhgEmissions": "packaging",
    "secondaryEmissionFactorSources": "secondary-data",
    "geographyRegionOrSubregion": "should",
    "geographyCountry": "should",
    "geographyCountrySubdivision": "should",
    "comment": "should",
    "precedingPfIds": None,
}


@pytest.fixture(scope="session")
def schemas(published: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = published["components"]["schemas"]
    return found


@pytest.fixture(scope="session")
def pcf(schemas: dict[str, dict[str, Any]]) -> Properties:
    properties: Properties = schemas["CarbonFootprint"]["properties"]
    return properties


def with_rule(properties: Properties, rule: str) -> set[str]:
    return {
        name
        for name, schema in properties.items()
        if rule in str(schema.get("x-rule", "")).split(",")
    }


def test_no_rule_is_unknown(schemas: dict[str, dict[str, Any]]) -> None:
    rules = {
        rule
        for schema in schemas.values()
        for one in schema.get("properties", {}).values()
        if isinstance(one, dict) and "x-rule" in one
        for rule in one["x-rule"].split(",")
    }
    assert rules == {"SHALL", "SHALL-2027", "BIO", "BIO-2027", "CCU", "CCS", "SHOULD", "MAY"}


def test_shall(schemas: dict[str, dict[str, Any]], pcf: Properties) -> None:
    optional = with_rule(pcf, "SHALL") - set(schemas["CarbonFootprint"]["required"])
    assert {name for name, _ in presence.SHALL} == optional
    assert with_rule(pcf, "SHALL-2027") == {"dqi"}
    ratings = schemas["DataQualityIndicators"]
    assert with_rule(ratings["properties"], "SHALL") == set(ratings["required"])


def test_bio(pcf: Properties) -> None:
    assert with_rule(pcf, "BIO") == set(presence.BIO)
    assert with_rule(pcf, "BIO-2027") == set(presence.BIO_2027)


def test_ccs_and_ccu(pcf: Properties) -> None:
    assert with_rule(pcf, "CCS") == {*presence.CCS, presence.ORIGIN}
    assert with_rule(pcf, "CCU") == {*presence.CCU, presence.ORIGIN}


def test_should(schemas: dict[str, dict[str, Any]], pcf: Properties) -> None:
    published = with_rule(pcf | schemas["ProductFootprint"]["properties"], "SHOULD")
    ours = {name for name, _ in presence.SHOULD}
    assert ours | SHOULD_ELSEWHERE.keys() == published
    assert not ours & SHOULD_ELSEWHERE.keys()
    assert {rule for rule in SHOULD_ELSEWHERE.values() if rule} <= RULES.keys()


def test_the_sections_are_those_of_the_properties(pcf: Properties) -> None:
    for name, section in (*presence.SHALL, *presence.SHOULD):
        assert str(pcf[name]["x-methodology"]) == section
    for names, section in (
        ((*presence.BIO, *presence.BIO_2027), presence.BIO_SECTION),
        ((*presence.CCS, *presence.CCU, presence.ORIGIN), presence.CAPTURE_SECTION),
        (("packagingEmissionsIncluded", "packagingGhgEmissions"), presence.PACKAGING_SECTION),
        (("secondaryEmissionFactorSources",), presence.SECONDARY_DATA_SECTION),
        (("productOrSectorSpecificRules",), presence.OPERATOR_SECTION),
    ):
        for name in names:
            assert pcf[name]["x-methodology"] == section, name


def test_every_section_exists(published: dict[str, Any]) -> None:
    known = set(map(str, published["info"]["x-methodology-sections"]))
    numbered = {
        section
        for rule in RULES.values()
        for section in rule.sections
        if not section.startswith("Tech Specs: ")
    }
    assert numbered <= known


def test_the_sums_are_the_published_ones(pcf: Properties) -> None:
    def summands(name: str) -> list[str]:
        comment = pcf[name]["x-comment"]
        return re.findall(r"\w+", comment.split("=", 1)[1])

    assert sorted(SUMMANDS) == sorted(summands(EXCLUDING))
    assert sorted((*SUMMANDS, UPTAKE)) == sorted(summands(INCLUDING))


def test_the_rules_of_2027_begin_on_the_published_day(published: dict[str, Any]) -> None:
    assert f"{presence.SHALL_FROM:%d/%m/%Y}" in published["info"]["x-rule"]
