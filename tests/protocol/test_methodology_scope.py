"""Times, places, identifiers, standards: each right and wrong."""

from __future__ import annotations

from typing import Any, TypeAlias

import pytest
from tests.protocol.samples import TODAY, sample

from underseal_protocol.methodology import Finding, check

Changes: TypeAlias = dict[str, Any]
NO_VALIDITY: Changes = {"validityPeriodStart": None, "validityPeriodEnd": None}


def findings(pcf: Changes | None = None, **changes: Any) -> list[Finding]:
    return check(sample(pcf, **changes), today=TODAY)


def brief(pcf: Changes | None = None, **changes: Any) -> list[tuple[str, str, str]]:
    return [(one.rule, str(one.severity), one.pointer) for one in findings(pcf, **changes)]


@pytest.mark.parametrize("version", ["3.0.0", "3.1.0", "3.0.3-20250101"])
def test_version_3(version: str) -> None:
    assert brief(specVersion=version) == []


@pytest.mark.parametrize("version", ["2.3.0", "4.0.0", "30.0.0", "1.0.0-20230101"])
def test_another_version(version: str) -> None:
    assert brief(specVersion=version) == [("spec-version", "warning", "/specVersion")]


# --- times --------------------------------------------------------------------------------------

START, END, CREATED = "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-02-10T09:30:00Z"
PERIOD = "/pcf/referencePeriodEnd"


@pytest.mark.parametrize(
    ("start", "end", "created", "severity"),
    [
        (START, END, CREATED, None),
        (START, END, END, None),
        ("2025-12-31T23:59:59Z", END, CREATED, None),
        (END, END, CREATED, "error"),
        (CREATED, END, CREATED, "error"),
        ("2026-01-01T01:00:00+02:00", END, CREATED, None),
        (START, END, "2025-12-31T23:59:59Z", "warning"),
        (START, END, START, "warning"),
    ],
)
def test_the_reference_period(start: str, end: str, created: str, severity: str | None) -> None:
    pcf = {"referencePeriodStart": start, "referencePeriodEnd": end}
    expected = [] if severity is None else [("reference-period", severity, PERIOD)]
    assert brief(pcf, created=created, **NO_VALIDITY) == expected


VALID_FROM, VALID_UNTIL = "validityPeriodStart", "validityPeriodEnd"


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        (None, None, []),
        (END, "2029-01-01T00:00:00Z", []),
        ("2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z", []),
        (END, "2029-01-01T01:00:00+01:00", []),
        (END, "2029-01-01T00:00:00.000001Z", [("error", VALID_UNTIL)]),
        (END, "2030-01-01T00:00:00Z", [("error", VALID_UNTIL)]),
        ("2025-12-31T23:59:59Z", "2028-01-01T00:00:00Z", [("error", VALID_FROM)]),
        ("2027-01-01T00:00:00Z", "2026-06-01T00:00:00Z", [("error", VALID_UNTIL)]),
        ("2027-01-01T00:00:00Z", "2027-01-01T00:00:00Z", [("error", VALID_UNTIL)]),
        (END, None, [("warning", VALID_UNTIL)]),
        (None, "2028-01-01T00:00:00Z", [("warning", VALID_FROM)]),
        (None, "2029-01-02T00:00:00Z", [("error", VALID_UNTIL), ("warning", VALID_FROM)]),
    ],
)
def test_validity(start: str | None, end: str | None, expected: list[tuple[str, str]]) -> None:
    found = brief(validityPeriodStart=start, validityPeriodEnd=end)
    assert found == [("validity-period", severity, f"/{name}") for severity, name in expected]


def test_the_leap_day() -> None:
    pcf = {
        "referencePeriodStart": "2023-03-01T00:00:00Z",
        "referencePeriodEnd": "2024-02-29T00:00:00Z",
    }
    start = "2024-02-29T00:00:00Z"
    assert brief(pcf, validityPeriodStart=start, validityPeriodEnd="2027-02-28T00:00:00Z") == []
    (finding,) = findings(pcf, validityPeriodStart=start, validityPeriodEnd="2027-03-01T00:00:00Z")
    assert "which would be 2027-02-28T00:00:00Z" in finding.message
    assert finding.section == "Tech Specs: Validity Period"


