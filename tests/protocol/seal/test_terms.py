"""What is said with an endorsed value: one form for each value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.protocol.samples import sample

from underseal_protocol.errors import EndorsementError
from underseal_protocol.seal.terms import MAX_SECONDS, Terms

TERMS = Terms.of_footprint(sample())


def of(pcf: dict[str, Any]) -> Terms:
    return Terms.of_footprint(sample(pcf=pcf))


def test_those_of_a_footprint() -> None:
    assert (
        Terms(
            amount="1",
            unit="kilogram",
            mass=10**9,
            assessment_reports=("AR6",),
            standards=("ISO14067", "PACT-3.0"),
            period_start=1735689600,
            period_end=1767225600,
        )
        == TERMS
    )
    assert Terms.of_claims(TERMS.to_json()) == TERMS


def test_values_are_brought_into_their_one_form() -> None:
    found = of(
        {
            "declaredUnitAmount": "+0075.00",
            "declaredUnitOfMeasurement": "piece",
            "productMassPerDeclaredUnit": "5.0300000005",
            "ipccCharacterizationFactors": ["AR6", "AR5"],
            "crossSectoralStandards": ["PACT-3.0", "ISO14067"],
            "referencePeriodStart": "2025-01-01T01:00:00.999+01:00",
        }
    )
    assert (found.amount, found.mass) == ("75", 5_030_000_000)
    assert found.assessment_reports == ("AR5", "AR6")
    assert found.standards == TERMS.standards
    assert found.period_start == TERMS.period_start
    for text, amount in (("0.50", "0.5"), ("1000", "1000")):
        weighed = {"declaredUnitAmount": text, "productMassPerDeclaredUnit": amount}
        assert of(weighed).amount == amount


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"declaredUnitAmount": "0"}, "more than 0"),
        ({"declaredUnitAmount": "-1"}, "more than 0"),
        ({"declaredUnitAmount": "1" * 41}, "40 characters"),
        ({"declaredUnitAmount": 1}, "the declared amount"),
        ({"declaredUnitOfMeasurement": "stone"}, "the declared unit is 'stone'"),
        ({"productMassPerDeclaredUnit": "-1"}, "the mass of the product is below 0"),
        ({"productMassPerDeclaredUnit": "1" + "0" * 11}, "the mass of the product is too large"),
        ({"productMassPerDeclaredUnit": None}, "the mass of the product is no figure"),
        ({"productMassPerDeclaredUnit": "0.5"}, "is 1 kilogram, and its mass 0.5 kg"),
        ({"declaredUnitAmount": "2"}, "is 2 kilogram, and its mass 1 kg"),
        ({"productMassPerDeclaredUnit": "1." + "0" * 99}, "the mass of the product has 101 char"),
        ({"ipccCharacterizationFactors": None}, "no list ipccCharacterizationFactors"),
        ({"ipccCharacterizationFactors": []}, "0 assessment reports"),
        ({"crossSectoralStandards": [1]}, "no list crossSectoralStandards"),
        ({"crossSectoralStandards": ["a\nb"]}, "printable"),
        ({"crossSectoralStandards": ["x" * 101]}, "100"),
        ({"crossSectoralStandards": [str(n) for n in range(21)]}, "21 standards"),
        ({"referencePeriodStart": "1969-12-31T23:59:59Z"}, "referencePeriodStart"),
        ({"referencePeriodEnd": "2025-01-01T00:00:00Z"}, "ends before it begins"),
        ({"referencePeriodEnd": "soon"}, "referencePeriodEnd"),
    ],
)
def test_footprints_that_are_not_endorsed(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(EndorsementError, match=message):
        of(changes)


def test_without_a_carbon_footprint() -> None:
    with pytest.raises(EndorsementError, match="no pcf"):
        Terms.of_footprint({"pcf": None})


@pytest.mark.parametrize(
    "changes",
    [
        {"declaredUnitAmount": "1.0"},
        {"declaredUnitAmount": "01"},
        {"declaredUnitAmount": ".5"},
        {"declaredUnitAmount": 1},
        {"declaredUnitOfMeasurement": "Kilogram"},
        {"declaredUnitOfMeasurement": None},
        {"mass": "999999999"},
        {"mass": "01"},
        {"mass": "-1"},
        {"mass": "+1"},
        {"mass": 1},
        {"mass": str(2**64)},
        {"mass": "٣"},
        {"mass": "9" * 5000},
        {"ipccCharacterizationFactors": ["AR6", "AR5"]},
        {"ipccCharacterizationFactors": ["AR6", "AR6"]},
        {"ipccCharacterizationFactors": "AR6"},
        {"crossSectoralStandards": [""]},
        {"crossSectoralStandards": ["\ud800"]},
        {"referencePeriodStart": 1.0},
        {"referencePeriodStart": True},
        {"referencePeriodStart": -1},
        {"referencePeriodEnd": MAX_SECONDS + 1},
        {"referencePeriodEnd": TERMS.period_start},
    ],
)
def test_claims_in_another_form(changes: dict[str, Any]) -> None:
    with pytest.raises(EndorsementError):
        Terms.of_claims(TERMS.to_json() | changes)


def test_the_last_second_and_no_mass() -> None:
    last = replace(TERMS, period_end=MAX_SECONDS, unit="piece", mass=0)
    assert Terms.of_claims(last.to_json()) == last
