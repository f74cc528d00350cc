"""What the lines of a product contribute, in the digits that a page shows: the same texts stand in
its tables and in its charts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Any

from underseal_node.console.marks import _
from underseal_node.console.products.figures import MAX_PRECISION

__all__ = ["KINDS", "Contributions", "Group", "Part", "contributions_of", "line_id"]


KINDS = {
    "material": _("Materials"),
    "energy": _("Energy"),
    "transport": _("Transport"),
    "packaging": _("Packaging"),
    "waste": _("Waste"),
    "direct": _("Direct emissions"),
}
OWN = _("Own emissions")
PRIMARY_FACTORS = _("Factors from primary data")
FACTORS = _("Factors from databases")
OTHER_SUPPLIERS = _("Other suppliers")
OTHER_PROCESSES = _("Other processes")

MOST_PARTS = 20  # lines that are shown one by one; the smaller ones are added up
MOST_SUPPLIERS = 8
MOST_PROCESSES = 8
DIGITS = 6  # significant ones of the total at most; everything else has as many places
ZERO = Decimal()

Text = Callable[[str], str]
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Group:
    """Contributions that have something in common.

    Attributes:
        key: what they have in common.
        label: for people.
        amount: kg CO2e per declared unit, as it is shown.
        share: of the absolute total, 0 to 1.
        count: of lines.
    """

    key: Any
    label: str
    amount: str
    share: Decimal
    count: int


@dataclass(frozen=True)
class Part:
    """One line, or small ones together that come from the same tier and go the same way.

    Attributes:
        line: its id with that of its product; None: several.
        name: of the line; None: several.
        count: of lines.
        tier: key of the tier that it comes from.
        process: key of the process, or kind of line, that it goes into.
        product: id of our product whose line it is.
        source: for people; None: several.
        amount: kg CO2e per declared unit, as it is shown.
        share: of the absolute total, 0 to 1.
        primary: percentage of primary data; None: it is not known, or several.
    """

    line: str | None
    name: str | None
    count: int
    tier: Hashable
    process: Hashable
    product: str
    source: str | None
    amount: str
    share: Decimal
    primary: str | None


@dataclass(frozen=True)
class Contributions:
    """Where a figure comes from.

    Attributes:
        total: kg CO2e per declared unit, as it is shown.
        parts: the largest first; at the end the small ones, added up.
        tiers: where from: suppliers whose footprints are used, factors, our own emissions.
        processes: into what, by process and product; their keys are pairs of these.
        process_labels: for people, by key of the process.
        products: of ours, by the lines that they have themselves.
        root: id of the product that is explained.
        negative: number of contributions below 0, which no chart can draw.
    """

    total: str
    parts: Sequence[Part]
    tiers: Sequence[Group]
    processes: Sequence[Group]
    process_labels: Mapping[Hashable, str]
    products: Sequence[Group]
    root: str
    negative: int


def line_id(contribution: Json) -> str:
    """The id of a line within its product."""
    return str(contribution["line"])[len(contribution["product"]) + 1 :]


def contributions_of(explanation: Json, text: Text) -> Contributions:
    """Contributions as a page shows them.

    Args:
        explanation: of `POST /products/calculate`, with all contributions.
        text: translates.
    """
    with localcontext(prec=MAX_PRECISION):
        return _Reading(explanation, text).contributions()


@dataclass(frozen=True)
class _One:
    """A contribution with the keys of what it is a part of."""

    json: Json
    amount: Decimal
    share: Decimal
    tier: Hashable
    process: Hashable

    @property
    def product(self) -> str:
        return str(self.json["product"])


class _Reading:
    def __init__(self, explanation: Json, text: Text) -> None:
        self._text = text
        self._explanation = explanation
        self._labels: dict[Hashable, str] = {}
        total = Decimal(explanation["pcfExcludingBiogenicUptake"]["value"])
        whole = Decimal(explanation["absoluteContributions"]["value"]) or total
        self._total = total
        found = [self._one(one) for one in explanation["contributions"]]
        places = max(0, DIGITS - 1 - whole.adjusted()) if whole else 0
        self._places = min(places, max((_places(one.amount) for one in found), default=0))
        found = self._fewer(found, "tier", "supplier", MOST_SUPPLIERS, OTHER_SUPPLIERS)
        self._found = self._fewer(found, "process", "process", MOST_PROCESSES, OTHER_PROCESSES)

    def contributions(self) -> Contributions:
        """All of it."""
        found = self._found
        return Contributions(
            total=self._shown(self._total),
            parts=[*self._lines(found[:MOST_PARTS]), *self._rest(found[MOST_PARTS:])],
            tiers=self._groups(found, lambda one: one.tier, self._labels.__getitem__),
            processes=self._groups(
                found, lambda one: (one.process, one.product), lambda key: self._labels[key[0]]
            ),
            process_labels=self._labels,
            products=self._groups(found, lambda one: one.product, str),
            root=self._explanation["product"],
            negative=sum(one.amount < 0 for one in found),
        )

    def _one(self, json: Json) -> _One:
        amount, share = (Decimal(json[name]["value"]) for name in ("amount", "share"))
        return _One(json, amount, share, self._tier(json.get("source")), self._process(json))

    def _tier(self, source: Json | None) -> Hashable:
        if source is None:
            return self._named(("own",), self._text(OWN))
        if "footprint" in source:
            company = source.get("company") or source["footprint"]
            return self._named(("supplier", company), str(company))
        if source.get("isPrimary"):
            return self._named(("factors", "primary"), self._text(PRIMARY_FACTORS))
        return self._named(("factors", "databases"), self._text(FACTORS))

    def _process(self, json: Json) -> Hashable:
        process = json.get("process")
        if process:
            return self._named(("process", process), process)
        kind = json["kind"]
        return self._named(("kind", kind), self._text(KINDS.get(kind) or str(kind)))

    def _named(self, key: Hashable, label: str) -> Hashable:
        self._labels[key] = label
        return key

    def _fewer(
        self, found: list[_One], attribute: str, kind: str, most: int, others: str
    ) -> list[_One]:
        """The same with at most so many keys of a kind: the smallest become one."""
        sums: dict[Any, Decimal] = {}
        for one in found:
            key = getattr(one, attribute)
            if key[0] == kind:
                sums[key] = sums.get(key, ZERO) + abs(one.amount)
        if len(sums) <= most:
            return found
        kept = sorted(sums, key=lambda key: (-sums[key], str(key)))[: most - 1]
        other = self._named((f"other {kind}",), self._text(others))
        changed: dict[str, Any] = {attribute: other}
        return [
            replace(one, **changed)
            if (key := getattr(one, attribute)) in sums and key not in kept
            else one
            for one in found
        ]

    def _lines(self, found: Iterable[_One]) -> Iterable[Part]:
        for one in found:
            primary = one.json.get("primaryDataShare")
            yield Part(
                line=one.json["line"],
                name=one.json["name"],
                count=1,
                tier=one.tier,
                process=one.process,
                product=one.product,
                source=self._source(one.json.get("source")),
                amount=self._shown(one.amount),
                share=one.share,
                primary=None if primary is None else primary["value"],
            )

    def _rest(self, found: Sequence[_One]) -> Iterable[Part]:
        groups: dict[tuple[Hashable, Hashable, str], list[_One]] = {}
        for one in found:
            groups.setdefault((one.tier, one.process, one.product), []).append(one)
        for (tier, process, product), ones in groups.items():
            yield Part(
                line=None,
                name=None,
                count=len(ones),
                tier=tier,
                process=process,
                product=product,
                source=None,
                amount=self._shown(_sum(one.amount for one in ones)),
                share=_sum(one.share for one in ones),
                primary=None,
            )

    def _groups(
        self,
        found: Iterable[_One],
        key_of: Callable[[_One], Any],
        label_of: Callable[[Any], str],
    ) -> list[Group]:
        groups: dict[Hashable, list[_One]] = {}
        for one in found:
            groups.setdefault(key_of(one), []).append(one)
        made = [
            (
                _sum(one.amount for one in ones),
                Group(
                    key=key,
                    label=label_of(key),
                    amount=self._shown(_sum(one.amount for one in ones)),
                    share=_sum(one.share for one in ones),
                    count=len(ones),
                ),
            )
            for key, ones in groups.items()
        ]
        return [group for _amount, group in sorted(made, key=lambda one: -abs(one[0]))]

    def _source(self, source: Json | None) -> str:
        if source is None:
            return self._text(OWN)
        if "footprint" in source:
            return str(source.get("company") or source["footprint"])
        return f"{source['name']} ({source['database']})"

    def _shown(self, amount: Decimal) -> str:
        rounded = amount.quantize(Decimal(1).scaleb(-self._places))
        return format(rounded or abs(rounded), "f")  # no zero below zero


def _places(amount: Decimal) -> int:
    """How many digits there are after the point, zeros at the end left out."""
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, ZERO)
