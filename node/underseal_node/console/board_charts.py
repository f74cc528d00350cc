"""Charts of the supplier board: what is covered, and how figures of suppliers have changed.

As for products, figures stay texts; only the script of the browser makes numbers of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal, localcontext
from typing import Any

from underseal_node.console.pages import Visit

__all__ = ["coverage_chart", "dated", "trends_chart"]

MOST_BARS = 60  # with more, bars are lines
PLACES = Decimal("1e-12")

Json = Mapping[str, Any]
Chart = dict[str, Any]


def coverage_chart(
    visit: Visit, rows: Iterable[Json], others: Iterable[Json], share: str
) -> Chart | None:
    """A bar for each supplier: as wide as its share of what is bought, as high as that is covered,
    and filled as far as the footprints state primary data. None if no share is known.

    Args:
        visit: of the reader.
        rows: suppliers.
        others: those that are no partners: they cover nothing.
        share: which share is the width: `spendShare` or `massShare`.
    """
    partners = [one for one in rows if one.get(share)]
    partners.sort(key=lambda one: Decimal(one[share]), reverse=True)
    bars = [_bar(visit, one, share) for one in partners[:MOST_BARS]]
    if not bars:
        return None
    strangers = [Decimal(one[share]) for one in others if one.get(share)]
    if strangers:
        width = _sum(strangers)
        label = visit.text("no partners yet")
        text = f"{label}: {visit.language.percent(width)}"
        bars.append({"label": label, "width": str(width), "covered": "0", "text": text})
    return {"kind": "coverage", "bars": bars}


def _bar(visit: Visit, one: Json, share: str) -> Chart:
    percent, covered, primary = visit.language.percent, one.get("coverage"), one.get("primary")
    said = [
        f"{one['name']}: {percent(one[share])}",
        visit.text("covered: %(share)s", share=percent(covered))
        if covered
        else visit.text("covered: not known"),
    ]
    if primary:
        said.append(visit.text("with primary data: %(share)s", share=percent(primary)))
    made = {"label": one["name"], "width": one[share], "text": "\n".join(said)}
    known = {"covered": covered, "primary": primary}
    return made | {name: value for name, value in known.items() if value is not None}


def dated(trends: Iterable[Json]) -> list[dict[str, Any]]:
    """Trends without dates that are none: they are as partners have written them."""
    return [
        {
            **one,
            "points": [
                {
                    name: value
                    for name, value in point.items()
                    if name != "created" or _is_time(value)
                }
                for point in one["points"]
            ],
        }
        for one in trends
    ]


def trends_chart(visit: Visit, trends: Iterable[Json]) -> Chart | None:
    """The figures of products over the dates of their footprints, each in percent of its first one:
    they have units of their own. None if there is nothing to draw.

    Args:
        visit: of the reader.
        trends: `dated`; what has no date is left out, the table has it.
    """
    series = []
    for one in trends:
        points = [point for point in one["points"] if point.get("created")]
        first = Decimal(points[0]["pcf"]) if points else Decimal(0)
        if len(points) < 2 or first <= 0:
            continue
        label = one.get("productName") or visit.text("without a name")
        series.append(
            {
                "label": label,
                "points": [
                    {
                        "at": point["created"],
                        "value": _percent(point["pcf"], first),
                        "text": f"{label}: {visit.language.number(point['pcf'])} kg CO₂e",
                    }
                    for point in points
                ],
            }
        )
    return {"kind": "trends", "series": series} if series else None


def _dated(point: Json) -> dict[str, Any]:
    return {name: value for name, value in point.items() if name != "created" or _is_time(value)}


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _percent(text: str, first: Decimal) -> str:
    with localcontext(prec=50):
        return format((Decimal(text) / first * 100).quantize(PLACES), "f")


def _sum(shares: Iterable[Decimal]) -> Decimal:
    with localcontext(prec=50):
        return sum(shares, Decimal(0))
