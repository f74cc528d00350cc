"""From rows to emission factors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from underseal_node.products.checking import checked_factor
from underseal_node.products.results import PlacedFactor
from underseal_node.products.rows import ReadRow
from underseal_node.sheets.problems import CellError, Problem
from underseal_protocol.decimals import format_decimal, multiply
from underseal_protocol.errors import UnitError
from underseal_protocol.rollup.properties import EXCLUDING
from underseal_protocol.rollup.units import Dimension, unit_of

__all__ = ["UNDATED", "UNVERIFIED", "factors_of_rows"]

# What a factor says that is known to be looked up nowhere.
UNVERIFIED, UNDATED = "unverified estimate", "undated"
THE_WORLD = frozenset({"glo", "global", "world", "worldwide", "welt", "weltweit", "全球", "世界"})
MAX_UNIT_CHARACTERS = 100
UNIT_HINT = "Write kWh, or kgCO2e/kWh."

_EMITTED = re.compile(
    r"(?P<mass>.*?)\s*CO[2₂](?:[\s-]*(?:eq|e|äq|equivalents?|当量))?\.?\s*"
    r"(?:/|\bper\b|\bpro\b|\bje\b|每)\s*(?P<unit>.+)",
    re.IGNORECASE | re.DOTALL,
)
_REPORT = re.compile(r"\bAR[0-9]\b")


def factors_of_rows(rows: Sequence[ReadRow], file: str) -> tuple[list[PlacedFactor], list[Problem]]:
    """The factors, and everything that is wrong with them.

    Args:
        rows: of factors.
        file: its name.
    """
    placed: list[PlacedFactor] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    for row in rows:
        found = list(_complete(row, file))
        identity = row.document.get("id")
        if identity in seen:
            message = f"the factor {identity!r} is there twice"
            found.append(Problem(file, row.place("/id"), message, "Keep one, or change its ID."))
        elif identity is not None:
            seen.add(identity)
        flawed = row.flawed.union(one.place for one in found)
        checked = checked_factor(row.document, file, row.place)
        if checked.document is not None and not flawed:
            placed.append(PlacedFactor(checked.document, row.place, checked.problems))
            continue
        problems += [*found, *(one for one in checked.problems if one.place not in flawed)]
    return placed, problems


def _complete(row: ReadRow, file: str) -> Iterator[Problem]:
    """Put together what is said in other words."""
    document, asides = row.document, row.asides
    if "id" in document:
        document.setdefault("name", document["id"])
    size = Decimal(1)
    if "unit" in asides:
        try:
            size, document["unit"] = _unit(asides["unit"])
        except CellError as error:
            yield Problem(file, row.place.of("unit"), error.message, error.hint)
    if size != 1 and "values" in document:
        yield Problem(
            file,
            row.place.of("unit"),
            f"components are in kg, and the unit is {asides['unit'][:60]!r}",
            "Write all figures in kg CO2e.",
        )
    if "value" in asides:
        values = document.setdefault("values", {})
        values[EXCLUDING] = _times(asides["value"], size)
    elif "values" not in document and row.place.of("value") not in row.flawed:
        yield Problem(
            file, row.place.of("value"), "the value is missing", "Write kg CO2e per amount of unit."
        )
        document["values"] = {EXCLUDING: "0"}
    if asides.get("geography", "").casefold() not in THE_WORLD | {""}:
        document["geography"] = asides["geography"]
    if "method" in asides and "assessmentReports" not in document:
        reports = sorted(set(_REPORT.findall(asides["method"])))
        if reports:
            document["assessmentReports"] = reports
    yield from _name_source(row, file)


def _name_source(row: ReadRow, file: str) -> Iterator[Problem]:
    """Where it is from; customers see it."""
    document = row.document
    if "database" not in document:
        if document.get("isVerified") is not False and row.place.of("database") not in row.flawed:
            yield Problem(
                file,
                row.place.of("database"),
                "nothing says where the factor is from",
                "Write the name of the database or publication, or `no` in the column Verified.",
            )
        document["database"] = UNVERIFIED
    document.setdefault("version", UNDATED)


def _unit(text: str) -> tuple[Decimal, str]:
    """How many kilograms the value is in, and the unit it is per.

    Raises:
        CellError: it is not clear what is emitted, or per what.
    """
    found = _EMITTED.fullmatch(text) if len(text) <= MAX_UNIT_CHARACTERS else None
    if found is None:
        if "/" in text:
            raise CellError(f"the unit {text[:60]!r} is not of CO2e", hint=UNIT_HINT)
        return Decimal(1), _known(text)
    try:
        mass = unit_of(found["mass"])
    except UnitError as error:
        raise CellError(error.message, hint=UNIT_HINT) from error
    if mass.dimension is not Dimension.MASS:
        raise CellError(f"{mass.name} is no mass", hint=UNIT_HINT)
    return Decimal(mass.size.numerator) / Decimal(mass.size.denominator), _known(
        found["unit"].strip()
    )


def _known(unit: str) -> str:
    try:
        unit_of(unit)
    except UnitError as error:
        raise CellError(error.message, hint=error.hint) from error
    return unit


def _times(value: Any, size: Decimal) -> str:
    """The product, exactly."""
    text = str(value)
    if "/" in text:
        return str(Fraction(text) * Fraction(size))
    return text if size == 1 else format_decimal(multiply(Decimal(text), size))
