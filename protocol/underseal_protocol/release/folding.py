"""Fewer unknowns for the same question: own sources that always occur together become one.

A bill of materials may have thousands of factors. Those that occur in one footprint only, in the
same proportion in each of its figures, cannot be told apart by anybody, and nothing else depends on
them one by one: whatever their sum can be, they can be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TypeAlias

from underseal_protocol.disclosure import Block
from underseal_protocol.release.exposure import Exposure, Form, Source, Unknown
from underseal_protocol.release.knowledge import Knowledge

__all__ = ["Shown", "folded"]

Shown: TypeAlias = Mapping[str, tuple[Exposure, frozenset[Block]]]
# Figure, whether it is what the figure is divided by, name of the unknown, its share of the first.
_Use: TypeAlias = tuple[int, bool, str, Fraction]


def folded(shown: Shown, knowledge: Knowledge) -> Shown:
    """The same exposures with fewer own sources.

    Args:
        shown: exposures with the blocks that were shown of them, by footprint.
        knowledge: what is declared: sources that it names stay.
    """
    uses = Counter(key for exposure, _ in shown.values() for key in exposure.sources)
    distinct = {key: one for exposure, _ in shown.values() for key, one in exposure.sources.items()}
    named = Counter(name for one in distinct.values() for name in one.names)
    declared = {
        *knowledge.components,
        *knowledge.quantities,
        *knowledge.footprints,
        *knowledge.priors,
    }

    def is_alone(key: str, source: Source) -> bool:
        return (
            source.supplier is None
            and uses[key] == 1
            and declared.isdisjoint(source.names)
            and all(named[name] == 1 for name in source.names)
        )

    found = {}
    for footprint, (exposure, blocks) in shown.items():
        alone = {key for key, one in exposure.sources.items() if is_alone(key, one)}
        found[footprint] = (_folded(exposure, alone), blocks)
    return found


def _folded(exposure: Exposure, alone: Collection[str]) -> Exposure:
    groups: dict[object, list[tuple[str, Fraction]]] = {}
    for key, uses in _uses_of(exposure, alone).items():
        first = uses[0][3]
        signs = tuple(
            (name, value > 0) for name, value in sorted(exposure.sources[key].values.items())
        )
        pattern = (tuple((*use[:3], use[3] / first) for use in uses), signs)
        groups.setdefault(pattern, []).append((key, first))
    sources, renamed = dict(exposure.sources), dict[str, tuple[str, Fraction]]()
    for number, group in enumerate(group for group in groups.values() if len(group) > 1):
        key = f"own:{exposure.footprint}/{number}"
        values: dict[str, Fraction] = {}
        for old, amount in group:
            for name, value in sources.pop(old).values.items():
                values[name] = values.get(name, Fraction()) + amount * value
            renamed[old] = (key, amount)
        sources[key] = Source(key, None, frozenset({key}), values)
    if not renamed:
        return exposure
    figures = tuple(
        replace(
            one,
            top=_renamed(one.top, renamed),
            below=None if one.below is None else _renamed(one.below, renamed),
        )
        for one in exposure.figures
    )
    return replace(exposure, sources=sources, figures=figures)


def _uses_of(exposure: Exposure, keys: Collection[str]) -> dict[str, list[_Use]]:
    """Where each of these sources occurs, with which factor, in the order of figures."""
    found: dict[str, list[_Use]] = {}
    for number, is_below, form in _forms(exposure):
        for (key, name), factor in sorted(form.items()):
            if key in keys:
                found.setdefault(key, []).append((number, is_below, name, factor))
    return found


def _forms(exposure: Exposure) -> Iterator[tuple[int, bool, Form]]:
    for number, one in enumerate(exposure.figures):
        yield number, False, one.top
        if one.below is not None:
            yield number, True, one.below


def _renamed(form: Form, renamed: Mapping[str, tuple[str, Fraction]]) -> Form:
    found: dict[Unknown, Fraction] = {}
    for (key, name), factor in form.items():
        new, amount = renamed.get(key, (key, Fraction(1)))
        found[new, name] = factor / amount  # the same for all of a group, by its pattern
    return found
