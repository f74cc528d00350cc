"""What a footprint is about: whether its times, its place and its identifiers make sense."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from underseal_protocol.carbon import STANDARDS
from underseal_protocol.criteria import VALIDITY_YEARS
from underseal_protocol.methodology_subject import Severity, Subject
from underseal_protocol.places import is_country, is_subdivision
from underseal_protocol.times import format_time, years_later
from underseal_protocol.urns import check_urn

__all__ = ["SCOPE_CHECKS"]

SCOPE_SECTION = "3.2.3"
STANDARD_SECTION = "3.1.2"
CHARACTERIZATION_SECTION = "3.2.2"
VALIDITY_SECTION = "Tech Specs: Validity Period"
IDENTIFIER_SECTION = "Tech Specs: Product Identification and Classification"
LIFECYCLE_SECTION = "Tech Specs: Product Footprint Lifecycle"
VERSION_SECTION = "Tech Specs: ProductFootprint"

MAJOR_VERSION = "3."
SHOWN_CHARACTERS = 80
# Assessment reports of the IPCC. The schema checks how they are written.
CURRENT_REPORT, ACCEPTABLE_REPORT = Decimal(6), Decimal(5)


def check_version(subject: Subject) -> None:
    """The properties are those of version 3."""
    version = subject.document["specVersion"]
    if not version.startswith(MAJOR_VERSION):
        subject.add(
            "spec-version",
            Severity.WARNING,
            "/specVersion",
            f"specVersion is {version[:SHOWN_CHARACTERS]!r}, expected a version 3",
            VERSION_SECTION,
            "The figures of other versions have other definitions: they have to be converted.",
        )


def check_reference_period(subject: Subject) -> None:
    """A period has a beginning before its end, and has ended when the footprint was made."""
    start, end = subject.time("referencePeriodStart"), subject.time("referencePeriodEnd")
    created = subject.time("created")
    if start is not None and end is not None and start >= end:
        subject.add(
            "reference-period",
            Severity.ERROR,
            "/pcf/referencePeriodEnd",
            f"the reference period ends at {format_time(end)}, not after its start at "
            f"{format_time(start)}",
            SCOPE_SECTION,
            "The end is the first moment that does not belong to the period.",
        )
    elif end is not None and created is not None and created < end:
        subject.add(
            "reference-period",
            Severity.WARNING,
            "/pcf/referencePeriodEnd",
            f"the reference period ends at {format_time(end)}, after the footprint was created at "
            f"{format_time(created)}",
            SCOPE_SECTION,
            "Data of a period that has not ended yet cannot be complete.",
        )


def check_validity(subject: Subject) -> None:
    """Valid from the end of the reference period on, for three years at most."""
    start, end = subject.time("validityPeriodStart"), subject.time("validityPeriodEnd")
    reference_end = subject.time("referencePeriodEnd")
    if start is not None and end is not None and start >= end:
        subject.add(
            "validity-period",
            Severity.ERROR,
            "/validityPeriodEnd",
            f"the validity ends at {format_time(end)}, not after its start at {format_time(start)}",
            VALIDITY_SECTION,
        )
    if reference_end is None:
        return
    latest = years_later(reference_end, VALIDITY_YEARS)
    if end is not None and end > latest:
        subject.add(
            "validity-period",
            Severity.ERROR,
            "/validityPeriodEnd",
            f"the validity ends at {format_time(end)}, more than {VALIDITY_YEARS} years after the "
            f"reference period, which would be {format_time(latest)}",
            VALIDITY_SECTION,
            "Shorten it, or leave both ends out: that means the longest validity allowed.",
        )
    if start is not None and start < reference_end:
        subject.add(
            "validity-period",
            Severity.ERROR,
            "/validityPeriodStart",
            f"the validity starts at {format_time(start)}, before the reference period ends at "
            f"{format_time(reference_end)}",
            VALIDITY_SECTION,
        )
    if (start is None) != (end is None):
        name = "validityPeriodStart" if start is None else "validityPeriodEnd"
        subject.add(
            "validity-period",
            Severity.WARNING,
            f"/{name}",
            f"{name} is missing, and the other end of the validity is stated",
            VALIDITY_SECTION,
            "State both or none.",
        )


def check_geography(subject: Subject) -> None:
    """The place is in ISO 3166."""
    country = subject.pcf.get("geographyCountry")
    if country and not is_country(country):
        _add_place(subject, "geographyCountry", country, "countries (ISO 3166-1)")
    part = subject.pcf.get("geographyCountrySubdivision")
    if part and not is_subdivision(part):
        _add_place(subject, "geographyCountrySubdivision", part, "subdivisions (ISO 3166-2)")


def _add_place(subject: Subject, name: str, value: str, register: str) -> None:
    subject.add(
        "geography",
        Severity.WARNING,
        f"/pcf/{name}",
        f"{name} is {value!r}, which is none of the {register}",
        SCOPE_SECTION,
        "Nobody who filters by the right code will find it.",
    )


def check_identifiers(subject: Subject) -> None:
    """Identifiers are well-formed, and their check digits are right."""
    for pointer, urn in _identifiers(subject):
        for problem in check_urn(urn):
            subject.add(
                "identifier",
                Severity.WARNING,
                pointer,
                f"{urn[:SHOWN_CHARACTERS]!r}: {problem.message}",
                IDENTIFIER_SECTION,
                problem.hint,
            )


def _identifiers(subject: Subject) -> Iterator[tuple[str, str]]:
    for name in ("companyIds", "productIds", "productClassifications"):
        for index, urn in enumerate(subject.document.get(name) or ()):
            yield f"/{name}/{index}", urn


def check_predecessors(subject: Subject) -> None:
    """A footprint does not precede itself."""
    own = str(subject.document["id"]).lower()
    for index, one in enumerate(subject.document.get("precedingPfIds") or ()):
        if one.lower() == own:
            subject.add(
                "preceding",
                Severity.ERROR,
                f"/precedingPfIds/{index}",
                "the footprint names itself as the one that it replaces",
                LIFECYCLE_SECTION,
                "A correction is a new footprint with an id of its own.",
            )


def check_standards(subject: Subject) -> None:
    """Standards are among those that the specification names."""
    for index, standard in enumerate(subject.pcf["crossSectoralStandards"]):
        if standard not in STANDARDS:
            subject.add(
                "standard",
                Severity.INFO,
                f"/pcf/crossSectoralStandards/{index}",
                f"{standard[:SHOWN_CHARACTERS]!r} is none of the standards that PACT names",
                STANDARD_SECTION,
                f"They are {', '.join(STANDARDS)}.",
            )


def check_characterization(subject: Subject) -> None:
    """The latest assessment report is used, at least among others."""
    reports = subject.pcf["ipccCharacterizationFactors"]
    latest = max(Decimal(report.removeprefix("AR")) for report in reports)
    if latest < CURRENT_REPORT:
        subject.add(
            "characterization",
            Severity.INFO if latest == ACCEPTABLE_REPORT else Severity.WARNING,
            "/pcf/ipccCharacterizationFactors",
            f"the characterization factors are those of {', '.join(reports)[:SHOWN_CHARACTERS]}",
            CHARACTERIZATION_SECTION,
            "The methodology asks for those of the latest assessment report, AR6.",
        )


SCOPE_CHECKS = (
    check_version,
    check_reference_period,
    check_validity,
    check_geography,
    check_identifiers,
    check_predecessors,
    check_standards,
    check_characterization,
)
