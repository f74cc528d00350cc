"""What a footprint is about: whether its times, its place and its identifiers make sense."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pycountry

from underseal_protocol.carbon import STANDARDS
from underseal_protocol.criteria import VALIDITY_YEARS
from underseal_protocol.methodology_subject import Severity, Subject
from underseal_protocol.times import format_time, years_later
from underseal_protocol.urns import check_urn

__all__ = ["SCOPE_CHECKS"]

PERIOD_SECTION = "Tech Specs: Reference Period"
VALIDITY_SECTION = "Tech Specs: Validity Period"
GEOGRAPHY_SECTION = "Tech Specs: Scope of a CarbonFootprint"
IDENTIFIER_SECTION = "Tech Specs: Product Identification and Classification"
LIFECYCLE_SECTION = "Tech Specs: Lifecycle of a ProductFootprint"
STANDARD_SECTION = "Tech Specs: CarbonFootprint"

# The shape of an assessment report is checked by the schema; older ones are outdated.
CURRENT_REPORTS = frozenset({"AR5", "AR6"})


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
            PERIOD_SECTION,
            "The end is the first moment that does not belong to the period.",
        )
    elif end is not None and created is not None and created < end:
        subject.add(
            "reference-period",
            Severity.WARNING,
            "/pcf/referencePeriodEnd",
            f"the reference period ends at {format_time(end)}, after the footprint was created at "
            f"{format_time(created)}",
            PERIOD_SECTION,
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
            Severity.WARNING,
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
    if country and country not in _countries():
        _add_place(subject, "geographyCountry", country, "countries (ISO 3166-1)")
    part = subject.pcf.get("geographyCountrySubdivision")
    if part and part not in _subdivisions():
        _add_place(subject, "geographyCountrySubdivision", part, "subdivisions (ISO 3166-2)")


@cache
def _countries() -> frozenset[str]:
    # Kosovo has a code that ISO leaves to its users.
    return frozenset({one.alpha_2 for one in pycountry.countries} | {"XK"})


@cache
def _subdivisions() -> frozenset[str]:
    return frozenset(one.code for one in pycountry.subdivisions)


def _add_place(subject: Subject, name: str, value: str, register: str) -> None:
    subject.add(
        "geography",
        Severity.WARNING,
        f"/pcf/{name}",
        f"{name} is {value!r}, which is none of the {register}",
        GEOGRAPHY_SECTION,
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
                f"{urn[:100]!r}: {problem.message}",
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
    """Standards are among those that the specification names, reports are current ones."""
    for index, standard in enumerate(subject.pcf["crossSectoralStandards"]):
        if standard not in STANDARDS:
            subject.add(
                "standard",
                Severity.INFO,
                f"/pcf/crossSectoralStandards/{index}",
                f"{standard[:60]!r} is none of the standards that the specification names",
                STANDARD_SECTION,
                f"They are {', '.join(STANDARDS)}.",
            )
    reports = subject.pcf["ipccCharacterizationFactors"]
    if not CURRENT_REPORTS.intersection(reports):
        subject.add(
            "characterization",
            Severity.WARNING,
            "/pcf/ipccCharacterizationFactors",
            f"the characterization factors are those of {', '.join(reports)[:60]}",
            "3.3.2.1",
            "The methodology asks for those of the latest assessment report, AR6.",
        )


SCOPE_CHECKS = (
    check_reference_period,
    check_validity,
    check_geography,
    check_identifiers,
    check_predecessors,
    check_standards,
)
