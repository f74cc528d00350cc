"""SHALL, SHALL-2027, BIO, BIO-2027, CCS, CCU, SHOULD and the conditional groups."""

from __future__ import annotations

from datetime import date
from typing import Any, TypeAlias

import pytest
from tests.protocol.samples import BIOGENIC_PCF, TODAY, sample

from underseal_protocol.disclosure import Block
from underseal_protocol.methodology import Finding, check
from underseal_protocol.methodology_presence import BIO, BIO_2027, CCS, CCU, ORIGIN, SHALL, SHOULD

Pcf: TypeAlias = dict[str, Any]

LAST_DAY, DUE = date(2027, 12, 30), date(2027, 12, 31)


def findings(
    pcf: Pcf, *withheld: Block, today: date = TODAY, comment: str | None = "x"
) -> list[Finding]:
    return check(sample(pcf, comment=comment), today=today, withheld=withheld)


def brief(pcf: Pcf, *withheld: Block, today: date = TODAY) -> list[tuple[str, str, str]]:
    found = findings(pcf, *withheld, today=today)
    return [(one.rule, str(one.severity), one.pointer.removeprefix("/pcf/")) for one in found]


def totals(excluding: str, including: str) -> Pcf:
    return {"pcfExcludingBiogenicUptake": excluding, "pcfIncludingBiogenicUptake": including}


# --- SHALL --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "section"), SHALL)
def test_shall(name: str, section: str) -> None:
    # Without packagingEmissionsIncluded, nothing is said about packagingGhgEmissions, and so on.
    (finding,) = findings({name: None})
    assert (finding.rule, str(finding.severity)) == ("shall", "error")
    assert (finding.pointer, finding.section) == (f"/pcf/{name}", section)


@pytest.mark.parametrize(
    "name", ["packagingEmissionsIncluded", "ccsTechnologicalCO2CaptureIncluded"]
)
def test_false_is_not_missing(name: str) -> None:
    assert "shall" not in {rule for rule, *_ in brief({name: False})}


@pytest.mark.parametrize(
    ("today", "severity", "words"),
    [
        (TODAY, "warning", "required from 2027-12-31 on"),
        (LAST_DAY, "warning", "required from 2027-12-31 on"),
        (DUE, "error", "required since 2027-12-31"),
    ],
)
def test_shall_2027(today: date, severity: str, words: str) -> None:
    (finding,) = findings({"dqi": None}, today=today)
    assert (finding.rule, str(finding.severity)) == ("shall-2027", severity)
    assert (finding.pointer, finding.section) == ("/pcf/dqi", "4.2.3")
    assert words in finding.message
    assert findings({"dqi": None}, Block.QUALITY, today=today) == []


# --- BIO ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BIO)
def test_bio(name: str) -> None:
    assert brief({name: None}) == [("bio", "info", name)]
    assert ("bio", "warning", name) in brief(BIOGENIC_PCF | {name: None})


@pytest.mark.parametrize("name", BIO_2027)
def test_bio_2027(name: str) -> None:
    for today in (TODAY, LAST_DAY):
        assert brief({name: None}, today=today) == [("bio-2027", "info", name)]
        assert ("bio-2027", "info", name) in brief(BIOGENIC_PCF | {name: None}, today=today)
    assert brief({name: None}, today=DUE) == [("bio-2027", "info", name)]
    assert ("bio-2027", "warning", name) in brief(BIOGENIC_PCF | {name: None}, today=DUE)
    (finding,) = findings({name: None}, today=DUE)
    assert finding.message == f"{name} is missing; required since 2027-12-31"


def test_what_is_missing_is_told() -> None:
    name = "landUseChangeGhgEmissions"
    (finding,) = findings({name: None})
    assert finding.message == f"{name} is missing"
    (finding,) = findings(BIOGENIC_PCF | totals("0.500", "-1.500") | {name: None})
    assert finding.message == f"{name} is missing, and the product has biogenic parts"


