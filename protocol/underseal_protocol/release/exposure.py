"""What a footprint would tell: each figure as an interval, and the linear form that made it.

An *unknown* is a figure of a source, such as the fossil emissions of one received footprint. A
figure of ours is a sum of unknowns times quantities, or the ratio of two such sums. All numbers are
exact, and stored as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

from underseal_protocol.disclosure import Block
from underseal_protocol.errors import ReleaseError

__all__ = [
    "Exposure",
    "Figure",
    "Form",
    "Release",
    "Source",
    "Unknown",
    "add_form",
    "fraction_of",
    "fraction_text",
    "scaled",
]

Unknown: TypeAlias = tuple[str, str]  # key of a source, name of a figure
Form: TypeAlias = Mapping[Unknown, Fraction]
MAX_STORED_CHARACTERS = 10_000


@dataclass(frozen=True, slots=True)
class Source:
    """What figures are made of: a received footprint, or something of our own.

    Attributes:
        key: names it in all exposures; other figures of own sources make another key.
        supplier: the legal group that a received footprint comes from; None: our own.
        names: ids that declared knowledge may name it by; a corrected one has some in common with
            what it was before.
        values: its figures, per its declared unit; without zeros.
    """

    key: str
    supplier: str | None
    names: frozenset[str]
    values: Mapping[str, Fraction] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that a footprint states.

    Attributes:
        name: PACT's.
        block: that it is in; None: the core.
        text: as it is stated.
        low, high: between which the exact value is, for somebody who knows how it is rounded;
            shares as 0 to 1.
        top: the form.
        below: what it is divided by; None: nothing.
    """

    name: str
    block: Block | None
    text: str
    low: Fraction
    high: Fraction
    top: Form = field(repr=False)
    below: Form | None = field(default=None, repr=False)

    @property
    def is_exact(self) -> bool:
        """Whether the text tells the exact value."""
        return self.low == self.high


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a footprint tells of its sources.

    Attributes:
        footprint: its id.
        product: of ours.
        digits: significant ones.
        sources: by key.
        figures: all that are calculated from the sources.
    """

    footprint: str
    product: str
    digits: int
    sources: Mapping[str, Source]
    figures: tuple[Figure, ...]

    def value_of(self, form: Form) -> Fraction:
        """The true value of a form."""
        return sum(
            (
                factor * self.sources[key].values.get(name, 0)
                for (key, name), factor in form.items()
            ),
            Fraction(),
        )

    def shown(self, blocks: Iterable[Block]) -> tuple[Figure, ...]:
        """The figures of the core and of these blocks."""
        wanted = {None, *blocks}
        return tuple(one for one in self.figures if one.block in wanted)

    @property
    def links(self) -> frozenset[str]:
        """By what it has to do with others: keys of its sources, and names, which a source keeps
        when it is corrected."""
        return frozenset(self.sources).union(*(one.names for one in self.sources.values()))

    @property
    def suppliers(self) -> frozenset[str]:
        """The legal groups whose footprints are in it."""
        return frozenset(one.supplier for one in self.sources.values() if one.supplier is not None)

    def to_json(self) -> dict[str, Any]:
        """For storage; numbers are exact, as text."""
        return {
            "footprint": self.footprint,
            "product": self.product,
            "digits": self.digits,
            "sources": {
                key: {
                    "supplier": one.supplier,
                    "names": sorted(one.names),
                    "values": {name: fraction_text(value) for name, value in one.values.items()},
                }
                for key, one in self.sources.items()
            },
            "figures": [
                {
                    "name": one.name,
                    "block": one.block and str(one.block),
                    "text": one.text,
                    "low": fraction_text(one.low),
                    "high": fraction_text(one.high),
                    "top": _form_json(one.top),
                    "below": None if one.below is None else _form_json(one.below),
                }
                for one in self.figures
            ],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Exposure:
        """What `to_json` has made.

        Raises:
            ReleaseError: it cannot be read.
        """
        try:
            sources = {
                key: Source(
                    key,
                    one["supplier"],
                    frozenset(one["names"]),
                    {name: fraction_of(value) for name, value in one["values"].items()},
                )
                for key, one in stored["sources"].items()
            }
            figures = tuple(
                Figure(
                    one["name"],
                    None if one["block"] is None else Block(one["block"]),
                    one["text"],
                    fraction_of(one["low"]),
                    fraction_of(one["high"]),
                    _form_of(one["top"], sources),
                    None if one["below"] is None else _form_of(one["below"], sources),
                )
                for one in stored["figures"]
            )
            return cls(stored["footprint"], stored["product"], stored["digits"], sources, figures)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ReleaseError(
                f"a stored exposure cannot be read: {error!r}",
                hint="Without it the gate cannot tell what a peer knows. Restore the ledger.",
            ) from None


@dataclass(frozen=True, slots=True)
class Release:
    """An entry of the ledger: a peer can read a footprint of ours.

    Attributes:
        peer: its id.
        blocks: besides the core.
        exposure: of the footprint.
    """

    peer: str
    blocks: frozenset[Block]
    exposure: Exposure

    def to_json(self) -> dict[str, Any]:
        """For storage; the exposure, which many peers share, by its footprint."""
        return {
            "peer": self.peer,
            "blocks": sorted(map(str, self.blocks)),
            "footprint": self.exposure.footprint,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], exposures: Mapping[str, Exposure]) -> Release:
        """What `to_json` has made.

        Args:
            stored: the entry.
            exposures: by footprint.

        Raises:
            ReleaseError: it cannot be read, or there is no such exposure.
        """
        try:
            blocks = frozenset(map(Block, stored["blocks"]))
            return cls(stored["peer"], blocks, exposures[stored["footprint"]])
        except (KeyError, TypeError, ValueError) as error:
            raise ReleaseError(
                f"an entry of the ledger of releases cannot be read: {error!r}",
                hint="Without it the gate cannot tell what a peer knows. Restore the ledger.",
            ) from None


def add_form(target: dict[Unknown, Fraction], form: Form, factor: Fraction) -> None:
    """Add a multiple of a form to another one, which is changed."""
    for unknown, value in form.items():
        target[unknown] = target.get(unknown, Fraction()) + factor * value


def scaled(form: Form, factor: Fraction) -> dict[Unknown, Fraction]:
    """A multiple of a form."""
    return {unknown: factor * value for unknown, value in form.items()}


def fraction_text(value: Fraction) -> str:
    """A fraction as text: `3/4`, or `3`."""
    return str(value)


def fraction_of(text: Any) -> Fraction:
    """What `fraction_text` has made.

    Raises:
        ValueError: it is something else, such as a float.
    """
    if not isinstance(text, str) or len(text) > MAX_STORED_CHARACTERS:
        raise ValueError(f"{str(text)[:60]!r} is no fraction as text")
    top, _, below = text.partition("/")
    return Fraction(int(top), int(below or "1"))


def _form_json(form: Form) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for (key, name), factor in form.items():
        found.setdefault(key, {})[name] = fraction_text(factor)
    return found


def _form_of(stored: Mapping[str, Any], sources: Mapping[str, Source]) -> dict[Unknown, Fraction]:
    found: dict[Unknown, Fraction] = {}
    for key, names in stored.items():
        if key not in sources:
            raise ValueError(f"there is no source {key!r}")
        for name, factor in names.items():
            found[key, name] = fraction_of(factor)
    return found
