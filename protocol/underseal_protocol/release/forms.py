"""The roll-up once more, with names in place of numbers: which figure is made of which unknowns.

It follows `rollup.evaluation` step by step; `reading.exposure_of` holds each form against the
figure that the roll-up has calculated, so that the two cannot drift apart.

The forms say what an attacker can know of the structure: a total is the sum of its components, a
rating or a primary data share of 0 or 100 % is no unknown, and neither is a figure that is 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from underseal_protocol.release.exposure import Form, Unknown, add_form, scaled
from underseal_protocol.rollup.calculated import Calculated
from underseal_protocol.rollup.evaluation import Evaluated, direct_figures
from underseal_protocol.rollup.groups import Group
from underseal_protocol.rollup.inputs import DirectEmission, Kind
from underseal_protocol.rollup.numbers import exact
from underseal_protocol.rollup.properties import (
    AIRCRAFT,
    AVERAGED,
    BIOGENIC_CARBON,
    CONTENTS,
    EXCLUDING,
    EXEMPTED,
    FOSSIL,
    FOSSIL_CARBON,
    GROSS,
    OF_OUTBOUND,
    OUTBOUND,
    PACKAGING,
    PACKAGING_CARBON,
    PRIMARY,
    RATED,
    RATINGS,
    RECYCLED_CARBON,
    SUMMANDS,
    TAKEN_UP,
    UPTAKE,
    WEIGHT,
)
from underseal_protocol.rollup.sources import FootprintSource, LeftOut, ProductSource, Supply
from underseal_protocol.rollup.vectors import Figures, Vector

__all__ = ["REST", "Forms", "Leaf", "forms_of"]

# What a total has beyond the components that are stated.
REST = "components that are not stated"
_COUNTED = frozenset({EXCLUDING, *GROSS, *AVERAGED, EXEMPTED})
_CONTAINED = frozenset({*CONTENTS, TAKEN_UP})
_DIGEST_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Leaf:
    """A source that is made of nothing else.

    Attributes:
        key: its name in forms.
        source: what it is in the roll-up; None for what products state themselves.
        values: its figures per declared unit, without zeros.
        names: where it is stated, as `direct:<product>/<line>`; of several places with the same
            figures.
    """

    key: str
    source: Supply | None
    values: Mapping[str, Fraction]
    names: frozenset[str]


@dataclass(slots=True)
class Forms:
    """Of one source or product; like `rollup.vectors.Vector`, with forms in place of numbers.

    Attributes:
        counted: what counts for everything that is used.
        contained: what counts for what is in the product.
        outbound: outbound logistics and the averages of it.
    """

    counted: dict[str, Form] = field(default_factory=dict)
    contained: dict[str, Form] = field(default_factory=dict)
    outbound: dict[str, Form] = field(default_factory=dict)


def forms_of(calculated: Calculated) -> tuple[dict[str, Form], dict[str, Leaf]]:
    """The forms of everything that adds up in a product, by name, and what they are made of.

    Args:
        calculated: the result of the roll-up.
    """
    leaves: dict[str, Leaf] = {}
    known: dict[tuple[type[Supply], str], Forms] = {}
    sums: dict[str, Form] = {}
    for product_id, evaluated in calculated.evaluated.items():
        sums = _sums_of(evaluated, known, leaves)
        known[ProductSource, product_id] = Forms(
            {name: form for name, form in sums.items() if name in _COUNTED},
            {name: form for name, form in sums.items() if name in _CONTAINED},
            {name: sums[name] for name in (OUTBOUND, *OF_OUTBOUND.values()) if name in sums},
        )
    return sums, leaves


def _sums_of(
    evaluated: Evaluated, known: dict[tuple[type[Supply], str], Forms], leaves: dict[str, Leaf]
) -> dict[str, Form]:
    sums: dict[str, dict[Unknown, Fraction]] = {}
    for group in evaluated.groups:
        if not group.used[0]:
            continue
        key = (type(group.source), group.source.id)
        if key not in known:
            known[key] = _forms_of_leaf(group.source, group.vector, leaves)
        counted, contained = _as_lines_use_it(group, known[key])
        _add(sums, _used(group, counted), Fraction(*group.used))
        if group.contained[0]:
            _add(sums, _in_product(group, contained), Fraction(*group.contained))
    product, started = evaluated.product, Fraction(*evaluated.basis.started)
    for emission in evaluated.direct:
        _add(sums, _of_direct(evaluated, emission, leaves), started)
    for line in evaluated.left_out:
        if isinstance(line.source, LeftOut) and (left := exact(line.source.estimate_kg_co2e)):
            leaf = _leaf("left out", f"{product.id}/{line.id}", None, {EXEMPTED: left}, leaves)
            _add(sums, {EXEMPTED: {(leaf.key, EXEMPTED): Fraction(1)}}, started)
    stated = {name: exact(value) for name, value in product.carbon_contents.items()}
    if stated:
        leaf = _leaf("stated", product.id, None, stated, leaves)
        for name in stated:
            sums[name] = {(leaf.key, name): Fraction(1)} if name in leaf.values else {}
    return {name: _without_zeros(form) for name, form in sums.items()}


def _leaf(
    kind: str,
    label: str,
    source: Supply | None,
    values: Mapping[str, Fraction],
    leaves: dict[str, Leaf],
) -> Leaf:
    """A received footprint is known by its id, as it never changes, and a factor by its id and
    figures. What products state themselves is known by its figures alone: who sees two variants of
    a product takes what is stated of both to be the same."""
    kept = {one: value for one, value in sorted(values.items()) if value}
    name = key = f"{kind}:{label}"
    if not isinstance(source, FootprintSource):
        text = ";".join(f"{one}={value}" for one, value in kept.items())
        digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_CHARACTERS]
        key = f"{kind}@{digest}" if source is None else f"{name}@{digest}"
    known = leaves.get(key)
    names = frozenset({name}) if known is None else known.names | {name}
    leaves[key] = Leaf(key, source, kept, names)
    return leaves[key]


def _forms_of_leaf(source: Supply, vector: Vector, leaves: dict[str, Leaf]) -> Forms:
    plain = _numbers(vector.plain.counted, vector.plain.denominator)
    contained = _numbers(vector.plain.contained, vector.plain.denominator)
    delivered = _numbers(vector.delivered.counted, vector.delivered.denominator)
    outbound = {
        of_outbound: delivered.get(name, Fraction()) - plain.get(name, Fraction())
        for name, of_outbound in OF_OUTBOUND.items()
    }
    outbound[OUTBOUND] = Fraction(vector.outbound, vector.plain.denominator)
    kind = "footprint" if isinstance(source, FootprintSource) else "factor"
    rest = plain.get(EXCLUDING, Fraction()) - sum(plain.get(name, 0) for name in SUMMANDS)
    values = {**plain, **contained, **outbound, REST: rest}
    for name in (EXCLUDING, WEIGHT, RATED, OF_OUTBOUND[WEIGHT], OF_OUTBOUND[RATED]):
        values.pop(name, None)
    leaf = _leaf(kind, source.id, source, values, leaves)
    made = Forms(
        _counted_forms(leaf.key, plain, rest),
        _contained_forms(leaf.key, contained),
        _averages(
            leaf.key,
            {n: outbound[o] for n, o in OF_OUTBOUND.items()},
            OF_OUTBOUND,
            {(leaf.key, OUTBOUND): Fraction(1)},
        )
        if outbound[OUTBOUND]
        else {},
    )
    if outbound[OUTBOUND]:
        made.outbound[OUTBOUND] = {(leaf.key, OUTBOUND): Fraction(1)}
    return made


def _counted_forms(key: str, numbers: Mapping[str, Fraction], rest: Fraction) -> dict[str, Form]:
    """Of a leaf: the total is the sum of its components, and of what is in none."""
    forms: dict[str, Form] = {
        name: {(key, name): Fraction(1)} for name in (*GROSS, EXEMPTED) if numbers.get(name)
    }
    parts = [name for name in SUMMANDS if numbers.get(name)] + ([REST] if rest else [])
    total: Form = {(key, name): Fraction(1) for name in parts}
    forms[EXCLUDING] = total
    weight = numbers.get(WEIGHT)
    if weight:
        sign = 1 if numbers[EXCLUDING] > 0 else -1
        same = {name: name for name in AVERAGED}
        forms.update(_averages(key, numbers, same, scaled(total, Fraction(sign))))
    return forms


def _averages(
    key: str, numbers: Mapping[str, Fraction], names: Mapping[str, str], weight: Form
) -> dict[str, Form]:
    """Weights, and what averages are made of. An extreme share or rating is a multiple of the
    weight: nobody has to solve for it."""
    total = numbers[WEIGHT]
    forms: dict[str, Form] = {names[WEIGHT]: weight}
    if numbers.get(RATED):
        forms[names[RATED]] = weight
    for name in (PRIMARY, *RATINGS):
        value = numbers.get(name)
        if not value:
            continue
        extreme = value / total if value in (total, 5 * total) else None
        forms[names[name]] = (
            {(key, names[name]): Fraction(1)} if extreme is None else scaled(weight, extreme)
        )
    return forms


def _contained_forms(key: str, numbers: Mapping[str, Fraction]) -> dict[str, Form]:
    forms: dict[str, Form] = {
        name: {(key, name): Fraction(1)} for name, value in numbers.items() if value
    }
    if numbers.get(TAKEN_UP) and numbers.get(TAKEN_UP) == numbers.get(UPTAKE):
        forms[TAKEN_UP] = forms[UPTAKE]
    return forms


def _of_direct(
    evaluated: Evaluated, emission: DirectEmission, leaves: dict[str, Leaf]
) -> dict[str, Form]:
    figures: Figures = direct_figures(evaluated.product, emission)
    numbers = _numbers(figures.counted, figures.denominator)
    values = {name: value for name, value in numbers.items() if name not in (EXCLUDING, WEIGHT)}
    values.pop(RATED, None)
    leaf = _leaf("direct", f"{evaluated.product.id}/{emission.id}", None, values, leaves)
    return _counted_forms(leaf.key, numbers, Fraction())


def _as_lines_use_it(group: Group, forms: Forms) -> tuple[dict[str, Form], dict[str, Form]]:
    """As `rollup.evaluation.figures_of_use`."""
    counted, contained = dict(forms.counted), dict(forms.contained)
    if group.is_delivered and forms.outbound:
        moved = forms.outbound.get(OUTBOUND, {})
        for name in (EXCLUDING, FOSSIL):
            counted[name] = _sum(counted.get(name, {}), moved)
        for name, of_outbound in OF_OUTBOUND.items():
            more = forms.outbound.get(of_outbound, {})
            counted[name] = _sum(counted.get(name, {}), more)
    line = group.first
    if not line.is_primary:
        counted.pop(PRIMARY, None)
    if line.quality is not None:
        weight, quality = counted.get(WEIGHT, {}), line.quality
        ratings = (quality.technological, quality.geographical, quality.temporal)
        counted[RATED] = weight
        for name, rating in zip(RATINGS, ratings, strict=True):
            counted[name] = scaled(weight, exact(rating))
    share = getattr(line, "recycled_share", None)
    lacking = group.vector.lacking
    if (
        share is not None
        and RECYCLED_CARBON in lacking
        and lacking.isdisjoint((FOSSIL_CARBON, BIOGENIC_CARBON))
    ):
        carbon = _sum(contained.get(FOSSIL_CARBON, {}), contained.get(BIOGENIC_CARBON, {}))
        contained[RECYCLED_CARBON] = scaled(carbon, exact(share))
    return counted, contained


def _used(group: Group, counted: dict[str, Form]) -> Mapping[str, Form]:
    """As in `rollup.evaluation`: what everything that is used counts for."""
    total = counted.get(EXCLUDING, {})
    if group.is_outbound:
        moved = {of_outbound: counted.get(name, {}) for name, of_outbound in OF_OUTBOUND.items()}
        return {**moved, OUTBOUND: total}
    if group.kind is Kind.TRANSPORT:
        return {**counted, AIRCRAFT: total if group.is_by_air else {}}
    if group.is_own_packaging:
        return {**counted, PACKAGING: total}
    return counted


def _in_product(group: Group, contained: dict[str, Form]) -> Mapping[str, Form]:
    """As in `rollup.evaluation`: what counts as far as it is in the product."""
    if group.kind is Kind.MATERIAL:
        return contained
    if group.is_own_packaging:
        return {PACKAGING_CARBON: contained.get(BIOGENIC_CARBON, {})}
    return {}


def _numbers(values: Mapping[str, int], denominator: int) -> dict[str, Fraction]:
    return {name: Fraction(value, denominator) for name, value in values.items()}


def _add(
    sums: dict[str, dict[Unknown, Fraction]], forms: Mapping[str, Form], factor: Fraction
) -> None:
    for name, form in forms.items():
        add_form(sums.setdefault(name, {}), form, factor)


def _sum(*forms: Form) -> dict[Unknown, Fraction]:
    total: dict[Unknown, Fraction] = {}
    for one in forms:
        add_form(total, one, Fraction(1))
    return total


def _without_zeros(form: Form) -> Form:
    return {unknown: factor for unknown, factor in form.items() if factor}
