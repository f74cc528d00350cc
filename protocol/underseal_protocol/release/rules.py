"""The rules of statistical disclosure control for one figure: few contributors, p %, dominance.

They look at one figure alone and need no solver (Hundepool et al. 2012, chapter 4; Federal
Committee on Statistical Methodology, Working Paper 22, chapter IV; Cox 1981).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from underseal_protocol.release.exposure import Exposure, Figure
from underseal_protocol.release.knowledge import Knowledge
from underseal_protocol.release.thresholds import Thresholds
from underseal_protocol.rollup.numbers import exact

__all__ = ["Breach", "Rule", "Shares", "breaches", "shares_of"]

_NONE = Fraction()


class Rule(StrEnum):
    """Why the gate stops."""

    SINGLE_SOURCE = "single-source"
    FEW_CONTRIBUTORS = "few-contributors"
    P_PERCENT = "p-percent"
    DOMINANCE = "dominance"
    DIFFERENCING = "differencing"
    CONTRIBUTION = "contribution"  # differencing, of a legal group with several footprints


@dataclass(frozen=True, slots=True)
class Shares:
    """Who contributes how much to a figure, as far as the peer does not know it.

    Attributes:
        suppliers: absolute contributions of legal groups that are protected, the largest first,
            in the unit of the figure; zeros are left out.
        coalition: x2, what the peer's own legal group contributes.
        remainder: R, with our own part, the coalition's and what suppliers contribute.
    """

    suppliers: tuple[tuple[str, Fraction], ...]
    coalition: Fraction
    remainder: Fraction


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that a figure does not pass.

    Attributes:
        rule: which.
        figure: it.
        suppliers: the legal groups that it is about, the largest first.
        got: what the rule looks at: a number of groups, or a percentage.
        limit: what it is compared with.
    """

    rule: Rule
    figure: Figure
    suppliers: tuple[str, ...]
    got: Fraction
    limit: Fraction


def shares_of(
    exposure: Exposure, figure: Figure, knowledge: Knowledge, coalition: frozenset[str]
) -> Shares:
    """Who contributes how much to a figure.

    Args:
        exposure: the figure's.
        figure: one that adds up.
        knowledge: what the peer is declared to know; it is taken out.
        coalition: the peer's own legal groups.
    """
    by_source: dict[str, Fraction] = {}
    for (key, name), factor in figure.top.items():
        value = factor * exposure.sources[key].values.get(name, _NONE)
        by_source[key] = by_source.get(key, _NONE) + value
    suppliers: dict[str, Fraction] = {}
    own = coalition_part = _NONE
    for key, value in by_source.items():
        source = exposure.sources[key]
        if source.supplier in coalition:
            coalition_part += abs(value)
        elif _is_known(source.names, knowledge):
            continue
        elif source.supplier is None:
            own += abs(value)
        elif value:
            suppliers[source.supplier] = suppliers.get(source.supplier, _NONE) + abs(value)
    ordered = sorted(suppliers.items(), key=lambda item: (-item[1], item[0]))
    remainder = own + coalition_part + sum(suppliers.values(), _NONE)
    return Shares(tuple(ordered), coalition_part, remainder)


def breaches(
    exposure: Exposure,
    figures: Iterable[Figure],
    knowledge: Knowledge,
    coalition: frozenset[str],
    thresholds: Thresholds,
) -> Iterator[Breach]:
    """The rules that figures do not pass.

    Args:
        exposure: the figures'.
        figures: that are to be released; those that are not judged are skipped.
        knowledge, coalition: as in `shares_of`.
        thresholds: of the rules.
    """
    for figure in figures:
        if figure.name in thresholds.judged and figure.below is None:
            shares = shares_of(exposure, figure, knowledge, coalition)
            yield from breaches_of(figure, shares, thresholds)


def breaches_of(figure: Figure, shares: Shares, thresholds: Thresholds) -> Iterator[Breach]:
    """The rules that a figure does not pass.

    Args:
        figure: it.
        shares: who contributes how much.
        thresholds: of the rules.
    """
    if not shares.suppliers:
        return
    names = tuple(name for name, _ in shares.suppliers)
    count, limit = len(names), thresholds.contributors
    if count < limit:
        rule = Rule.SINGLE_SOURCE if count == 1 else Rule.FEW_CONTRIBUTORS
        yield Breach(rule, figure, names, Fraction(count), Fraction(limit))
    largest = shares.suppliers[0][1]
    others = shares.remainder - largest - shares.coalition
    if others < thresholds.share * largest:
        percent = others / largest * 100
        yield Breach(Rule.P_PERCENT, figure, names[:1], percent, exact(thresholds.percent))
    whole = shares.remainder - shares.coalition
    for one in thresholds.dominance:
        part = sum((value for _, value in shares.suppliers[: one.largest]), _NONE)
        if part * 100 > exact(one.percent) * whole:
            percent = part / whole * 100
            found = names[: one.largest]
            yield Breach(Rule.DOMINANCE, figure, found, percent, exact(one.percent))


def _is_known(names: frozenset[str], knowledge: Knowledge) -> bool:
    """Its contribution: it has specified it, or has both its figures and its quantity."""
    if names & knowledge.components:
        return True
    return bool(names & knowledge.quantities) and bool(names & knowledge.footprints)
