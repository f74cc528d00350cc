"""What an attacker knows, as linear constraints on how far the unknowns are from the truth.

An unknown of true value v is written v (1 + y): y = 0 is the truth, whatever is known falls out of
all sums, that signs are known is y >= -1, and all numbers are of one size. Everything is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from underseal_protocol.errors import ReleaseError
from underseal_protocol.release.exposure import (
    Exposure,
    Figure,
    Form,
    Source,
    Unknown,
    add_form,
    scaled,
)
from underseal_protocol.release.folding import Shown, folded
from underseal_protocol.release.knowledge import Knowledge
from underseal_protocol.release.thresholds import Thresholds
from underseal_protocol.release.unknowns import (
    OUTBOUND_SHARES,
    QUALITY,
    Column,
    Unknowns,
    parts_of,
)
from underseal_protocol.rollup.numbers import exact
from underseal_protocol.rollup.properties import (
    EXCLUDING,
    EXEMPTED,
    OF_OUTBOUND,
    OUTBOUND,
    PRIMARY,
)

__all__ = ["Column", "Constraint", "Shown", "System", "Target", "build_system"]


_ONE, _WORST = Fraction(1), Fraction(5)
_NONE = Fraction()


@dataclass(frozen=True, slots=True)
class Constraint:
    """low <= sum of entries times deviations <= high, with 0 in between.

    Attributes:
        entries: by column.
        low, high: None: no limit.
    """

    entries: Mapping[Column, Fraction]
    low: Fraction | None
    high: Fraction | None


@dataclass(frozen=True, slots=True)
class Target:
    """A number that is protected.

    Attributes:
        source: key of the source, or the legal group of a contribution.
        figure: PACT's name.
        product: footprint of ours, for a contribution to it; None: a figure of a source.
        value: true.
        entries: its deviation from the truth as a share of it, by column.
        label: the source for people: legal group and product.
    """

    source: str
    figure: str
    product: str | None
    value: Fraction
    entries: Mapping[Column, Fraction]
    label: str


@dataclass(slots=True)
class System:
    """What an attacker knows.

    Attributes:
        constraints: on deviations, beyond that each is -1 or more.
        targets: what is protected.
        columns: all deviations, in order.
    """

    constraints: list[Constraint] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    columns: dict[Column, None] = field(default_factory=dict)


def build_system(
    shown: Shown,
    knowledge: Knowledge,
    coalition: frozenset[str],
    thresholds: Thresholds,
    *,
    quantities_known: bool,
) -> System:
    """The constraints and what they must not determine.

    Args:
        shown: exposures with the blocks that were shown of them, by footprint; the newest last.
        knowledge: what is declared.
        coalition: legal groups whose contributions are known, because they are the attacker.
        thresholds: which figures are protected; the largest size.
        quantities_known: of all sources. Otherwise contributions are the unknowns, but for
            sources whose quantity is declared to be known.

    Raises:
        ReleaseError: it is too large.
    """
    if quantities_known:
        shown = folded(shown, knowledge)
    builder = _Builder(shown, knowledge, coalition, quantities_known)
    system = builder.system
    for exposure, blocks in shown.values():
        for figure in exposure.shown(blocks):
            builder.add_figure(exposure, figure)
        for what, found, limit in (
            ("constraints", system.constraints, thresholds.max_constraints),
            ("unknowns", system.columns, thresholds.max_unknowns),
        ):
            if len(found) > limit:
                raise ReleaseError(
                    f"the gate would have to calculate with more than {limit} {what}",
                    hint=f"Raise release_max_{what} in the settings, which takes longer, or narrow "
                    "release_scope to the group.",
                )
    builder.add_shares()
    builder.add_corrections(thresholds.share)
    builder.add_priors()
    builder.add_targets(thresholds.protected, thresholds.judged)
    return system


class _Builder:
    """Puts a system together; `factor` is always how much of a source a sum has."""

    def __init__(
        self,
        shown: Shown,
        knowledge: Knowledge,
        coalition: frozenset[str],
        quantities_known: bool,
    ) -> None:
        self.system = System()
        self._exposures = [exposure for exposure, _ in shown.values()]
        self._unknowns = Unknowns(
            self._exposures, knowledge, coalition, quantities_known=quantities_known
        )
        self._knowledge, self._quantities_known = knowledge, quantities_known

    def add_figure(self, exposure: Exposure, figure: Figure) -> None:
        """What a number tells: low <= top <= high, or low x below <= top <= high x below."""
        if figure.below is None:
            truth = self._unknowns.value(exposure, figure.top)
            self._add(exposure, figure.top, figure.low - truth, figure.high - truth)
        elif figure.is_exact:
            self._add_share(exposure, figure.top, figure.below, figure.low, _NONE, _NONE)
        else:
            self._add_share(exposure, figure.top, figure.below, figure.low, _NONE, None)
            self._add_share(exposure, figure.top, figure.below, figure.high, None, _NONE)

    def _add_share(
        self,
        exposure: Exposure,
        top: Form,
        below: Form,
        share: Fraction,
        low: Fraction | None,
        high: Fraction | None,
    ) -> None:
        form = dict(top)
        add_form(form, below, -share)
        truth = self._unknowns.value(exposure, form)
        self._add(
            exposure,
            form,
            None if low is None else low - truth,
            None if high is None else high - truth,
        )

    def _add(
        self, exposure: Exposure, form: Form, low: Fraction | None, high: Fraction | None
    ) -> None:
        entries = self._unknowns.deviations(exposure, form)
        self.system.columns.update(dict.fromkeys(entries))
        if entries:
            # Should a footprint have been read otherwise then than now, the truth is in between.
            low = None if low is None else min(low, _NONE)
            high = None if high is None else max(high, _NONE)
            self.system.constraints.append(Constraint(entries, low, high))

    def add_shares(self) -> None:
        """That shares are of 0 to 100 %, and ratings of 1 to 5."""
        done: set[Column | None] = {None}
        for exposure in self._exposures:
            for figure in exposure.figures:
                for (key, name), factor in figure.top.items():
                    source = exposure.sources[key]
                    if name not in QUALITY or name == EXEMPTED:
                        continue
                    column = self._unknowns.column(source, name, factor)
                    if column not in done and column in self.system.columns:
                        done.add(column)
                        self._limit(exposure, source, name, factor)

    def _limit(self, exposure: Exposure, source: Source, name: str, factor: Fraction) -> None:
        is_outbound = name in OUTBOUND_SHARES
        weight = parts_of(source, OUTBOUND if is_outbound else EXCLUDING)
        sign = 1 if self._unknowns.value(exposure, weight) > 0 else -1
        weight = scaled(weight, factor * sign)
        part: Form = {(source.key, name): factor}
        if any(
            self._unknowns.column(source, one, factor) not in self.system.columns
            for _, one in weight
        ):
            return
        if name in (PRIMARY, OF_OUTBOUND[PRIMARY]):
            self._add_share(exposure, part, weight, _ONE, None, _NONE)
        else:
            self._add_share(exposure, part, weight, _ONE, _NONE, None)
            self._add_share(exposure, part, weight, _WORST, None, _NONE)

    def add_corrections(self, share: Fraction) -> None:
        """That a corrected source is nearly what it was: whoever sees versions of ours assumes so,
        and is taken to know how near. Differences beyond the share are news to everybody."""
        if not self._quantities_known:
            return
        everything = Exposure("", "", 0, self._unknowns.sources, ())
        alike: dict[tuple[str | None, str], list[Source]] = {}
        for source in self._unknowns.sources.values():
            for name in source.names:
                alike.setdefault((source.supplier, name), []).append(source)
        done: set[tuple[str, str, str]] = set()
        for versions in alike.values():
            for figure in dict.fromkeys((EXCLUDING, *(n for one in versions for n in one.values))):
                stated = sorted(
                    (value, one.key, form)
                    for one in versions
                    for form in [parts_of(one, figure)]
                    if (value := self._unknowns.value(everything, form))
                )
                for (value, key, form), (higher, other, other_form) in pairwise(stated):
                    is_near = higher - value <= share * min(abs(value), abs(higher))
                    if is_near and (key, other, figure) not in done:
                        done.add((key, other, figure))
                        difference = dict(other_form)
                        add_form(difference, form, -_ONE)
                        self._limit_correction(everything, difference, higher - value)

    def _limit_correction(self, everything: Exposure, form: Form, difference: Fraction) -> None:
        """At most as much as it is, up or down."""
        columns = {self._unknowns.column(everything.sources[key], name, _ONE) for key, name in form}
        if columns - {None} <= self.system.columns.keys():
            self._add(everything, form, -2 * difference, _NONE)

    def add_priors(self) -> None:
        """What is assumed of figures; extended to the truth, if that is outside."""
        for exposure in self._exposures:
            for source in exposure.sources.values():
                given = self._quantities_known or source.names & self._knowledge.quantities
                for figure, prior in self._knowledge.priors_of(source).items() if given else ():
                    form = parts_of(source, figure)
                    truth = self._unknowns.value(exposure, form)
                    high = None if prior.high is None else exact(prior.high) - truth
                    if all(
                        self._unknowns.column(source, name, _ONE) in self.system.columns
                        for _, name in form
                    ):
                        self._add(exposure, form, exact(prior.low) - truth, high)

    def add_targets(self, protected: frozenset[str], judged: frozenset[str]) -> None:
        """What is protected, as far as anything is told of it."""
        seen: set[frozenset[tuple[Column, Fraction]]] = set()
        for target in self._possible_targets(protected, judged):
            entries = frozenset(target.entries.items())
            if entries not in seen:
                seen.add(entries)
                self.system.targets.append(target)

    def _possible_targets(
        self, protected: frozenset[str], judged: frozenset[str]
    ) -> Iterator[Target]:
        names = sorted(protected, key=lambda name: (name != EXCLUDING, name))
        done: set[tuple[str, str]] = set()
        for exposure in self._exposures:
            for source in exposure.sources.values() if self._quantities_known else ():
                for name in names:
                    form = parts_of(source, name)
                    if form and not done.issuperset(form):
                        done.update(form if name != EXCLUDING else ())
                        yield from self._target(exposure, source.key, name, None, form)
            for figure in exposure.figures:
                if figure.name in judged and figure.below is None:
                    yield from self._contributions(exposure, figure)

    def _contributions(self, exposure: Exposure, figure: Figure) -> Iterator[Target]:
        """Of a legal group with several sources; with unknown quantities, of each source."""
        groups: dict[str, dict[str, dict[Unknown, Fraction]]] = {}
        for unknown, factor in figure.top.items():
            supplier = exposure.sources[unknown[0]].supplier
            if supplier is not None:
                group = groups.setdefault(supplier, {})
                group.setdefault(unknown[0], {})[unknown] = factor
        for supplier, forms in groups.items():
            for key, form in forms.items() if not self._quantities_known else ():
                yield from self._target(exposure, key, figure.name, exposure.footprint, form)
            if len(forms) > 1:
                together: dict[Unknown, Fraction] = {}
                for form in forms.values():
                    add_form(together, form, _ONE)
                yield from self._target(
                    exposure, supplier, figure.name, exposure.footprint, together
                )

    def _target(
        self, exposure: Exposure, key: str, figure: str, product: str | None, form: Form
    ) -> Iterator[Target]:
        if any(exposure.sources[one].supplier is None for one, _ in form):
            return
        value = self._unknowns.value(exposure, form)
        entries = self._unknowns.deviations(exposure, form)
        if value and entries and entries.keys() <= self.system.columns.keys():
            shares = {column: entry / value for column, entry in entries.items()}
            yield Target(
                key, figure, product, value, shares, _label(exposure.sources.get(key), key)
            )


def _label(source: Source | None, key: str) -> str:
    if source is None:
        return key  # it is the legal group
    products = sorted(name for name in source.names if name.startswith("urn:"))
    return f"{source.supplier} ({products[0] if products else key})"
