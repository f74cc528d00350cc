"""What an allocation of metered energy has to tell a person: energy that is in no footprint."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction

from underseal_protocol.rollup.allocation import Allocation, Reason, Unallocated
from underseal_protocol.rollup.findings import RollUpFinding, finding
from underseal_protocol.rollup.numbers import exact, shown_text
from underseal_protocol.rollup.units import conversion

__all__ = ["findings_of"]

_RULES = {
    Reason.NO_PRODUCTION: "energy-without-production",
    Reason.UNKNOWN_LINE: "energy-unallocated",
    Reason.NO_AMOUNT: "energy-unallocated",
}  # what is not for products is set aside on purpose
_HOUR = timedelta(hours=1)


def findings_of(allocation: Allocation) -> Iterator[RollUpFinding]:
    """What a person should look at, by carrier, reason and line.

    Args:
        allocation: of the reference period of a product.
    """
    span = f"from {allocation.start:%Y-%m-%d} to {allocation.end:%Y-%m-%d}"
    totals = {one.carrier: one for one in allocation.totals}
    for one in allocation.unallocated:
        rule = _RULES.get(one.reason)
        total = totals[one.carrier]
        if rule is not None and total.metered:
            amount = exact(one.quantity.amount) * conversion(one.quantity.unit, total.unit)
            share = amount / total.metered * 100
            yield finding(
                rule,
                f"{shown_text(amount)} {total.unit} of {one.carrier} ({shown_text(share)} % of "
                f"what was metered {span}) are in no product: {_where(one)}",
            )
    silent: dict[str, Fraction] = {}
    for gap in allocation.gaps:
        hours = Fraction((gap.end - gap.start) // timedelta(microseconds=1)) / (
            _HOUR // timedelta(microseconds=1)
        )
        silent[gap.meter] = silent.get(gap.meter, Fraction()) + hours
    for meter, hours in silent.items():
        text = f"the meter {meter} says nothing for {shown_text(hours)} h {span}"
        yield finding("meter-gaps", text)


def _where(one: Unallocated) -> str:
    place = "" if one.line is None else f" (line {one.line})"
    detail = f": {one.detail}" if one.detail else ""
    return f"{one.reason}{place}{detail}"
