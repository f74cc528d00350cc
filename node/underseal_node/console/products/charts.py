"""Data of charts: labels and figures as the tables beside them show them, as texts.

Only the script of the browser makes numbers of them, to know where to draw. What is below zero
cannot be drawn as an area, and is left out; the tables have it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from importlib import resources
from importlib.util import find_spec
from typing import Any

from underseal_node.console.products.contributions import Contributions, Part

__all__ = ["sankey", "style_ids", "treemap", "trend"]

Number = Callable[[str], str]
Name = Callable[[Part], str]
Chart = dict[str, Any]

# A library in plotly.js adds a style sheet unless an element with this id is there.
STYLE_ID = re.compile(rb'document\.getElementById\("([0-9a-f]{64})"\)')


@lru_cache(maxsize=1)
def style_ids() -> Sequence[str]:
    """Ids of the style sheets that plotly.js would add when it is loaded; a page that has elements
    with these ids keeps it from that, which our policy for content would refuse."""
    if find_spec("plotly") is None:
        return ()
    script = (resources.files("plotly") / "package_data" / "plotly.min.js").read_bytes()
    return tuple(dict.fromkeys(one.decode() for one in STYLE_ID.findall(script)))


def sankey(found: Contributions, product: str, name_of: Name, number: Number) -> Chart:
    """From tiers by lines and processes, and our intermediates, into the product.

    Args:
        found: what contributes.
        product: name of the product.
        name_of: label of a part.
        number: writes a figure for the reader.
    """
    nodes = _Nodes()
    root = nodes.of(("root",), product, "product")
    links: list[Chart] = []

    def link(start: int, end: int, amount: str) -> None:
        if Decimal(amount) > 0:
            links.append({"from": start, "to": end, "value": amount, "text": number(amount)})

    tiers = {one.key: one.label for one in found.tiers}
    for index, part in enumerate(found.parts):
        if Decimal(part.amount) <= 0:
            continue
        tier = nodes.of(("tier", part.tier), tiers[part.tier], "tier")
        line = nodes.of(("part", index), name_of(part), "line")
        into = nodes.of(("process", part.process), found.process_labels[part.process], "process")
        link(tier, line, part.amount)
        link(line, into, part.amount)
    for group in found.processes:
        process, owner = group.key
        start = nodes.find(("process", process))
        if start is not None:
            end = root if owner == found.root else nodes.of(("product", owner), owner, "product")
            link(start, end, group.amount)
    for group in found.products:
        start = nodes.find(("product", group.key))
        if start is not None:
            link(start, root, group.amount)
    return {"kind": "sankey", "nodes": nodes.made, "links": links}


def treemap(found: Contributions, product: str, name_of: Name, number: Number) -> Chart:
    """Lines as areas, by process."""
    items: list[Chart] = [{"id": "product", "label": product, "parent": "", "value": "0"}]
    known: dict[Hashable, str] = {}
    for index, part in enumerate(found.parts):
        if Decimal(part.amount) <= 0:
            continue
        if part.process not in known:
            known[part.process] = f"process-{len(known)}"
            label = found.process_labels[part.process]
            items.append(
                {"id": known[part.process], "label": label, "parent": "product", "value": "0"}
            )
        items.append(
            {
                "id": f"part-{index}",
                "label": name_of(part),
                "parent": known[part.process],
                "value": part.amount,
                "text": number(part.amount),
            }
        )
    return {"kind": "treemap", "items": items}


def trend(
    footprints: Iterable[Mapping[str, Any]], number: Number, said: Callable[[str], str]
) -> Chart | None:
    """The figure of each footprint from when it was calculated; those for the unit of the newest.

    Args:
        footprints: newest first.
        number: writes a figure for the reader.
        said: what the node says, for the reader.
    """
    rows = [one for one in footprints if one.get("pcf")]
    points = [
        {
            "at": one["calculatedAt"],
            "value": one["pcf"],
            "text": number(one["pcf"]),
            "notes": [said(cause["message"]) for cause in one["causes"]],
        }
        for one in reversed(rows)
        if one["unit"] == rows[0]["unit"]
    ]
    return {"kind": "trend", "points": points} if len(points) > 1 else None


class _Nodes:
    """Each node once, by a key that tells it from others with its label."""

    def __init__(self) -> None:
        self.made: list[Chart] = []
        self._places: dict[Hashable, int] = {}

    def of(self, key: Hashable, label: str, role: str) -> int:
        if key not in self._places:
            self._places[key] = len(self.made)
            self.made.append({"label": label, "role": role})
        return self._places[key]

    def find(self, key: Hashable) -> int | None:
        return self._places.get(key)
