"""The rules that footprints are checked by: what each means, how severe it is, where it comes from.

Sections that are numbers are those of the PACT Methodology 3.0; the others are chapters of the PACT
Tech Specs 3.0. docs/reference/data-model.md is made of this list.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from underseal_protocol.methodology_subject import Severity

__all__ = ["RULES", "TOLERANCE", "Rule"]

_ERROR, _WARNING, _INFO = Severity

TOLERANCE = (
    "A written figure stands for everything that is rounded to it: half a unit of its last digit "
    "up and down (`1.20` for 1.195 to 1.205); only a `0` without fraction is exact. A total may "
    "differ from the sum of its parts by all these halves together, and by no more."
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    Attributes:
        id: what findings name.
        severities: that its findings have, depending on the case.
        sections: that it comes from.
        meaning: what it demands.
    """

    id: str
    severities: tuple[Severity, ...]
    sections: tuple[str, ...]
    meaning: str


_ALL = (
    Rule(
        "spec-version",
        (_WARNING,),
        ("Tech Specs: ProductFootprint",),
        "`specVersion` is a version 3.",
    ),
    Rule(
        "preceding",
        (_ERROR,),
        ("Tech Specs: Product Footprint Lifecycle",),
        "A footprint is not among those that it replaces.",
    ),
    Rule(
        "identifier",
        (_WARNING,),
        ("Tech Specs: Product Identification and Classification",),
        "Ids of companies and products, and classifications, are URNs; the check digits of GTIN, "
        "LEI and CAS numbers are right; `urn:pact:` is followed by a domain, a type and an id.",
    ),
    Rule(
        "reference-period",
        (_ERROR, _WARNING),
        ("3.2.3",),
        "The reference period ends after it starts (error), and before the footprint is created "
        "(warning).",
    ),
    Rule(
        "validity-period",
        (_ERROR, _WARNING),
        ("Tech Specs: Validity Period",),
        "The validity ends after it starts, starts at the end of the reference period or later, "
        "and ends at most three years after it (errors); both ends are stated, or none (warning).",
    ),
    Rule(
        "geography",
        (_WARNING,),
        ("3.2.3",),
        "Country and subdivision are codes that ISO 3166 has. That there is at most one geography "
        "is a matter of the schema.",
    ),
    Rule(
        "standard",
        (_INFO,),
        ("3.1.2",),
        "The standards are among those that the specification names.",
    ),
    Rule(
        "operator",
        (_ERROR, _INFO),
        ("3.1.2",),
        "An operator of rules that is `Other` has a name (error), and only such a one (info).",
    ),
    Rule(
        "characterization",
        (_WARNING, _INFO),
        ("3.2.2",),
        "The characterization factors are those of AR6 or later; AR5 alone is an info, what is "
        "older a warning.",
    ),
    Rule(
        "sum-excluding-uptake",
        (_ERROR, _WARNING),
        ("3.3.1",),
        "`pcfExcludingBiogenicUptake` is the sum of `fossilGhgEmissions`, "
        "`landUseChangeGhgEmissions`, `landManagementBiogenicCO2Emissions`, "
        "`landManagementBiogenicCO2Removals`, `technologicalCO2Removals`, "
        "`ccsTechnologicalCO2Capture` and `biogenicNonCO2Emissions`. A warning where a part is "
        "left out that may be unknown.",
    ),
    Rule(
        "sum-including-uptake",
        (_ERROR,),
        ("3.3.1",),
        "`pcfIncludingBiogenicUptake` is the sum of `pcfExcludingBiogenicUptake` and "
        "`biogenicCO2Uptake`, so it is never the larger one.",
    ),
    Rule(
        "part-of-fossil",
        (_ERROR,),
        ("3.3.2.4",),
        "`landManagementFossilGhgEmissions` is part of `fossilGhgEmissions` and not larger.",
    ),
    Rule(
        "sign",
        (_ERROR,),
        ("3.2.4",),
        "The mass is not negative. All other signs are a matter of the schema: emissions and "
        "contents are 0 or more, removals, capture and uptake 0 or less.",
    ),
    Rule(
        "range",
        (_ERROR,),
        ("3.3.1.2", "4.2.2", "4.2.3"),
        "Percentages are 0 to 100, data quality ratings 1 to 5.",
    ),
    Rule(
        "mass",
        (_ERROR, _WARNING, _INFO),
        ("3.2.4",),
        "The mass fits the declared unit: the amount itself for `kilogram` (error); not 0 for "
        "goods, and for `liter` and `cubic meter` neither heavier than the heaviest metal nor "
        "lighter than the lightest gas (warnings); 0 for energy, transport and services (info).",
    ),
    Rule(
        "carbon-content",
        (_ERROR,),
        ("3.3.2.2", "3.3.2.4", "3.3.2.5"),
        "A product holds no more carbon than it weighs, and no more recycled or captured carbon "
        "than carbon.",
    ),
    Rule(
        "shall",
        (_ERROR,),
        ("3.3.1.1", "3.3.2.5", "4.2.2"),
        "SHALL: `packagingEmissionsIncluded`, `ccsTechnologicalCO2CaptureIncluded` and "
        "`primaryDataShare` are stated. What else has this rule is required by the schema.",
    ),
    Rule(
        "shall-2027",
        (_ERROR, _WARNING),
        ("4.2.3",),
        "SHALL-2027: `dqi` is stated. A warning, and an error from 2027-12-31 on.",
    ),
    Rule(
        "bio",
        (_WARNING, _INFO),
        ("3.3.2.4",),
        "BIO: `biogenicCarbonContent`, `landUseChangeGhgEmissions`, `biogenicCO2Uptake` and "
        "`biogenicNonCO2Emissions` are stated, with `0` if they do not apply. A warning where "
        "other figures show that they do.",
    ),
    Rule(
        "bio-2027",
        (_WARNING, _INFO),
        ("3.3.2.4",),
        "BIO-2027: so are `landManagementFossilGhgEmissions` and "
        "`landManagementBiogenicCO2Emissions`. A warning from 2027-12-31 on, where other figures "
        "show that they apply.",
    ),
    Rule(
        "ccs",
        (_ERROR, _WARNING),
        ("3.3.2.5",),
        "CCS: `ccsTechnologicalCO2Capture`, `technologicalCO2Removals` and "
        "`technologicalCO2CaptureOrigin` are stated if `ccsTechnologicalCO2CaptureIncluded` is "
        "true (warning), and not if it is false (error; a warning for `0`). The origin may also "
        "belong to CCU.",
    ),
    Rule(
        "ccu",
        (_WARNING,),
        ("3.3.2.5",),
        "CCU: where captured carbon is used, `ccuCarbonContent`, `ccuCalculationApproach` and "
        "`technologicalCO2CaptureOrigin` are stated together, and `ccuCreditCertification` with "
        "the approach `Credit` only.",
    ),
    Rule(
        "packaging",
        (_ERROR, _INFO),
        ("3.3.1.1",),
        "`packagingGhgEmissions` is stated if `packagingEmissionsIncluded` is true (info), and not "
        "if it is false (error).",
    ),
    Rule(
        "exemption",
        (_WARNING,),
        ("3.3.1.2",),
        "If emissions are exempted, `exemptedEmissionsDescription` says why.",
    ),
    Rule(
        "secondary-data",
        (_WARNING,),
        ("3.2.3",),
        "`secondaryEmissionFactorSources` is stated if `primaryDataShare` is below 100, and only "
        "then.",
    ),
    Rule(
        "should",
        (_INFO,),
        ("3.2", "3.2.3", "3.3.1.3", "3.3.2.1", "3.3.2.2", "Tech Specs: ProductFootprint"),
        "SHOULD: `comment`, a geography, `boundaryProcessesDescription`, `recycledCarbonContent`, "
        "`outboundLogisticsGhgEmissions` and `allocationRulesDescription` are stated. (Nobody can "
        "tell from a footprint whether `precedingPfIds` should be there.)",
    ),
)

RULES = MappingProxyType({rule.id: rule for rule in _ALL})
