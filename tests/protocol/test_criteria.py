"""The eight filters: as query, as event, and which footprints they find."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.protocol.samples import sample
from tests.strategies import footprints

from underseal_protocol.criteria import (
    MAX_VALUE_CHARACTERS,
    MAX_VALUES,
    Criteria,
    FootprintIndex,
    fold,
)
from underseal_protocol.errors import CriteriaError
from underseal_protocol.times import format_time, parse_time, years_later

LISTS = ("productId", "companyId", "geography", "classification")
TIMES = ("validOn", "validAfter", "validBefore")
EIGHT = (*LISTS, "status", *TIMES)
SPELLINGS: tuple[Callable[[str], str], ...] = (str, str.upper, str.lower, str.swapcase)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def finds(document: dict[str, Any], *items: tuple[str, str]) -> bool:
    return Criteria.from_query(items).matches(FootprintIndex.of(document))


# --- a second definition, straight from the words of the specification --------------------------


def by_the_words(document: dict[str, Any], items: list[tuple[str, str]]) -> bool:
    pcf = document["pcf"]
    end_of_data = parse_time(pcf["referencePeriodEnd"])
    start = parse_time(document.get("validityPeriodStart") or pcf["referencePeriodEnd"])
    end = document.get("validityPeriodEnd")
    end = years_later(end_of_data, 3) if end is None else parse_time(end)
    place = [pcf[name] for name in pcf if name.startswith("geography")]
    found: dict[str, Callable[[str], bool]] = {
        "productId": lambda value: has(document["productIds"], value),
        "companyId": lambda value: has(document["companyIds"], value),
        "classification": lambda value: has(document.get("productClassifications", []), value),
        "geography": lambda value: has(place, value),
        "status": lambda value: has([document["status"]], value),
        "validOn": lambda value: start <= parse_time(value) <= end,
        "validAfter": lambda value: start > parse_time(value),
        "validBefore": lambda value: end < parse_time(value),
    }
    return all(
        any(found[name](value) for other, value in items if other == name)
        for name in {name for name, _ in items}
    )


def has(values: list[str], wanted: str) -> bool:
    return any(one.casefold() == wanted.casefold() for one in values)


@st.composite
def questions(draw: st.DrawFn, document: dict[str, Any]) -> list[tuple[str, str]]:
    """Filters of which some find the document: values of it, of its neighbours, and others."""
    pcf = document["pcf"]
    known = {
        "productId": document["productIds"],
        "companyId": document["companyIds"],
        "classification": document.get("productClassifications", []),
        "geography": [pcf[name] for name in pcf if name.startswith("geography")],
        "status": ["Active", "deprecated", "Bogus"],
    }
    near = [
        pcf["referencePeriodEnd"],
        document.get("validityPeriodStart", ""),
        "2025-01-01T00:00:00Z",
    ]
    near += [document.get("validityPeriodEnd", "")]
    items: list[tuple[str, str]] = []
    for name in draw(st.lists(st.sampled_from(EIGHT), unique=True, max_size=4)):
        if name in TIMES:
            base = parse_time(draw(st.sampled_from([one for one in near if one])))
            shift = draw(st.sampled_from([-1, 0, 0, 1]))
            if 1 < base.year < 9990:
                base = years_later(base, draw(st.sampled_from([0, 0, 3]))) + timedelta(days=shift)  # type: ignore[assignment]
            items.append((name, format_time(base)))
            continue
        spelling: Callable[[str], str] = draw(st.sampled_from(SPELLINGS))
        values = st.sampled_from([*known[name], "urn:x:y", "XX"]).map(spelling)
        items += [
            (name, value)
            for value in draw(st.lists(values, min_size=1, max_size=3))
            if value and "\0" not in value  # which is refused
        ]
    return items


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_the_matcher_does_what_the_words_say(data: st.DataObject) -> None:
    document = data.draw(footprints())
    items = data.draw(questions(document))
    assert finds(document, *items) == by_the_words(document, items)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_each_form_asks_the_same(data: st.DataObject) -> None:
    document = data.draw(footprints())
    criteria = Criteria.from_query(data.draw(questions(document)))
    as_query = Criteria.from_query(criteria.to_query_items())
    as_event = Criteria.from_event_data(criteria.to_event_data())
    assert as_query == criteria
    index = FootprintIndex.of(document)
    assert as_event.matches(index) == criteria.matches(index)


# --- the query ----------------------------------------------------------------------------------


def test_a_query_with_all_filters() -> None:
    items = [
        ("productId", "urn:a:1"), ("PRODUCTID", "urn:a:2"), ("companyid", "urn:c:1"),
        ("geography", "DE"), ("Classification", "urn:k:1"), ("status", "Active"),
        ("validOn", "2025-04-01T00:00Z"), ("validAfter", "2025-01-01T02:00:00 02:00"),
        ("validbefore", "2030-01-01"), ("limit", "5"), ("x-other-filter", "1"),
    ]  # fmt: skip
    criteria = Criteria.from_query(items)
    assert criteria == Criteria(
        product_ids=("urn:a:1", "urn:a:2"),
        company_ids=("urn:c:1",),
        geographies=("DE",),
        classifications=("urn:k:1",),
        statuses=("Active",),
        valid_on=moment("2025-04-01T00:00:00Z"),
        valid_after=moment("2025-01-01T00:00:00Z"),
        valid_before=moment("2030-01-01T00:00:00Z"),
    )
    assert criteria.to_query_items() == [
        ("productId", "urn:a:1"), ("productId", "urn:a:2"), ("companyId", "urn:c:1"),
        ("geography", "DE"), ("classification", "urn:k:1"), ("status", "Active"),
        ("validOn", "2025-04-01T00:00:00Z"), ("validAfter", "2025-01-01T00:00:00Z"),
        ("validBefore", "2030-01-01T00:00:00Z"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", EIGHT)
def test_an_empty_parameter_does_not_filter(name: str) -> None:
    criteria = Criteria.from_query([(name, "")])
    assert criteria.is_empty
    assert criteria.to_query_items() == []
    assert finds(sample(), (name, ""))


@pytest.mark.parametrize("name", [*LISTS, "status"])
def test_a_value_that_nothing_has_finds_nothing_and_is_no_error(name: str) -> None:
    for value in ("Bogus", "XX", "no urn", "urn:pact:null", "漢", "%", "'--"):
        criteria = Criteria.from_query([(name, value)])
        assert not criteria.is_empty
        assert not criteria.matches(FootprintIndex.of(sample()))


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("value", ["yesterday", "2025-13-01T00:00:00Z", "1714435200", "2025"])
def test_a_time_that_is_none_is_refused(name: str, value: str) -> None:
    with pytest.raises(CriteriaError, match=f"^{name}: .*is not a point in time"):
        Criteria.from_query([(name, value)])
    with pytest.raises(CriteriaError, match=f"^{name}: .*is not a point in time"):
        Criteria.from_event_data({name: value})


@pytest.mark.parametrize("name", TIMES)
def test_a_moment_has_no_alternatives(name: str) -> None:
    same = [(name, "2025-01-01T00:00:00Z"), (name.upper(), "2025-01-01T01:00:00+01:00")]
    assert len(Criteria.from_query(same).to_query_items()) == 1
    with pytest.raises(CriteriaError, match=f"{name} is given more than once"):
        Criteria.from_query([*same, (name, "2025-01-02T00:00:00Z")])


@pytest.mark.parametrize("name", ["$filter", "$Filter"])
def test_odata_is_refused(name: str) -> None:
    with pytest.raises(CriteriaError, match="version 2") as caught:
        Criteria.from_query([(name, "productIds/any(x:(x eq 'urn:a:1'))")])
    assert "productId" in str(caught.value.hint)


def test_limits() -> None:
    values = [("productId", f"urn:x:{number}") for number in range(MAX_VALUES)]
    assert len(Criteria.from_query(values).product_ids) == MAX_VALUES
    with pytest.raises(CriteriaError, match=f"{MAX_VALUES + 1} filter values"):
        Criteria.from_query([*values, ("status", "Active")])
    longest = "x" * MAX_VALUE_CHARACTERS
    assert Criteria.from_query([("geography", longest)]).geographies == (longest,)
    with pytest.raises(CriteriaError, match=f"more than {MAX_VALUE_CHARACTERS} characters"):
        Criteria.from_query([("geography", longest + "x")])
    with pytest.raises(CriteriaError, match="NUL"):
        Criteria.from_query([("geography", "D\0E")])


# --- the event ----------------------------------------------------------------------------------


def test_an_event_with_all_filters() -> None:
    data = {
        "productId": ["urn:a:1", "urn:a:2"],
        "companyId": ["urn:c:1"],
        "geography": ["DE"],
        "classification": ["urn:k:1"],
        "status": "Active",
        "validOn": "2025-04-01T00:00:00Z",
        "validAfter": "2025-01-01T00:00:00Z",
        "validBefore": "2030-01-01T00:00:00Z",
    }
    criteria = Criteria.from_event_data({**data, "comment": "please", "other": {}})
    assert criteria.to_event_data() == data
    assert criteria == Criteria.from_query(criteria.to_query_items())


def test_what_is_undefined_in_an_event_does_not_filter() -> None:
    empty: list[dict[str, Any]] = [{}, dict.fromkeys(EIGHT), {name: [] for name in LISTS}]
    for data in [*empty, {"status": ""}]:
        criteria = Criteria.from_event_data(data)
        assert criteria.is_empty
        assert criteria.to_event_data() == {}
    assert Criteria.from_event_data({"geography": ["", "DE"]}).geographies == ("DE",)


@pytest.mark.parametrize(
    "data",
    [
        {"productId": "urn:a:1"},
        {"productId": {}},
        {"productId": [1]},
        {"productId": [None]},
        {"productId": [["urn:a:1"]]},
        {"geography": True},
        {"status": 1},
        {"status": {}},
        {"status": [1]},
        {"validOn": ["2025-01-01T00:00:00Z"]},
        {"validAfter": 5},
        {"validBefore": {}},
    ],
)
def test_members_of_another_kind_are_refused(data: dict[str, Any]) -> None:
    with pytest.raises(CriteriaError, match=f"^{next(iter(data))} is .*expected"):
        Criteria.from_event_data(data)


@pytest.mark.parametrize(
    ("statuses", "data"),
    [
        (("Active",), {"status": "Active"}),
        (("ACTIVE", "active"), {"status": "Active"}),
        (("Active", "deprecated"), {}),
        (("Bogus",), {"status": "Bogus"}),
        (("Bogus", "Active"), {"status": ["Bogus", "Active"]}),
    ],
)
def test_in_an_event_the_status_is_one(statuses: tuple[str, ...], data: dict[str, Any]) -> None:
    assert Criteria(statuses=statuses).to_event_data() == data


# --- what is found ------------------------------------------------------------------------------


def test_alternatives_within_a_filter_restrictions_across() -> None:
    document = sample(productIds=["urn:a:1", "urn:a:2"])
    right, wrong = ("productId", "urn:a:2"), ("productId", "urn:a:3")
    assert finds(document, right, wrong)
    assert not finds(document, wrong)
    assert finds(document, right, ("geography", "DE"), ("geography", "FR"))
    assert not finds(document, right, ("geography", "FR"))


def test_case_does_not_matter() -> None:
    document = sample(
        {"geographyCountry": None, "geographyRegionOrSubregion": "South-eastern Asia"},
        productIds=["URN:pact:Straße.example:product-id:Ä"],
        productClassifications=["urn:k:STRASSE"],
    )
    assert finds(document, ("productId", "urn:PACT:STRASSE.example:product-id:ä"))
    assert finds(document, ("geography", "south-EASTERN asia"), ("status", "aCTIVE"))
    assert finds(document, ("classification", "URN:K:straße"))
    assert fold("ΌΔΟΣ") == fold("όδος")


PLACES = [
    ({"geographyCountry": "DE"}, "DE", ["DE-BW", "Europe", "D"]),
    ({"geographyCountrySubdivision": "DE-BW"}, "DE-BW", ["DE", "BW", "Europe"]),
    ({"geographyRegionOrSubregion": "Western Europe"}, "Western Europe", ["Europe", "DE"]),
    ({}, None, ["DE", "Global", "World"]),
]


@pytest.mark.parametrize(("pcf", "place", "others"), PLACES)
def test_geography_is_equality(pcf: dict[str, str], place: str | None, others: list[str]) -> None:
    document = sample({"geographyCountry": None, **pcf})
    if place is not None:
        assert finds(document, ("geography", place))
    for other in others:
        assert not finds(document, ("geography", other))


SECOND = timedelta(seconds=1)
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)

PERIODS: list[dict[str, Any]] = [
    {},  # both ends are stated
    {"validityPeriodStart": None, "validityPeriodEnd": None},
    {"validityPeriodStart": None},
    {"validityPeriodEnd": None},
]


@pytest.mark.parametrize("changes", PERIODS)
def test_validity(changes: dict[str, Any]) -> None:
    """From the end of the reference period for three years, unless it is stated."""
    document = sample(**changes)
    index = FootprintIndex.of(document)
    assert (index.valid_from, index.valid_until) == (START, END)
    for at, is_valid in (
        (START - SECOND, False), (START, True), (END, True), (END + SECOND, False),
    ):  # fmt: skip
        assert Criteria(valid_on=at).matches(index) == is_valid, at
    for at, starts_after in ((START - SECOND, True), (START, False), (END, False)):
        assert Criteria(valid_after=at).matches(index) == starts_after, at
    for at, ends_before in ((START, False), (END, False), (END + SECOND, True)):
        assert Criteria(valid_before=at).matches(index) == ends_before, at


def test_a_stated_period_counts() -> None:
    document = sample(
        validityPeriodStart="2026-06-01T02:00:00+02:00", validityPeriodEnd="2026-07-01T00:00:00Z"
    )
    index = FootprintIndex.of(document)
    assert index.valid_from == datetime(2026, 6, 1, tzinfo=UTC)
    assert index.valid_until == datetime(2026, 7, 1, tzinfo=UTC)


def test_the_leap_day() -> None:
    document = sample(
        {"referencePeriodEnd": "2024-02-29T00:00:00Z"},
        validityPeriodStart=None, validityPeriodEnd=None,
    )  # fmt: skip
    assert FootprintIndex.of(document).valid_until == datetime(2027, 2, 28, tzinfo=UTC)


def test_nothing_asked_finds_everything() -> None:
    assert Criteria().is_empty
    assert Criteria().matches(FootprintIndex.of(sample()))
    assert not Criteria(statuses=("Active",)).is_empty
