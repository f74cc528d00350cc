"""The eight filters of PACT 3.0 (Action ListFootprints, Filtering): one definition for the list
query, the request event and the matcher in memory.

Values of one filter are alternatives, filters restrict each other, case never matters. A value that
no footprint has, whatever it looks like, matches nothing and is no error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

from underseal_protocol.errors import CriteriaError, TimeError
from underseal_protocol.times import format_time, parse_filter_time, parse_time, years_later

__all__ = ["ACTIVE", "DEPRECATED", "VALIDITY_YEARS", "Criteria", "FootprintIndex", "fold"]

MAX_VALUES = 1000
MAX_VALUE_CHARACTERS = 4096
VALIDITY_YEARS = 3  # from the end of the reference period (PACT 3.0, Validity Period)

_LISTS = {
    "productId": "product_ids",
    "companyId": "company_ids",
    "geography": "geographies",
    "classification": "classifications",
}
_STATUS = "status"
_TIMES = {"validOn": "valid_on", "validAfter": "valid_after", "validBefore": "valid_before"}
_NAMES = {name.lower(): name for name in (*_LISTS, _STATUS, *_TIMES)}
_GEOGRAPHIES = ("geographyCountrySubdivision", "geographyCountry", "geographyRegionOrSubregion")


def fold(text: str) -> str:
    """A text without the difference between upper and lower case."""
    return text.casefold()


ACTIVE: Final = "Active"
DEPRECATED: Final = "Deprecated"
Status = Literal["Active", "Deprecated"]
STATUSES: tuple[str, ...] = get_args(Status)
STATUS_BY_FOLDED = {fold(status): status for status in STATUSES}


@dataclass(frozen=True, slots=True)
class FootprintIndex:
    """What of a footprint the filters look at. Texts are folded.

    Attributes:
        product_ids: `productIds`.
        company_ids: `companyIds`.
        classifications: `productClassifications`.
        geography: the region, country or subdivision; None if it is global.
        valid_from: start of the validity period, inclusive.
        valid_until: its end, inclusive for `validOn`.
        status: `Active` or `Deprecated`, as it is written.
    """

    product_ids: frozenset[str]
    company_ids: frozenset[str]
    classifications: frozenset[str]
    geography: str | None
    valid_from: datetime
    valid_until: datetime
    status: str

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> FootprintIndex:
        """The index of a footprint.

        Without a validity period, it is the three years from the end of the reference period; if
        one end of the period is missing, that end of it.

        Args:
            document: a footprint that `footprint.schema_violations` has nothing to say about.

        Raises:
            TimeError: a time is none.
        """
        pcf = document["pcf"]
        start, end = document.get("validityPeriodStart"), document.get("validityPeriodEnd")
        reference_end = parse_time(pcf["referencePeriodEnd"])
        geography = next((pcf[name] for name in _GEOGRAPHIES if pcf.get(name)), None)
        return cls(
            product_ids=_folded(document.get("productIds")),
            company_ids=_folded(document.get("companyIds")),
            classifications=_folded(document.get("productClassifications")),
            geography=None if geography is None else fold(geography),
            valid_from=reference_end if start is None else parse_time(start),
            valid_until=years_later(reference_end, VALIDITY_YEARS)
            if end is None
            else parse_time(end),
            status=document["status"],
        )


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which footprints somebody asks for. An empty filter does not restrict anything.

    Attributes:
        product_ids: one of `productIds` is one of these.
        company_ids: one of `companyIds` is one of these.
        geographies: the geography is one of these; a country does not contain its subdivisions.
        classifications: one of `productClassifications` is one of these.
        statuses: the status is one of these.
        valid_on: the validity period includes this moment, its ends included.
        valid_after: the validity period starts after this moment.
        valid_before: the validity period ends before this moment.
    """

    product_ids: tuple[str, ...] = ()
    company_ids: tuple[str, ...] = ()
    geographies: tuple[str, ...] = ()
    classifications: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    valid_on: datetime | None = None
    valid_after: datetime | None = None
    valid_before: datetime | None = None

    @classmethod
    def from_query(cls, items: Iterable[tuple[str, str]]) -> Criteria:
        """Read query parameters.

        Names in any case; unknown names and empty values are ignored. A second, different value of
        `validOn`, `validAfter` or `validBefore` is refused: a moment has no alternatives, and
        taking one of them would answer another question.

        Args:
            items: names and values, decoded, in any order.

        Raises:
            CriteriaError: a date is none, or the filter is OData's, or there are too many.
        """
        members: dict[str, list[str]] = {}
        for name, value in items:
            lowered = name.lower()
            if lowered == "$filter":
                raise CriteriaError(
                    "$filter is of version 2 of PACT; version 3 does not have it",
                    hint=f"The filters are {', '.join(_NAMES.values())}.",
                )
            if lowered in _NAMES and value:
                members.setdefault(_NAMES[lowered], []).append(value)
        return _criteria(members)

    @classmethod
    def from_event_data(cls, data: Mapping[str, Any]) -> Criteria:
        """Read the `data` of a request event. Other members are ignored, null is undefined.

        Raises:
            CriteriaError: a member is not what the specification says.
        """
        members: dict[str, list[str]] = {}
        for name in _NAMES.values():
            value = data.get(name)
            if isinstance(value, str) and name not in _LISTS:
                value = [value]
            elif value is None:
                continue
            elif name in _TIMES or not isinstance(value, list):
                expected = "a date and time" if name in _TIMES else "a list of texts"
                raise CriteriaError(f"{name} is {_shown(value)}, expected {expected}")
            if not all(isinstance(one, str) for one in value):
                raise CriteriaError(f"{name} is {_shown(value)}, expected texts")
            members[name] = [one for one in value if one]
        return _criteria(members)

    def to_query_items(self) -> list[tuple[str, str]]:
        """As query parameters, not yet percent-encoded."""
        items = [(name, value) for name, field in _LISTS.items() for value in getattr(self, field)]
        items += [(_STATUS, value) for value in self.statuses]
        times = ((name, getattr(self, field)) for name, field in _TIMES.items())
        return items + [(name, format_time(value)) for name, value in times if value is not None]

    def to_event_data(self) -> dict[str, Any]:
        """As `data` of a request event.

        There, `status` is one text: both statuses together are no restriction and left out.
        """
        data: dict[str, Any] = {
            name: list(getattr(self, field))
            for name, field in _LISTS.items()
            if getattr(self, field)
        }
        statuses = {STATUS_BY_FOLDED.get(fold(value), value): None for value in self.statuses}
        if statuses and not statuses.keys() >= set(STATUSES):
            data[_STATUS] = next(iter(statuses)) if len(statuses) == 1 else list(statuses)
        for name, field in _TIMES.items():
            value = getattr(self, field)
            if value is not None:
                data[name] = format_time(value)
        return data

    @property
    def is_empty(self) -> bool:
        """Whether everything matches."""
        return self == _NOTHING_ASKED

    def matches(self, index: FootprintIndex) -> bool:
        """Whether a footprint is among those asked for."""
        return (
            _meet(self.product_ids, index.product_ids)
            and _meet(self.company_ids, index.company_ids)
            and _meet(self.classifications, index.classifications)
            and _meet(self.geographies, {index.geography})
            and _meet(self.statuses, {fold(index.status)})
            and (self.valid_on is None or index.valid_from <= self.valid_on <= index.valid_until)
            and (self.valid_after is None or index.valid_from > self.valid_after)
            and (self.valid_before is None or index.valid_until < self.valid_before)
        )


