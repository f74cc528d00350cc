"""Why something may not leave, in sentences: with suppliers, and without their numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from underseal_protocol.release.exposure import Exposure
from underseal_protocol.release.rules import Breach, Rule
from underseal_protocol.release.thresholds import Scope, Thresholds
from underseal_protocol.release.verdict import Leak, Reason
from underseal_protocol.rollup.numbers import round_exact

__all__ = ["reason_of_breach", "reason_of_leak", "stopped"]

_ASK = "sk for consent, and acknowledge the release with a reference to it."
_CONSENT = f"Or a{_ASK}"
_ADVICE = {
    Rule.SINGLE_SOURCE: "Neither fewer blocks nor fewer digits protect a single source. Ask the "
    "supplier for consent and acknowledge the release, or calculate with a factor instead.",
    Rule.FEW_CONTRIBUTORS: f"Show fewer blocks if this figure is in one. {_CONSENT}",
    Rule.P_PERCENT: f"Show fewer blocks if this figure is in one. {_CONSENT}",
    Rule.DOMINANCE: f"Show fewer blocks if this figure is in one. {_CONSENT}",
    Rule.DIFFERENCING: f"Show fewer blocks, or publish with fewer digits. {_CONSENT}",
    Rule.CONTRIBUTION: f"Show fewer blocks, or publish with fewer digits. {_CONSENT}",
}
_WHOSE = {
    Scope.PEER: "what it has from us",
    Scope.GROUP: "what its legal group has from us",
    Scope.POOLED: "what all peers together have from us",
}


def stopped(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Reasons of a release that nothing helps, so that none advises what has been tried."""
    found = tuple(reasons)
    of_single = (one.advice for one in found if one.rule is Rule.SINGLE_SOURCE)
    advice = next(of_single, f"Neither fewer blocks nor fewer digits help. A{_ASK}")
    return tuple(replace(one, advice=advice) for one in found)


def reason_of_breach(breach: Breach, exposure: Exposure, peer: str) -> Reason:
    """Why a figure may not leave.

    Args:
        breach: of a rule.
        exposure: of the footprint that states it.
        peer: who could compute something.
    """
    what = f"{breach.figure.name} of product {exposure.product!r}"
    names, first = ", ".join(breach.suppliers), breach.suppliers[0]
    got, limit = round_exact(breach.got, 3), round_exact(breach.limit, 3)
    if breach.rule is Rule.SINGLE_SOURCE:
        text = f"{what} depends on one supplier, {first}, and cannot be protected."
    elif breach.rule is Rule.FEW_CONTRIBUTORS:
        text = f"{what} depends on {got} suppliers ({names}), fewer than {limit}."
    elif breach.rule is Rule.P_PERCENT:
        text = (
            f"{what} is nearly all of {first}: everything else is {got} % of what {first} "
            f"contributes, less than {limit} %."
        )
    else:
        text = f"{got} % of {what} come from {names}, more than {limit} %."
    return Reason(breach.rule, peer, breach.figure.block, text, _ADVICE[breach.rule])


def reason_of_leak(leak: Leak, peer: str, thresholds: Thresholds) -> Reason:
    """Why something may not leave that tells a number together with other things.

    Args:
        leak: the number.
        peer: who could compute it.
        thresholds: with p.
    """
    what = f"{leak.figure} of {leak.label}"
    if leak.product is not None:
        what = f"the contribution of {leak.label} to {leak.figure} of {leak.product}"
    whose, share = _WHOSE[leak.scope], round_exact(thresholds.share * 100, 3)
    text = f"From this footprint, {whose}, {what} can be computed to less than {share} %."
    if leak.needs_quantities:
        text = (
            f"From this footprint, {whose} and the quantities of the bill of materials, {what} can "
            f"be computed to less than {share} %."
        )
    rule = Rule.DIFFERENCING if leak.product is None else Rule.CONTRIBUTION
    return Reason(rule, peer, None, text, _ADVICE[rule])
