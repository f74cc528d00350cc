"""Random footprints: everything that PACT 3.0 allows, and what it does not forbid.

`footprints()` gives documents in the form in which we write them, so that normalising one changes
nothing: decimals of up to 40 digits, texts in many scripts, all enumerations, any selection of the
optional properties, unknown properties on every level, extensions with any JSON. The figures do not
fit together; only the schema is fulfilled.
"""

from __future__ import annotations

import string
from datetime import UTC, datetime
from typing import Any, TypeAlias

from hypothesis import strategies as st

from underseal_protocol.canonical import canonical_bytes
from underseal_protocol.carbon import (
    GEOGRAPHIES,
    REGIONS,
    STANDARDS,
    UNITS,
    CarbonFootprint,
    DataQualityIndicators,
    EmissionFactorSource,
    ProductOrSectorSpecificRule,
    Verification,
)
from underseal_protocol.criteria import STATUSES
from underseal_protocol.disclosure import CREDENTIAL_SCHEMA_PATH
from underseal_protocol.footprint import DataModelExtension, ProductFootprint
from underseal_protocol.model import Model
from underseal_protocol.times import format_time

__all__ = [
    "PCF_PROPERTIES",
    "decimals",
    "extensions",
    "footprints",
    "json_values",
    "non_empty_texts",
    "texts",
    "times",
    "unknown_members",
    "uris",
    "urns",
    "uuids",
]

Document: TypeAlias = dict[str, Any]
Strategy: TypeAlias = st.SearchStrategy[Any]

MAX_DIGITS = 40
MAX_EXACT_INTEGER = 2**53 - 1

# Names that a careless reader takes for something else.
TRICKY_NAMES = (
    "", "a/b", "~0", "产品", "\U0001f33f", "company_name", "model_config", "model_fields",
    "__class__", "__proto__", "$ref", "Id", "PCF", "updated",
)  # fmt: skip

# Characters of any script; lone surrogates are no characters.
_characters = st.characters(exclude_categories=["Cs"])
_words = st.sampled_from(["磷酸铁锂", "正極材料", "Łódź", "straße", "ı", "катод", "🔋", "e\u0301"])


def texts(max_size: int = 12) -> Strategy:
    """Any text, also none."""
    return st.text(_characters, max_size=max_size) | _words


def non_empty_texts(max_size: int = 12) -> Strategy:
    """Any text of at least one character."""
    return st.text(_characters, min_size=1, max_size=max_size) | _words


@st.composite
def decimals(draw: st.DrawFn, sign: str = "any") -> str:
    """A decimal number as it is written.

    Args:
        sign: `any`, `positive`, `positive or zero` or `negative or zero`.
    """
    count = draw(st.integers(1, MAX_DIGITS))
    digits = draw(st.text("0123456789", min_size=count, max_size=count))
    point = draw(st.integers(1, count))
    whole, fraction = digits[:point].lstrip("0") or "0", digits[point:]
    text = f"{whole}.{fraction}" if fraction else whole
    if sign == "positive" and not text.strip("0."):
        text = f"{whole}.{fraction}1"[: MAX_DIGITS + 1] if fraction[:-1] else "1"
    is_negative = sign == "negative or zero" or (sign == "any" and draw(st.booleans()))
    return f"-{text}" if is_negative else text


def uuids() -> Strategy:
    """In lower case."""
    return st.uuids().map(str)


