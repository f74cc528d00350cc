"""What counts as safe: the settings of the gate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from underseal_protocol.errors import ReleaseError
from underseal_protocol.rollup.calculation import DEFAULT_DIGITS
from underseal_protocol.rollup.numbers import Number, exact
from underseal_protocol.rollup.properties import (
    CARBON,
    EXCLUDING,
    GROSS,
    OUTBOUND,
    PACKAGING,
    UPTAKE,
)

__all__ = ["DEFAULT", "EMISSIONS", "Dominance", "Policy", "Scope", "Thresholds"]

# What suppliers keep to themselves. What is *in* the product (contents, uptake) is measured by
# whoever has the product: it is used against us, and not promised to be protected.
EMISSIONS = frozenset({EXCLUDING, *GROSS, OUTBOUND})


class Policy(StrEnum):
    """What an operator may do when the gate stops."""

    ACKNOWLEDGE = "acknowledge"  # go on, with a reason and the supplier's consent on record
    STRICT = "strict"  # nothing


class Scope(StrEnum):
    """Whose figures a peer is taken to have."""

    PEER = "peer"  # its own
    GROUP = "group"  # those of its declared legal group
    POOLED = "pooled"  # everything that was ever released to anybody


@dataclass(frozen=True, slots=True)
class Dominance:
    """The rule (n, k): sensitive is what its n largest contributors make more than k % of.

    Attributes:
        largest: n, 1 or more.
        percent: k, above 0, below 100.
    """

    largest: int
    percent: Number


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The settings (Hundepool et al. 2012, chapter 4; FCSM Working Paper 22, chapter IV).

    Attributes:
        contributors: k; a figure with fewer legal groups of suppliers is sensitive; 1 or more.
        percent: p; nobody gets closer to a supplier's number than p %; above 0, below 100.
        dominance: rules (n, k).
        digits: significant digits at which figures are published if nothing speaks against it.
        min_digits: the fewest that the gate may fix at publication; equal to `digits`: never
            coarser.
        scope: whose figures a peer is taken to have.
        policy: what an operator may do when the gate stops.
        protected: PACT's names of the figures of suppliers that are protected.
        max_unknowns: that the gate calculates with.
        max_constraints: figures of all releases that it calculates with.
    """

    contributors: int = 3
    percent: Number = 10
    dominance: tuple[Dominance, ...] = (Dominance(1, 75), Dominance(2, 85))
    digits: int = DEFAULT_DIGITS
    min_digits: int = 3
    scope: Scope = Scope.POOLED
    policy: Policy = Policy.ACKNOWLEDGE
    protected: frozenset[str] = EMISSIONS
    max_unknowns: int = 10_000
    max_constraints: int = 10_000

    def __post_init__(self) -> None:
        """Settings that promise nothing are refused."""
        wrong = (
            ("contributors", self.contributors, self.contributors >= 1, "1 or more"),
            ("percent", self.percent, 0 < exact(self.percent) < 100, "above 0, below 100"),
            ("min_digits", self.min_digits, 1 <= self.min_digits <= self.digits, "1 to digits"),
            *(
                ("dominance", one, one.largest >= 1 and 0 < exact(one.percent) < 100, "(n, k)")
                for one in self.dominance
            ),
            (
                "protected",
                sorted(self.protected),
                self.protected <= EMISSIONS | {UPTAKE, *CARBON},
                "figures of PACT that add up",
            ),
        )
        for name, value, is_right, expected in wrong:
            if not is_right:
                raise ReleaseError(
                    f"the threshold {name} is {value}, expected {expected}",
                    hint="See docs/explanation/release-gate.md for what it means.",
                )

    @property
    def judged(self) -> frozenset[str]:
        """Figures of ours that the rules look at: packaging is a sum of totals of suppliers."""
        return self.protected | ({PACKAGING} if EXCLUDING in self.protected else frozenset())

    @property
    def share(self) -> Fraction:
        """p as a share, 0 to 1."""
        return exact(self.percent) / 100


DEFAULT = Thresholds()
