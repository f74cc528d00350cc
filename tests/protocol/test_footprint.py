"""Footprints are read liberally and written strictly, and nothing of them is lost on the way."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.protocol.samples import sample, set_at
from tests.strategies import decimals, footprints, unknown_members

from underseal_protocol.canonical import canonical_bytes
from underseal_protocol.carbon import CarbonFootprint
from underseal_protocol.errors import SchemaError
from underseal_protocol.footprint import (
    ProductFootprint,
    normalise,
    parse_footprint,
    schema_violations,
    to_document,
)
from underseal_protocol.strict_json import dumps, loads

FIGURES = (
    *("pcfExcludingBiogenicUptake", "pcfIncludingBiogenicUptake", "productMassPerDeclaredUnit"),
    *("exemptedEmissionsPercent", "primaryDataShare"),
)


def normalised(pointer: str, value: Any) -> Any:
    """What becomes of a value that is put into the sample."""
    result: Any = normalise(set_at(sample(), pointer, value))
    for step in pointer[1:].split("/"):
        result = result[int(step) if isinstance(result, list) else step]
    return result


# --- nothing is lost ----------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(footprints())
def test_a_round_trip_changes_no_byte(document: dict[str, Any]) -> None:
    before = copy.deepcopy(document)
    received = loads(dumps(document), exact_numbers=True)
    written = to_document(parse_footprint(received))
    assert canonical_bytes(written) == canonical_bytes(before)
    assert dumps(written) == dumps(before), "nor does it change any order"
    assert received == before, "what was received is not changed"


@settings(max_examples=50, deadline=None)
@given(footprints(), unknown_members(ProductFootprint), unknown_members(CarbonFootprint))
def test_unknown_properties_survive(
    document: dict[str, Any], unknown: dict[str, Any], in_pcf: dict[str, Any]
) -> None:
    document |= unknown
    document["pcf"] |= in_pcf
    written = normalise(document)
    for name, value in unknown.items():
        assert canonical_bytes(written[name]) == canonical_bytes(value)
    for name, value in in_pcf.items():
        assert canonical_bytes(written["pcf"][name]) == canonical_bytes(value)


def test_extensions_are_passed_on_untouched() -> None:
    data = {
        "shipment": {"weight": 10, "ratio": 0.1, "none": None, "重量": ["十", None, {}]},
        "": [],
    }
    extension = {
        "specVersion": "2.0.0",
        "dataSchema": "https://reg.example/shipment/1.0.0/data-model.json",
        "data": data,
        "x-issuer": {"a": None},
    }
    document = sample(extensions=[extension, extension])
    written = normalise(copy.deepcopy(document))["extensions"]
    assert canonical_bytes(written) == canonical_bytes([extension, extension])


def test_properties_are_in_the_order_of_the_specification_and_unknown_ones_behind() -> None:
    document = {"zebra": 1, "aardvark": 2, **dict(reversed(sample().items()))}
    names = list(normalise(document))
    aliases = [field.alias for field in ProductFootprint.model_fields.values()]
    assert names == [*(name for name in aliases if name in document), "zebra", "aardvark"]


# --- decimals -----------------------------------------------------------------------------------


@given(decimals(), st.sampled_from(FIGURES))
def test_decimals_keep_every_digit(text: str, name: str) -> None:
    assert normalised(f"/pcf/{name}", text) == text
    footprint = parse_footprint(set_at(sample(), f"/pcf/{name}", text))
    value = next(
        getattr(footprint.pcf, field)
        for field, info in CarbonFootprint.model_fields.items()
        if info.alias == name
    )
    assert type(value) is Decimal
    assert value == Decimal(text)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("+1.50", "1.50"),
        ("0001", "1"),
        ("-0", "-0"),
        ("0.000", "0.000"),
        ("1234567890123456789012345678901234567890", "1234567890123456789012345678901234567890"),
        ("0." + "0" * 38 + "1", "0." + "0" * 38 + "1"),
    ],
)
def test_decimals_are_written_without_superfluous_characters(written: str, expected: str) -> None:
    assert normalised("/pcf/pcfExcludingBiogenicUptake", written) == expected


SIGNS = [
    ("declaredUnitAmount", ["0.001", "+5", "10"], ["0", "-1", "0.00", "-0"]),
    ("fossilGhgEmissions", ["0", "0.0", "1"], ["-1", "-0", "-0.001"]),
    ("biogenicCO2Uptake", ["0", "-0", "-1.5", "0.0"], ["1", "+0.1", "0.0001"]),
    ("technologicalCO2Removals", ["0", "-3"], ["3"]),
    ("pcfIncludingBiogenicUptake", ["-1", "0", "1"], []),
]


@pytest.mark.parametrize(("name", "right", "wrong"), SIGNS)
def test_signs(name: str, right: list[str], wrong: list[str]) -> None:
    for value in right:
        assert schema_violations(sample({name: value})) == [], value
    for value in wrong:
        (violation,) = schema_violations(sample({name: value}))
        assert violation.pointer == f"/pcf/{name}"
        assert violation.value == value


# What the published regular expressions let through, because they are not anchored.
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("declaredUnitAmount", "1abc"),
        ("declaredUnitAmount", "x0.1"),
        ("biogenicCO2Uptake", "-1kg"),
        ("biogenicCO2Uptake", "abc0"),
        ("biogenicCO2Uptake", "50"),
        ("pcfExcludingBiogenicUptake", "1\n"),
        ("pcfExcludingBiogenicUptake", "٣"),
        ("pcfExcludingBiogenicUptake", "1e3"),
    ],
)
def test_what_only_the_published_pattern_takes_for_a_decimal(name: str, value: str) -> None:
    (violation,) = schema_violations(sample({name: value}))
    assert violation.pointer == f"/pcf/{name}"


# --- read liberally, written strictly -----------------------------------------------------------


@pytest.mark.parametrize(
    ("pointer", "value", "expected"),
    [
        ("/created", "2026-02-10T11:30:00+02:00", "2026-02-10T09:30:00Z"),
        ("/created", "2026-02-10t09:30z", "2026-02-10T09:30:00Z"),
        ("/created", "2026-02-10 09:30:00.250Z", "2026-02-10T09:30:00.250Z"),
        ("/id", "F4B1225A-BD44-4C8E-861D-079E4E1DFD69", "f4b1225a-bd44-4c8e-861d-079e4e1dfd69"),
        ("/precedingPfIds/0", "0B7F6B3C-2D77-4B3E-9B6C-52A0D5F8A111",
         "0b7f6b3c-2d77-4b3e-9b6c-52a0d5f8a111"),
        ("/productIds/0", "URN:GTIN:4712345060507", "URN:GTIN:4712345060507"),
        ("/pcf/ccuCreditCertification", "https://例え.example/証明書?a=ü",
         "https://%E4%BE%8B%E3%81%88.example/%E8%A8%BC%E6%98%8E%E6%9B%B8?a=%C3%BC"),
    ],
)  # fmt: skip
def test_spellings(pointer: str, value: str, expected: str) -> None:
    assert normalised(pointer, value) == expected


def test_null_is_as_good_as_absent() -> None:
    document = sample({"dqi": None, "verification": None})
    with_nulls = copy.deepcopy(document)
    with_nulls["comment"], with_nulls["extensions"], with_nulls["unknown"] = None, None, None
    with_nulls["pcf"] |= {"dqi": None, "verification": None, "aircraftGhgEmissions": None}
    document.pop("comment")
    assert normalise(with_nulls) == normalise(document)


def test_null_does_not_satisfy_what_is_required() -> None:
    for name in ("id", "pcf", "productIds"):
        (violation,) = schema_violations(sample() | {name: None})
        assert violation.pointer == f"/{name}"
        assert "required" in violation.expected


def test_writing_twice_writes_the_same() -> None:
    once = normalise(sample(created="2026-02-10T11:30+02:00", id="F4B1225A" + sample()["id"][8:]))
    assert normalise(once) == once


def test_two_spellings_of_one_id_are_a_repetition() -> None:
    twice = sample(precedingPfIds=[sample()["id"].upper(), sample()["id"]])
    (violation,) = schema_violations(twice)
    assert violation.pointer == "/precedingPfIds"
    assert violation.expected == "no item twice"


@pytest.mark.parametrize("difference", [{}, {"otherOperatorName": None}])
def test_equal_rules_are_a_repetition(difference: dict[str, Any]) -> None:
    rule = {"operator": "PEF", "ruleNames": ["x"], "weight": 1}
    same = {"weight": 1.0, **difference, "ruleNames": ["x"], "operator": "PEF"}
    document = sample({"productOrSectorSpecificRules": [rule, same]})
    assert [one.pointer for one in schema_violations(document)] == [
        "/pcf/productOrSectorSpecificRules"
    ]
    other = sample({"productOrSectorSpecificRules": [rule, {**same, "weight": 2}]})
    assert schema_violations(other) == []


def test_numbers_without_canonical_form_can_still_be_read() -> None:
    rule = {"operator": "PEF", "ruleNames": ["x"], "weight": 2**60}
    document = sample({"productOrSectorSpecificRules": [rule]})
    assert normalise(document)["pcf"]["productOrSectorSpecificRules"] == [rule]
    document = sample({"productOrSectorSpecificRules": [rule, dict(rule)]})
    assert len(schema_violations(document)) == 1


# --- the models ---------------------------------------------------------------------------------


def test_a_footprint_cannot_be_changed() -> None:
    footprint = parse_footprint(sample())
    with pytest.raises(ValidationError, match="frozen"):
        footprint.status = "Deprecated"


def test_a_footprint_is_read_or_every_violation_is_told() -> None:
    document = sample({"declaredUnitAmount": "0", "dqi": {"temporalDQR": "1"}}, id="x", status="y")
    with pytest.raises(SchemaError) as caught:
        parse_footprint(document)
    pointers = [violation.pointer for violation in caught.value.violations]
    assert pointers == [
        "/id",
        "/status",
        "/pcf/declaredUnitAmount",
        "/pcf/dqi/technologicalDQR",
        "/pcf/dqi/geographicalDQR",
    ]
    assert list(caught.value.violations) == schema_violations(document)
    with pytest.raises(SchemaError):
        normalise(document)


def test_errors_travel_between_processes() -> None:
    with pytest.raises(SchemaError) as caught:
        parse_footprint({})
    copied = pickle.loads(pickle.dumps(caught.value))
    assert copied.violations == caught.value.violations
    assert copied.diagnosis() == caught.value.diagnosis()


def test_points_in_time_keep_their_digits_when_copied() -> None:
    footprint = parse_footprint(sample(created="2026-02-10T09:30:00.1234567890Z"))
    copied = pickle.loads(pickle.dumps(footprint))
    assert to_document(copied) == to_document(footprint)
    assert to_document(copied)["created"] == "2026-02-10T09:30:00.1234567890Z"