@st.composite
def times(draw: st.DrawFn) -> str:
    """A point in time in UTC, with any number of digits of a second."""
    moment = draw(st.datetimes(min_value=datetime(1, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
    text = format_time(moment.replace(microsecond=0))
    fraction = draw(st.just("") | st.text("0123456789", min_size=1, max_size=12))
    return f"{text[:-1]}.{fraction}Z" if fraction else text


_NAMESPACE_CHARACTERS = string.ascii_letters + string.digits
_urn_tail = st.text(_NAMESPACE_CHARACTERS + "-._~:@!$&'()*+,;=/%#?", max_size=12)


def urns() -> Strategy:
    """What the schema takes for a URN: some are none by RFC 8141, or have wrong check digits."""
    return st.one_of(
        st.builds("urn:{}:{}".format, st.text(_NAMESPACE_CHARACTERS, min_size=2), _urn_tail),
        st.builds("{}:{}".format, st.sampled_from(["urn", "URN", "uRn"]), texts()),
        st.builds("urn:gtin:{}".format, st.integers(0, 10**14 - 1)),
        st.builds("urn:pact:{}.example:product-id:{}".format, st.sampled_from("abc"), _urn_tail),
        st.builds("urn:uuid:{}".format, uuids()),
    )


@st.composite
def uris(draw: st.DrawFn) -> str:
    """A URI of the kinds that point to documents."""
    host = draw(
        st.sampled_from(["example.com", "b.example:8443", "[2001:db8::1]", "user@c.example"])
    )
    segment = st.text(_NAMESPACE_CHARACTERS + "-._~!$&'()*+,;=:@", max_size=6)
    encoded = st.sampled_from(["", "/%E4%BE%8B", "/%20", "?a=b&c", "#part", "?x#y"])
    path = "".join(f"/{one}" for one in draw(st.lists(segment, max_size=3)))
    uri = f"https://{host}{path}{draw(encoded)}"
    return draw(st.sampled_from(["urn:isbn:9789510184356", "mailto:a@b.example"]) | st.just(uri))


_scalars = (
    st.none()
    | st.booleans()
    | texts()
    | st.integers(-MAX_EXACT_INTEGER, MAX_EXACT_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
)


def json_values() -> Strategy:
    """Any JSON value that has a canonical form."""
    return st.recursive(
        _scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts(6), inner, max_size=3),
        max_leaves=5,
    )


def unknown_members(model: type[Model], max_size: int = 2) -> Strategy:
    """Properties that the specification does not define.

    None of them is null: that would be as good as absent.
    """
    known = {field.alias for field in model.model_fields.values()}
    names = (texts(8) | st.sampled_from(TRICKY_NAMES)).filter(lambda name: name not in known)
    values = json_values().filter(lambda value: value is not None)
    # Mostly nothing, as in real life, and so that most examples are small.
    few = st.dictionaries(names, values, max_size=max_size)
    return st.one_of(st.just({}), st.just({}), few)


def _objects(
    model: type[Model], required: dict[str, Strategy], optional: dict[str, Strategy] | None = None
) -> Strategy:
    """Objects of a model in the order of its properties, unknown ones at the end."""
    order = [str(field.alias) for field in model.model_fields.values()]

    def build(members: Document, unknown: Document) -> Document:
        return {name: members[name] for name in order if name in members} | unknown

    known = st.fixed_dictionaries(required, optional=optional or {})
    return st.builds(build, known, unknown_members(model))


def _some(items: Strategy, max_size: int = 2) -> Strategy:
    return st.lists(items, min_size=1, max_size=max_size)


def _set(items: Strategy, max_size: int = 3) -> Strategy:
    return st.lists(items, min_size=1, max_size=max_size, unique_by=canonical_bytes)


def extensions() -> Strategy:
    """An extension that is not the credential."""
    return _objects(
        DataModelExtension,
        {
            "specVersion": texts(),
            "dataSchema": uris().filter(lambda uri: not uri.endswith(CREDENTIAL_SCHEMA_PATH)),
            "data": st.dictionaries(texts(6), json_values(), max_size=3),
        },
        {"documentation": uris()},
    )


_rules = _objects(
    ProductOrSectorSpecificRule,
    {
        "operator": st.sampled_from(["PEF", "EPD International", "Other"]),
        "ruleNames": _set(non_empty_texts()),
    },
    {"otherOperatorName": non_empty_texts()},
)
_sources = _objects(EmissionFactorSource, {"name": non_empty_texts(), "version": non_empty_texts()})
_ratings = _objects(
    DataQualityIndicators,
    {name: decimals() for name in ("technologicalDQR", "geographicalDQR", "temporalDQR")},
)
_verifications = _objects(
    Verification,
    {},
    {
        "coverage": st.sampled_from(["PCF calculation model", "PCF program", "product level"]),
        "providerName": texts(),
        "completedAt": times(),
        "standardName": texts(),
        "comments": texts(),
    },
)
_PLACES = {
    "geographyRegionOrSubregion": st.sampled_from(REGIONS),
    "geographyCountry": st.sampled_from(["DE", "CN", "US", "ZZ"]),
    "geographyCountrySubdivision": st.sampled_from(["DE-BW", "CN-GD", "US-CA", "AD-02", "ZZ-1"]),
}

_PCF_REQUIRED: dict[str, Strategy] = {
    "declaredUnitOfMeasurement": st.sampled_from(UNITS),
    "declaredUnitAmount": decimals("positive"),
    "productMassPerDeclaredUnit": decimals(),
    "referencePeriodStart": times(),
    "referencePeriodEnd": times(),
    "pcfExcludingBiogenicUptake": decimals(),
    "pcfIncludingBiogenicUptake": decimals(),
    "fossilCarbonContent": decimals("positive or zero"),
    "fossilGhgEmissions": decimals("positive or zero"),
    "ipccCharacterizationFactors": _set(st.integers(0, 99).map("AR{}".format)),
    "crossSectoralStandards": _set(st.sampled_from(STANDARDS) | texts()),
    "exemptedEmissionsPercent": decimals(),
}
_PCF_OPTIONAL: dict[str, Strategy] = {
    **{
        name: decimals("positive or zero")
        for name in (
            "biogenicCarbonContent",
            "recycledCarbonContent",
            "landUseChangeGhgEmissions",
            "landCarbonLeakage",
            "landManagementFossilGhgEmissions",
            "landManagementBiogenicCO2Emissions",
            "biogenicNonCO2Emissions",
            "landAreaOccupation",
            "aircraftGhgEmissions",
            "packagingGhgEmissions",
            "packagingBiogenicCarbonContent",
            "outboundLogisticsGhgEmissions",
            "ccuCarbonContent",
        )
    },
    **{
        name: decimals("negative or zero")
        for name in (
            "landManagementBiogenicCO2Removals",
            "biogenicCO2Uptake",
            "ccsTechnologicalCO2Capture",
            "technologicalCO2Removals",
        )
    },
    **{
        name: texts()
        for name in (
            "boundaryProcessesDescription",
            "technologicalCO2CaptureOrigin",
            "exemptedEmissionsDescription",
            "allocationRulesDescription",
        )
    },
    "packagingEmissionsIncluded": st.booleans(),
    "ccsTechnologicalCO2CaptureIncluded": st.booleans(),
    "ccuCalculationApproach": st.sampled_from(["Cut-off", "Credit"]),
    "ccuCreditCertification": uris(),
    "productOrSectorSpecificRules": _set(_rules, 2),
    "secondaryEmissionFactorSources": _some(_sources),
    "primaryDataShare": decimals(),
    "dqi": _ratings,
    "verification": _verifications,
}


PCF_PROPERTIES = frozenset({*_PCF_REQUIRED, *_PCF_OPTIONAL, *_PLACES})


@st.composite
def _carbon_footprints(draw: st.DrawFn) -> Document:
    # About a third of the optional properties, drawn at once: a choice for each would cost more
    # than all the values.
    names = draw(st.lists(st.sampled_from(sorted(_PCF_OPTIONAL)), max_size=18, unique=True))
    place = draw(st.none() | st.sampled_from(GEOGRAPHIES))
    members = _PCF_REQUIRED | {name: _PCF_OPTIONAL[name] for name in names}
    if place is not None:
        members |= {place: _PLACES[place]}
    return dict(draw(_objects(CarbonFootprint, members)))


def footprints() -> Strategy:
    """A footprint in the form in which we write it. Two draws share no mutable part."""
    return _objects(
        ProductFootprint,
        {
            "id": uuids(),
            "specVersion": st.sampled_from(["3.0.0", "3.0.3", "3.1.0-20250101", "2.3.0"]),
            "created": times(),
            "status": st.sampled_from(STATUSES),
            "companyName": non_empty_texts(),
            "companyIds": _set(urns()),
            "productDescription": texts(),
            "productIds": _set(urns()),
            "productNameCompany": non_empty_texts(),
            "pcf": _carbon_footprints(),
        },
        {
            "precedingPfIds": _set(uuids()),
            "validityPeriodStart": times(),
            "validityPeriodEnd": times(),
            "productClassifications": _set(urns()),
            "comment": texts(),
            "extensions": st.lists(extensions(), max_size=2),
        },
    )
