"""What is wrong with a document is said with the place, the value, the expectation and a hint."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.protocol.samples import sample, set_at
from tests.strategies import json_values

from underseal_protocol.carbon import UNITS
from underseal_protocol.errors import SchemaError, Violation
from underseal_protocol.footprint import parse_footprint, schema_violations
from underseal_protocol.violations import LEAVE_OUT, json_pointer


def violation_of(pointer: str, value: Any) -> Violation:
    (violation,) = schema_violations(set_at(sample(), pointer, value))
    assert violation.pointer == pointer
    return violation


EXCLUDING, UPTAKE = "/pcf/pcfExcludingBiogenicUptake", "/pcf/biogenicCO2Uptake"
UNIT = "/pcf/declaredUnitOfMeasurement"

HINTS = [
    # decimals as people write them
    (EXCLUDING, "12,5", 'Did you mean "12.5"?'),
    (EXCLUDING, "1.234,5", 'Did you mean "1234.5"?'),
    (EXCLUDING, "1,234.5", 'Did you mean "1234.5"?'),
    (EXCLUDING, "1 234,5", 'Did you mean "1234.5"?'),
    (EXCLUDING, "1'234.5", 'Did you mean "1234.5"?'),
    (EXCLUDING, "1.234.567", 'Did you mean "1234567"?'),
    (EXCLUDING, "1,234", 'Did you mean "1.234" or "1234"?'),
    (EXCLUDING, "0,125", 'Did you mean "0.125"?'),
    (EXCLUDING, ".5", 'Did you mean "0.5"?'),
    (EXCLUDING, "-.5", 'Did you mean "-0.5"?'),
    (EXCLUDING, "5.", 'Did you mean "5"?'),
    (EXCLUDING, " 5 ", 'Did you mean "5"?'),
    (EXCLUDING, "\N{MINUS SIGN}5", 'Did you mean "-5"?'),
    (EXCLUDING, "12.5 kg", 'Did you mean "12.5"?'),
    (EXCLUDING, "12,5%", 'Did you mean "12.5"?'),
    (EXCLUDING, "1.5e3", "Write all digits instead of an exponent."),
    (EXCLUDING, "many", None),
    (EXCLUDING, "", None),
    # numbers instead of texts
    (EXCLUDING, 5, 'Put the number in quotes: "5".'),
    (EXCLUDING, 0.1, 'Put the number in quotes: "0.1".'),
    (EXCLUDING, 1e-7, 'Put the number in quotes: "0.0000001".'),
    (EXCLUDING, 10**70, "Put the number in quotes."),
    (EXCLUDING, True, None),
    # signs
    (UPTAKE, "5", 'Removals and uptake are negative. Did you mean "-5"?'),
    (UPTAKE, "+5.5", 'Removals and uptake are negative. Did you mean "-5.5"?'),
    (UPTAKE, "-5,5", 'Did you mean "-5.5"?'),
    (UPTAKE, 5, 'Put the number in quotes: "5".'),
    # values of a list
    (UNIT, "kg", 'Did you mean "kilogram"?'),
    (UNIT, "KWh", 'Did you mean "kilowatt hour"?'),
    (UNIT, "m³", 'Did you mean "cubic meter"?'),
    (UNIT, "Kilogramm", 'Did you mean "kilogram"?'),
    (UNIT, "bushel", None),
    (UNIT, 1, None),
    ("/status", "active", 'Did you mean "Active"?'),
    ("/pcf/productOrSectorSpecificRules/0/operator", "epd", 'Did you mean "EPD International"?'),
    # times
    ("/created", "2025-04-30T10:00:00", 'Did you mean "2025-04-30T10:00:00Z"?'),
    ("/created", "2025-04-30", 'Did you mean "2025-04-30T00:00:00Z"?'),
    ("/created", "30.04.2025", 'Did you mean "2025-04-30T00:00:00Z"?'),
    ("/created", "yesterday", None),
    ("/created", 1714435200, None),
    # places
    ("/pcf/geographyCountry", "de", 'Did you mean "DE"?'),
    ("/pcf/geographyCountry", "DEU", 'Did you mean "DE"?'),
    ("/pcf/geographyCountry", "Germany", 'Did you mean "DE"?'),
    ("/pcf/geographyCountry", "de-bw",
     "That is a subdivision: put it into geographyCountrySubdivision."),
    ("/pcf/geographyCountry", "Atlantis",
     "Countries are written with two letters, such as DE; ISO 3166 has the list."),
    # identifiers
    ("/id", "{f4b1225a-bd44-4c8e-861d-079e4e1dfd69}",
     'Did you mean "f4b1225a-bd44-4c8e-861d-079e4e1dfd69"?'),
    ("/id", "F4B1225ABD444C8E861D079E4E1DFD69",
     'Did you mean "f4b1225a-bd44-4c8e-861d-079e4e1dfd69"?'),
    ("/id", "4711", None),
    ("/productIds/0", "4712345060507", 'Did you mean "urn:gtin:4712345060507"?'),
    ("/companyIds/0", "529900T8BM49AURSDO55", 'Did you mean "urn:lei:529900T8BM49AURSDO55"?'),
    ("/productIds/0", "7732-18-5", 'Did you mean "urn:pact:cas.org:substance-number:7732-18-5"?'),
    ("/productIds/0", "SKU 1",
     'A number of your own becomes "urn:pact:your-domain.example:product-id:NUMBER".'),
    ("/specVersion", "3.0", 'Did you mean "3.0.0"?'),
    ("/specVersion", "latest", None),
    # lists
    ("/productIds", [], None),
    ("/precedingPfIds", [], LEAVE_OUT),
    ("/productClassifications", [], LEAVE_OUT),
    ("/pcf/secondaryEmissionFactorSources", [], LEAVE_OUT),
    ("/pcf/productOrSectorSpecificRules", [], LEAVE_OUT),
    ("/productIds", ["urn:a:b", "urn:a:b"], "Remove the repetition."),
]  # fmt: skip


@pytest.mark.parametrize(("pointer", "value", "hint"), HINTS)
def test_hints(pointer: str, value: Any, hint: str | None) -> None:
    assert violation_of(pointer, value).hint == hint


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("de-bw", 'Did you mean "DE-BW"?'),
        ("DE", "That is a country: put it into geographyCountry."),
        ("Swabia", "A subdivision is the country, a hyphen and its part; ISO 3166-2 has the list."),
    ],
)
def test_hints_for_subdivisions(value: str, hint: str) -> None:
    document = sample({"geographyCountry": None, "geographyCountrySubdivision": value})
    (violation,) = schema_violations(document)
    assert (violation.pointer, violation.hint) == ("/pcf/geographyCountrySubdivision", hint)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("www.example.com/cert", 'Did you mean "https://www.example.com/cert"?'),
        ("https://a.example/my cert", "A URL holds no spaces; write %20 if one is part of it."),
        ("cert", None),
        (None, None),
    ],
)
def test_hints_for_urls(value: Any, hint: str | None) -> None:
    extension = {"specVersion": "1.0.0", "dataSchema": value, "data": {}}
    (violation,) = schema_violations(sample(extensions=[extension]))
    assert (violation.pointer, violation.hint) == ("/extensions/0/dataSchema", hint)


@pytest.mark.parametrize("unit", UNITS)
def test_no_unit_is_taken_for_another(unit: str) -> None:
    for spelling in (unit, unit.upper(), f" {unit} ", unit.replace("er", "re", 1)):
        violations = schema_violations(sample({"declaredUnitOfMeasurement": spelling}))
        assert {one.hint for one in violations} <= {f'Did you mean "{unit}"?'}


def test_a_violation_is_a_sentence() -> None:
    assert str(violation_of(UPTAKE, "5")) == (
        "/pcf/biogenicCO2Uptake is '5', expected a decimal number in quotes that is 0 or less, "
        'such as "-12.5"'
    )
    (missing,) = schema_violations({key: one for key, one in sample().items() if key != "id"})
    assert str(missing) == (
        "/id: expected a UUID, such as f4b1225a-bd44-4c8e-861d-079e4e1dfd69; "
        "the property is required"
    )


def test_long_values_are_cut() -> None:
    assert len(str(violation_of(EXCLUDING, "x" * 10_000))) < 200


def test_two_geographies_are_one_violation_that_names_both() -> None:
    document = sample({"geographyRegionOrSubregion": "Europe"})
    (violation,) = schema_violations(document)
    assert violation.pointer == "/pcf"
    assert violation.value == {"geographyRegionOrSubregion": "Europe", "geographyCountry": "DE"}
    assert "at most one geography" in str(violation)
    # Also where something else is wrong.
    document["pcf"]["declaredUnitAmount"] = "0"
    assert [one.pointer for one in schema_violations(document)] == [
        "/pcf/declaredUnitAmount",
        "/pcf",
    ]


@pytest.mark.parametrize("pcf", [[], "x", 1, True])
def test_a_pcf_that_is_no_object(pcf: Any) -> None:
    (violation,) = schema_violations(sample() | {"pcf": pcf})
    assert (violation.pointer, violation.expected) == ("/pcf", "an object with named members")


@pytest.mark.parametrize("document", [[], "x", 1, None, True])
def test_a_document_that_is_no_object(document: Any) -> None:
    (violation,) = schema_violations(document)
    assert (violation.pointer, violation.expected) == ("", "an object with named members")


def test_the_error_shows_some_and_tells_how_many_more() -> None:
    with pytest.raises(SchemaError) as caught:
        parse_footprint({"id": "x", "pcf": {"declaredUnitAmount": "12,5"}})
    count = len(caught.value.violations)
    assert str(caught.value).endswith(f"; and {count - 3} more")
    assert caught.value.hint == 'Did you mean "12.5"?'
    lines = caught.value.diagnosis().splitlines()
    assert len([line for line in lines if line.startswith("/")]) == count
    assert '  Did you mean "12.5"?' in lines


def test_pointers_are_escaped() -> None:
    assert json_pointer(()) == ""
    assert json_pointer(("a/b", 0, "m~n")) == "/a~1b/0/m~0n"


PLACES = (
    *("/id", "/created", "/productIds", "/productIds/0", "/pcf", EXCLUDING, UNIT, UPTAKE),
    *("/pcf/geographyCountry", "/pcf/dqi", "/pcf/packagingEmissionsIncluded", "/comment"),
    *("/pcf/productOrSectorSpecificRules", "/specVersion", "/status"),
)


@given(st.sampled_from(PLACES), json_values() | st.text())
def test_any_value_is_accepted_or_explained(pointer: str, value: Any) -> None:
    for violation in schema_violations(set_at(sample(), pointer, value)):
        assert violation.pointer.startswith(pointer)
        assert violation.expected
        assert str(violation)
