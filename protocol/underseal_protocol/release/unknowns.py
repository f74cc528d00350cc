"""Which numbers an attacker does not know, and how sums of figures are made of them."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TypeAlias

from underseal_protocol.release.exposure import Exposure, Form, Source, Unknown, add_form
from underseal_protocol.release.forms import REST
from underseal_protocol.release.knowledge import Knowledge
from underseal_protocol.rollup.properties import (
    EXCLUDING,
    EXEMPTED,
    OF_OUTBOUND,
    PRIMARY,
    RATINGS,
    SUMMANDS,
)

__all__ = ["OUTBOUND_SHARES", "QUALITY", "Column", "Unknowns", "parts_of"]

Column: TypeAlias = tuple[str, ...]

SHARES = (PRIMARY, *RATINGS)
OUTBOUND_SHARES = tuple(OF_OUTBOUND[name] for name in SHARES)
QUALITY = frozenset({*SHARES, *OUTBOUND_SHARES, EXEMPTED})
_ONE, _NONE = Fraction(1), Fraction()


def parts_of(source: Source, figure: str) -> dict[Unknown, Fraction]:
    """The form of a figure of a source: the total is the sum of its components."""
    names = (*SUMMANDS, REST) if figure == EXCLUDING else (figure,)
    return {(source.key, name): _ONE for name in names if source.values.get(name)}


class Unknowns:
    """The unknowns of several exposures; the figures of a source are the best that is known of it.

    Args:
        exposures: of footprints of ours; the newest last.
        knowledge: what is declared.
        coalition: legal groups whose contributions are known, because they are the attacker.
        quantities_known: of all sources.

    Attributes:
        sources: by key.
    """

    def __init__(
        self,
        exposures: Iterable[Exposure],
        knowledge: Knowledge,
        coalition: frozenset[str],
        *,
        quantities_known: bool,
    ) -> None:
        self.knowledge, self._coalition = knowledge, coalition
        self.quantities_known = quantities_known
        self.sources: dict[str, Source] = {}
        for exposure in exposures:
            for key, source in exposure.sources.items():
                known = self.sources.get(key)
                self.sources[key] = source if known is None else _merged(known, source)

    def deviations(self, exposure: Exposure, form: Form) -> dict[Column, Fraction]:
        """How far a sum is from the truth, by the deviations of what it is made of."""
        found: dict[Column, Fraction] = {}
        for (key, name), factor in self._expanded(exposure, form).items():
            source = exposure.sources[key]
            value = factor * self._number(source, name)
            column = self.column(source, name, factor)
            if column is not None and value:
                found[column] = found.get(column, _NONE) + value
        return {column: value for column, value in found.items() if value}

    def value(self, exposure: Exposure, form: Form) -> Fraction:
        """The true value of a sum."""
        total = _NONE
        for (key, name), factor in self._expanded(exposure, form).items():
            total += factor * self._number(exposure.sources[key], name)
        return total

    def _number(self, source: Source, name: str) -> Fraction:
        best = source if name in QUALITY else self.sources[source.key]
        return best.values.get(name, _NONE)

    def _expanded(self, exposure: Exposure, form: Form) -> Form:
        """With the components that are known by now, in place of the rest of a total."""
        found: dict[Unknown, Fraction] | None = None
        for (key, name), factor in form.items():
            source, best = exposure.sources[key], self.sources[key]
            if name == REST and best.values.keys() != source.values.keys():
                found = dict(form) if found is None else found
                found[key, name] = found[key, name] - factor
                add_form(found, parts_of(best, EXCLUDING), factor)
                for one in SUMMANDS:
                    if source.values.get(one):
                        add_form(found, {(key, one): _ONE}, -factor)
        return form if found is None else {one: value for one, value in found.items() if value}

    def column(self, source: Source, name: str, factor: Fraction) -> Column | None:
        """The unknown that a part of a sum is; None if it is known."""
        names, knowledge = self.sources[source.key].names, self.knowledge
        supplier = self.sources[source.key].supplier
        if supplier in self._coalition or names & knowledge.components:
            return None
        given = self.quantities_known or bool(names & knowledge.quantities)
        if names & knowledge.footprints:
            column: Column | None = None if given else (source.key, "quantity", str(factor))
        else:
            value = str(source.values.get(name)) if name in QUALITY else ""
            column = (source.key, name, value) if given else (source.key, name, value, str(factor))
        return column


def _merged(known: Source, newer: Source) -> Source:
    """The more complete figures of two; the names of both; the group that it belongs to now."""
    fuller = known if len(known.values) > len(newer.values) else newer
    return Source(newer.key, newer.supplier, known.names | newer.names, fuller.values)
