"""Findings about the inputs of a calculation, each with the lines that it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from statistics import median

from underseal_protocol.errors import UnitError
from underseal_protocol.methodology_scope import MAJOR_VERSION
from underseal_protocol.rollup.calculated import Calculated
from underseal_protocol.rollup.evaluation import lacking_of
from underseal_protocol.rollup.findings import RollUpFinding, finding
from underseal_protocol.rollup.groups import Group, LineRef
from underseal_protocol.rollup.inputs import Kind, Material, Packaging, Product, Transport
from underseal_protocol.rollup.merging import listed, validity_of
from underseal_protocol.rollup.numbers import Number, Sums, exact, shown_text
from underseal_protocol.rollup.properties import EXCLUDING, OPTIONAL
from underseal_protocol.rollup.reading import ratings_of
from underseal_protocol.rollup.sources import (
    FactorSource,
    FootprintSource,
    LeftOut,
    ProductSource,
    ReceivedFootprint,
    Source,
    Supply,
    Trust,
)
from underseal_protocol.rollup.units import conversion
from underseal_protocol.times import format_time

__all__ = ["INPUT_CHECKS", "Terms"]

MAX_NAMES = 12


@dataclass(frozen=True, slots=True)
class Terms:
    """What findings are judged by.

    Attributes:
        now: for validity, aware.
        history_ratio: a PCF is far from its history if it is more than so many times the median, or
            less than one part in so many.
        mass_tolerance_percent: by which more may come out than goes in.
    """

    now: datetime
    history_ratio: Number = Decimal(2)
    mass_tolerance_percent: Number = Decimal(1)


def check_footprints(calculated: Calculated, terms: Terms) -> Iterator[RollUpFinding]:
    """Validity, status, signature, version, primary data share of received footprints."""
    for received in calculated.footprints:
        groups, document = _groups(calculated, FootprintSource(received.id)), received.document
        period, name = validity_of(received), _name(received)
        if not period.start <= terms.now < period.end:
            yield finding(
                "not-valid",
                f"{name} is valid from {format_time(period.start)} until {format_time(period.end)}",
                groups,
            )
        if document.get("status") == "Deprecated":
            yield finding("deprecated", f"{name} is deprecated", groups)
        if received.trust is Trust.UNSIGNED:
            yield finding("unsigned", f"{name} has no credential", groups)
        version = str(document.get("specVersion", ""))
        if not version.startswith(MAJOR_VERSION):
            yield finding(
                "other-version", f"{name} follows version {version[:20]!r} of the specs", groups
            )
        if document["pcf"].get("dqi") is not None and ratings_of(received) is None:
            yield finding(
                "ratings-of-other-scale", f"{name} has ratings that are not from 1 to 5", groups
            )
        if document["pcf"].get("primaryDataShare") is None:
            yield finding(
                "primary-share-missing", f"{name} does not state its primary data share", groups
            )


def check_factors(calculated: Calculated, terms: Terms) -> Iterator[RollUpFinding]:
    """Factors without source, with a total only, with unknown characterization factors."""
    factors = calculated.factors
    unverified = [one.id for one in factors if not one.is_verified]
    unknown = [one.id for one in factors if not one.assessment_reports]
    totals = [one.id for one in factors if set(one.values) == {EXCLUDING}]
    for rule, ids, text in (
        ("factor-unverified", unverified, "not looked up at their source"),
        ("report-unknown", unknown, "with unknown characterization factors"),
        ("fossil-assumed", totals, "state a total only, and count as fossil"),
    ):
        if ids:
            groups = (one for id_ in ids for one in _groups(calculated, FactorSource(id_)))
            yield finding(rule, f"factors {text}: {_listed(ids)}", groups)


def check_components(calculated: Calculated, terms: Terms) -> Iterator[RollUpFinding]:
    """Inputs that do not state everything, or whose figures do not add up."""
    worth_a_word = _stated_somewhere(calculated)
    for source, groups in sorted(calculated.uses.items(), key=lambda item: _key(item[0])):
        if isinstance(source, ProductSource):
            continue
        vector = groups[0].vector
        missing = sorted(vector.lacking & worth_a_word)
        if missing:
            wanted = frozenset[str]().union(*(lacking_of(group) for group in groups))
            missing = [one for one in missing if one in wanted]
        if not missing and vector.adds_up:
            continue
        name = _source_name(calculated, source)
        if missing:
            yield finding(
                "component-missing",
                f"{name} does not state {', '.join(missing)}",
                groups,
                properties=missing,
            )
        if not vector.adds_up:
            yield finding(
                "does-not-add-up",
                f"the totals of {name} are not the sum of its components",
                groups,
                properties=(EXCLUDING,),
            )


def check_reports(calculated: Calculated, terms: Terms) -> Iterator[RollUpFinding]:
    """Characterization factors of different assessment reports."""
    by_report: dict[str, list[Group]] = {}
    for received in calculated.footprints:
        for report in listed(received.document["pcf"], "ipccCharacterizationFactors"):
            by_report.setdefault(str(report), []).extend(
                _groups(calculated, FootprintSource(received.id))
            )
    for factor in calculated.factors:
        for report in factor.assessment_reports:
            by_report.setdefault(report, []).extend(_groups(calculated, FactorSource(factor.id)))
    if len(by_report) > 1:
        common = max(by_report, key=lambda one: (len(by_report[one]), one))
        others = [group for one, groups in by_report.items() if one != common for group in groups]
        yield finding(
            "reports-mixed",
            f"characterization factors of {', '.join(sorted(by_report))} are mixed; the lines are "
            f"those without {common}",
            others,
        )


def check_packaging(calculated: Calculated, terms: Terms) -> Iterator[RollUpFinding]:
    """Packaging in a line and in the footprint of what it packs, or in two kinds of lines."""
    for evaluated, _ in calculated.used_products():
        product = evaluated.product
        materials = {one.id: one for one in product.lines if isinstance(one, Material)}
        sources = {one.source: one.id for one in materials.values()}
        for line in product.lines:
            if not isinstance(line, Packaging) or isinstance(line.source, LeftOut):
                continue
            packed = materials.get(line.packs or "")
            pair: tuple[str, ...] = ()
            if packed is not None and _includes_packaging(calculated, packed.source):
                pair = (packed.id, "the footprint of what it packs includes packaging")
            elif line.source in sources:
                pair = (sources[line.source], "the same source is also a material")
            if pair:
                lines = (LineRef(product.id, line.id), LineRef(product.id, pair[0]))
                yield finding(
                    "packaging-twice", f"packaging line {line.id!r}: {pair[1]}", lines=lines
                )


def check_transport(calculated: Calculated, terms: Terms) -> Iterator[RollUpFinding]:
    """Transport in a line, and in the outbound logistics of what it carries."""
    for evaluated, _ in calculated.used_products():
        delivered = {
            line.id
            for group in evaluated.groups
            if group.vector.outbound and group.is_delivered
            for line in group.lines
        }
        for line in evaluated.product.lines:
            if isinstance(line, Transport) and line.carries in delivered:
                refs = (line.id, str(line.carries))
                yield finding(
                    "transport-twice",
                    f"transport line {line.id!r} carries {line.carries!r}, whose source includes "
                    "delivery",
                    lines=tuple(LineRef(evaluated.product.id, one) for one in refs),
                )


def check_mass(calculated: Calculated, terms: Terms) -> Iterator[RollUpFinding]:
    """Product and waste are not heavier than what they are made of, where all masses are known."""
    for evaluated, _ in calculated.used_products():
        product = evaluated.product
        product_mass = _mass(product)
        taken = _total_mass(evaluated.groups, Kind.MATERIAL)
        wasted = _total_mass(evaluated.groups, Kind.WASTE)
        if not product_mass or not taken or wasted is None:
            continue
        allowed = taken * (1 + exact(terms.mass_tolerance_percent) / 100)
        if product_mass + wasted > allowed:
            kinds = (Kind.MATERIAL, Kind.WASTE)
            yield finding(
                "mass-balance",
                f"product {product.id!r}: {shown_text(product_mass)} kg of product and "
                f"{shown_text(wasted)} kg of waste come out, {shown_text(taken)} kg go in",
                (group for group in evaluated.groups if group.kind in kinds),
            )


def check_history(calculated: Calculated, terms: Terms) -> Iterator[RollUpFinding]:
    """PCFs that are far from what they were."""
    for received in calculated.footprints:
        if not received.history:
            continue
        groups = _groups(calculated, FootprintSource(received.id))
        figures, amount = groups[0].vector.plain, exact(groups[0].vector.amount)
        value = Fraction(figures.counted.get(EXCLUDING, 0), figures.denominator) / amount
        usual = _far_from(value, received.history, terms)
        if usual is not None:
            yield finding(
                "far-from-history",
                f"{_name(received)} has {shown_text(value)} kg CO2e per {groups[0].vector.unit}; "
                f"before, it was about {shown_text(usual)}",
                groups,
            )
    for evaluated, _ in calculated.used_products():
        value = evaluated.sums.get(EXCLUDING, Fraction())
        usual = _far_from(value, evaluated.product.history, terms)
        if usual is not None:
            yield finding(
                "far-from-history",
                f"product {evaluated.product.id!r} has {shown_text(value)} kg CO2e per declared "
                f"unit; before, it was about {shown_text(usual)}",
            )


def check_left_out(calculated: Calculated, terms: Terms) -> Iterator[RollUpFinding]:
    """Lines that are left out without an estimate."""
    for evaluated, _ in calculated.used_products():
        for line in evaluated.left_out:
            if isinstance(line.source, LeftOut) and not line.source.estimate_kg_co2e:
                yield finding(
                    "left-out",
                    f"line {line.id!r} is left out without an estimate: {line.source.reason}",
                    lines=(LineRef(evaluated.product.id, line.id),),
                )


def _far_from(value: Fraction, history: Iterable[Number], terms: Terms) -> Fraction | None:
    """The usual value, if this one is far from it."""
    past = [exact(one) for one in history]
    if not past:
        return None
    usual, limit = median(past), exact(terms.history_ratio)
    low, high = sorted((usual / limit, usual * limit))
    return None if low <= value <= high else usual


def _total_mass(groups: Iterable[Group], kind: Kind) -> Fraction | None:
    """The mass in kg; None if that of a line is not known."""
    sums = Sums()
    for group in groups:
        if group.kind is kind and group.used[0]:
            mass = group.mass_per_unit()
            if mass is None:
                return None
            sums.add(group.used, {"mass": mass[0]}, mass[1])
    return sums.totals().get("mass", Fraction())


def _mass(product: Product) -> Fraction | None:
    if product.mass_kg is not None:
        return exact(product.mass_kg)
    declared = product.declared_unit
    try:
        return conversion(declared.unit, "kg", product.properties) * exact(declared.amount)
    except UnitError:
        return None


def _stated_somewhere(calculated: Calculated) -> frozenset[str]:
    """Properties whose absence matters: optional ones only where an input has some of it."""
    names, stated = set[str](), set[str]()
    for groups in calculated.uses.values():
        vector = groups[0].vector
        names |= vector.lacking
        stated.update(vector.plain.counted, vector.plain.contained)
    return frozenset(name for name in names if name not in OPTIONAL or name in stated)


def _includes_packaging(calculated: Calculated, source: Source | None) -> bool:
    if isinstance(source, FootprintSource):
        pcf = calculated.inputs.footprints[source.id].document["pcf"]
        return pcf.get("packagingEmissionsIncluded") is True
    if isinstance(source, ProductSource):
        lines = calculated.inputs.products[source.id].lines
        return any(isinstance(one, Packaging) and one.packs is None for one in lines)
    return False


def _groups(calculated: Calculated, source: Supply) -> list[Group]:
    return calculated.uses[source]


def _name(received: ReceivedFootprint) -> str:
    company = received.document.get("companyName")
    return f"footprint {received.id}" + (f" of {company}" if company else "")


def _source_name(calculated: Calculated, source: Source) -> str:
    if isinstance(source, FootprintSource):
        return _name(calculated.inputs.footprints[source.id])
    return f"factor {source.id!r}" if isinstance(source, FactorSource) else repr(source)


def _key(source: Source) -> tuple[str, str]:
    return type(source).__name__, getattr(source, "id", "")


def _listed(names: list[str]) -> str:
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more} more" if more > 0 else "")


INPUT_CHECKS: tuple[Callable[[Calculated, Terms], Iterator[RollUpFinding]], ...] = (
    check_footprints,
    check_factors,
    check_components,
    check_reports,
    check_packaging,
    check_transport,
    check_mass,
    check_history,
    check_left_out,
)
