"""The codes of countries and of their parts (ISO 3166), as `pycountry` lists them.

Reading the lists takes a while and most documents need none, so that is not done on import.
"""

from __future__ import annotations

from functools import cache

__all__ = ["country_code", "is_country", "is_subdivision"]

KOSOVO = "XK"  # ISO leaves it to its users, and they use it


def is_country(code: str) -> bool:
    """Whether ISO 3166-1 has these two letters."""
    return code in _countries()


def is_subdivision(code: str) -> bool:
    """Whether ISO 3166-2 has this code."""
    return code in _subdivisions()


def country_code(name: str) -> str | None:
    """The two letters of a country, by a code or a name of it in any case; None if it is none."""
    import pycountry

    try:
        return str(pycountry.countries.lookup(name).alpha_2)
    except LookupError:
        return None


@cache
def _countries() -> frozenset[str]:
    import pycountry

    return frozenset({one.alpha_2 for one in pycountry.countries} | {KOSOVO})


@cache
def _subdivisions() -> frozenset[str]:
    import pycountry

    return frozenset(one.code for one in pycountry.subdivisions)
