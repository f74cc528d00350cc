"""Whether amounts of lines can be converted into the units of what they resolve to.

A calculation would say so too, but for one line, and long after the file was closed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from underseal_node.products.checking import NAMES
from underseal_node.products.results import PlacedProduct, ReadProducts
from underseal_node.sheets.problems import Problem
from underseal_node.store import products
from underseal_protocol.errors import UnitError
from underseal_protocol.rollup.documents import factor_of, line_of, product_of, source_of
from underseal_protocol.rollup.groups import properties_of_product
from underseal_protocol.rollup.inputs import DirectEmission, Product, SourcedLine, Transport
from underseal_protocol.rollup.sources import FactorSource, FootprintSource, ProductSource, Source
from underseal_protocol.rollup.units import (
    NO_PROPERTIES,
    PhysicalProperties,
    completed,
    conversion,
    with_mass_of_unit,
)

__all__ = [
    "Measure",
    "measure_of_factor",
    "measure_of_product",
    "measure_of_received",
    "measures_of",
    "require_convertible",
    "unconvertible",
]

_HINT = "Or correct the unit or the source of the line."


@dataclass(frozen=True, slots=True)
class Measure:
    """What a source is declared in.

    Attributes:
        unit: of which.
        properties: what is known of it for conversions.
    """

    unit: str
    properties: PhysicalProperties = NO_PROPERTIES


def require_convertible(line: SourcedLine, measure: Measure) -> None:
    """Check that the amount of a line can be converted.

    Args:
        line: that takes something of a source.
        measure: of the source.

    Raises:
        UnitError: it cannot; with what is missing.
    """
    properties = completed(line.properties, measure.properties)
    if isinstance(line, Transport) and line.distance is not None:
        conversion(line.load.unit, "tonne", properties)
        conversion(line.distance.unit, "kilometer")
        conversion("ton kilometer", measure.unit, properties)
        return
    unit = line.load.unit if isinstance(line, Transport) else line.quantity.unit
    conversion(unit, measure.unit, properties)


def measure_of_factor(document: Mapping[str, Any]) -> Measure:
    """What a factor is declared in.

    Args:
        document: in the form of `factor_json`.
    """
    if "properties" not in document:  # as most, and a database has thousands
        return Measure(document["unit"])
    factor = factor_of(document)
    return Measure(factor.unit, factor.properties)


def measure_of_product(product: Product) -> Measure:
    """What a product of ours is declared in."""
    unit = product.declared_unit.unit
    try:
        return Measure(unit, properties_of_product(product))
    except UnitError:  # another unit is none
        return Measure(unit, product.properties)


def measure_of_received(pcf: Mapping[str, Any]) -> Measure | None:
    """What a received footprint is declared in; None if it does not say it in words of PACT 3.0.

    Args:
        pcf: of its document.
    """
    unit = str(pcf.get("declaredUnitOfMeasurement", ""))  # it is called otherwise in version 2
    if not unit:
        return None
    try:
        amount = Decimal(str(pcf["declaredUnitAmount"]))
        mass = Decimal(str(pcf["productMassPerDeclaredUnit"]))
        return Measure(unit, with_mass_of_unit(NO_PROPERTIES, unit, amount, mass))
    except (KeyError, ArithmeticError, UnitError):
        return Measure(unit)


def measures_of(
    session: Session, wanted: Iterable[Source], found: ReadProducts | None = None
) -> dict[Source, Measure]:
    """What sources are declared in, as far as they are there.

    Args:
        session: to read.
        wanted: the sources.
        found: of a file; what is in it counts, not what was imported before.
    """
    sources = set(wanted)
    factor_ids = {one.id for one in sources if isinstance(one, FactorSource)}
    factors = {
        name: json.loads(row.document)
        for name, row in products.factors(session, factor_ids).items()
    }
    own: dict[str, Mapping[str, Any]] = {}
    for one in sources:
        row = products.find(session, one.id) if isinstance(one, ProductSource) else None
        if row is not None:
            own[row.id] = json.loads(row.document)
    if found is not None:
        factors |= {one.document["id"]: one.document for one in found.factors}
        own |= {one.document["id"]: one.document for one in found.products}
    measures: dict[Source, Measure] = dict(_of_received(session, sources))
    for name, document in factors.items():
        if name in factor_ids:
            measures[FactorSource(name)] = measure_of_factor(document)
    for name, document in own.items():
        if ProductSource(name) in sources:
            made = product_of({**document, "lines": []}, NAMES)
            measures[ProductSource(name)] = measure_of_product(made)
    return measures


def unconvertible(session: Session, found: ReadProducts) -> list[Problem]:
    """Lines of a file whose amounts cannot be converted into the unit of what they name.

    Args:
        session: to read.
        found: of the file.
    """
    lines: list[tuple[PlacedProduct, str, dict[str, Any], Source]] = []
    sources: dict[str, Source] = {}
    for product in found.products:
        for number, document in enumerate(product.document.get("lines", ())):
            named = document.get("source")
            if named is not None and "leftOut" not in named:
                source = sources.get(str(named)) or source_of(named)
                sources[str(named)] = source
                lines.append((product, f"/lines/{number}", document, source))
    measures = measures_of(session, sources.values(), found)
    known: dict[str, tuple[str, str | None] | None] = {}
    problems = []
    for product, pointer, document, source in lines:
        measure = measures.get(source)
        if measure is None:
            continue
        key = _key(document)
        if key not in known:
            known[key] = _wrong(document, measure)
        wrong = known[key]
        if wrong is not None:
            problems.append(_problem(found.file, product, pointer, document, wrong))
    return problems


def _key(document: Mapping[str, Any]) -> str:
    """What a conversion depends on: of thousands of lines there are few."""
    names = ("kind", "source", "properties")
    units = [(document.get(one) or {}).get("unit") for one in ("quantity", "load", "distance")]
    return json.dumps([*(document.get(one) for one in names), *units], sort_keys=True)


def _wrong(document: Mapping[str, Any], measure: Measure) -> tuple[str, str | None] | None:
    line = line_of(document)
    try:
        if not isinstance(line, DirectEmission):
            require_convertible(line, measure)
    except UnitError as error:
        return error.message, error.hint
    return None


def _problem(
    file: str,
    product: PlacedProduct,
    pointer: str,
    document: Mapping[str, Any],
    wrong: tuple[str, str | None],
) -> Problem:
    ((kind, name),) = document["source"].items()
    member = "load" if "load" in document else "quantity"
    message, hint = wrong
    return Problem(
        file,
        product.place_of(f"{pointer}/{member}/unit"),
        f"{message}, for the {kind} {str(name)!r}",
        f"{hint or ''} {_HINT}".strip(),
    )


def _of_received(session: Session, sources: set[Source]) -> Iterator[tuple[Source, Measure]]:
    ids = {one.id for one in sources if isinstance(one, FootprintSource)}
    for name, rows in products.received(session, ids).items():
        measure = measure_of_received(json.loads(rows[0][0].body)["pcf"])
        if len(rows) == 1 and measure is not None:  # which of several is meant is not known yet
            yield FootprintSource(name), measure
