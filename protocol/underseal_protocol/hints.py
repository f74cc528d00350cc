"""What usually helps when a value is not what it has to be, judged by the value that is there.

Nothing is ever changed by these: a hint is shown to whoever wrote the value.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeAlias

from underseal_protocol.decimals import parse_decimal
from underseal_protocol.errors import DecimalError, TimeError
from underseal_protocol.places import country_code, is_country, is_subdivision
from underseal_protocol.times import parse_time

__all__ = [
    "Hint",
    "choice_hint",
    "country_hint",
    "decimal_hint",
    "negative_or_zero_hint",
    "spec_version_hint",
    "subdivision_hint",
    "time_hint",
    "uri_hint",
    "urn_hint",
    "uuid_hint",
]

Hint: TypeAlias = Callable[[Any], str | None]

MAX_SUGGESTED_CHARACTERS = 60
MAX_COMPARED_CHARACTERS = 100
NO_ALIASES: Mapping[str, str] = MappingProxyType({})

# In other scripts and typographies: narrow and no-break spaces, apostrophes.
_SEPARATORS = re.compile("[\\s'\N{RIGHT SINGLE QUOTATION MARK}]")
_GROUPED_BY_POINTS = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+,[0-9]+")
_GROUPED_BY_COMMAS = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+\.[0-9]+")
_MANY_GROUPS = re.compile(r"[+-]?[0-9]{1,3}([.,])[0-9]{3}(\1[0-9]{3})+")
_WITH_UNIT = re.compile(r"([+-]?[0-9][0-9.,]*)(%|[^\W0-9_].*)")
_EXPONENT = re.compile(r"[+-]?[0-9.]+[eE][+-]?[0-9]+")


def decimal_hint(value: Any) -> str | None:
    """For a decimal number: commas, spaces, units, exponents, numbers that are no text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        text = _as_decimal(value)
        return "Put the number in quotes" + (f': "{text}".' if text else ".")
    if not isinstance(value, str):
        return None
    text = _SEPARATORS.sub("", value[:MAX_COMPARED_CHARACTERS]).replace("\N{MINUS SIGN}", "-")
    if _EXPONENT.fullmatch(text):
        return "Write all digits instead of an exponent."
    with_unit = _WITH_UNIT.fullmatch(text)
    meant = _decimals_meant(with_unit[1] if with_unit else text)
    return _did_you_mean(*meant) if value not in meant else None


def _as_decimal(number: float) -> str | None:
    """A number as a decimal text; None if it has too many digits or is none."""
    if isinstance(number, float):
        exact = Decimal(repr(number))
        text = format(exact, "f") if exact.is_finite() else ""
    else:
        text = str(number) if abs(number) < 10**MAX_SUGGESTED_CHARACTERS else ""
    return text if 0 < len(text) <= MAX_SUGGESTED_CHARACTERS else None


def _decimals_meant(text: str) -> list[str]:
    """The decimal numbers that a text with commas and points may stand for, without spaces."""
    if _GROUPED_BY_POINTS.fullmatch(text):
        candidates = [text.replace(".", "").replace(",", ".")]
    elif _GROUPED_BY_COMMAS.fullmatch(text):
        candidates = [text.replace(",", "")]
    elif _MANY_GROUPS.fullmatch(text):
        candidates = [re.sub("[.,]", "", text)]
    elif re.fullmatch("[+-]?[1-9][0-9]{0,2},[0-9]{3}", text):  # in half of the world, a thousand
        candidates = [text.replace(",", "."), text.replace(",", "")]
    else:
        text = text.replace(",", ".")
        candidates = [re.sub(r"^([+-]?)\.", r"\g<1>0.", text).removesuffix(".")]
    return [one for one in candidates if _is_decimal(one)]


def _is_decimal(text: str) -> bool:
    try:
        parse_decimal(text)
    except DecimalError:
        return False
    return True


def negative_or_zero_hint(value: Any) -> str | None:
    """For removals and uptake, whose sign many leave out."""
    if isinstance(value, str) and re.fullmatch(r"\+?[0-9]+(\.[0-9]+)?", value):
        suggestion = _did_you_mean(f"-{value.removeprefix('+')}")
        return "Removals and uptake are negative." + (f" {suggestion}" if suggestion else "")
    return decimal_hint(value)


