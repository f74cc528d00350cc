"""Which properties have to be reported: the reporting rules SHALL, SHALL-2027, BIO, BIO-2027, CCU,
CCS and SHOULD of the PACT Methodology (PACT 3.0, Reporting Rules)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from underseal_protocol.carbon import GEOGRAPHIES
from underseal_protocol.methodology_subject import Severity, Subject, shown

__all__ = ["PRESENCE_CHECKS", "SHALL_FROM"]

SHALL_FROM = date(2027, 12, 31)  # SHALL-2027 and BIO-2027: "required by 31/12/2027"

PACKAGING_SECTION = "3.3.1.1"
CAPTURE_SECTION = "3.3.2.5"
OPERATOR_SECTION = "3.1.2"
SECONDARY_DATA_SECTION = "3.2.3"

# Property and section of the methodology, by rule. What the schema requires cannot be missing.
SHALL = (
    ("packagingEmissionsIncluded", PACKAGING_SECTION),
    ("ccsTechnologicalCO2CaptureIncluded", CAPTURE_SECTION),
    ("primaryDataShare", "4.2.2"),
)
BIO = (
    "biogenicCarbonContent",
    "landUseChangeGhgEmissions",
    "biogenicCO2Uptake",
    "biogenicNonCO2Emissions",
)
BIO_2027 = ("landManagementFossilGhgEmissions", "landManagementBiogenicCO2Emissions")
BIO_SECTION = "3.3.2.4"
GEOGRAPHY_SECTION = "3.2.3"
SHOULD = (
    ("boundaryProcessesDescription", "3.2"),
    ("recycledCarbonContent", "3.3.2.2"),
    ("outboundLogisticsGhgEmissions", "3.3.2.1"),
    ("allocationRulesDescription", "3.3.1.3"),
)
CCS = ("ccsTechnologicalCO2Capture", "technologicalCO2Removals")
ORIGIN = "technologicalCO2CaptureOrigin"
_HUNDRED = Decimal(100)
CCU = ("ccuCarbonContent", "ccuCalculationApproach", "ccuCreditCertification")

# What shows that biogenic matter plays a role. Those about land are for other materials as well.
_BIOGENIC = (*BIO, *BIO_2027, "landManagementBiogenicCO2Removals", "packagingBiogenicCarbonContent")


def check_shall(subject: Subject) -> None:
    """SHALL and SHALL-2027."""
    for name, section in SHALL:
        if subject.lacks(name):
            subject.add(
                "shall",
                Severity.ERROR,
                f"/pcf/{name}",
                f"{name} is missing; the methodology requires it",
                section,
            )
    if subject.lacks("dqi"):
        is_due = subject.today >= SHALL_FROM
        subject.add(
            "shall-2027",
            Severity.ERROR if is_due else Severity.WARNING,
            "/pcf/dqi",
            f"the data quality ratings (dqi) are missing; required {_from(is_due)}",
            "4.2.3",
            "Rate technology, geography and time of your data from 1 (best) to 5.",
        )


def check_bio(subject: Subject) -> None:
    """BIO and BIO-2027: 0 if it does not apply, left out only if it is unknown."""
    missing = [(name, "bio") for name in BIO if subject.lacks(name)]
    missing += [(name, "bio-2027") for name in BIO_2027 if subject.lacks(name)]
    if not missing:
        return
    is_biogenic = any(subject.number(name) for name in _BIOGENIC)
    is_due = subject.today >= SHALL_FROM
    for name, rule in missing:
        message = f"{name} is missing"
        if rule == "bio-2027":
            message += f"; required {_from(is_due)}"
        if is_biogenic:
            message += ", and the product has biogenic parts"
        subject.add(
            rule,
            Severity.WARNING if is_biogenic and (is_due or rule == "bio") else Severity.INFO,
            f"/pcf/{name}",
            message,
            BIO_SECTION,
            'Write "0" if it does not apply; leave it out only if it is unknown, and say so in '
            "comment.",
        )


def check_ccs(subject: Subject) -> None:
    """CCS: what is to be said when CO2 is captured and stored, and only then."""
    is_included = subject.pcf.get("ccsTechnologicalCO2CaptureIncluded")
    if is_included:
        for name in (*CCS, ORIGIN):
            if subject.lacks(name):
                subject.add(
                    "ccs",
                    Severity.WARNING,
                    f"/pcf/{name}",
                    f"{name} is missing although ccsTechnologicalCO2CaptureIncluded is true",
                    CAPTURE_SECTION,
                    "Leave it out only if it is unknown.",
                )
    elif is_included is False:
        # The origin is also stated where captured carbon is used.
        is_used = not subject.is_shown(*CCU) or any(name in subject.pcf for name in CCU)
        for name in CCS if is_used else (*CCS, ORIGIN):
            value = subject.pcf.get(name)
            if value is not None:
                is_zero = name in CCS and not subject.number(name)
                subject.add(
                    "ccs",
                    Severity.WARNING if is_zero else Severity.ERROR,
                    f"/pcf/{name}",
                    f"{name} is stated although ccsTechnologicalCO2CaptureIncluded is false",
                    CAPTURE_SECTION,
                    "Leave it out, or set ccsTechnologicalCO2CaptureIncluded to true.",
                )


def check_ccu(subject: Subject) -> None:
    """CCU: what belongs together when captured carbon is used."""
    pcf, approach = subject.pcf, subject.pcf.get("ccuCalculationApproach")
    if not (subject.number("ccuCarbonContent") or approach or pcf.get("ccuCreditCertification")):
        return
    wanted = ["ccuCarbonContent", "ccuCalculationApproach", ORIGIN]
    if approach == "Credit":
        wanted.append("ccuCreditCertification")
    for name in wanted:
        if subject.lacks(name):
            subject.add(
                "ccu",
                Severity.WARNING,
                f"/pcf/{name}",
                f"{name} is missing although captured carbon is used",
                CAPTURE_SECTION,
                "Leave it out only if it is unknown.",
            )
    if approach == "Cut-off" and pcf.get("ccuCreditCertification") is not None:
        subject.add(
            "ccu",
            Severity.WARNING,
            "/pcf/ccuCreditCertification",
            "ccuCreditCertification is stated although the approach is Cut-off",
            CAPTURE_SECTION,
            "It belongs to the approach Credit only.",
        )


def check_should(subject: Subject) -> None:
    """SHOULD, where nothing else says whether it applies."""
    for name, section in SHOULD:
        if subject.lacks(name):
            subject.add("should", Severity.INFO, f"/pcf/{name}", f"{name} is recommended", section)
    if not any(subject.pcf.get(name) for name in GEOGRAPHIES):
        subject.add(
            "should",
            Severity.INFO,
            "/pcf/geographyCountry",
            "a geography is recommended; none means that the figures are those of the whole world",
            GEOGRAPHY_SECTION,
        )
    if subject.document.get("comment") in (None, "") and subject.is_shown("comment"):
        subject.add(
            "should",
            Severity.INFO,
            "/comment",
            "comment is recommended: what one has to know to judge the figures",
            "Tech Specs: ProductFootprint",
        )


def check_packaging(subject: Subject) -> None:
    """Emissions of packaging are stated if they are included, and only then."""
    is_included = subject.pcf.get("packagingEmissionsIncluded")
    name = "packagingGhgEmissions"
    if is_included and subject.lacks(name):
        subject.add(
            "packaging",
            Severity.INFO,
            f"/pcf/{name}",
            f"{name} is recommended because packagingEmissionsIncluded is true",
            PACKAGING_SECTION,
        )
    elif is_included is False and subject.pcf.get(name) is not None:
        subject.add(
            "packaging",
            Severity.ERROR,
            f"/pcf/{name}",
            f"{name} is stated although packagingEmissionsIncluded is false",
            PACKAGING_SECTION,
            "Leave it out, or set packagingEmissionsIncluded to true.",
        )


def check_exemptions(subject: Subject) -> None:
    """Whoever leaves emissions out says why."""
    percent = subject.number("exemptedEmissionsPercent")
    if percent and subject.lacks("exemptedEmissionsDescription"):
        subject.add(
            "exemption",
            Severity.WARNING,
            "/pcf/exemptedEmissionsDescription",
            f"{shown(percent)} % of the emissions are left out and nothing says why",
            "3.3.1.2",
            "Describe in exemptedEmissionsDescription what was left out and for which reason.",
        )


def check_secondary_data(subject: Subject) -> None:
    """Databases are named if secondary data was used, and only then."""
    name = "secondaryEmissionFactorSources"
    share = subject.number("primaryDataShare")
    if share is None or not subject.is_shown(name):
        return
    is_stated = subject.pcf.get(name) is not None
    if share < _HUNDRED and not is_stated:
        subject.add(
            "secondary-data",
            Severity.WARNING,
            f"/pcf/{name}",
            f"{name} is missing although only {shown(share)} % of the data is primary",
            SECONDARY_DATA_SECTION,
            "Name the databases of emission factors and their versions.",
        )
    elif share == _HUNDRED and is_stated:
        subject.add(
            "secondary-data",
            Severity.WARNING,
            f"/pcf/{name}",
            f"{name} is stated although 100 % of the data is primary",
            SECONDARY_DATA_SECTION,
            "Leave it out, or lower primaryDataShare.",
        )


def check_specific_rules(subject: Subject) -> None:
    """An operator that is not in the list has a name."""
    for index, rule in enumerate(subject.pcf.get("productOrSectorSpecificRules") or ()):
        pointer = f"/pcf/productOrSectorSpecificRules/{index}/otherOperatorName"
        has_name = bool(rule.get("otherOperatorName"))
        if rule["operator"] == "Other" and not has_name:
            misplaced = subject.pcf.get("otherOperatorName")
            subject.add(
                "operator",
                Severity.ERROR,
                pointer,
                "the operator is Other and otherOperatorName is missing",
                OPERATOR_SECTION,
                f"Move otherOperatorName from pcf into the rule: {str(misplaced)[:60]!r}."
                if misplaced
                else "Name the operator of the rules.",
            )
        elif rule["operator"] != "Other" and has_name:
            subject.add(
                "operator",
                Severity.INFO,
                pointer,
                f"otherOperatorName is stated although the operator is {rule['operator']}",
                OPERATOR_SECTION,
            )


def _from(is_due: bool) -> str:
    return f"since {SHALL_FROM}" if is_due else f"from {SHALL_FROM} on"


PRESENCE_CHECKS = (
    check_shall,
    check_bio,
    check_ccs,
    check_ccu,
    check_should,
    check_packaging,
    check_exemptions,
    check_secondary_data,
    check_specific_rules,
)
