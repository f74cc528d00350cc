"""What the supplier board can be narrowed to, and what it is weighed by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.tables import Filter

__all__ = ["chosen", "code_of", "filters", "period_query", "weight"]

Json = Mapping[str, Any]
Test = Callable[[Json], bool]

COVERAGE: Mapping[str, tuple[str, Test]] = {
    "whole": (_("all of it"), lambda one: _figure(one, "coverage") == 1),
    "partly": (_("some of it"), lambda one: 0 < (_figure(one, "coverage") or 0) < 1),
    "none": (_("nothing"), lambda one: _figure(one, "coverage") == 0),
    "unknown": (_("not known"), lambda one: one.get("coverage") is None),
}
CHANGE: Mapping[str, tuple[str, Test]] = {
    "better": (_("lower"), lambda one: (_figure(one, "change") or 0) < 0),
    "worse": (_("higher"), lambda one: (_figure(one, "change") or 0) > 0),
    "same": (_("as before"), lambda one: _figure(one, "change") == 0),
    "unknown": (_("not known"), lambda one: one.get("change") is None),
}
VERIFICATION: Mapping[str, tuple[str, Test]] = {
    "verified": (
        _("all verified"),
        lambda one: bool(one["verified"]) and not one["unsigned"] and not one["invalid"],
    ),
    "unsigned": (_("some unsigned"), lambda one: bool(one["unsigned"])),
    "invalid": (_("some invalid"), lambda one: bool(one["invalid"])),
    "none": (_("no footprint"), lambda one: not one["footprints"] and not one["invalid"]),
}
VALIDITY: Mapping[str, tuple[str, Test]] = {
    "valid": (
        _("all valid"),
        lambda one: one.get("validUntil") is not None and not one["expired"],
    ),
    "expired": (_("some not valid any more"), lambda one: bool(one["expired"])),
}
CHOICES = (
    ("coverage", _("Coverage"), COVERAGE),
    ("change", _("Change"), CHANGE),
    ("verification", _("Verification"), VERIFICATION),
    ("validity", _("Validity"), VALIDITY),
)
SPEND, MASS = "spendShare", "massShare"


def chosen(visit: Visit, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The suppliers that the choices of a request let through."""
    tests = [
        choices[asked][1]
        for name, _label, choices in CHOICES
        if (asked := visit.asked(name)) in choices
    ]
    return [one for one in rows if all(test(one) for test in tests)]


def weight(visit: Visit, *, has_spend: bool) -> str:
    """Which share counts: that of spend if it is known and nothing else is wanted."""
    wanted = visit.asked("by")
    return SPEND if has_spend and wanted != "mass" else MASS


def filters(visit: Visit) -> list[Filter]:
    """The choices above the list."""
    return [
        Filter(name, label, [(code, visit.text(text)) for code, (text, _test) in choices.items()])
        for name, label, choices in CHOICES
    ]


def period_query(visit: Visit, periods: Sequence[Json]) -> dict[str, str | int | bool | None]:
    """The period that is asked for, as the endpoint takes it; of none, nothing."""
    wanted = visit.asked("period")
    one = next((one for one in periods if code_of(one) == wanted), None)
    return {} if one is None else {"from": one["periodStart"], "until": one["periodEnd"]}


def code_of(one: Json) -> str:
    """A period in the query."""
    return f"{one['periodStart']}/{one['periodEnd']}"


def _figure(one: Json, name: str) -> Decimal | None:
    value = one.get(name)
    return None if value is None else Decimal(value)
