"""What a peer is declared to know, besides what is released to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from underseal_protocol.errors import ReleaseError, RollUpError
from underseal_protocol.release.exposure import Source, fraction_of, fraction_text
from underseal_protocol.rollup.numbers import Number, exact

__all__ = ["NOTHING", "Knowledge", "Peer", "Prior"]


@dataclass(frozen=True, slots=True)
class Prior:
    """What a peer can assume of a figure, from a database of factors for instance.

    Attributes:
        low: at least, in the unit of the figure per declared unit of the source.
        high: at most; None: no limit.
    """

    low: Number
    high: Number | None = None

    def __post_init__(self) -> None:
        """It is an interval."""
        if self.high is not None and exact(self.low) > exact(self.high):
            raise ReleaseError(
                f"a prior is from {self.low} to {self.high}", hint="Give the lower end first."
            )


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a peer is declared to know. Sources are named by the id of a footprint or factor, or by
    a product id of theirs: that holds for their later footprints, too.

    Attributes:
        components: whose contribution it knows: it supplies or has specified them.
        quantities: whose quantity it knows, from a teardown for instance.
        footprints: that it has also received: it knows their figures.
        priors: intervals by source and figure (PACT's name).
    """

    components: frozenset[str] = frozenset()
    quantities: frozenset[str] = frozenset()
    footprints: frozenset[str] = frozenset()
    priors: Mapping[str, Mapping[str, Prior]] = field(default_factory=dict)

    def __or__(self, other: Knowledge) -> Knowledge:
        """What both know together: of priors, what is in both intervals."""
        priors = {name: dict(one) for name, one in self.priors.items()}
        for name, more in other.priors.items():
            mine = priors.setdefault(name, {})
            for figure, prior in more.items():
                mine[figure] = _both(mine[figure], prior) if figure in mine else prior
        return Knowledge(
            self.components | other.components,
            self.quantities | other.quantities,
            self.footprints | other.footprints,
            priors,
        )

    def priors_of(self, source: Source) -> dict[str, Prior]:
        """What it assumes of the figures of a source, by figure."""
        found: dict[str, Prior] = {}
        for name in sorted(source.names):
            for figure, prior in self.priors.get(name, {}).items():
                found[figure] = _both(found[figure], prior) if figure in found else prior
        return found

    def to_json(self) -> dict[str, Any]:
        """For storage; numbers are exact, as text."""
        return {
            "components": sorted(self.components),
            "quantities": sorted(self.quantities),
            "footprints": sorted(self.footprints),
            "priors": {
                source: {
                    figure: [
                        fraction_text(exact(one.low)),
                        None if one.high is None else fraction_text(exact(one.high)),
                    ]
                    for figure, one in figures.items()
                }
                for source, figures in self.priors.items()
            },
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Knowledge:
        """What `to_json` has made.

        Raises:
            ReleaseError: it cannot be read.
        """
        try:
            priors = {
                source: {
                    figure: Prior(fraction_of(low), None if high is None else fraction_of(high))
                    for figure, (low, high) in figures.items()
                }
                for source, figures in stored.get("priors", {}).items()
            }
            components, quantities, footprints = (
                frozenset(map(str, stored.get(one, ())))
                for one in ("components", "quantities", "footprints")
            )
            return cls(components, quantities, footprints, priors)
        except (AttributeError, TypeError, ValueError, RollUpError) as error:
            raise ReleaseError(
                f"the declared knowledge cannot be read: {error}",
                hint="Declare it anew.",
            ) from None


def _both(one: Prior, other: Prior) -> Prior:
    """The part in both; if there is none, one of them is wrong, and the first is kept."""
    low = max(exact(one.low), exact(other.low))
    highs = [exact(end.high) for end in (one, other) if end.high is not None]
    high: Fraction | None = min(highs) if highs else None
    return one if high is not None and low > high else Prior(low, high)


NOTHING = Knowledge()


@dataclass(frozen=True, slots=True)
class Peer:
    """Who asks.

    Attributes:
        id: by which the ledger knows it.
        group: the legal group that it is recorded to belong to; its other members are taken to
            tell it everything. None: it stands alone.
        knowledge: what it is declared to know.
    """

    id: str
    group: str | None = None
    knowledge: Knowledge = NOTHING

    @property
    def legal_group(self) -> str:
        """The group; its own id if it stands alone."""
        return self.id if self.group is None else self.group


def joined(knowledges: Iterable[Knowledge]) -> Knowledge:
    """What all know together."""
    known = NOTHING
    for one in knowledges:
        known = known | one
    return known