def country_hint(value: Any) -> str | None:
    """For a country: small letters, three letters, names."""
    if isinstance(value, str):
        text = value.strip()[:MAX_COMPARED_CHARACTERS]
        code = country_code(text)
        if code is not None:
            return _did_you_mean(code)
        if is_subdivision(text.upper()):
            return "That is a subdivision: put it into geographyCountrySubdivision."
    return "Countries are written with two letters, such as DE; ISO 3166 has the list."


def subdivision_hint(value: Any) -> str | None:
    """For a subdivision: small letters, a country."""
    if isinstance(value, str):
        text = value.strip().upper()[:MAX_COMPARED_CHARACTERS]
        if is_subdivision(text):
            return _did_you_mean(text)
        if is_country(text):
            return "That is a country: put it into geographyCountry."
    return "A subdivision is the country, a hyphen and its part; ISO 3166-2 has the list."


def spec_version_hint(value: Any) -> str | None:
    """For a version: the last part left out."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]+\.[0-9]+", value):
        return _did_you_mean(f"{value}.0")
    return None


def uuid_hint(value: Any) -> str | None:
    """For a UUID: braces, missing hyphens, a URN."""
    text = value.lower() if isinstance(value, str) else ""
    text = re.sub(r"[{}\s-]", "", text.removeprefix("urn:uuid:"))
    if re.fullmatch("[0-9a-f]{32}", text):
        return _did_you_mean("-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:])))
    return None


def time_hint(value: Any) -> str | None:
    """For a point in time: the zone or the time of day left out, a date as in Europe."""
    if not isinstance(value, str):
        return None
    text = re.sub(r"([0-9]{2})\.([0-9]{2})\.([0-9]{4})", r"\3-\2-\1", value.strip())
    for candidate in (f"{text}Z", f"{text}T00:00:00Z"):
        try:
            parse_time(candidate)
        except TimeError:
            continue
        return _did_you_mean(candidate)
    return None


def uri_hint(value: Any) -> str | None:
    """For a URL: the scheme left out, spaces."""
    if not isinstance(value, str):
        return None
    if re.fullmatch(r"[\w-]+(\.[\w-]+)+(/\S*)?", value):
        return _did_you_mean(f"https://{value}")
    if re.search(r"\s", value.strip()):
        return "A URL holds no spaces; write %20 if one is part of it."
    return None


def urn_hint(value: Any) -> str | None:
    """For an identifier: the bare number, whose namespace shows."""
    text = value.strip() if isinstance(value, str) else ""
    if re.fullmatch("[0-9]{8}|[0-9]{12,14}", text):
        return _did_you_mean(f"urn:gtin:{text}")
    if re.fullmatch("[A-Z0-9]{18}[0-9]{2}", text):
        return _did_you_mean(f"urn:lei:{text}")
    if re.fullmatch("[1-9][0-9]{1,6}-[0-9]{2}-[0-9]", text):
        return _did_you_mean(f"urn:pact:cas.org:substance-number:{text}")
    return 'A number of your own becomes "urn:pact:your-domain.example:product-id:NUMBER".'


def choice_hint(choices: Iterable[str], aliases: Mapping[str, str] = NO_ALIASES) -> Hint:
    """For one of some values: the nearest of them.

    Args:
        choices: the values.
        aliases: what else people write, in lower case, and the value that it stands for.
    """
    known = {one.lower(): one for one in choices} | dict(aliases)

    def hint(value: Any) -> str | None:
        if not isinstance(value, str):
            return None
        text = value.strip().lower()[:MAX_COMPARED_CHARACTERS]
        close = [text] if text in known else difflib.get_close_matches(text, known, 1)
        return _did_you_mean(known[close[0]]) if close else None

    return hint


def _did_you_mean(*suggestions: str) -> str | None:
    if not suggestions or max(map(len, suggestions)) > MAX_SUGGESTED_CHARACTERS:
        return None
    return "Did you mean {}?".format(" or ".join(f'"{one}"' for one in suggestions))
