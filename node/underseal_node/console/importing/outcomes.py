"""What a check or an import came to, as pages show it, with what is too long left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from underseal_node.console.exports import exported
from underseal_node.console.importing.kinds import (
    ENERGY,
    FACTORS,
    FOOTPRINTS,
    KINDS,
    PRODUCTS,
    SPEND,
)
from underseal_node.console.importing.places import Flawed
from underseal_node.console.marks import _
from underseal_node.console.pages import Visit
from underseal_node.console.tables import Column, page_of, table_of

__all__ = ["MAX_ITEMS", "Outcome", "outcome_of"]

MAX_ITEMS = 5_000
PAGE_ROWS = 60  # of a sheet with problems
MAX_LISTED = 200


_OUTCOME = Column("outcome", _("Outcome"), "word")
_ITEMS = (Column("name", _("Name")), Column("id", _("ID")))
ITEM_COLUMNS: Mapping[str, Sequence[Column]] = {
    FOOTPRINTS: (*_ITEMS, _OUTCOME),
    PRODUCTS: (*_ITEMS, Column("lines", _("Lines"), "number"), _OUTCOME),
    FACTORS: (*_ITEMS, _OUTCOME),
    ENERGY: (),
    SPEND: (
        Column("supplier", _("Supplier")),
        Column("peer", _("Partner")),
        Column("amount", _("Spend"), "number"),
        Column("currency", _("Currency")),
        Column("periodStart", _("Period start"), "date"),
        Column("periodEnd", _("First day after it"), "date"),
        _OUTCOME,
    ),
}


@dataclass(frozen=True)
class Outcome:
    """What came of a file.

    Attributes:
        kind: of it.
        is_check: nothing was changed.
        counts: how many of what are new, changed and unchanged, by what they are.
        items: footprints, products and factors: `id`, `name`, `lines`, `outcome`; of spend, what
            the node says of each supplier.
        left_out: how many items are not among them.
        notified: partners that are, or would be, told.
        findings: where footprints do not follow the methodology, rule by rule.
        warnings: what is taken, and a person should know.
        corrections: of metered energy: `kind`, `key`, `old`, `new`.
        rule: what becomes of the rule by which energy is allocated.
        flawed: why it is refused.
    """

    kind: str
    is_check: bool
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    items: Sequence[Mapping[str, Any]] = ()
    left_out: int = 0
    notified: Sequence[str] = ()
    findings: Sequence[Mapping[str, Any]] = ()
    warnings: Sequence[Mapping[str, Any]] = ()
    corrections: Sequence[Mapping[str, Any]] = ()
    rule: str = ""
    flawed: Flawed = field(default_factory=Flawed)

    @property
    def is_refused(self) -> bool:
        """Whether nothing of it is taken."""
        return self.flawed.count > 0

    @property
    def changes(self) -> int:
        """How many things are new or other than before."""
        found = sum(
            number
            for counts in self.counts.values()
            for outcome, number in counts.items()
            if outcome != "unchanged"
        )
        return found + (self.rule in ("new", "changed"))

    @property
    def template(self) -> str:
        """That shows it."""
        return "import_outcome.html"

    def shown(self, visit: Visit) -> dict[str, Any]:
        """What the template needs of a request: the part of the list, or of the rows."""
        page, pages = page_of(visit.asked("page"), self.flawed.shown_rows, PAGE_ROWS)
        return {
            "outcome": self,
            "list_path": None if self.is_refused or self.is_check else KINDS[self.kind].list_path,
            "table": table_of(visit, self.items, self._columns),
            "sheets": self.flawed.page(page, PAGE_ROWS),
            "page": page,
            "pages": pages,
        }

    def exported(self, visit: Visit) -> Response | None:
        """The list as a file, if the request asks for one."""
        return exported(visit, self.items, self._columns, "import")

    @property
    def _columns(self) -> Sequence[Column]:
        return ITEM_COLUMNS[self.kind]


def outcome_of(kind: str, answer: Mapping[str, Any], flawed: Flawed) -> Outcome:
    """From what an endpoint answered.

    Args:
        kind: of the file.
        answer: to the check or import.
        flawed: what is wrong with it.
    """
    is_check = bool(answer["dryRun"])
    if kind == ENERGY:
        return Outcome(
            kind,
            is_check,
            {name: _without_zeros(answer[name]) for name in ("readings", "orders")},
            warnings=answer["warnings"][:MAX_LISTED],
            corrections=answer["corrections"][:MAX_LISTED],
            rule=answer["rule"],
            flawed=flawed,
        )
    if kind == FOOTPRINTS:
        found = answer["footprints"]
        items = [_item(one, one["productNameCompany"]) for one in found]
        counts = {"published": answer["published"], "unchanged": answer["unchanged"]}
        return Outcome(
            kind,
            is_check,
            {FOOTPRINTS: _without_zeros(counts)},
            items,
            sum(counts.values()) - len(items),
            answer["notified"],
            answer["rules"],
            flawed=flawed,
        )
    if kind == SPEND:
        found = answer["spend"]
        counts = {SPEND: _outcomes(found)} if found else {}
        left_out = max(0, len(found) - MAX_ITEMS)
        return Outcome(kind, is_check, counts, found[:MAX_ITEMS], left_out, flawed=flawed)
    listed = {name: answer[name] for name in ("products", "factors")}
    both = [one for each in listed.values() for one in each]
    return Outcome(
        kind,
        is_check,
        {name: _outcomes(each) for name, each in listed.items() if each},
        [_item(one, one["name"]) for one in both[:MAX_ITEMS]],
        max(0, len(both) - MAX_ITEMS),
        warnings=answer["warnings"][:MAX_LISTED],
        flawed=flawed,
    )


def _item(one: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {
        "id": one["id"],
        "name": name,
        "lines": None if one.get("lines") is None else str(one["lines"]),
        "outcome": one["outcome"],
    }


def _outcomes(items: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in items:
        counts[one["outcome"]] = counts.get(one["outcome"], 0) + 1
    return _without_zeros(counts)


def _without_zeros(counts: Mapping[str, int]) -> dict[str, int]:
    """Those that there are; what changes nothing comes last."""
    found = {outcome: number for outcome, number in counts.items() if number}
    return dict(sorted(found.items(), key=lambda one: one[0] == "unchanged"))