def test_the_ends_of_time() -> None:
    end = "9999-12-31T23:59:59.999999Z"
    pcf = {
        "referencePeriodStart": "0001-01-01T00:00:00Z",
        "referencePeriodEnd": "9999-01-01T00:00:00Z",
    }
    assert brief(pcf, created=end, validityPeriodStart=None, validityPeriodEnd=end) == [
        ("validity-period", "warning", "/validityPeriodStart")
    ]


# --- places -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("geographyCountry", ["DE", "CN", "XK", "TW"], ["UK", "EU", "ZZ", "SU"]),
        ("geographyCountrySubdivision", ["DE-BW", "US-CA", "CN-GD", "FR-IDF"],
         ["DE-XX", "BW-DE", "ZZ-1"]),
    ],
)  # fmt: skip
def test_places(name: str, right: list[str], wrong: list[str]) -> None:
    for value in right:
        assert brief({"geographyCountry": None, name: value}) == []
    for value in wrong:
        (finding,) = findings({"geographyCountry": None, name: value})
        assert (finding.rule, str(finding.severity)) == ("geography", "warning")
        assert finding.pointer == f"/pcf/{name}"
        assert repr(value) in finding.message


# --- identifiers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["companyIds", "productIds", "productClassifications"])
def test_identifiers(name: str) -> None:
    right = ["urn:gtin:4712345060507", "urn:lei:529900T8BM49AURSDO55", "urn:cas:7732-18-5"]
    wrong = ["urn:gtin:4712345060508", "urn:pact:null", "urn:ä:1", "urn:eclass:0173-1#01-AAA123"]
    changes: Changes = {name: [*right, *wrong]}
    found = findings(**changes)
    assert [(one.rule, str(one.severity), one.pointer) for one in found] == [
        ("identifier", "warning", f"/{name}/{index}") for index in range(3, 7)
    ]
    assert found[0].message == (
        "'urn:gtin:4712345060508': the check digit of the GTIN is 8, expected 7"
    )
    assert found[0].hint


def test_many_identifiers_stay_in_order() -> None:
    wrong = [f"urn:gtin:{number:08}" for number in range(1, 15)]
    pointers = [one.pointer for one in findings(productIds=wrong)]
    numbers = [int(one.rsplit("/", 1)[1]) for one in pointers]
    assert numbers == sorted(numbers)
    assert len(numbers) > 10


def test_long_identifiers_are_cut() -> None:
    (finding,) = findings(productIds=["urn:ä" + "x" * 10_000])
    assert len(finding.message) < 200


def test_a_footprint_does_not_replace_itself() -> None:
    own = sample()["id"]
    other = "0b7f6b3c-2d77-4b3e-9b6c-52a0d5f8a111"
    assert brief(precedingPfIds=[other, own.upper()]) == [
        ("preceding", "error", "/precedingPfIds/1")
    ]
    assert brief(id=own.upper(), precedingPfIds=[own]) == [
        ("preceding", "error", "/precedingPfIds/0")
    ]
    assert brief(precedingPfIds=None) == []


# --- standards ------------------------------------------------------------------------------------


def test_standards() -> None:
    pcf = {"crossSectoralStandards": ["ISO14067", "ISO 14067", "PACT-3.0", ""]}
    name = "/pcf/crossSectoralStandards"
    assert brief(pcf) == [("standard", "info", f"{name}/1"), ("standard", "info", f"{name}/3")]
    assert "ISO14067, ISO14083" in str(findings(pcf)[0].hint)


@pytest.mark.parametrize(
    ("reports", "severity"),
    [
        (["AR6"], None),
        (["AR5", "AR6"], None),
        (["AR7"], None),
        (["AR10"], None),
        (["AR5"], "info"),
        (["AR4", "AR05"], "info"),
        (["AR4"], "warning"),
        (["AR0"], "warning"),
        (["AR" + "0" * 5000], "warning"),
        (["AR" + "9" * 5000], None),
    ],
)
def test_characterization_factors(reports: list[str], severity: str | None) -> None:
    name = "/pcf/ipccCharacterizationFactors"
    expected = [] if severity is None else [("characterization", severity, name)]
    assert brief({"ipccCharacterizationFactors": reports}) == expected