_NOTHING_ASKED = Criteria()


def _criteria(members: Mapping[str, list[str]]) -> Criteria:
    """From the names of PACT to the values, checked for number and size."""
    count = 0
    for name, values in members.items():
        count += len(values)
        for value in values:
            if len(value) > MAX_VALUE_CHARACTERS:
                raise CriteriaError(
                    f"a value of {name} has more than {MAX_VALUE_CHARACTERS} characters"
                )
            if "\0" in value:  # which no database would take as a text
                raise CriteriaError(f"a value of {name} holds a NUL character")
    if count > MAX_VALUES:
        raise CriteriaError(f"there are {count} filter values, expected at most {MAX_VALUES}")
    arguments: dict[str, Any] = {
        field: tuple(members.get(name, ())) for name, field in _LISTS.items()
    }
    arguments["statuses"] = tuple(members.get(_STATUS, ()))
    for name, field in _TIMES.items():
        arguments[field] = _moment(name, members.get(name, []))
    return Criteria(**arguments)


def _moment(name: str, values: list[str]) -> datetime | None:
    try:
        moments = {parse_filter_time(value) for value in values}
    except TimeError as error:
        raise CriteriaError(f"{name}: {error.message}", hint=error.hint) from None
    if len(moments) > 1:
        raise CriteriaError(f"{name} is given more than once, with different values")
    return next(iter(moments), None)


def _meet(wanted: tuple[str, ...], found: Iterable[str | None]) -> bool:
    return not wanted or any(fold(value) in found for value in wanted)


def _folded(values: Iterable[str] | None) -> frozenset[str]:
    return frozenset(map(fold, values or ()))


def _shown(value: object) -> str:
    return repr(value)[:80]