def test_zero_is_an_answer() -> None:
    assert brief(dict.fromkeys((*BIO, *BIO_2027), "0"), today=DUE) == []


def test_bio_that_is_withheld_is_not_missing() -> None:
    nothing = dict.fromkeys((*BIO, *BIO_2027))
    assert {rule for rule, *_ in brief(nothing)} == {"bio", "bio-2027"}
    assert brief(nothing, Block.EMISSIONS, Block.CARBON) == []
    assert brief(nothing, Block.EMISSIONS) == [("bio", "info", "biogenicCarbonContent")]


# --- CCS ----------------------------------------------------------------------------------------

CAPTURED = {name: BIOGENIC_PCF[name] for name in (*CCS, ORIGIN)}


@pytest.mark.parametrize("name", [*CCS, ORIGIN])
def test_what_belongs_to_captured_carbon(name: str) -> None:
    assert ("ccs", "warning", name) in brief(BIOGENIC_PCF | {name: None})
    assert "ccs" not in {rule for rule, *_ in brief(BIOGENIC_PCF)}
    blocks = (Block.EMISSIONS, Block.METHOD)
    assert brief(BIOGENIC_PCF | {name: None}, *blocks) == []


@pytest.mark.parametrize("name", [*CCS, ORIGIN])
def test_what_does_not_belong_where_nothing_is_captured(name: str) -> None:
    found = brief({"ccsTechnologicalCO2CaptureIncluded": False, name: CAPTURED[name]})
    assert ("ccs", "error", name) in found


@pytest.mark.parametrize("name", CCS)
def test_nothing_that_is_stated_is_less_bad(name: str) -> None:
    assert brief({name: "0"}) == [("ccs", "warning", name)]


def test_the_origin_may_belong_to_carbon_that_is_used() -> None:
    used = {"ccuCarbonContent": "0.001", "ccuCalculationApproach": "Cut-off", ORIGIN: "Fossil"}
    assert brief(used) == []
    # Whether carbon is used is not known here.
    assert brief({ORIGIN: "Fossil"}, Block.CARBON) == []
    assert brief({ORIGIN: "Fossil"}) == [("ccs", "error", ORIGIN)]


def test_where_nobody_says_whether_there_is_ccs_that_alone_is_told() -> None:
    name = "ccsTechnologicalCO2CaptureIncluded"
    assert brief(BIOGENIC_PCF | {name: None}) == [("shall", "error", name)]


# --- CCU ----------------------------------------------------------------------------------------

CREDIT = {
    "ccuCarbonContent": "0.001",
    "ccuCalculationApproach": "Credit",
    "ccuCreditCertification": "https://registry.example/4711",
    ORIGIN: "Fossil, from a cement works",
}


def test_ccu_is_complete() -> None:
    assert brief(CREDIT) == []
    cut_off = CREDIT | {"ccuCalculationApproach": "Cut-off", "ccuCreditCertification": None}
    assert brief(cut_off) == []


@pytest.mark.parametrize("name", [*CCU, ORIGIN])
def test_what_belongs_to_used_carbon(name: str) -> None:
    assert brief(CREDIT | {name: None}) == [("ccu", "warning", name)]
    assert brief(CREDIT | {name: None}, Block.CARBON, Block.METHOD) == []


def test_a_certificate_belongs_to_credits() -> None:
    found = brief(CREDIT | {"ccuCalculationApproach": "Cut-off"})
    assert found == [("ccu", "warning", "ccuCreditCertification")]


def test_no_carbon_that_is_used_needs_no_words() -> None:
    assert brief({"ccuCarbonContent": "0"}) == []


# --- SHOULD -------------------------------------------------------------------------------------


# A text may also be empty, which says as little.
UNSAID: list[tuple[str, str, str | None]] = [
    *((name, section, None) for name, section in SHOULD),
    *((name, section, "") for name, section in SHOULD if name.endswith("Description")),
]


