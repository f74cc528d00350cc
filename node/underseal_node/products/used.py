"""What a calculation was made from: enough to say later what has changed since, and by which way.

Digests only tell that something is different; what it is stands where it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from underseal_protocol.rollup.documents import source_json, source_of
from underseal_protocol.rollup.sources import ProductSource, Source

__all__ = ["LineKey", "Used", "UsedFootprint", "UsedLine"]

LineKey: TypeAlias = tuple[str, str]
"""Ids of a product and of a line of it."""


@dataclass(frozen=True, slots=True)
class UsedFootprint:
    """A received footprint, as it was when it was used.

    Attributes:
        peer: name of whom it is from.
        product_name: of what it is for.
        digest: of its content without status.
        status: `Active` or `Deprecated`.
        valid_from: start of its validity.
        valid_until: end of its validity.
        preceding: ids of footprints that it replaces.
        trust: a `sources.Trust`.
        withheld: blocks of it.
        replaced_by: id of a footprint that names it as preceding, if it is deprecated and the
            other one has been received.
    """

    peer: str
    product_name: str
    digest: str
    status: str
    valid_from: str
    valid_until: str
    preceding: tuple[str, ...] = ()
    trust: str = ""
    withheld: tuple[str, ...] = ()
    replaced_by: str | None = None


@dataclass(frozen=True, slots=True)
class UsedLine:
    """A line and what it was resolved to."""

    name: str
    source: Source | None


@dataclass(frozen=True, slots=True)
class Used:
    """Everything that a calculation was made from.

    Attributes:
        root: id of the product.
        products: of the product and its intermediates, digests by id.
        factors: digests by id.
        footprints: by id.
        lines: of all these products.
        readings: of the energy of a product, digests by product id.
    """

    root: str
    products: Mapping[str, str] = field(default_factory=dict)
    factors: Mapping[str, str] = field(default_factory=dict)
    footprints: Mapping[str, UsedFootprint] = field(default_factory=dict)
    lines: Mapping[LineKey, UsedLine] = field(default_factory=dict)
    readings: Mapping[str, str] = field(default_factory=dict)

    def paths(self) -> dict[str, tuple[str, ...]]:
        """The shortest way to each product that is used: from the root to it, both included."""
        parts: dict[str, list[str]] = {}
        for (owner, _), line in self.lines.items():
            if isinstance(line.source, ProductSource):
                parts.setdefault(owner, []).append(line.source.id)
        paths: dict[str, tuple[str, ...]] = {self.root: (self.root,)}
        queue = [self.root]
        for product in queue:
            for part in parts.get(product, ()):
                if part not in paths:
                    paths[part] = (*paths[product], part)
                    queue.append(part)
        return paths

    def users(self) -> dict[Source, list[LineKey]]:
        """The lines by what they are resolved to."""
        found: dict[Source, list[LineKey]] = {}
        for key, line in self.lines.items():
            if line.source is not None:
                found.setdefault(line.source, []).append(key)
        return found

    def to_json(self) -> dict[str, Any]:
        """For storage."""
        return {
            "root": self.root,
            "products": dict(self.products),
            "factors": dict(self.factors),
            "footprints": {
                name: {
                    "peer": one.peer,
                    "productName": one.product_name,
                    "digest": one.digest,
                    "status": one.status,
                    "validFrom": one.valid_from,
                    "validUntil": one.valid_until,
                    "preceding": list(one.preceding),
                    "trust": one.trust,
                    "withheld": list(one.withheld),
                }
                for name, one in self.footprints.items()
            },
            "lines": [
                [*key, one.name, None if one.source is None else source_json(one.source)]
                for key, one in self.lines.items()
            ],
            "readings": dict(self.readings),
        }

    @classmethod
    def of_json(cls, document: Mapping[str, Any]) -> Used:
        """As `to_json` wrote it."""
        return cls(
            document["root"],
            document["products"],
            document["factors"],
            {
                name: UsedFootprint(
                    one["peer"],
                    one["productName"],
                    one["digest"],
                    one["status"],
                    one["validFrom"],
                    one["validUntil"],
                    tuple(one["preceding"]),
                    one["trust"],
                    tuple(one["withheld"]),
                )
                for name, one in document["footprints"].items()
            },
            {
                (product, line): UsedLine(name, None if source is None else source_of(source))
                for product, line, name, source in document["lines"]
            },
            document["readings"],
        )
