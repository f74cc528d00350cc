"""What would be if: the same calculation with something exchanged. Nothing is changed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, TypeAlias

from underseal_protocol.errors import RollUpError
from underseal_protocol.rollup.calculation import calculate_figures
from underseal_protocol.rollup.explanation import Explanation, number_json
from underseal_protocol.rollup.groups import LineRef
from underseal_protocol.rollup.inputs import (
    DirectEmission,
    Line,
    Product,
    Quantity,
    RollUpInputs,
    Transport,
)
from underseal_protocol.rollup.sources import (
    Factor,
    FactorSource,
    FootprintSource,
    LeftOut,
    ReceivedFootprint,
    Source,
)

__all__ = [
    "Change",
    "Comparison",
    "Difference",
    "PutFactor",
    "PutFootprint",
    "ReplaceLine",
    "SetAmount",
    "SwapSource",
    "apply_changes",
    "compare",
    "sources_of",
]


@dataclass(frozen=True, slots=True)
class SwapSource:
    """Another source: for one line, or wherever a source is used.

    Attributes:
        new: in its place.
        old: wherever this is used; None: whatever the line uses.
        line: this line only; None: all lines that use `old`.
    """

    new: Source
    old: Source | None = None
    line: LineRef | None = None


@dataclass(frozen=True, slots=True)
class SetAmount:
    """Another amount of a line; of transport, another load."""

    line: LineRef
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class ReplaceLine:
    """Other lines in place of one, such as an energy mix; none: the line goes."""

    line: LineRef
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class PutFactor:
    """A factor, in place of the one with its id or besides the others."""

    factor: Factor


@dataclass(frozen=True, slots=True)
class PutFootprint:
    """A received footprint, in place of the one with its id or besides the others."""

    footprint: ReceivedFootprint


Change: TypeAlias = SwapSource | SetAmount | ReplaceLine | PutFactor | PutFootprint


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure before and after; None: it is not stated.

    Attributes:
        before, after: exactly, per declared unit.
    """

    before: Fraction | None
    after: Fraction | None

    @property
    def change(self) -> Fraction | None:
        """After minus before; None if one is not stated."""
        if self.before is None or self.after is None:
            return None
        return self.after - self.before

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        values = {"before": self.before, "after": self.after, "change": self.change}
        return {name: None if one is None else number_json(one) for name, one in values.items()}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both results and what is different.

    Attributes:
        figures: of everything that is stated before or after, by PACT's names.
        lines: contributions that differ, by line; the largest change first.
        before, after: explanations.
    """

    figures: dict[str, Difference]
    lines: dict[LineRef, Difference]
    before: Explanation = field(repr=False)
    after: Explanation = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "figures": {name: one.to_json() for name, one in self.figures.items()},
            "lines": {str(ref): one.to_json() for ref, one in self.lines.items()},
        }


def compare(inputs: RollUpInputs, product_id: str, changes: Iterable[Change]) -> Comparison:
    """Calculate a product as it is and with changes.

    Args:
        inputs: as they are; they are not changed.
        product_id: the product.
        changes: in order.

    Raises:
        RollUpError: a change has nothing to change, or a result cannot be calculated.
        UnitError: a unit cannot be converted.
    """
    before, old = calculate_figures(inputs, product_id)
    after, new = calculate_figures(apply_changes(inputs, changes), product_id)
    names = dict.fromkeys((*before, *after))
    figures = {name: Difference(before.get(name), after.get(name)) for name in names}
    return Comparison(figures, _changed_lines(old, new), old, new)


def apply_changes(inputs: RollUpInputs, changes: Iterable[Change]) -> RollUpInputs:
    """Inputs with changes; those that were given stay as they are.

    Raises:
        RollUpError: a change has nothing to change.
    """
    products, footprints = dict(inputs.products), dict(inputs.footprints)
    factors = dict(inputs.factors)
    for change in changes:
        if isinstance(change, PutFactor):
            factors[change.factor.id] = change.factor
        elif isinstance(change, PutFootprint):
            footprints[change.footprint.id] = change.footprint
        elif isinstance(change, SwapSource) and change.line is None:
            _swap_everywhere(products, change)
        else:
            _change_line(products, change)
    return RollUpInputs(products, footprints, factors)


def _swap_everywhere(products: dict[str, Product], change: SwapSource) -> None:
    found = False
    for product in list(products.values()):
        lines = tuple(
            replace(line, source=change.new)
            if not isinstance(line, DirectEmission) and line.source == change.old
            else line
            for line in product.lines
        )
        if lines != product.lines:
            products[product.id] = replace(product, lines=lines)
            found = True
    if not found:
        raise RollUpError(
            f"no line uses {_text(change.old)}, so it cannot be swapped",
            hint="`underseal product show ID` shows what the lines resolve to.",
        )


def _change_line(
    products: dict[str, Product], change: SwapSource | SetAmount | ReplaceLine
) -> None:
    ref = change.line
    product = products.get(ref.product) if ref is not None else None
    if product is None or ref is None or all(line.id != ref.line for line in product.lines):
        raise _no_line(ref, product)
    lines = tuple(
        new
        for line in product.lines
        for new in (_changed(line, change) if line.id == ref.line else (line,))
    )
    products[product.id] = replace(product, lines=lines)


def _changed(line: Line, change: SwapSource | SetAmount | ReplaceLine) -> Iterator[Line]:
    if isinstance(change, ReplaceLine):
        yield from change.lines
    elif isinstance(line, DirectEmission):
        raise RollUpError(
            f"line {change.line} is a direct emission: it has no source and no quantity to change",
            hint="Use `replace`, with the line as it would be.",
        )
    elif isinstance(change, SwapSource):
        if change.old is not None and line.source != change.old:
            raise RollUpError(
                f"line {change.line} does not use {_text(change.old)}, but {_text(line.source)}",
                hint="Correct `old`, or leave it out to swap whatever the line uses.",
            )
        yield replace(line, source=change.new)
    elif isinstance(line, Transport):
        yield replace(line, load=change.quantity)
    else:
        yield replace(line, quantity=change.quantity)


def _no_line(ref: LineRef | None, product: Product | None) -> RollUpError:
    known = [] if product is None or ref is None else [line.id for line in product.lines]
    close = [] if ref is None else difflib.get_close_matches(ref.line, known, 1)
    return RollUpError(
        f"there is no line {ref} in what is calculated",
        hint=(f"Did you mean {close[0]}? " if close else "")
        + "`underseal product show ID` lists the lines of a product; one of an intermediate is "
        'named as {"product": ID, "line": LINE}.',
    )


def sources_of(changes: Iterable[Change]) -> list[Source]:
    """What changes put in the place of something, each once."""
    found: list[Source | None] = []
    for change in changes:
        if isinstance(change, SwapSource):
            found.append(change.new)
        elif isinstance(change, ReplaceLine):
            found += [one.source for one in change.lines if not isinstance(one, DirectEmission)]
    return list(dict.fromkeys(one for one in found if one is not None))


def _text(source: Source | None) -> str:
    """A source in a sentence."""
    if source is None:
        return "nothing yet"
    if isinstance(source, LeftOut):
        return f"what is left out ({source.reason})"
    if isinstance(source, FootprintSource):
        return f"the footprint {source.id}"
    what = "factor" if isinstance(source, FactorSource) else "product"
    return f"the {what} {source.id!r}"


def _changed_lines(old: Explanation, new: Explanation) -> dict[LineRef, Difference]:
    before = {one.ref: one.amount for one in old.contributions}
    after = {one.ref: one.amount for one in new.contributions}
    found = {
        ref: Difference(before.get(ref), after.get(ref))
        for ref in sorted({*before, *after})
        if before.get(ref) != after.get(ref)
    }
    return dict(sorted(found.items(), key=lambda item: -_size(item[1])))


def _size(difference: Difference) -> Fraction:
    zero = Fraction()
    return abs((difference.after or zero) - (difference.before or zero))