@pytest.mark.parametrize(("name", "section", "value"), UNSAID)
def test_should(name: str, section: str, value: str | None) -> None:
    (finding,) = findings({name: value})
    assert (finding.rule, str(finding.severity)) == ("should", "info")
    assert (finding.pointer, finding.section) == (f"/pcf/{name}", section)
    assert findings({name: value}, *Block) == []


@pytest.mark.parametrize("comment", [None, ""])
def test_a_comment_is_recommended(comment: str | None) -> None:
    (finding,) = findings({}, comment=comment)
    assert (finding.rule, str(finding.severity)) == ("should", "info")
    assert finding.pointer == "/comment"
    assert findings({}, Block.METHOD, comment=comment) == []


def test_a_geography_is_recommended() -> None:
    assert brief({"geographyCountry": None}) == [("should", "info", "geographyCountry")]
    for name, value in (
        ("geographyRegionOrSubregion", "Europe"),
        ("geographyCountrySubdivision", "DE-BW"),
    ):
        assert brief({"geographyCountry": None, name: value}) == []


# --- conditional groups ---------------------------------------------------------------------------


def test_packaging() -> None:
    included, emissions = "packagingEmissionsIncluded", "packagingGhgEmissions"
    assert brief({included: True, emissions: None}) == [("packaging", "info", emissions)]
    assert brief({included: True, emissions: None}, Block.EMISSIONS) == []
    assert brief({included: False}) == [("packaging", "error", emissions)]
    assert brief({included: False, emissions: "0"}) == [("packaging", "error", emissions)]
    assert brief({included: False, emissions: None}) == []
    assert brief({included: None, emissions: None}) == [("shall", "error", included)]


def test_exemptions() -> None:
    percent, words = "exemptedEmissionsPercent", "exemptedEmissionsDescription"
    assert brief({percent: "2.5"}) == [("exemption", "warning", words)]
    assert brief({percent: "2.5", words: ""}) == [("exemption", "warning", words)]
    assert brief({percent: "2.5", words: "Below the threshold"}) == []
    assert brief({percent: "0.00", words: ""}) == []
    assert brief({percent: "2.5"}, Block.QUALITY) == []


def test_secondary_data() -> None:
    share, sources = "primaryDataShare", "secondaryEmissionFactorSources"
    assert brief({share: "99.9", sources: None}) == [("secondary-data", "warning", sources)]
    assert brief({share: "0", sources: None}) == [("secondary-data", "warning", sources)]
    assert brief({share: "99.9", sources: None}, Block.QUALITY) == []
    assert brief({share: "100"}) == [("secondary-data", "warning", sources)]
    assert brief({share: "100.0", sources: None}) == []
    assert brief({share: None, sources: None}) == [("shall", "error", share)]


def test_the_name_of_another_operator() -> None:
    name = "productOrSectorSpecificRules"
    other = {"operator": "Other", "ruleNames": ["x"]}
    named = other | {"otherOperatorName": "Eurofer"}
    superfluous = {"operator": "PEF", "ruleNames": ["y"], "otherOperatorName": "Eurofer"}
    assert brief({name: [named]}) == []
    assert brief({name: None}) == []
    assert brief({name: [named, other]}) == [("operator", "error", f"{name}/1/otherOperatorName")]
    assert brief({name: [superfluous]}) == [("operator", "info", f"{name}/0/otherOperatorName")]


def test_the_name_of_another_operator_in_the_wrong_place() -> None:
    """As in the published examples."""
    rules = [{"operator": "Other", "ruleNames": ["x"]}]
    misplaced = {"productOrSectorSpecificRules": rules, "otherOperatorName": "Eurofer"}
    (finding,) = findings(misplaced)
    assert finding.hint == "Move otherOperatorName from pcf into the rule: 'Eurofer'."
