"""What the gate says, and what an operator may make of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

from underseal_protocol.disclosure import Block, Level
from underseal_protocol.errors import ReleaseError, ReleaseRefusedError
from underseal_protocol.release.rules import Rule
from underseal_protocol.release.thresholds import DEFAULT, Policy, Scope, Thresholds

__all__ = ["Acknowledgement", "Leak", "Outcome", "Reason", "Verdict", "permit"]


SHOWN_REASONS = 2


class Outcome(StrEnum):
    """What the gate lets out."""

    RELEASE = "release"  # what was wanted
    FEWER_BLOCKS = "fewer blocks"  # at a lower level
    COARSER = "coarser"  # with fewer digits, for everybody; at publication only
    STOP = "stop"  # nothing


@dataclass(frozen=True, slots=True)
class Leak:
    """A number that a peer could compute. For the operator's eyes only: it is a supplier's.

    Attributes:
        source: key of the received footprint (`footprint:<id>`), or the legal group of a
            contribution.
        figure: PACT's name.
        product: the footprint of ours that the contribution is to; None: the figure itself, per
            declared unit of the received footprint.
        value: true.
        low, high: between which the peer could know it to be; None: no limit.
        scope: the fewest figures from which it follows.
        needs_quantities: whether the peer has to know the quantities of the bill of materials.
        label: the source for people.
    """

    source: str
    figure: str
    product: str | None
    value: Fraction = field(repr=False)
    low: Fraction | None = field(repr=False)
    high: Fraction | None = field(repr=False)
    scope: Scope
    needs_quantities: bool
    label: str

    def to_json(self) -> dict[str, Any]:
        """For the operator; ends are rounded to 6 digits."""
        return {
            "source": self.source,
            "figure": self.figure,
            "product": self.product,
            "value": _rounded(self.value),
            "low": None if self.low is None else _rounded(self.low),
            "high": None if self.high is None else _rounded(self.high),
            "scope": str(self.scope),
            "needsQuantities": self.needs_quantities,
            "label": self.label,
        }


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is not let out.

    Attributes:
        rule: which rule.
        peer: who could compute it.
        block: that tells it; None: the core, or several together.
        text: a sentence for the operator; it may name suppliers, and has none of their numbers.
        advice: what the operator can do.
    """

    rule: Rule
    peer: str
    block: Block | None
    text: str
    advice: str

    def to_json(self) -> dict[str, Any]:
        """For the operator."""
        return {
            "rule": str(self.rule),
            "peer": self.peer,
            "block": self.block and str(self.block),
            "text": self.text,
            "advice": self.advice,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate says.

    Attributes:
        outcome: of it.
        wanted: the level that was asked for.
        level: the highest that is let out; None: none.
        digits: significant digits that it holds for.
        reasons: why it is not what was wanted; empty for `Outcome.RELEASE`.
        leaks: what a peer could compute from what was wanted.
    """

    outcome: Outcome
    wanted: Level
    level: Level | None
    digits: int
    reasons: tuple[Reason, ...] = ()
    leaks: tuple[Leak, ...] = field(default=(), repr=False)

    @property
    def protects(self) -> bool:
        """Whether what was wanted can leave as it is."""
        return self.outcome is Outcome.RELEASE

    def to_json(self) -> dict[str, Any]:
        """For the operator, and for nobody else."""
        return {
            "outcome": str(self.outcome),
            "wanted": str(self.wanted),
            "level": self.level and str(self.level),
            "digits": self.digits,
            "reasons": [one.to_json() for one in self.reasons],
            "leaks": [one.to_json() for one in self.leaks],
        }


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """That the operator answers for a number that leaks.

    Attributes:
        reason: in words.
        consent: a reference to the supplier's consent: a contract, a letter, a message.
    """

    reason: str
    consent: str


def permit(
    verdict: Verdict,
    thresholds: Thresholds = DEFAULT,
    acknowledgement: Acknowledgement | None = None,
) -> tuple[Level, int]:
    """The level and the significant digits at which a footprint may leave.

    Without acknowledgement, those of the verdict. With one, the wanted level and the default
    digits, whatever the verdict says; the acknowledgement has to be recorded.

    Args:
        verdict: of the gate.
        thresholds: with the policy.
        acknowledgement: of the operator.

    Raises:
        ReleaseRefusedError: nothing may leave, or the policy is strict.
        ReleaseError: the acknowledgement has no reason or no consent.
    """
    if verdict.protects:
        return verdict.wanted, verdict.digits
    if acknowledgement is not None:
        if thresholds.policy is Policy.STRICT:
            raise ReleaseRefusedError(
                f"the policy is {Policy.STRICT}: {_words(verdict)}",
                hint="Ask whoever has set the policy, or release less.",
            )
        if not acknowledgement.reason.strip() or not acknowledgement.consent.strip():
            raise ReleaseError(
                "an acknowledgement needs a reason and a reference to the supplier's consent",
                hint="Name the contract or message in which the supplier agrees.",
            )
        return verdict.wanted, max(verdict.digits, thresholds.digits)
    if verdict.level is None:
        raise ReleaseRefusedError(_words(verdict), hint=_advice(verdict))
    return verdict.level, verdict.digits


def _words(verdict: Verdict) -> str:
    """The reasons in a few sentences: where there is one supplier, nothing else has to be said."""
    single = [one for one in verdict.reasons if one.rule is Rule.SINGLE_SOURCE]
    texts = list(dict.fromkeys(one.text for one in single or verdict.reasons))
    more = len(texts) - SHOWN_REASONS
    return " ".join(texts[:SHOWN_REASONS]) + (f" And {more} more." if more > 0 else "")


def _advice(verdict: Verdict) -> str:
    return " ".join(dict.fromkeys(one.advice for one in verdict.reasons))


def _rounded(value: Fraction) -> str:
    text = f"{Decimal(value.numerator) / Decimal(value.denominator):.6g}"
    return format(Decimal(text), "f")
